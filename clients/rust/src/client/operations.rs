//! Operations: looked at, watched, cancelled.

use std::fmt;

use calotype_proto::v1;
use tokio::time::Instant;
use tonic::Streaming;

use super::pages::{Listing, pages};
use super::{Call, Client, method};
use crate::convert::{Present, each};
use crate::error::{Broken, ClientError};
use crate::operation::{Operation, OperationState};
use crate::retry::{Pauses, Repeat};

impl Client {
    /// An operation by its id.
    ///
    /// # Errors
    /// [`ClientError`]; `NOT_FOUND` where the server knows none.
    pub async fn operation(&self, id: &str) -> Result<OperationHandle, ClientError> {
        let message = v1::GetOperationRequest { id: id.to_owned() };
        let read = |reply: v1::GetOperationResponse| operation(reply.operation);
        let found =
            self.call(Repeat::Safe, message, method!(self.operation_service(), get_operation), read).await?;
        Ok(OperationHandle::new(self.clone(), found))
    }

    /// The server's operations, the newest first, page by page.
    pub fn list_operations(&self) -> Listing<Operation> {
        let client = self.clone();
        pages(move |page_token| {
            let client = client.clone();
            async move {
                let message = v1::ListOperationsRequest { page_size: 0, page_token };
                let read =
                    |reply: v1::ListOperationsResponse| Ok((each(reply.operations)?, reply.next_page_token));
                client
                    .call(Repeat::Safe, message, method!(client.operation_service(), list_operations), read)
                    .await
            }
        })
    }
}

fn operation(operation: Option<v1::Operation>) -> Result<Operation, Broken> {
    operation.present("operation")?.try_into()
}

/// An operation, as last heard of.
pub struct OperationHandle {
    client: Client,
    latest: Operation,
    told: bool,
    watch: Option<(Call, Streaming<v1::WatchOperationResponse>)>,
    pauses: Option<Pauses>,
}

impl fmt::Debug for OperationHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationHandle").field("latest", &self.latest).finish_non_exhaustive()
    }
}

impl OperationHandle {
    pub(crate) fn new(client: Client, latest: Operation) -> Self {
        Self { client, latest, told: false, watch: None, pauses: None }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.latest.id
    }

    /// The operation, as last heard of.
    pub fn latest(&self) -> &Operation {
        &self.latest
    }

    /// How the operation comes on; `None` once its end was told. Asks again by itself where the connection fails,
    /// for as long as the retry policy allows.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn next(&mut self) -> Result<Option<Operation>, ClientError> {
        if self.latest.state != OperationState::Running {
            let first = !std::mem::replace(&mut self.told, true);
            return Ok(first.then(|| self.latest.clone()));
        }
        loop {
            let error = match self.receive().await {
                Ok(latest) => {
                    self.told = latest.state != OperationState::Running;
                    self.latest = latest.clone();
                    self.pauses = None;
                    return Ok(Some(latest));
                }
                Err(error) => error,
            };
            self.watch = None;
            let pauses = match &mut self.pauses {
                Some(pauses) => pauses,
                none => none.insert(self.client.pauses()?),
            };
            let Some(next) = pauses.next(Repeat::Safe, &error, Instant::now()) else { return Err(error) };
            tokio::time::sleep_until(next).await;
        }
    }

    async fn receive(&mut self) -> Result<Operation, ClientError> {
        let (call, stream) = match &mut self.watch {
            Some(watch) => watch,
            none => {
                // A watch lasts as long as the operation does, whatever the timeout of requests.
                let call = Call { deadline: None, ..self.client.begin()? };
                let message = v1::WatchOperationRequest { id: self.latest.id.clone() };
                let request = self.client.request(&call, message);
                let stream = self.client.operation_service().watch_operation(request).await;
                let stream = stream.map_err(|status| self.client.failure(&call, &status))?.into_inner();
                none.insert((call, stream))
            }
        };
        let message = stream.message().await.map_err(|status| self.client.failure(call, &status))?;
        let Some(message) = message else {
            return Err(ClientError::CutShort { rows: 0, request_id: call.request_id.clone() });
        };
        operation(message.operation).map_err(|broken| broken.of(&call.request_id))
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// [`ClientError`]; an operation that failed is an answer, not an error.
    pub async fn wait(&mut self) -> Result<Operation, ClientError> {
        while self.next().await?.is_some() {}
        Ok(self.latest.clone())
    }

    /// Stops the operation. One that is done stays as it is.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cancel(&mut self) -> Result<Operation, ClientError> {
        let message = v1::CancelOperationRequest { id: self.latest.id.clone() };
        let read = |reply: v1::CancelOperationResponse| operation(reply.operation);
        let service = self.client.operation_service();
        self.latest =
            self.client.call(Repeat::Safe, message, method!(service, cancel_operation), read).await?;
        Ok(self.latest.clone())
    }
}
