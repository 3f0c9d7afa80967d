//! A client of one server, or of several behind one address.

mod contexts;
pub(crate) mod flight;
mod ingest;
pub(crate) mod log;
pub(crate) mod operations;
pub(crate) mod pages;
mod put_many;
mod query;
mod snapshots;
mod sql;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use calotype_proto::v1;
use tokio::time::{Instant, timeout_at};
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::endpoint;
use crate::error::{Broken, ClientError};
use crate::options::Options;
use crate::retry::{Pauses, Repeat};
use crate::seen::Seen;

/// The largest message that is taken, bytes: above what any server sends.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
const PRINCIPAL_HEADER: &str = "calotype-principal";
const REQUEST_ID_HEADER: &str = "calotype-request-id";

/// A client of a server. Cheap to clone; clones share the connection and the newest commit seen.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    channel: Channel,
    endpoint: String,
    options: Options,
    principal: Option<AsciiMetadataValue>,
    seen: Seen,
}

/// One request with all its attempts.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Its id, as the server's log has it.
    pub(crate) request_id: String,
    /// When it must have ended.
    pub(crate) deadline: Option<Instant>,
}

impl Client {
    /// Connects to a server: `http://host:port`, `grpc://host:port` or `host:port`.
    ///
    /// # Errors
    /// The address is none, or the server cannot be reached.
    pub async fn connect(endpoint: &str) -> Result<Self, ClientError> {
        Self::connect_with(endpoint, Options::default()).await
    }

    /// Connects to a server, with options.
    ///
    /// # Errors
    /// The address is none, an option makes no sense, or the server cannot be reached.
    pub async fn connect_with(endpoint: &str, options: Options) -> Result<Self, ClientError> {
        let principal = principal(&options)?;
        let channel = endpoint::connect(endpoint, &options).await?;
        Ok(Self::new(channel, endpoint.to_owned(), options, principal))
    }

    /// A client over a channel, such as one to a server in the same process. Make it from an endpoint that was
    /// [`tuned`](crate::tuned).
    ///
    /// # Errors
    /// An option makes no sense.
    pub fn from_channel(channel: Channel, options: Options) -> Result<Self, ClientError> {
        let principal = principal(&options)?;
        Ok(Self::new(channel, "(a given channel)".to_owned(), options, principal))
    }

    fn new(
        channel: Channel,
        endpoint: String,
        options: Options,
        principal: Option<AsciiMetadataValue>,
    ) -> Self {
        Self { inner: Arc::new(Inner { channel, endpoint, options, principal, seen: Seen::default() }) }
    }

    /// The address of the server, as it was given.
    pub fn endpoint(&self) -> &str {
        &self.inner.endpoint
    }

    /// How the client behaves.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// The newest commit that this client or a clone of it made; questions see it.
    pub fn newest_commit_made(&self) -> Option<u64> {
        self.inner.seen.newest()
    }

    /// The commit that a question must have seen.
    pub(crate) fn at_least(&self, asked: Option<u64>) -> Option<u64> {
        let made = self.inner.options.read_your_writes.then(|| self.inner.seen.newest()).flatten();
        asked.max(made)
    }

    /// The connection, for services that are none of ours, such as health.
    pub fn channel(&self) -> Channel {
        self.inner.channel.clone()
    }

    /// Begins a request: its id is fresh, its time runs from now.
    pub(crate) fn begin(&self) -> Result<Call, ClientError> {
        let deadline = self.inner.options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Ok(Call { request_id: fresh_id()?, deadline })
    }

    /// A message with the headers of a request.
    pub(crate) fn request<T>(&self, call: &Call, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(principal) = &self.inner.principal {
            request.metadata_mut().insert(PRINCIPAL_HEADER, principal.clone());
        }
        if let Ok(id) = AsciiMetadataValue::try_from(call.request_id.as_str()) {
            request.metadata_mut().insert(REQUEST_ID_HEADER, id);
        }
        if let Some(deadline) = call.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            // Zero would be no time at all; the deadline is watched here too.
            request.set_timeout(left.max(Duration::from_millis(1)));
        }
        request
    }

    /// What a status means.
    pub(crate) fn failure(&self, call: &Call, status: &Status) -> ClientError {
        // Both sides watch the deadline: whichever is first, it is one error.
        let late = call.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let timed_out = matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded);
        if late && timed_out {
            return self.too_late(call);
        }
        ClientError::of_status(status, &self.inner.endpoint, &call.request_id)
    }

    pub(crate) fn too_late(&self, call: &Call) -> ClientError {
        ClientError::Timeout {
            endpoint: self.inner.endpoint.clone(),
            after: self.inner.options.timeout.unwrap_or_default(),
            request_id: call.request_id.clone(),
        }
    }

    /// Waits for something, at most until the deadline.
    pub(crate) async fn within<T>(
        &self,
        call: &Call,
        work: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        match call.deadline {
            None => work.await,
            Some(deadline) => timeout_at(deadline, work).await.unwrap_or_else(|_| Err(self.too_late(call))),
        }
    }

    pub(crate) fn pauses(&self) -> Result<Pauses, ClientError> {
        let seed = getrandom::u64().map_err(no_entropy)?;
        Ok(Pauses::new(&self.inner.options.retries, seed))
    }

    /// Makes attempts until one succeeds, or none is left or allowed. An attempt is large, and so is boxed.
    pub(crate) async fn attempts<T, F>(
        &self,
        call: &Call,
        repeat: Repeat,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut pauses = self.pauses()?;
        loop {
            let error = match self.within(call, Box::pin(attempt())).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let next = pauses.next(repeat, &error, Instant::now());
            let Some(next) = next.filter(|next| call.deadline.is_none_or(|deadline| *next < deadline)) else {
                return Err(error);
            };
            tracing::debug!(request_id = call.request_id, %error, "request is retried");
            tokio::time::sleep_until(next).await;
        }
    }

    /// Sends one message and takes one, with as many attempts as are allowed.
    pub(crate) async fn call<M, R, T, F>(
        &self,
        repeat: Repeat,
        message: M,
        send: impl Fn(Request<M>) -> F,
        read: impl Fn(R) -> Result<T, Broken>,
    ) -> Result<T, ClientError>
    where
        M: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let call = self.begin()?;
        let reply = self
            .attempts(&call, repeat, || {
                let reply = send(self.request(&call, message.clone()));
                async { reply.await.map_err(|status| self.failure(&call, &status)) }
            })
            .await?;
        read(reply.into_inner()).map_err(|broken| broken.of(&call.request_id))
    }
}

/// A method of a generated client as a function that may be called again.
macro_rules! method {
    ($service:expr, $method:ident) => {{
        let service = $service;
        move |request| {
            let mut service = service.clone();
            async move { service.$method(request).await }
        }
    }};
}
pub(crate) use method;

macro_rules! services {
    ($($name:ident: $module:ident::$client:ident),* $(,)?) => {
        impl Client {$(
            pub(crate) fn $name(&self) -> v1::$module::$client<Channel> {
                v1::$module::$client::new(self.channel()).max_decoding_message_size(MESSAGE_BYTES_MAX)
            }
        )*}
    };
}

services! {
    context_service: context_service_client::ContextServiceClient,
    ingest_service: ingest_service_client::IngestServiceClient,
    query_service: query_service_client::QueryServiceClient,
    snapshot_service: snapshot_service_client::SnapshotServiceClient,
    operation_service: operation_service_client::OperationServiceClient,
    log_service: log_service_client::LogServiceClient,
}

/// 128 random bits, hexadecimal.
pub(crate) fn fresh_id() -> Result<String, ClientError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(no_entropy)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn no_entropy(error: getrandom::Error) -> ClientError {
    ClientError::Request(format!("the operating system gives no random bytes: {error}"))
}

fn principal(options: &Options) -> Result<Option<AsciiMetadataValue>, ClientError> {
    let Some(principal) = &options.principal else { return Ok(None) };
    let value = AsciiMetadataValue::try_from(principal.as_str()).ok();
    let value = value.filter(|value| value.to_str().is_ok() && !principal.is_empty());
    let refuse = || ClientError::Request(format!("principal {principal:?} is not printable ASCII"));
    value.map(Some).ok_or_else(refuse)
}
