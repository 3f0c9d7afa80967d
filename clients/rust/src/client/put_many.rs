//! Many deeds in order, many of them on their way at once.
//!
//! Invariants: deeds are committed in the order in which they were given; each is answered once; what was answered
//! is not sent again; whatever was not answered is sent again only if every one of them may be repeated.

use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use calotype_proto::v1;
use calotype_proto::v1::put_many_request::Deed as Sent;
use calotype_proto::v1::put_many_response::Answer as Answered;
use futures::stream;
use prost::Message;
use tonic::{Code, Status};

use super::ingest::header;
use super::{Call, Client};
use crate::convert::Present;
use crate::error::{Broken, ClientError};
use crate::put::{Deed, Receipt};
use crate::request_id::RequestId;
use crate::retry::Repeat;

/// The largest deed that goes with others, bytes; a larger one goes alone, cut into messages.
const DEED_BYTES_MAX: usize = 4 << 20;

type Answers = Mutex<Vec<Result<Receipt, ClientError>>>;

/// Deeds that go together, encoded.
#[derive(Default)]
struct Together {
    sent: Vec<v1::PutManyRequest>,
    /// Whether one of them may not be repeated.
    has_unsafe: bool,
}

impl Client {
    /// Does deeds one after the other, many of them on their way at once, and answers them in order. One that is
    /// refused does not stop the next.
    ///
    /// # Errors
    /// [`ClientError`] if not all were answered: those before may have been committed. Doing all of it again is safe
    /// if each deed has a request id of its own.
    pub async fn put_many(&self, deeds: Vec<Deed>) -> Result<Vec<Result<Receipt, ClientError>>, ClientError> {
        let mut answers = Vec::with_capacity(deeds.len());
        let mut together = Together::default();
        for deed in deeds {
            let bytes = match &deed {
                Deed::Put { batches, .. } => {
                    batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>()
                }
                Deed::Withdraw(_) => 0,
            };
            match &deed {
                Deed::Put { options, schema, batches } if bytes > DEED_BYTES_MAX => {
                    answers.append(&mut self.send_together(std::mem::take(&mut together)).await?);
                    match self.put_arrow(options, SchemaRef::clone(schema), batches).await {
                        Err(error) if error.server().is_none() => return Err(error),
                        answer => answers.push(answer),
                    }
                }
                Deed::Put { .. } | Deed::Withdraw(_) => together.add(&deed)?,
            }
        }
        answers.append(&mut self.send_together(together).await?);
        Ok(answers)
    }

    async fn send_together(
        &self,
        together: Together,
    ) -> Result<Vec<Result<Receipt, ClientError>>, ClientError> {
        if together.sent.is_empty() {
            return Ok(Vec::new());
        }
        let repeat = if together.has_unsafe { Repeat::Unsafe } else { Repeat::Safe };
        let call = self.begin()?;
        let answers = Answers::default();
        self.attempts(&call, repeat, || self.send_rest(&call, &together.sent, &answers)).await?;
        Ok(answers.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends what is not answered yet.
    async fn send_rest(
        &self,
        call: &Call,
        all: &[v1::PutManyRequest],
        answers: &Answers,
    ) -> Result<(), ClientError> {
        let answered = || answers.lock().unwrap_or_else(PoisonError::into_inner).len();
        let rest = all.get(answered()..).unwrap_or_default().to_vec();
        let reply = self.ingest_service().put_many(self.request(call, stream::iter(rest))).await;
        let mut reply = reply.map_err(|status| self.failure(call, &status))?.into_inner();
        while answered() < all.len() {
            let Some(message) = reply.message().await.map_err(|status| self.failure(call, &status))? else {
                let rows = 0;
                return Err(ClientError::CutShort { rows, request_id: call.request_id.clone() });
            };
            let answer = self.answer(call, message).map_err(|broken| broken.of(&call.request_id))?;
            // A deed that failed without being refused is no answer: what follows it waits until it is tried again.
            let answer = match answer {
                Err(error) if !is_refusal(&error) => return Err(error),
                answer => answer,
            };
            answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        }
        Ok(())
    }

    fn answer(
        &self,
        call: &Call,
        message: v1::PutManyResponse,
    ) -> Result<Result<Receipt, ClientError>, Broken> {
        Ok(match message.answer.present("an answer")? {
            Answered::Receipt(receipt) => Ok(self.noted(receipt.try_into()?)),
            Answered::Status(bytes) => {
                let status = tonic_types::Status::decode(bytes.clone())
                    .map_err(|error| Broken(format!("a status cannot be read: {error}")))?;
                let status = Status::with_details(Code::from_i32(status.code), status.message, bytes);
                Err(self.failure(call, &status))
            }
        })
    }
}

/// Whether a deed was unfit, so that those after it go on.
fn is_refusal(error: &ClientError) -> bool {
    let unfit = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::FailedPrecondition,
        Code::OutOfRange,
    ];
    error.server().is_some() && unfit.contains(&error.code())
}

impl Together {
    fn add(&mut self, deed: &Deed) -> Result<(), ClientError> {
        let (sent, repeat) = match deed {
            Deed::Put { options, schema, batches } => {
                let (put, repeat) = header(options)?;
                let bytes =
                    ipc_stream(schema, batches).map_err(|error| ClientError::Encode(Box::new(error)))?;
                let data = Some(v1::put_request::Data::ArrowStream(bytes.into()));
                (Sent::Put(v1::PutRequest { put: Some(put), data }), repeat)
            }
            Deed::Withdraw(withdrawal) => {
                let (request_id, repeat) = RequestId::resolve(&withdrawal.request_id)?;
                (Sent::Withdraw(v1::WithdrawCutoffRequest { request_id, ..withdrawal.into() }), repeat)
            }
        };
        self.sent.push(v1::PutManyRequest { deed: Some(sent) });
        self.has_unsafe |= repeat == Repeat::Unsafe;
        Ok(())
    }
}

fn ipc_stream(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.into_inner()
}
