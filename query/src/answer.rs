//! How an answer comes: its schema and claim at once, batches as they are read,
//! rows and result hash at the end.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;

use crate::claim::Claim;
use crate::error::QueryError;
use crate::result_hash::{ResultHash, ResultHasher};

/// Where the batches of an answer come from.
#[async_trait]
pub trait Batches: Send {
    /// The next batch, perhaps without rows; `None` at the end.
    ///
    /// # Errors
    /// [`QueryError`] if something cannot be read; nothing is asked for after it.
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError>;
}

/// What closes an answer: without it, it was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Rows in all.
    pub rows: u64,
    /// The hash over schema, rows, values and order.
    pub result_hash: ResultHash,
}

/// An answer as it comes.
pub struct Answer {
    schema: SchemaRef,
    claim: Claim,
    batches: Box<dyn Batches>,
    hasher: ResultHasher,
    end: Option<End>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("claim", &self.claim).field("end", &self.end).finish_non_exhaustive()
    }
}

/// Rows without a result hash: for those who compute something else from them.
pub struct Rows {
    schema: SchemaRef,
    batches: Box<dyn Batches>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Rows {
    /// Rows with these columns, in the order in which they come.
    pub fn new(schema: SchemaRef, batches: Box<dyn Batches>) -> Self {
        Self { schema, batches }
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows, sorted by key, at least one; `None` at the end.
    ///
    /// # Errors
    /// [`QueryError`] if something cannot be read; there are no rows after it.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        while let Some(batch) = self.batches.next().await? {
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

impl Answer {
    /// Gives up claim and result hash.
    pub fn into_rows(self) -> Rows {
        Rows { schema: self.schema, batches: self.batches }
    }

    pub(crate) fn new(schema: SchemaRef, claim: Claim, batches: Box<dyn Batches>) -> Self {
        let hasher = ResultHasher::new(&schema);
        Self { schema, claim, batches, hasher, end: None }
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What it rests on.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The next rows, sorted by key; `None` at the end. Batches are bounded by the row groups they come from.
    ///
    /// # Errors
    /// [`QueryError`] if something cannot be read; the answer ends there, without an [`End`].
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        if self.end.is_some() {
            return Ok(None);
        }
        while let Some(batch) = self.batches.next().await? {
            if batch.num_rows() > 0 {
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
    ///
    /// # Panics
    /// Never: an answer that was read to the end has an end.
    pub async fn collect(mut self) -> Result<(Vec<RecordBatch>, End), QueryError> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok((batches, self.end.expect("the answer was read to its end")))
    }
}
