//! Answers on their way out: rows as they come, then the claim.

use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use calotype_client::{Answer, AnswerEnd};

use crate::claim::{ClaimArgs, Told};
use crate::error::CliError;
use crate::output::{self, Cells, Format, OutputError, TableOptions};
use crate::session::Session;

/// Where programs find the claim in the metadata of Arrow and Parquet.
const CLAIM_KEY: &str = "calotype.claim";

/// Writes an answer where answers go, as it comes, and tells its claim.
///
/// # Errors
/// It could not be read or written.
pub(crate) async fn print<C: Told>(
    session: &Session,
    answer: Answer<C>,
    claim: &ClaimArgs,
) -> Result<(), CliError> {
    let format = session.format()?;
    let (told, end) = write(answer, format, session.out()?, TableOptions::default()).await?;
    claim.tell(session, format, &told, &end)
}

/// Writes an answer as it comes.
///
/// # Errors
/// It could not be read or written.
pub(crate) async fn write<C: Told>(
    mut answer: Answer<C>,
    format: Format,
    out: Box<dyn Write + Send>,
    table: TableOptions,
) -> Result<(C, AnswerEnd), CliError> {
    let schema = with_claim(answer.schema(), answer.claim());
    let mut writer = output::writer_with(format, &schema, out, table)?;
    while let Some(batch) = answer.next().await? {
        let batch = batch.with_schema(SchemaRef::clone(&schema));
        let batch = batch.map_err(|source| OutputError::Arrow { format: "an answer", source })?;
        writer.write(&batch)?;
    }
    writer.finish()?;
    Ok((answer.claim().clone(), end(&answer)))
}

/// Reads an answer to its end.
///
/// # Errors
/// It could not be read.
pub(crate) async fn collect<C>(mut answer: Answer<C>) -> Result<(Vec<RecordBatch>, AnswerEnd), CliError> {
    let batches = answer.read_all().await?;
    Ok((batches, end(&answer)))
}

/// The end of an answer that was read to it.
fn end<C>(answer: &Answer<C>) -> AnswerEnd {
    // Reading to the end fails where there is none.
    answer.end().cloned().unwrap_or_else(|| AnswerEnd { rows: 0, result_hash: String::new() })
}

/// Writes some columns of an answer that was read to its end.
///
/// # Errors
/// The columns are not there, or the output did not take the table.
pub(crate) fn write_columns(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    places: &[usize],
    format: Format,
    out: Box<dyn Write + Send>,
    table: TableOptions,
) -> Result<(), CliError> {
    let wrong = |source| OutputError::Arrow { format: "an answer", source };
    let schema = Arc::new(schema.project(places).map_err(wrong)?);
    let mut writer = output::writer_with(format, &schema, out, table)?;
    for batch in batches {
        writer.write(&batch.project(places).map_err(wrong)?)?;
    }
    Ok(writer.finish()?)
}

/// The schema with the claim in its metadata.
fn with_claim(schema: &SchemaRef, claim: &impl Told) -> SchemaRef {
    let mut metadata = schema.metadata().clone();
    metadata.insert(CLAIM_KEY.to_owned(), claim.to_json());
    Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata))
}

/// The rows of some batches as text, column by column; a null is none.
///
/// # Errors
/// A column has no form as text.
pub(crate) fn texts(batches: &[RecordBatch]) -> Result<Vec<Vec<Option<String>>>, CliError> {
    let mut rows = Vec::new();
    for batch in batches {
        let cells: Result<Vec<_>, _> = batch.columns().iter().map(Cells::of).collect();
        let cells = cells.map_err(|source| OutputError::Arrow { format: "a table", source })?;
        for row in 0..batch.num_rows() {
            let text = |cells: &Cells| {
                let mut text = String::new();
                cells.append(row, &mut text).map(|_| text)
            };
            rows.push(cells.iter().map(text).collect());
        }
    }
    Ok(rows)
}
