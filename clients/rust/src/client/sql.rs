//! Statements of SQL.

use calotype_proto::v1;

use super::{Client, method};
use crate::answer::{Answer, RowAnswer};
use crate::claim::StatementClaim;
use crate::error::ClientError;
use crate::question::SqlQuestion;
use crate::retry::Repeat;

impl Client {
    /// The answer to a statement of temporal SQL, as Arrow.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn sql(&self, question: &SqlQuestion) -> Result<Answer<StatementClaim>, ClientError> {
        let message = self.sql_request(question, v1::RowFormat::Arrow);
        let (header, parts) = self.ask(message, method!(self.query_service(), sql)).await?;
        Answer::new(header, parts)
    }

    /// The answer to a statement of temporal SQL, as typed values.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn sql_rows(&self, question: &SqlQuestion) -> Result<RowAnswer<StatementClaim>, ClientError> {
        let message = self.sql_request(question, v1::RowFormat::Values);
        let (header, parts) = self.ask(message, method!(self.query_service(), sql)).await?;
        RowAnswer::new(header, parts)
    }

    /// How a statement would be answered, for people: its plan, and what it reads of each context.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn explain_sql(&self, question: &SqlQuestion) -> Result<String, ClientError> {
        let request = self.sql_request(question, v1::RowFormat::Unspecified);
        let v1::SqlRequest { text, parameters, named_parameters, settings, views, at_least, format: _ } =
            request;
        let message = v1::ExplainSqlRequest { text, parameters, named_parameters, settings, views, at_least };
        let read = |reply: v1::ExplainSqlResponse| Ok(reply.plan);
        self.call(Repeat::Safe, message, method!(self.query_service(), explain_sql), read).await
    }

    fn sql_request(&self, question: &SqlQuestion, format: v1::RowFormat) -> v1::SqlRequest {
        let at_least = self.at_least(question.at_least);
        v1::SqlRequest { at_least, format: format.into(), ..question.into() }
    }
}
