//! Parquet: row groups one after the other, without the columns that are left out.

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::conform::Conform;
use super::source::{Meter, Source};
use super::{BATCH_ROWS_MAX, Extract, InputError, ReadOptions};

/// Reads a Parquet file.
pub(super) fn read(
    source: &Source<'_>,
    options: &ReadOptions,
    meter: &mut Meter<'_>,
) -> Result<Extract, InputError> {
    let name = source.name();
    let parquet = |source: ParquetError| InputError::Parquet { file: name.to_owned(), source };
    let not_in_memory = || InputError::NotInMemory { file: name.to_owned(), format: "parquet" };
    let file = source.file()?.ok_or_else(not_in_memory)?;
    if source.len_bytes() == 0 {
        return Err(InputError::Empty { file: name.to_owned() });
    }
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let mut conform = Conform::new(name, builder.schema(), options)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), conform.fields().iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS_MAX).build();
    meter.begin_pass(1);
    let mut done = 0;
    for batch in reader.map_err(parquet)? {
        let batch = batch.map_err(|error| parquet(error.into()))?;
        conform.push_selected(batch.columns(), batch.num_rows())?;
        done += batch.num_rows() as u64;
        meter.set_share(done, rows);
    }
    Ok(conform.finish())
}
