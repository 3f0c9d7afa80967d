//! Cuts an answer's rows into messages: small windows are put together, large ones cut.
//!
//! Invariants: rows keep their order; the first rows go out at once; no message is larger than the limit unless one
//! row is.

use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use tokio::time::Instant;
use tonic::Status;

use crate::answer::Encode;
use crate::ipc::cut::{cut, encoded_bytes};
use crate::ipc::encode::{Compression, Encoded, Encoder};
use crate::limits::Limits;
use crate::status;

/// How long rows are held back for more to come.
const HELD_TIME_MAX: Duration = Duration::from_millis(50);

/// Makes messages of an answer's batches.
#[derive(Debug)]
pub(super) struct Messages {
    schema: SchemaRef,
    encoder: Encoder,
    bytes_aim: usize,
    bytes_max: usize,
    held: Vec<RecordBatch>,
    held_bytes: usize,
    sent_at: Option<Instant>,
}

impl Messages {
    /// Makes messages of rows of a schema.
    pub(super) fn new(schema: &SchemaRef, compression: Compression, limits: &Limits) -> Self {
        Self {
            schema: SchemaRef::clone(schema),
            encoder: Encoder::new(compression),
            bytes_aim: limits.sent_batch_bytes.max(1),
            bytes_max: limits.sent_message_bytes_max,
            held: Vec::new(),
            held_bytes: 0,
            sent_at: None,
        }
    }

    fn is_due(&self) -> bool {
        // Half of the aim: what is put together and then cut in two halves would be copied for nothing.
        self.held_bytes >= self.bytes_aim / 2 || self.sent_at.is_none_or(|at| at.elapsed() >= HELD_TIME_MAX)
    }

    fn encode_all(&mut self, batch: &RecordBatch) -> Result<Vec<Encoded>, Status> {
        let slices = cut(batch, self.bytes_aim, self.bytes_max);
        slices.iter().map(|slice| self.encoder.batch(slice).map_err(status::internal)).collect()
    }
}

impl Encode for Messages {
    type Part = Encoded;

    fn encode(&mut self, batch: RecordBatch) -> Result<Vec<Encoded>, Status> {
        self.held_bytes += encoded_bytes(&batch);
        self.held.push(batch);
        if self.is_due() { self.finish() } else { Ok(Vec::new()) }
    }

    fn finish(&mut self) -> Result<Vec<Encoded>, Status> {
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        let parts = match held.as_slice() {
            [] => return Ok(Vec::new()),
            [batch] => self.encode_all(batch)?,
            batches => {
                let batch = concat_batches(&self.schema, batches).map_err(|error| {
                    status::internal(format_args!("rows cannot be put together: {error}"))
                })?;
                self.encode_all(&batch)?
            }
        };
        self.sent_at = Some(Instant::now());
        Ok(parts)
    }
}

#[cfg(test)]
mod tests;
