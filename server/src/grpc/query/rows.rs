//! Rows as parts of an answer: cut so that every message fits, and most come near the size that is aimed at.

use arrow_array::RecordBatch;
use calotype_proto::v1::answer_part::Part;
use calotype_proto::v1::{AnswerPart, ArrowMessage};
use prost::Message;
use tonic::Status;

use super::request::Format;
use crate::answer::Encode;
use crate::grpc::values;
use crate::ipc::encode::{Compression, Encoder};
use crate::ipc::encoded_bytes;
use crate::limits::Limits;
use crate::status;

/// Bytes that a part may have around its rows.
const FRAME_BYTES: usize = 64;

/// Encodes rows in the format that was asked for.
pub(super) struct RowEncoder {
    kind: Kind,
    /// Bytes in memory that a part aims at.
    aim: usize,
    /// Bytes of the largest part.
    max: usize,
}

enum Kind {
    Values,
    Arrow(Encoder),
}

impl RowEncoder {
    /// An encoder that keeps to the limits.
    pub(super) fn new(format: Format, limits: &Limits) -> Self {
        let kind = match format {
            Format::Values => Kind::Values,
            Format::Arrow => Kind::Arrow(Encoder::new(Compression::None)),
        };
        let max = limits.sent_message_bytes_max.saturating_sub(FRAME_BYTES);
        Self { kind, aim: limits.sent_batch_bytes.clamp(1, max.max(1)), max }
    }

    fn part(&mut self, rows: &RecordBatch) -> Result<Part, Status> {
        match &mut self.kind {
            Kind::Values => Ok(Part::Rows(values::row_batch(rows))),
            Kind::Arrow(encoder) => {
                let (header, body) = encoder.batch(rows).map_err(status::internal)?.contiguous();
                Ok(Part::Arrow(ArrowMessage { header, body }))
            }
        }
    }
}

impl Encode for RowEncoder {
    type Part = AnswerPart;

    fn encode(&mut self, batch: RecordBatch) -> Result<Vec<AnswerPart>, Status> {
        let rows = batch.num_rows();
        let step = step(rows, encoded_bytes(&batch), self.aim);
        let mut parts = Vec::with_capacity(rows.div_ceil(step));
        // Slices yet to encode, the first on top: one that turns out too large is halved.
        let mut slices: Vec<(usize, usize)> =
            (0..rows).step_by(step).map(|from| (from, step.min(rows - from))).rev().collect();
        while let Some((from, count)) = slices.pop() {
            let part = AnswerPart { part: Some(self.part(&batch.slice(from, count))?) };
            let bytes = part.encoded_len();
            if bytes <= self.max {
                parts.push(part);
            } else if count > 1 {
                let half = count / 2;
                slices.extend([(from + half, count - half), (from, half)]);
            } else {
                let what =
                    format!("a row of {bytes} bytes is larger than {}: ask for fewer columns", self.max);
                return Err(status::exhausted("sent_message_bytes_max", what, None));
            }
        }
        Ok(parts)
    }
}

/// How many rows a part has so that it comes near `aim` bytes in memory.
fn step(rows: usize, bytes: usize, aim: usize) -> usize {
    let parts = bytes.div_ceil(aim).max(1);
    rows.div_ceil(parts).max(1)
}
