//! CSV.

use super::*;

#[test]
fn declared_types_are_read() {
    let all = "id,amount,day,seen,open,name,rate,hash\n\
        1,12.30,2026-03-31,2026-03-31T23:59:59.999999Z,true,\"a, \"\"b\"\"\",0.1,AP8=\n\
        2,,,,,,,\r\n\
        \n\
        3,-0.5,0001-01-01,2026-03-31T02:00:00+02:00,FALSE,\"two\nlines\",1e3,\n";
    let rows = "1|12.30|2026-03-31|2026-03-31T23:59:59.999999Z|true|a, \"b\"|0.1|AP8=\n\
        2|∅|∅|∅|∅|∅|∅|∅\n\
        3|-0.50|0001-01-01|2026-03-31T00:00:00.000000Z|false|two\nlines|1000.0|∅";
    let found = read_bytes("a.csv", all.as_bytes(), &declared());
    // One cell holds a line break, so the text has a line more than there are rows.
    let [batch] = &found.unwrap().batches[..] else { panic!("one batch") };
    let found: Vec<_> = (0..3).map(|row| row_text(batch, row)).collect();
    assert_eq!(found.join("\n"), rows);
    let amount = "amount decimal128(18, 2), id int64 not null\n1.00|7";
    check("a.csv", "amount,id\n1.000,7", &declared(), amount);
    check("a.csv", "id\n", &declared(), "id int64 not null");
}

#[test]
fn other_types_are_inferred() {
    for (text, expected) in [
        (
            "i,d,z,b,t\n1,2.5,007,true,x\n-2,3,1,FALSE,\n,,,,y\n",
            "i int64, d decimal128(38, 1), z string, b bool, t string\n\
             1|2.5|007|true|x\n-2|3.0|1|false|∅\n∅|∅|∅|∅|y",
        ),
        (
            "day,at,none,e\n2026-03-31,2026-03-31T00:00:00Z,,1e5\n",
            "day date32[day], at timestamp[us, tz=UTC], none string, e string\n\
             2026-03-31|2026-03-31T00:00:00.000000Z|∅|1e5",
        ),
        ("a,b", "a string, b string"),
        (
            "id,_valid_from,_valid_to,_op\n1,2026-03-31T00:00:00Z,,\n",
            "id int64, _valid_from timestamp[us, tz=UTC], _valid_to timestamp[us, tz=UTC], \
             _op string\n1|2026-03-31T00:00:00.000000Z|∅|∅",
        ),
        // An amount that a float would have changed.
        ("a\n90071992547409931234.56\n0.1\n", "a decimal128(38, 2)\n90071992547409931234.56\n0.10"),
    ] {
        check("a.csv", text, &ReadOptions::default(), expected);
    }
}

#[test]
fn conventions_of_text() {
    let plain = ReadOptions::default();
    check("a.csv", b"\xEF\xBB\xBFid\n1\n", &plain, "id int64\n1");
    check("a.csv", "a\r1\r2\r", &plain, "a int64\n1\n2");
    let semicolon = with(|options| options.delimiter = b';');
    check("a.csv", "a;b\n1,5;2\n", &semicolon, "a string, b int64\n1,5|2");
    check("a.tsv", "a\tb\n1\t2\n", &semicolon, "a int64, b int64\n1|2");
    let latin = with(|options| options.encoding = "latin-1".to_owned());
    check("a.csv", b"n\xE4me\nM\xFCller\n", &latin, "näme string\nMüller");
    let auto = with(|options| options.encoding = "auto".to_owned());
    check("a.csv", b"a\nM\xFCller\n", &auto, "a string\nMüller");
    check("a.csv", "a\nMüller\n", &auto, "a string\nMüller");
    let nulls = with(|options| options.null_values = vec!["\\N".to_owned(), "NULL".to_owned()]);
    check("a.csv", "a,b\n1,\n\\N,NULL\n", &nulls, "a int64, b string\n1|\n∅|∅");
    let trim = with(|options| options.trim = true);
    let trimmed = "a int64, b string\n1|x\n∅|y";
    check("a.csv", " a , b\n 1 ,\"x \"\n  , y\n", &trim, trimmed);
}

#[test]
fn trailing_delimiters_pass_on_demand() {
    let options = with(|options| {
        options.allow_trailing_comma = true;
        options.delimiter = b'|';
    });
    let both = "a int64, b int64\n1|2\n3|4";
    check("a.csv", "a|b|\n1|2|\n3|4\n", &options, both);
    check("a.csv", "a|b\n1|2|\n3|4||\n", &options, both);
    let ragged = "a.csv, row 1 (line 2): 3 fields where the header has 2; look for a missing \
        quote, a line cut short or a delimiter inside a value";
    check("a.csv", "a|b\n1|2|3\n", &options, ragged);
}

#[test]
fn bad_cells_are_named() {
    let malformed = "not a value of this type; mend it, or declare the column with another type";
    let range = "outside the range of this type; widen the column's type";
    let digits =
        |found, kept| format!("{found} fractional digits where the type keeps {kept}; nothing is rounded");
    let (int, instant) = ("int64", "timestamp[us, tz=UTC]");
    let money = "decimal128(18, 2)";
    for (column, cell, expected, fault) in [
        ("id", "1.5", int, malformed),
        ("id", "1.0", int, malformed),
        ("id", "9223372036854775808", int, range),
        ("amount", "12.345", money, &digits(3, 2)),
        ("amount", "10000000000000000.00", money, range),
        ("amount", "1e5", money, malformed),
        ("seen", "2026-03-31T00:00:00.1234567Z", instant, &digits(7, 6)),
        ("seen", "2026-03-31T00:00:00", instant, "no time zone; add Z or an offset such as +02:00"),
        ("day", "2026-02-29", "date32[day]", "no such date or time of day"),
        ("open", "yes", "bool", malformed),
        ("rate", "1,5", "double", malformed),
        ("hash", "AP8", "binary", malformed),
    ] {
        let text = format!("name,{column}\nx,\"{cell}\"\n");
        let place = format!("a.csv, row 1 (line 2), column {column}");
        let message = format!("{place}: found {cell:?}, expected {expected}: {fault}");
        check("a.csv", text, &declared(), &message);
    }
    let place = "a.csv, row 1 (line 2), column id";
    let long = format!("{place}: found \"{}\"…, expected int64: {malformed}", "x".repeat(60));
    check("a.csv", format!("id\n{}", "x".repeat(99)), &declared(), &long);
    let escaped = format!("{place}: found \"\\u{{1b}}[1m\", expected int64: {malformed}");
    check("a.csv", "id\n\u{1b}[1m", &declared(), &escaped);
}

#[test]
fn broken_files_are_refused() {
    let empty = "a.csv is empty, without even a header; did its export fail?";
    let twice = "a.csv: columns 1 and 3 are both called \"a\"; rename or ignore one";
    let unnamed = "a.csv: column 2 has no name in the header; name it, or, if each line ends \
        with a delimiter, allow a trailing one";
    let fields = |row, line, found| {
        format!(
            "a.csv, row {row} (line {line}): {found} fields where the header has 2; look for a \
             missing quote, a line cut short or a delimiter inside a value"
        )
    };
    let quote = |row, line| {
        format!(
            "a.csv, row {row} (line {line}): a quote is opened here and never closed; was the \
             file cut short?"
        )
    };
    let invalid = |row, line, encoding| {
        format!(
            "a.csv, row {row} (line {line}): bytes that are not valid {encoding}; pass the \
             file's encoding, such as windows-1252, or auto"
        )
    };
    for (bytes, expected) in [
        (&b""[..], empty),
        (b"\n\r\n", empty),
        (b"\xEF\xBB\xBF", empty),
        (b"a,b,a\n", twice),
        (b"a,,b\n", unnamed),
        (b"a,b\n1,2\n3\n", &fields(2, 3, 1)),
        (b"a,b\n1,2\n3", &fields(2, 3, 1)),
        (b"a,b\n1,2,3\n", &fields(1, 2, 3)),
        (b"a,b\n1,2\n\n\n3\n", &fields(2, 5, 1)),
        (b"a,b\r\n1,2\r\n3\r\n", &fields(2, 3, 1)),
        (b"a,b\r\n\r\n1,\"\r\n\"\r\n3\r\n", &fields(2, 5, 1)),
        (b"\na,b\n\"x\ny\",2\n3\n", &fields(2, 5, 1)),
        (b"a,b\n1,2,\n", &fields(1, 2, 3)),
        (b"a,b\n1,x\n2,\"cut", &quote(2, 3)),
        (b"a,b\n1,\"", &quote(1, 2)),
        (b"a,\"b", &quote(0, 1)),
        (b"a\nx\nM\xFCller\n", &invalid(2, 3, "UTF-8")),
        (b"n\xE4me\nx\n", &invalid(0, 1, "UTF-8")),
        (b"a,b\nx\xC3,\xBCy\n", &invalid(1, 2, "UTF-8")),
        (b"a\n\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\nb\n", &invalid(1, 2, "UTF-8")),
    ] {
        check("a.csv", bytes, &ReadOptions::default(), expected);
    }
    let sjis = with(|options| options.encoding = "shift_jis".to_owned());
    check("a.csv", b"a\nx\ny\x82", &sjis, &invalid(2, 3, "Shift_JIS"));
}

#[test]
fn options_that_cannot_be_met_are_refused() {
    let rename = with(|options| {
        options.rename.insert("x".to_owned(), "y".to_owned());
    });
    let missing = "a.csv has no column \"x\" to rename; it has a, b";
    check("a.csv", "a,b\n", &rename, missing);
    for delimiter in [b'"', b'\n', b'a', b'1', 0xFF, 0] {
        let options = with(|options| options.delimiter = delimiter);
        let error = read_bytes("a.csv", b"a\n", &options);
        assert!(matches!(error, Err(InputError::BadDelimiter { .. })));
    }
    let view = Column::nullable("a", DataType::Utf8View);
    let options = with(|options| options.columns = Some(vec![view]));
    let unsupported = "a.csv, column a: string_view is not kept; it is not read from text; \
        declare the column with another type";
    check("a.csv", "a\n", &options, unsupported);
}
