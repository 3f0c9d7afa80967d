//! The parts of a streamed answer: counted, and watched for their end.

use calotype_proto::v1;
use calotype_proto::v1::answer_part::Part;
use futures::stream::{BoxStream, StreamExt};
use tonic::{Status, Streaming};

use super::AnswerEnd;
use crate::client::{Call, Client};
use crate::error::{Broken, ClientError};

/// A response that carries a part.
pub(crate) trait HasPart: Send + 'static {
    /// The part.
    fn part(self) -> Option<v1::AnswerPart>;
}

macro_rules! has_part {
    ($($response:ident),*) => {$(
        impl HasPart for v1::$response {
            fn part(self) -> Option<v1::AnswerPart> {
                self.part
            }
        }
    )*};
}

has_part!(AsOfResponse, HistoryResponse, DiffResponse, SqlResponse, ReadSnapshotResponse);

/// The parts of an answer that are still to come.
pub(crate) struct Parts {
    client: Client,
    call: Call,
    stream: BoxStream<'static, Result<Option<v1::AnswerPart>, Status>>,
    rows: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Open,
    Ended(AnswerEnd),
    Failed,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("call", &self.call)
            .field("rows", &self.rows)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Parts {
    /// The header of an answer and its parts.
    pub(crate) async fn open<T: HasPart>(
        client: Client,
        call: Call,
        stream: Streaming<T>,
    ) -> Result<(v1::AnswerHeader, Self), ClientError> {
        let stream = stream.map(|response| response.map(T::part)).boxed();
        let mut parts = Self { client, call, stream, rows: 0, state: State::Open };
        match parts.receive().await? {
            Part::Header(header) => Ok((header, parts)),
            Part::Rows(_) | Part::Arrow(_) | Part::End(_) => {
                Err(parts.fail("it does not begin with a header"))
            }
        }
    }

    /// The next part with rows; `None` after the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>, ClientError> {
        match self.state {
            State::Ended(_) => return Ok(None),
            State::Failed => return Err(self.cut_short()),
            State::Open => {}
        }
        let part = self.receive().await.inspect_err(|_| self.state = State::Failed)?;
        let Part::End(end) = part else { return Ok(Some(part)) };
        if end.rows != self.rows {
            let what = format!("its end counts {} rows where {} came", end.rows, self.rows);
            return Err(self.fail(&what));
        }
        self.state = State::Ended(end.into());
        Ok(None)
    }

    async fn receive(&mut self) -> Result<Part, ClientError> {
        let (client, call, stream) = (&self.client, &self.call, &mut self.stream);
        let next = async { stream.next().await.transpose().map_err(|status| client.failure(call, &status)) };
        let Some(response) = client.within(call, next).await? else {
            return Err(self.cut_short());
        };
        let part = response.and_then(|part| part.part);
        part.ok_or_else(|| self.broken(Broken::missing("a part of the answer")))
    }

    /// Counts rows that came.
    pub(crate) fn count(&mut self, rows: usize) {
        self.rows += rows as u64;
    }

    /// What the answer ended with.
    pub(crate) fn end(&self) -> Option<&AnswerEnd> {
        if let State::Ended(end) = &self.state { Some(end) } else { None }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.call.request_id
    }

    /// Ends the answer as one that breaks the interface.
    pub(crate) fn fail(&mut self, what: &str) -> ClientError {
        self.state = State::Failed;
        self.broken(Broken(what.to_owned()))
    }

    pub(crate) fn broken(&self, broken: Broken) -> ClientError {
        broken.of(&self.call.request_id)
    }

    fn cut_short(&self) -> ClientError {
        ClientError::CutShort { rows: self.rows, request_id: self.call.request_id.clone() }
    }
}
