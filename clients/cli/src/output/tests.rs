//! Exact answers in every format.

use std::io;
use std::sync::{Arc, Mutex};

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int8Array, Int64Array, ListArray, NullArray, StringArray, StringViewArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};

use super::*;

/// An output that can be looked at afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn bytes(format: Format, batches: &[&RecordBatch], options: TableOptions) -> Vec<u8> {
    let out = Shared::default();
    let schema = batches[0].schema();
    let mut writer = writer_with(format, &schema, Box::new(out.clone()), options).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    out.0.lock().unwrap().clone()
}

const WIDE: TableOptions =
    TableOptions { rows_max: 40, width: None, null: "-", cell_chars_max: 60, counts_rows: true };

fn check(format: Format, batches: &[&RecordBatch], options: TableOptions, expected: &[&str]) {
    let text = String::from_utf8(bytes(format, batches, options)).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), expected, "\n{text}");
    assert!(text.is_empty() || text.ends_with('\n'));
}

/// A row of values and a row of nulls of every type that Calotype keeps.
fn every_type() -> RecordBatch {
    let at = TimestampMicrosecondArray::from(vec![Some(1_775_001_599_999_999), None]);
    let amount = Decimal128Array::from(vec![Some(-1230), None]).with_precision_and_scale(18, 2);
    batch(vec![
        ("i8", Arc::new(Int8Array::from(vec![Some(-5), None]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MAX), None]))),
        ("u64", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("f32", Arc::new(Float32Array::from(vec![Some(0.1), None]))),
        ("f64", Arc::new(Float64Array::from(vec![Some(1e300), None]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("t", Arc::new(StringArray::from(vec![Some("a \"b\",\n\u{1b}ü"), None]))),
        ("bin", Arc::new(BinaryArray::from(vec![Some(&[0_u8, 255][..]), None]))),
        ("d", Arc::new(Date32Array::from(vec![Some(20_543), None]))),
        ("at", Arc::new(at.with_timezone("UTC"))),
        ("amount", Arc::new(amount.unwrap())),
    ])
}

#[test]
fn json_keeps_every_value_exactly() {
    let first = "{\"i8\":-5,\"i64\":\"9223372036854775807\",\"u64\":\"18446744073709551615\",\
        \"f32\":0.1,\"f64\":1e300,\"b\":true,\"t\":\"a \\\"b\\\",\\n\\u001bü\",\"bin\":\"AP8=\",\
        \"d\":\"2026-03-31\",\"at\":\"2026-03-31T23:59:59.999999Z\",\"amount\":\"-12.30\"}";
    let second = "{\"i8\":null,\"i64\":null,\"u64\":null,\"f32\":null,\"f64\":null,\"b\":null,\
        \"t\":null,\"bin\":null,\"d\":null,\"at\":null,\"amount\":null}";
    check(Format::Ndjson, &[&every_type()], WIDE, &[first, second]);
    check(Format::Json, &[&every_type()], WIDE, &["[", &format!("{first},"), second, "]"]);
}

#[test]
fn answers_come_in_several_batches_or_none() {
    let one = batch(vec![("a \"b\"", Arc::new(Int8Array::from(vec![1])) as ArrayRef)]);
    let none = one.slice(0, 0);
    let two = [&one, &none, &one];
    check(Format::Json, &two, WIDE, &["[", "{\"a \\\"b\\\"\":1},", "{\"a \\\"b\\\"\":1}", "]"]);
    check(Format::Json, &[&none], WIDE, &["[]"]);
    check(Format::Ndjson, &[&none], WIDE, &[]);
    check(Format::Csv, &two, WIDE, &["\"a \"\"b\"\"\"", "1", "1"]);
    check(Format::Csv, &[&none], WIDE, &["\"a \"\"b\"\"\""]);
    check(Format::Table, &[&none], WIDE, &["┌───────┐", "│ a \"b\" │", "╞═══════╡", "└───────┘", "no rows"]);
}

#[test]
fn csv_tells_null_from_empty() {
    let texts = StringArray::from(vec![Some(""), None, Some("x,y"), Some("say \"hi\""), Some("\r")]);
    let numbers = Int8Array::from(vec![None, Some(1), Some(2), Some(3), Some(4)]);
    let both = batch(vec![("t", Arc::new(texts.clone()) as ArrayRef), ("n", Arc::new(numbers))]);
    let text = String::from_utf8(bytes(Format::Csv, &[&both], WIDE)).unwrap();
    assert_eq!(text, "t,n\n\"\",\n,1\n\"x,y\",2\n\"say \"\"hi\"\"\",3\n\"\r\",4\n");
    let alone = batch(vec![("t", Arc::new(texts.slice(0, 2)) as ArrayRef)]);
    check(Format::Csv, &[&alone], WIDE, &["t", "\"\"", "\"\""]);
    check(
        Format::Csv,
        &[&every_type()],
        WIDE,
        &[
            "i8,i64,u64,f32,f64,b,t,bin,d,at,amount",
            "-5,9223372036854775807,18446744073709551615,0.1,1e300,true,\"a \"\"b\"\",",
            "\u{1b}ü\",AP8=,2026-03-31,2026-03-31T23:59:59.999999Z,-12.30",
            ",,,,,,,,,,",
        ],
    );
}

#[test]
fn other_types_have_a_text_too() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None])]);
    let dictionary: DictionaryArray<Int32Type> = ["x"].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("dict", Arc::new(dictionary)),
        ("view", Arc::new(StringViewArray::from(vec!["v"]))),
        ("list", Arc::new(list)),
        ("null", Arc::new(NullArray::new(1))),
        ("s", Arc::new(TimestampSecondArray::from(vec![1]).with_timezone("+02:00"))),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![1_001]).with_timezone("UTC"))),
        ("local", Arc::new(TimestampMicrosecondArray::from(vec![0]))),
        ("nan", Arc::new(Float64Array::from(vec![f64::NAN]))),
        ("inf", Arc::new(Float32Array::from(vec![f32::NEG_INFINITY]))),
        ("one", Arc::new(Float64Array::from(vec![1.0]))),
    ];
    check(
        Format::Ndjson,
        &[&batch(columns)],
        WIDE,
        &["{\"dict\":\"x\",\"view\":\"v\",\"list\":\"[1, ]\",\"null\":null,\
         \"s\":\"1970-01-01T00:00:01.000000Z\",\"ns\":\"1970-01-01T00:00:00.000001001Z\",\
         \"local\":\"1970-01-01T00:00:00.000000\",\"nan\":\"NaN\",\"inf\":\"-Infinity\",\
         \"one\":1.0}"],
    );
}

/// Rows as people see them: numbers, wide characters, nulls, control characters.
fn people() -> RecordBatch {
    let amounts = Decimal128Array::from(vec![Some(123_456), None, Some(-5)]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![1, 20, 300]))),
        ("name", Arc::new(StringArray::from(vec![Some("Müller"), Some("東京"), None]))),
        ("amount", Arc::new(amounts.with_precision_and_scale(18, 2).unwrap())),
        ("text", Arc::new(StringArray::from(vec!["two\nlines", "\u{1b}[31mred", ""]))),
    ];
    batch(columns)
}

#[test]
fn a_table_is_for_people() {
    check(
        Format::Table,
        &[&people()],
        WIDE,
        &[
            "┌─────┬────────┬─────────┬───────────────┐",
            "│  id ┆ name   ┆  amount ┆ text          │",
            "╞═════╪════════╪═════════╪═══════════════╡",
            "│   1 ┆ Müller ┆ 1234.56 ┆ two\\nlines    │",
            "│  20 ┆ 東京   ┆       - ┆ \\u{1b}[31mred │",
            "│ 300 ┆ -      ┆   -0.05 ┆               │",
            "└─────┴────────┴─────────┴───────────────┘",
            "3 rows",
        ],
    );
}

#[test]
fn a_table_names_what_does_not_fit() {
    let batch = people();
    let narrow = TableOptions { rows_max: 2, width: Some(26), null: "", ..WIDE };
    check(
        Format::Table,
        &[&batch, &batch],
        narrow,
        &[
            "┌────┬────────┬─────────┐",
            "│ id ┆ name   ┆  amount │",
            "╞════╪════════╪═════════╡",
            "│  1 ┆ Müller ┆ 1234.56 │",
            "│ 20 ┆ 東京   ┆         │",
            "└────┴────────┴─────────┘",
            "6 rows, the first 2 shown, 4 more",
            "columns that do not fit: text; choose columns or another format",
        ],
    );
    let tiny = TableOptions { rows_max: 1, width: Some(3), null: "", ..WIDE };
    check(
        Format::Table,
        &[&batch.slice(0, 1)],
        tiny,
        &[
            "┌────┐",
            "│ id │",
            "╞════╡",
            "│  1 │",
            "└────┘",
            "1 row",
            "columns that do not fit: name, amount, text; choose columns or another format",
        ],
    );
}

#[test]
fn long_texts_of_a_table_are_cut() {
    let long = batch(vec![("t", Arc::new(StringArray::from(vec!["x".repeat(61)])) as ArrayRef)]);
    let cut = format!("│ {}… │", "x".repeat(59));
    let (bar, double) = ("─".repeat(62), "═".repeat(62));
    check(
        Format::Table,
        &[&long],
        WIDE,
        &[
            &format!("┌{bar}┐"),
            &format!("│ t{} │", " ".repeat(59)),
            &format!("╞{double}╡"),
            &cut,
            &format!("└{bar}┘"),
            "1 row",
            "texts of more than 60 characters end in …",
        ],
    );
}

#[test]
fn columnar_formats_keep_batches_and_metadata() {
    let schema = arrow_schema::Schema::clone(&every_type().schema())
        .with_metadata([("calotype.claim".to_owned(), "{}".to_owned())].into());
    let batch = every_type().with_schema(Arc::new(schema)).unwrap();
    let stream = bytes(Format::Arrow, &[&batch], WIDE);
    let reader = arrow_ipc::reader::StreamReader::try_new(stream.as_slice(), None).unwrap();
    assert_eq!(reader.schema(), batch.schema());
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(batches, std::slice::from_ref(&batch));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes(Format::Parquet, &[&batch], WIDE)).unwrap();
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        std::fs::File::open(file.path()).unwrap(),
    );
    let batches: Vec<_> = reader.unwrap().build().unwrap().map(Result::unwrap).collect();
    assert_eq!(batches[0].columns(), batch.columns());
}

/// An output whose reader has gone.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_broken_pipe_is_told_from_other_errors() {
    let batch = every_type();
    for format in [Format::Table, Format::Json, Format::Ndjson, Format::Csv, Format::Arrow, Format::Parquet] {
        let error = writer(format, &batch.schema(), Box::new(Gone))
            .and_then(|mut writer| {
                writer.write(&batch)?;
                writer.finish()
            })
            .unwrap_err();
        assert!(error.is_broken_pipe(), "{format:?}: {error:?}");
    }
    assert!(!OutputError::Write(io::ErrorKind::StorageFull.into()).is_broken_pipe());
}

#[test]
fn formats_are_known_by_extension() {
    for (name, expected) in [
        ("a.csv", Some(Format::Csv)),
        ("a.b.PARQUET", Some(Format::Parquet)),
        ("a.json", Some(Format::Json)),
        ("a.jsonl", Some(Format::Ndjson)),
        ("a.arrows", Some(Format::Arrow)),
        ("a", None),
        ("a.xlsx", None),
    ] {
        assert_eq!(Format::of_path(Path::new(name)), expected, "{name}");
    }
    assert!(Format::Parquet.is_binary() && !Format::Csv.is_binary());
}
