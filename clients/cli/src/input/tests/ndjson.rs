//! NDJSON.

use super::*;

#[test]
fn declared_types_are_read() {
    let text = concat!(
        r#"{"id":1,"amount":12.30,"day":"2026-03-31","seen":"2026-03-31T00:00:00Z","#,
        r#""open":true,"name":"a\"\u00fc","rate":0.1,"hash":"AP8="}"#,
        "\r\n",
        r#"{"name":null,"id":"2","amount":"1.5"}"#,
        "\n\n",
        r#"{"id":9223372036854775807,"rate":"NaN","name":""}"#,
    );
    let rows = "1|12.30|2026-03-31|2026-03-31T00:00:00.000000Z|true|a\"ü|0.1|AP8=\n\
        2|1.50|∅|∅|∅|∅|∅|∅\n\
        9223372036854775807|∅|∅|∅|∅||NaN|∅";
    check("a.ndjson", text, &declared(), &format!("{DECLARED}\n{rows}"));
}

#[test]
fn other_types_are_inferred() {
    for (text, expected) in [
        (
            "{\"a\":1,\"b\":1.50,\"c\":1e3,\"d\":true,\"e\":\"x\"}\n\
             {\"e\":\"2026-03-31\",\"f\":null,\"a\":-0,\"b\":7,\"c\":0.5}\n",
            "a int64, b decimal128(38, 2), c double, d bool, e string, f string\n\
             1|1.50|1000.0|true|x|∅\n0|7.00|0.5|∅|2026-03-31|∅",
        ),
        (
            "{\"a\":90071992547409931234.56}\n{\"a\":18446744073709551616}",
            "a decimal128(38, 2)\n90071992547409931234.56\n18446744073709551616.00",
        ),
        ("\u{feff}{\"id\":1}\n{}\n", "id int64\n1\n∅"),
        ("{\"a\\n\":\"\"}", "a\n string\n"),
    ] {
        let found = read_bytes("a.jsonl", text.as_bytes(), &ReadOptions::default());
        assert_eq!(shown(found), expected);
    }
}

#[test]
fn other_encodings_are_read() {
    let latin = with(|options| options.encoding = "latin-1".to_owned());
    check("a.ndjson", b"{\"n\xE4me\":\"M\xFCller\"}", &latin, "näme string\nMüller");
}

#[test]
fn bad_cells_are_named() {
    let malformed = "not a value of this type; mend it, or declare the column with another type";
    let kind =
        |kind| format!("JSON {kind} is not read as this type; mend it, or declare the column otherwise");
    let digits = "3 fractional digits where the type keeps 2; nothing is rounded";
    for (column, value, expected, fault) in [
        ("name", "5", "string", &*kind("number")),
        ("name", "true", "string", &kind("boolean")),
        ("name", "[\"x\"]", "string", &kind("array")),
        ("name", "\"\\ud83d\"", "string", malformed),
        ("open", "\"true\"", "bool", &kind("string")),
        ("open", "1", "bool", &kind("number")),
        ("id", "1.5", "int64", malformed),
        ("id", "1e2", "int64", malformed),
        ("id", "false", "int64", &kind("boolean")),
        ("amount", "1.234", "decimal128(18, 2)", digits),
        ("seen", "1774951199", "timestamp[us, tz=UTC]", &kind("number")),
        ("new", "{\"y\":1}", "a plain value", &kind("object")),
    ] {
        let place = format!("a.ndjson, row 1 (line 2), column {column}");
        let message = format!("{place}: found {value:?}, expected {expected}: {fault}");
        let text = format!("\n{{\"{column}\":{value}}}\n");
        check("a.ndjson", text, &declared(), &message);
    }
    let long = "9".repeat(39);
    let message = format!(
        "a.ndjson, row 1 (line 1), column x: found \"{long}\", expected a number of 38 digits: \
         outside the range of this type; widen the column's type"
    );
    let text = format!("{{\"x\":{long}}}");
    check("a.ndjson", text, &ReadOptions::default(), &message);
}

#[test]
fn broken_files_are_refused() {
    let line = |row, line| {
        format!(
            "a.json, row {row} (line {line}): not a JSON object on a line of its own; was the \
             file cut short?"
        )
    };
    let empty = "a.json is empty, without even a header; did its export fail?";
    let array = "a.json is a JSON array; write one object a line, for example with jq -c '.[]'";
    let bytes = "a.json, row 1 (line 1): bytes that are not valid UTF-8; pass the file's \
        encoding, such as windows-1252, or auto";
    let kinds = "a.json, row 2 (line 2), column x: a string where the rows before have a \
        number; declare the column's type";
    let columns = "a.json: columns 1 and 2 are both called \"id\"; rename or ignore one";
    let field = "a.json, row 1 (line 2): the field \"id\" is given twice";
    for (text, expected) in [
        (&b""[..], empty),
        (b"\n \n", empty),
        (b" [{\"id\":1}]", array),
        (b"{\"id\":1}\n{\"id\":2,\"na", &line(2, 2)),
        (b"7\n", &line(1, 1)),
        (b"{\"id\":1} {\"id\":2}\n", &line(1, 1)),
        (b"{\"id\":01}\n", &line(1, 1)),
        (b"{\"id\":1,}\n", &line(1, 1)),
        (b"\n{\"id\":1,\"id\":2}\n", field),
        (b"{\"id\":1,\"key\":2}\n", columns),
        (b"{\"name\":\"\xFC\"}\n", bytes),
        (b"{\"x\":1}\n{\"x\":\"1\"}\n", kinds),
    ] {
        let mut options = declared();
        options.rename.insert("key".to_owned(), "id".to_owned());
        check("a.json", text, &options, expected);
    }
}
