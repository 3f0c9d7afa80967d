//! Every format of an answer reads back to the same rows.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use bytes::Bytes;

use super::desk::Desk;

const AS_OF: [&str; 4] = ["as-of", "loans", "--valid-at", "2026-04-15T00:00:00Z"];

fn check_batches(batches: &[RecordBatch], claim: Option<&String>) {
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().values(), &[1, 2, 3]);
    assert_eq!(batches[0].column(1).as_primitive::<Decimal128Type>().values(), &[1000, 2000, 3000]);
    let claim: serde_json::Value = serde_json::from_str(claim.unwrap()).unwrap();
    assert_eq!(claim["context"], "loans");
}

#[test]
fn json_ndjson_and_csv_read_back() {
    let desk = Desk::with_loans();
    let ask = |format| desk.ok(&[AS_OF.as_slice(), &["--format", format]].concat());
    let lines = ask("ndjson").lines();
    assert_eq!(lines[0], serde_json::json!({"loan_id": "1", "balance": "10.00", "status": "open"}));
    let array: Vec<serde_json::Value> = serde_json::from_str(&ask("json").out).unwrap();
    assert_eq!(array, lines);
    assert_eq!(ask("csv").out, "loan_id,balance,status\n1,10.00,open\n2,20.00,open\n3,30.00,late\n");
}

#[test]
fn arrow_reads_back() {
    let desk = Desk::with_loans();
    desk.ok(&[AS_OF.as_slice(), &["--output", "a.arrow"]].concat());
    let reader = arrow_ipc::reader::StreamReader::try_new(Cursor::new(desk.read("a.arrow")), None).unwrap();
    let metadata = reader.schema().metadata().clone();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    check_batches(&batches, metadata.get("calotype.claim"));
}

#[test]
fn parquet_reads_back_and_can_be_put_again() {
    let desk = Desk::with_loans();
    desk.ok(&[AS_OF.as_slice(), &["--output", "a.parquet"]].concat());
    let bytes = Bytes::from(desk.read("a.parquet"));
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let metadata = reader.schema().metadata().clone();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    check_batches(&batches, metadata.get("calotype.claim"));
    let put = ["put", "loans", "a.parquet", "--kind", "full", "--cutoff", "2026-04-02T00:00:00Z"];
    assert_eq!(desk.ok(&put).column("unchanged"), ["3"]);
}

#[test]
fn an_empty_answer_is_whole_in_every_format() {
    let desk = Desk::with_loans();
    for format in ["table", "json", "ndjson", "csv", "arrow", "parquet"] {
        let none = ["as-of", "loans", "--valid-at", "2020-01-01T00:00:00Z", "--format", format];
        desk.ok(&[none.as_slice(), &["--output", "none"]].concat());
    }
    assert_eq!(desk.read("none").get(..4), Some(b"PAR1".as_slice()));
}
