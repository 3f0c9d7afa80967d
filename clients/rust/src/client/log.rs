//! The log: its head, its records, what is committed as it comes.

use calotype_proto::v1;

use super::pages::{Listing, pages};
use super::{Client, method};
use crate::convert::each;
use crate::error::ClientError;
use crate::log::{Head, LogRecord, RecordsQuestion, Since};
use crate::retry::Repeat;
use crate::watch::Watch;

impl Client {
    /// The store in a few lines: who it is, how far the log goes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn head(&self) -> Result<Head, ClientError> {
        let message = v1::GetHeadRequest { at_least: self.at_least(None) };
        let read = |reply: v1::GetHeadResponse| reply.try_into();
        self.call(Repeat::Safe, message, method!(self.log_service(), get_head), read).await
    }

    /// Records, page by page.
    pub fn records(&self, question: &RecordsQuestion) -> Listing<LogRecord> {
        let (client, question) = (self.clone(), question.clone());
        pages(move |page_token| {
            let client = client.clone();
            let message = v1::ListRecordsRequest {
                context: question.context.clone().unwrap_or_default(),
                from: question.from,
                newest_first: question.newest_first,
                with_bytes: question.with_bytes,
                page_size: 0,
                page_token,
                at_least: client.at_least(None),
            };
            async move {
                let read = |reply: v1::ListRecordsResponse| Ok((each(reply.records)?, reply.next_page_token));
                client.call(Repeat::Safe, message, method!(client.log_service(), list_records), read).await
            }
        })
    }

    /// What is committed to a context, as it comes. Nothing is sent before the first [`Watch::next`].
    pub fn watch(&self, context: &str, since: Since) -> Watch {
        Watch::new(self.clone(), context.to_owned(), since)
    }
}
