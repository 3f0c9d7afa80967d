//! Whole files in every format, good and bad: what is read, and which error names what.

use std::fs;

use arrow_schema::{DataType, FieldRef};

use super::*;
use crate::output::Cells;

mod columnar;
mod csv;
mod ndjson;

/// What reading came to, as text: a line of columns and one for each row, or the error.
fn shown(outcome: Result<Extract, InputError>) -> String {
    let extract = match outcome {
        Ok(extract) => extract,
        Err(error) => return error.to_string(),
    };
    let name = |field: &FieldRef| {
        let not_null = if field.is_nullable() { "" } else { " not null" };
        let data_type = type_name(field.data_type());
        format!("{} {data_type}{not_null}", field.name())
    };
    let columns: Vec<_> = extract.schema.fields().iter().map(name).collect();
    let mut lines = vec![columns.join(", ")];
    for batch in &extract.batches {
        assert_eq!(batch.schema(), extract.schema);
        assert!((1..=BATCH_ROWS_MAX).contains(&batch.num_rows()));
        lines.extend((0..batch.num_rows()).map(|row| row_text(batch, row)));
    }
    assert_eq!(lines.len() as u64, extract.rows + 1);
    lines.join("\n")
}

/// The cells of a row, with `∅` for null.
fn row_text(batch: &RecordBatch, row: usize) -> String {
    let cell = |column| {
        let mut text = String::new();
        match Cells::of(column).unwrap().append(row, &mut text) {
            Some(_) => text,
            None => "∅".to_owned(),
        }
    };
    batch.columns().iter().map(cell).collect::<Vec<_>>().join("|")
}

/// Reads a file from memory and compares what came of it.
fn check(name: &str, bytes: impl AsRef<[u8]>, options: &ReadOptions, expected: &str) {
    let found = shown(read_bytes(name, bytes.as_ref(), options));
    let input = String::from_utf8_lossy(bytes.as_ref());
    assert_eq!(found, expected, "{input}");
}

fn with(change: impl FnOnce(&mut ReadOptions)) -> ReadOptions {
    let mut options = ReadOptions::default();
    change(&mut options);
    options
}

/// The columns of a context.
fn declared() -> ReadOptions {
    let columns = [
        ("id", DataType::Int64, false),
        ("amount", DataType::Decimal128(18, 2), true),
        ("day", DataType::Date32, true),
        ("seen", instant_type(), true),
        ("open", DataType::Boolean, true),
        ("name", DataType::Utf8, true),
        ("rate", DataType::Float64, true),
        ("hash", DataType::Binary, true),
    ];
    let column = |(name, data_type, nullable)| {
        let column = Column::nullable(name, data_type);
        Column { nullable, ..column }
    };
    with(|options| options.columns = Some(columns.map(column).to_vec()))
}

/// The line of columns of a file that has all that are declared.
const DECLARED: &str = "id int64 not null, amount decimal128(18, 2), day date32[day], \
    seen timestamp[us, tz=UTC], open bool, name string, rate double, hash binary";

#[test]
fn columns_are_renamed_ignored_and_reported() {
    let mut options = declared();
    options.rename.insert("Konto".to_owned(), "id".to_owned());
    options.ignore.insert("junk".to_owned());
    for (name, text, expected) in [
        ("a.csv", "Konto,junk,new,_op\n1,x,5,\n", "id int64, new int64, _op string\n1|5|∅"),
        ("a.ndjson", "{\"Konto\":1,\"junk\":[1],\"new\":\"x\"}\n", "id int64 not null, new string\n1|x"),
    ] {
        check(name, text, &options, expected);
        let extract = read_bytes(name, text.as_bytes(), &options).unwrap();
        assert_eq!(extract.extra, ["new"]);
    }
    let nothing = with(|options| options.ignore.extend(["a".to_owned()]));
    check("a.csv", "a\n1\n2\n", &nothing, "\n\n");
    let inferred = read_bytes("a.csv", b"a\n1\n", &ReadOptions::default()).unwrap();
    assert!(inferred.extra.is_empty());
}

#[test]
fn a_null_is_refused_where_none_is_allowed_save_in_a_retraction() {
    let mut strict = declared();
    for column in strict.columns.iter_mut().flatten() {
        column.nullable = false;
    }
    for (name, text, expected) in [
        ("a.csv", "id,amount\n1,1\n,2\n", "row 2 (line 3), column id"),
        ("a.csv", "amount,id,_op\n,1,assert\n", "row 1 (line 2), column amount"),
        ("a.csv", "id,amount,_op\n,1,\n", "row 1 (line 2), column id"),
        ("a.ndjson", "\n{\"id\":1,\"day\":null}", "row 1 (line 2), column day"),
        ("a.ndjson", "{\"id\":1,\"amount\":\"1\"}\n{\"id\":1}\n", "row 2 (line 2), column amount"),
    ] {
        let null = "null, but the column is declared not null";
        check(name, text, &strict, &format!("{name}, {expected}: {null}"));
    }
    check(
        "a.csv",
        "id,amount,_op\n1,1,assert\n2,,retract\n",
        &strict,
        "id int64, amount decimal128(18, 2), _op string\n1|1.00|assert\n2|∅|retract",
    );
}

#[test]
fn the_format_comes_from_the_name_or_the_options() {
    let options = ReadOptions::default();
    check("A.CSV", "a\n1\n", &options, "a int64\n1");
    let csv = with(|options| options.format = Some(Format::Csv));
    check("extract.20260331", "a\n1\n", &csv, "a int64\n1");
    let unknown = "cannot tell the format of extract from its name; pass --input-format csv, \
        tsv, ndjson, parquet or arrow";
    check("extract", "a\n1\n", &options, unknown);
    let memory = "a.parquet: parquet is read from a file, not from memory; write it to a file \
        first";
    check("a.parquet", "PAR1", &options, memory);
    let label = with(|options| options.encoding = "latin-99".to_owned());
    let error = read_bytes("a.csv", b"a", &label);
    assert!(matches!(error, Err(InputError::UnknownEncoding { .. })));
}

#[test]
fn long_files_come_in_bounded_batches() {
    let numbers = (0..=BATCH_ROWS_MAX).map(|id| format!("{id}\n"));
    let text = "id\n".to_owned() + &numbers.collect::<String>();
    let extract = read_bytes("a.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
    let lens: Vec<_> = extract.batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(lens, [BATCH_ROWS_MAX, 1]);
    let error = read_bytes("a.csv", (text + "x\n").as_bytes(), &declared()).unwrap_err();
    let InputError::Cell(cell) = error else { panic!("{error}") };
    assert_eq!((cell.place.row, cell.place.line), (65_538, Some(65_539)));
}

#[test]
fn a_row_without_end_is_refused() {
    let long = "x".repeat(ROW_BYTES_MAX + 1);
    for (name, line) in [("a.csv", 2), ("a.ndjson", 1)] {
        let text = if line == 2 { format!("id\n\"{long}") } else { long.clone() };
        let error = read_bytes(name, text.as_bytes(), &ReadOptions::default()).unwrap_err();
        let InputError::RowTooLong { place, .. } = error else { panic!("{error}") };
        assert_eq!((place.row, place.line), (1, Some(line)));
    }
}

#[test]
fn progress_rises_to_the_end() {
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    fs::write(&file, "id\n".to_owned() + &"12345\n".repeat(100_000)).unwrap();
    let options = with(|options| options.encoding = "auto".to_owned());
    let mut seen = Vec::new();
    let mut progress = |done, total| seen.push((done, total));
    read_with_progress(file.path(), &options, &mut progress).unwrap();
    assert!(seen.is_sorted() && seen.len() > 3);
    assert_eq!(seen.last(), Some(&(600_003, 600_003)));
}
