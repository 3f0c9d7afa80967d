//! Answers as typed values.

use calotype_proto::v1;
use calotype_proto::v1::answer_part::Part;

use super::{AnswerEnd, Claimed, Parts};
use crate::claim::Claim;
use crate::convert::{each, row_of};
use crate::error::{Broken, ClientError};
use crate::value::{Column, Row};

/// An answer as rows of typed values, which arrive as they are read. What it rests on is as in [`Answer`](super::Answer).
#[derive(Debug)]
pub struct RowAnswer<C = Claim> {
    columns: Vec<Column>,
    claim: C,
    parts: Parts,
}

impl<C> RowAnswer<C> {
    pub(crate) fn new(mut header: v1::AnswerHeader, parts: Parts) -> Result<Self, ClientError>
    where
        C: Claimed,
    {
        let read = || -> Result<(Vec<Column>, C), Broken> {
            let claim = C::of(&mut header)?;
            Ok((each(header.columns)?, claim))
        };
        let (columns, claim) = read().map_err(|broken| parts.broken(broken))?;
        Ok(Self { columns, claim, parts })
    }

    /// The columns of the rows.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What the answer rests on.
    pub fn claim(&self) -> &C {
        &self.claim
    }

    /// The id of the request, as the server's log has it.
    pub fn request_id(&self) -> &str {
        self.parts.request_id()
    }

    /// Some more rows, at least one; `None` at the end. A cancelled call loses nothing.
    ///
    /// # Errors
    /// [`ClientError::CutShort`] if the answer ends without its end; [`ClientError::Reply`] if it breaks the
    /// interface.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, ClientError> {
        while let Some(part) = self.parts.next().await? {
            let batch = match part {
                Part::Rows(batch) => batch,
                Part::Arrow(_) => return Err(self.parts.fail("Arrow came where rows were asked for")),
                Part::Header(_) | Part::End(_) => return Err(self.parts.fail("a header came twice")),
            };
            let width = self.columns.len();
            let rows: Result<Vec<Row>, Broken> =
                batch.rows.into_iter().map(|row| row_of(row, width)).collect();
            let rows = rows.map_err(|broken| self.parts.fail(&broken.0))?;
            self.parts.count(rows.len());
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    /// What the answer ended with; `None` before [`Self::next`] has answered `None`.
    pub fn end(&self) -> Option<&AnswerEnd> {
        self.parts.end()
    }

    /// All rows that are left. Memory holds them all.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn read_all(&mut self) -> Result<Vec<Row>, ClientError> {
        let mut all = Vec::new();
        while let Some(rows) = self.next().await? {
            all.extend(rows);
        }
        Ok(all)
    }
}
