//! Answers: a claim, rows as they come, an end.
//!
//! Invariants: an answer that ends without its end is an error; so is one whose end counts other rows than came;
//! after an error no more rows come, and [`Answer::end`] stays `None`.

mod parts;
mod rows;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use calotype_proto::v1;
use calotype_proto::v1::answer_part::Part;

pub(crate) use self::parts::{HasPart, Parts};
pub use self::rows::RowAnswer;
use crate::arrow::Decoder;
use crate::claim::{Claim, StatementClaim};
use crate::convert::{Present, each};
use crate::error::{Broken, ClientError};
use crate::value::{Column, Row};

/// What an answer ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerEnd {
    /// How many rows there were.
    pub rows: u64,
    /// The hash over schema, rows, values and order, hexadecimal.
    pub result_hash: String,
}

/// One entity at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// The columns of the row.
    pub columns: Vec<Column>,
    /// The row; `None` where nothing holds for the key.
    pub row: Option<Row>,
    /// What the answer rests on.
    pub claim: Claim,
    /// What it ends with.
    pub end: AnswerEnd,
}

/// A claim as headers of answers carry it.
pub(crate) trait Claimed: Sized {
    /// Takes the claim out of a header.
    fn of(header: &mut v1::AnswerHeader) -> Result<Self, Broken>;
}

impl Claimed for Claim {
    fn of(header: &mut v1::AnswerHeader) -> Result<Self, Broken> {
        header.claim.take().present("the header's claim")?.try_into()
    }
}

impl Claimed for StatementClaim {
    fn of(header: &mut v1::AnswerHeader) -> Result<Self, Broken> {
        header.statement_claim.take().present("the header's claim of a statement")?.try_into()
    }
}

/// An answer as Arrow record batches, which arrive as they are read. It rests on a [`Claim`], or on a [`StatementClaim`]
/// where it answers a statement of SQL.
#[derive(Debug)]
pub struct Answer<C = Claim> {
    columns: Vec<Column>,
    claim: C,
    decoder: Decoder,
    parts: Parts,
}

impl<C> Answer<C> {
    pub(crate) fn new(mut header: v1::AnswerHeader, parts: Parts) -> Result<Self, ClientError>
    where
        C: Claimed,
    {
        let read = || -> Result<(Vec<Column>, C, Decoder), Broken> {
            let claim = C::of(&mut header)?;
            Ok((each(header.columns)?, claim, Decoder::new(&header.arrow_schema)?))
        };
        let (columns, claim, decoder) = read().map_err(|broken| parts.broken(broken))?;
        Ok(Self { columns, claim, decoder, parts })
    }

    /// The columns, with their classes and keys.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        self.decoder.schema()
    }

    /// What the answer rests on.
    pub fn claim(&self) -> &C {
        &self.claim
    }

    /// The id of the request, as the server's log has it.
    pub fn request_id(&self) -> &str {
        self.parts.request_id()
    }

    /// The next batch; `None` at the end. A cancelled call loses nothing.
    ///
    /// # Errors
    /// [`ClientError::CutShort`] if the answer ends without its end; [`ClientError::Reply`] if it breaks the
    /// interface.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, ClientError> {
        while let Some(part) = self.parts.next().await? {
            let message = match part {
                Part::Arrow(message) => message,
                Part::Rows(_) => return Err(self.parts.fail("rows came where Arrow was asked for")),
                Part::Header(_) | Part::End(_) => return Err(self.parts.fail("a header came twice")),
            };
            let batch = self.decoder.decode(&message).map_err(|broken| self.parts.fail(&broken.0))?;
            if let Some(batch) = batch {
                self.parts.count(batch.num_rows());
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// What the answer ended with; `None` before [`Self::next`] has answered `None`.
    pub fn end(&self) -> Option<&AnswerEnd> {
        self.parts.end()
    }

    /// All batches that are left. Memory holds them all.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn read_all(&mut self) -> Result<Vec<RecordBatch>, ClientError> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }
}
