//! How an answer to a statement comes: schema and claim at once, batches as they are computed, rows and result hash at the
//! end.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use calotype_query::End;
use calotype_query::result_hash::ResultHasher;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

use crate::caught::caught;
use crate::claim::StatementClaim;
use crate::error::SqlError;

/// An answer as it comes. Dropping it ends the work and gives memory and temporary files back.
pub struct SqlAnswer {
    schema: SchemaRef,
    claim: StatementClaim,
    rows: SendableRecordBatchStream,
    hasher: ResultHasher,
    end: Option<End>,
}

impl std::fmt::Debug for SqlAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlAnswer")
            .field("claim", &self.claim)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl SqlAnswer {
    pub(crate) fn new(rows: SendableRecordBatchStream, claim: StatementClaim) -> Self {
        // Without metadata that functions leave behind: names, types and whether there may be nulls.
        let fields = rows
            .schema()
            .fields()
            .iter()
            .map(|field| Field::new(field.name(), field.data_type().clone(), field.is_nullable()))
            .collect::<Vec<_>>();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let hasher = ResultHasher::new(&schema);
        Self { schema, claim, rows, hasher, end: None }
    }

    /// One column of text, a row a line.
    pub(crate) fn of_text(claim: StatementClaim, text: &str) -> Self {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("plan", DataType::Utf8, false)]));
        let lines: ArrayRef = Arc::new(text.lines().map(Some).collect::<StringArray>());
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![lines]).map_err(Into::into);
        let rows = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), stream::iter([batch])));
        let hasher = ResultHasher::new(&schema);
        Self { schema, claim, rows, hasher, end: None }
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What it rests on.
    pub fn claim(&self) -> &StatementClaim {
        &self.claim
    }

    /// The next rows, at least one; `None` at the end.
    ///
    /// # Errors
    /// [`SqlError`] if something cannot be read or worked out; the answer ends there, without an [`End`].
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, SqlError> {
        if self.end.is_some() {
            return Ok(None);
        }
        caught(self.pull()).await
    }

    async fn pull(&mut self) -> Result<Option<RecordBatch>, SqlError> {
        while let Some(batch) = self.rows.next().await {
            let batch = batch?;
            if batch.num_rows() > 0 {
                let batch = batch
                    .with_schema(Arc::clone(&self.schema))
                    .map_err(|error| SqlError::Internal(error.to_string()))?;
                self.hasher.update(&batch);
                return Ok(Some(batch));
            }
        }
        self.end = Some(End { rows: self.hasher.rows(), result_hash: self.hasher.finish() });
        Ok(None)
    }

    /// What closes the answer, once [`Self::next`] has come to the end.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Reads the whole answer.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn collect(mut self) -> Result<(Vec<RecordBatch>, Option<End>), SqlError> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok((batches, self.end))
    }
}
