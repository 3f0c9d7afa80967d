//! Parquet, Arrow file, Arrow stream.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Date64Array, Decimal256Array, DictionaryArray, Float64Array, Int32Array, Int64Array,
    LargeStringArray, NullArray, RunArray, StringArray, StringViewArray, Time32SecondArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use tempfile::TempPath;

use super::*;

/// Writes a batch as Parquet, as an Arrow file and as an Arrow stream.
fn files(batch: &RecordBatch) -> [TempPath; 3] {
    let file = |suffix| tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    let (parquet, arrow, stream) = (file(".parquet"), file(".arrow"), file(".arrows"));
    let mut writer = ArrowWriter::try_new(&parquet, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    let mut writer = FileWriter::try_new(&arrow, &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    let mut writer = StreamWriter::try_new(&stream, &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    [parquet, arrow, stream].map(tempfile::NamedTempFile::into_temp_path)
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    let columns = columns.map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn check_all(batch: &RecordBatch, options: &ReadOptions, expected: &str) {
    for path in files(batch) {
        let name = path.display().to_string();
        let found = shown(read(&path, options)).replace(&name, "FILE");
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn columns_are_flattened_to_kept_types() {
    let dictionary: DictionaryArray<Int32Type> = ["x", "y", "x"].into_iter().collect();
    let nanos = TimestampNanosecondArray::from(vec![Some(1000), None, Some(-2000)]);
    let millis = TimestampMillisecondArray::from(vec![1, 2, 3]).with_timezone("+02:00");
    let wide = Decimal256Array::from(vec![Some(150.into()), None, Some(7.into())]);
    let dates = Date64Array::from(vec![0, 86_400_000, -86_400_000]);
    let large = LargeStringArray::from(vec!["a", "b", "c"]);
    let views = StringViewArray::from(vec!["a", "b", "a long string, not inline"]);
    let batch = batch([
        ("i", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("dict", Arc::new(dictionary)),
        ("large", Arc::new(large)),
        ("view", Arc::new(views)),
        ("ns", Arc::new(nanos.with_timezone("UTC"))),
        ("ms", Arc::new(millis)),
        ("d64", Arc::new(dates)),
        ("wide", Arc::new(wide.with_precision_and_scale(30, 2).unwrap())),
        ("nothing", Arc::new(NullArray::new(3))),
    ]);
    let expected = "i int64, dict string, large string, view string, ns timestamp[us, tz=UTC], \
        ms timestamp[us, tz=UTC], d64 date32[day], wide decimal128(30, 2), nothing null\n\
        1|x|a|a|1970-01-01T00:00:00.000001Z|1970-01-01T00:00:00.001000Z|1970-01-01|1.50|∅\n\
        ∅|y|b|b|∅|1970-01-01T00:00:00.002000Z|1970-01-02|∅|∅\n\
        3|x|c|a long string, not inline|1969-12-31T23:59:59.999998Z|\
        1970-01-01T00:00:00.003000Z|1969-12-31|0.07|∅";
    check_all(&batch, &ReadOptions::default(), expected);
}

#[test]
fn runs_are_flattened() {
    let values = StringArray::from(vec!["a", "b"]);
    let runs = RunArray::try_new(&Int32Array::from(vec![2, 3]), &values).unwrap();
    let [_, arrow, stream] = files(&batch([("x", Arc::new(runs))]));
    for path in [arrow, stream] {
        let found = shown(read(&path, &ReadOptions::default()));
        assert_eq!(found, "x string\na\na\nb");
    }
}

#[test]
fn options_are_followed() {
    let mut options = declared();
    options.rename.insert("Konto".to_owned(), "id".to_owned());
    options.ignore.insert("junk".to_owned());
    let batch = batch([
        ("junk", Arc::new(TimestampMicrosecondArray::from(vec![1]))),
        ("Konto", Arc::new(Int32Array::from(vec![7]))),
        ("name", Arc::new(NullArray::new(1))),
        ("new", Arc::new(Float64Array::from(vec![0.5]))),
    ]);
    let expected = "id int32 not null, name string, new double\n7|∅|0.5";
    check_all(&batch, &options, expected);
    for path in files(&batch) {
        assert_eq!(read(&path, &options).unwrap().extra, ["new"]);
    }
    let missing = with(|options| {
        options.rename.insert("x".to_owned(), "y".to_owned());
    });
    let error = "FILE has no column \"x\" to rename; it has junk, Konto, name, new";
    check_all(&batch, &missing, error);
}

#[test]
fn nothing_is_lost_in_silence() {
    let instant = "timestamp[us, tz=UTC]";
    let bad = |found: &str, expected: &str, fault: &str| {
        format!("FILE, row 2, column x: found {found}, expected {expected}: {fault}")
    };
    let fine = TimestampNanosecondArray::from(vec![1000, 1001]).with_timezone("UTC");
    let far = TimestampMillisecondArray::from(vec![0, i64::MAX]).with_timezone("UTC");
    let digits = "9 fractional digits where the type keeps 6; nothing is rounded";
    let range = "outside the range of this type; widen the column's type";
    let malformed = "not a value of this type; mend it, or declare the column with another type";
    let zone = "FILE, column x: timestamp[us] is not kept; an instant needs its zone; write it \
        with time zone UTC";
    let other = "FILE, column x: time32(s) is not kept; write it as another type, or ignore the \
        column";
    let columns: [(ArrayRef, &str); 5] = [
        (Arc::new(fine), &bad("1001 ns since 1970", instant, digits)),
        (Arc::new(far), &bad("9223372036854775807 ms since 1970", instant, range)),
        (Arc::new(Date64Array::from(vec![0, 1])), &bad("1 ms since 1970", "date32[day]", malformed)),
        (Arc::new(TimestampMicrosecondArray::from(vec![0, 1])), zone),
        (Arc::new(Time32SecondArray::from(vec![0, 1])), other),
    ];
    for (array, expected) in columns {
        check_all(&batch([("x", array)]), &ReadOptions::default(), expected);
    }
    let ids = Int64Array::from(vec![Some(1), None]);
    let null = "FILE, row 2, column id: null, but the column is declared not null";
    check_all(&batch([("id", Arc::new(ids))]), &declared(), null);
}

#[test]
fn truncated_files_are_refused() {
    let ids = Int64Array::from_iter_values(0..1000);
    for path in files(&batch([("id", Arc::new(ids))])) {
        let bytes = fs::read(&path).unwrap();
        let lens = (0..bytes.len()).step_by(7);
        for len in lens.chain([bytes.len() - 8, bytes.len() - 4, bytes.len() - 1]) {
            fs::write(&path, &bytes[..len]).unwrap();
            let found = read(&path, &ReadOptions::default());
            assert!(found.is_err(), "{} cut to {len} bytes", path.display());
        }
    }
}

#[test]
fn large_batches_are_cut() {
    let ids = Int32Array::from_iter_values((0..=BATCH_ROWS_MAX).map(|id| i32::try_from(id).unwrap()));
    for path in files(&batch([("id", Arc::new(ids))])) {
        let extract = read(&path, &ReadOptions::default()).unwrap();
        let lens: Vec<_> = extract.batches.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(lens, [BATCH_ROWS_MAX, 1]);
        assert_eq!(row_text(&extract.batches[1], 0), BATCH_ROWS_MAX.to_string());
    }
}

/// A flipped bit is found or it is not: neither format has checksums here. But it must never end
/// the process, by a panic or by an allocation without bounds.
#[test]
fn a_flipped_bit_never_ends_the_process() {
    let ids = Int64Array::from_iter_values(0..50);
    let names = StringArray::from_iter_values((0..50).map(|id| id.to_string()));
    let batch = batch([("id", Arc::new(ids)), ("name", Arc::new(names))]);
    for path in files(&batch) {
        let bytes = fs::read(&path).unwrap();
        let mut refused = 0;
        for at in (0..bytes.len()).step_by(3) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at / 3 % 8);
            fs::write(&path, &flipped).unwrap();
            refused += u32::from(read(&path, &ReadOptions::default()).is_err());
        }
        assert!(refused > 100, "{}: {refused}", path.display());
    }
}

#[test]
fn an_absurd_length_is_refused() {
    let ids = Int64Array::from_iter_values(0..1000);
    let [_, arrow, stream] = files(&batch([("id", Arc::new(ids))]));
    for path in [arrow, stream] {
        let bytes = fs::read(&path).unwrap();
        // The length of the only body, wherever it stands; a file's reader heeds the last.
        let says_length = |at: &usize| bytes[*at..].starts_with(&8000_u64.to_le_bytes());
        let at = (0..bytes.len()).rfind(says_length).unwrap();
        let mut absurd = bytes.clone();
        absurd[at + 7] = 0x10;
        fs::write(&path, &absurd).unwrap();
        let found = read(&path, &ReadOptions::default());
        assert!(matches!(found, Err(InputError::Damaged { .. })), "{found:?}");
    }
}
