//! What is committed to a context, as it comes, through interruptions.
//!
//! Invariants: each entry is given once, in the log's order; the number of attempts between two messages is
//! bounded.

use std::fmt;

use calotype_proto::v1;
use futures::stream::{self, Stream};
use tokio::time::Instant;
use tonic::Streaming;

use crate::client::{Call, Client};
use crate::error::ClientError;
use crate::log::{Since, WatchEvent};
use crate::retry::{Pauses, Repeat};

/// A watch of a context. Goes on by itself where the connection fails or the server stops, for as long as the retry
/// policy allows.
pub struct Watch {
    client: Client,
    context: String,
    since: Since,
    open: Option<(Call, Streaming<v1::WatchContextResponse>)>,
    pauses: Option<Pauses>,
    /// Commit and entry that were given last.
    last: Option<(u64, u32)>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("context", &self.context)
            .field("since", &self.since)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Watch {
    pub(crate) fn new(client: Client, context: String, since: Since) -> Self {
        Self { client, context, since, open: None, pauses: None, last: None }
    }

    /// Where the watch stands: what another one would begin with.
    pub fn since(&self) -> &Since {
        &self.since
    }

    /// The next message: an entry, or a sign of life. A cancelled call loses nothing.
    ///
    /// # Errors
    /// [`ClientError`] once the server refuses, or all attempts failed. Calling it again makes new ones.
    pub async fn next(&mut self) -> Result<WatchEvent, ClientError> {
        loop {
            let error = match self.receive().await {
                Ok(event) => {
                    self.pauses = None;
                    self.since = Since::Token(event.resume_token.clone());
                    let place = event.entry.as_ref().map(|entry| (entry.commit, entry.entry));
                    if place.is_some() && place <= self.last {
                        continue;
                    }
                    self.last = place.or(self.last);
                    return Ok(event);
                }
                Err(error) => error,
            };
            self.open = None;
            let pauses = match &mut self.pauses {
                Some(pauses) => pauses,
                none => none.insert(self.client.pauses()?),
            };
            let Some(next) = pauses.next(Repeat::Safe, &error, Instant::now()) else {
                self.pauses = None;
                return Err(error);
            };
            tracing::debug!(context = self.context, %error, "watch goes on where it was");
            tokio::time::sleep_until(next).await;
        }
    }

    /// The messages as a stream, which ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<WatchEvent, ClientError>> + Send + 'static {
        stream::unfold(Some(self), |watch| async move {
            let mut watch = watch?;
            let event = watch.next().await;
            let rest = event.is_ok().then_some(watch);
            Some((event, rest))
        })
    }

    async fn receive(&mut self) -> Result<WatchEvent, ClientError> {
        let (call, stream) = match &mut self.open {
            Some(open) => open,
            none => {
                // A watch has no end, whatever the timeout of requests.
                let call = Call { deadline: None, ..self.client.begin()? };
                let since = match &self.since {
                    Since::Beginning => None,
                    Since::Commit(commit) => Some(v1::watch_context_request::Since::AfterCommit(*commit)),
                    Since::Token(token) => Some(v1::watch_context_request::Since::ResumeToken(token.clone())),
                };
                let message = v1::WatchContextRequest { context: self.context.clone(), since };
                let request = self.client.request(&call, message);
                let stream = self.client.log_service().watch_context(request).await;
                let stream = stream.map_err(|status| self.client.failure(&call, &status))?.into_inner();
                none.insert((call, stream))
            }
        };
        let message = stream.message().await.map_err(|status| self.client.failure(call, &status))?;
        let Some(message) = message else {
            return Err(ClientError::CutShort { rows: 0, request_id: call.request_id.clone() });
        };
        message.try_into().map_err(|broken: crate::error::Broken| broken.of(&call.request_id))
    }
}
