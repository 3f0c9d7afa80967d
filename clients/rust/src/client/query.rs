//! Questions.

use std::future::Future;

use calotype_proto::v1;
use tonic::{Request, Response, Status, Streaming};

use super::{Client, method};
use crate::answer::{Answer, Entity, HasPart, Parts, RowAnswer};
use crate::convert::{Present, each, row_of};
use crate::error::ClientError;
use crate::question::{AsOfQuestion, DiffQuestion, EntityQuestion, HistoryQuestion};
use crate::retry::Repeat;

impl Client {
    /// One entity at one point: the fast path of look-ups.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn entity(&self, question: &EntityQuestion) -> Result<Entity, ClientError> {
        let message = v1::GetEntityRequest { at_least: self.at_least(question.at_least), ..question.into() };
        let read = |reply: v1::GetEntityResponse| {
            let columns = each(reply.columns)?;
            let row = reply.row.map(|row| row_of(row, columns.len())).transpose()?;
            let claim = reply.claim.present("claim")?.try_into()?;
            Ok(Entity { columns, row, claim, end: reply.end.present("end")?.into() })
        };
        self.call(Repeat::Safe, message, method!(self.query_service(), get_entity), read).await
    }

    /// The state at a point, as Arrow.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn as_of(&self, question: &AsOfQuestion) -> Result<Answer, ClientError> {
        let message = self.as_of_request(question, v1::RowFormat::Arrow)?;
        let (header, parts) = self.ask(message, method!(self.query_service(), as_of)).await?;
        Answer::new(header, parts)
    }

    /// The state at a point, as typed values.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn as_of_rows(&self, question: &AsOfQuestion) -> Result<RowAnswer, ClientError> {
        let message = self.as_of_request(question, v1::RowFormat::Values)?;
        let (header, parts) = self.ask(message, method!(self.query_service(), as_of)).await?;
        RowAnswer::new(header, parts)
    }

    /// All that was ever said about keys, as Arrow.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn history(&self, question: &HistoryQuestion) -> Result<Answer, ClientError> {
        let message = self.history_request(question, v1::RowFormat::Arrow)?;
        let (header, parts) = self.ask(message, method!(self.query_service(), history)).await?;
        Answer::new(header, parts)
    }

    /// All that was ever said about keys, as typed values.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn history_rows(&self, question: &HistoryQuestion) -> Result<RowAnswer, ClientError> {
        let message = self.history_request(question, v1::RowFormat::Values)?;
        let (header, parts) = self.ask(message, method!(self.query_service(), history)).await?;
        RowAnswer::new(header, parts)
    }

    /// What differs between two points, as Arrow.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn diff(&self, question: &DiffQuestion) -> Result<Answer, ClientError> {
        let message = self.diff_request(question, v1::RowFormat::Arrow)?;
        let (header, parts) = self.ask(message, method!(self.query_service(), diff)).await?;
        Answer::new(header, parts)
    }

    /// What differs between two points, as typed values.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn diff_rows(&self, question: &DiffQuestion) -> Result<RowAnswer, ClientError> {
        let message = self.diff_request(question, v1::RowFormat::Values)?;
        let (header, parts) = self.ask(message, method!(self.query_service(), diff)).await?;
        RowAnswer::new(header, parts)
    }

    fn as_of_request(
        &self,
        question: &AsOfQuestion,
        format: v1::RowFormat,
    ) -> Result<v1::AsOfRequest, ClientError> {
        let keys = question.keys.sent()?;
        let at_least = self.at_least(question.at_least);
        Ok(v1::AsOfRequest { keys, at_least, format: format.into(), ..question.into() })
    }

    fn history_request(
        &self,
        question: &HistoryQuestion,
        format: v1::RowFormat,
    ) -> Result<v1::HistoryRequest, ClientError> {
        let keys = question.keys.sent()?;
        let at_least = self.at_least(question.at_least);
        Ok(v1::HistoryRequest { keys, at_least, format: format.into(), ..question.into() })
    }

    fn diff_request(
        &self,
        question: &DiffQuestion,
        format: v1::RowFormat,
    ) -> Result<v1::DiffRequest, ClientError> {
        Ok(v1::DiffRequest {
            context: question.context.clone(),
            from: Some(question.from.into()),
            to: Some(question.to.into()),
            keys: question.keys.sent()?,
            at_least: self.at_least(question.at_least),
            format: format.into(),
        })
    }

    /// Asks, and again where allowed, until the answer has begun.
    pub(super) async fn ask<M, R, F>(
        &self,
        message: M,
        send: impl Fn(Request<M>) -> F,
    ) -> Result<(v1::AnswerHeader, Parts), ClientError>
    where
        M: Clone,
        R: HasPart,
        F: Future<Output = Result<Response<Streaming<R>>, Status>>,
    {
        let call = self.begin()?;
        self.attempts(&call, Repeat::Safe, || {
            let answer = send(self.request(&call, message.clone()));
            let call = &call;
            async move {
                let answer = answer.await.map_err(|status| self.failure(call, &status))?;
                Parts::open(self.clone(), call.clone(), answer.into_inner()).await
            }
        })
        .await
    }
}
