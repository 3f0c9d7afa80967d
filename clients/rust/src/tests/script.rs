//! A server that answers as a script says, and remembers what it was asked.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calotype_proto::v1;
use calotype_proto::v1::ingest_service_server::{IngestService, IngestServiceServer};
use calotype_proto::v1::log_service_server::{LogService, LogServiceServer};
use calotype_proto::v1::query_service_server::{QueryService, QueryServiceServer};
use futures::stream::{self, Stream, StreamExt};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tower::util::MapRequestLayer;

use crate::{Client, Options, RetryPolicy};

type Reply<T> = Result<Vec<Result<T, Status>>, Status>;
type Sent<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What the server answers next, method by method, and what it was asked.
#[derive(Default)]
pub(super) struct Script {
    pub(super) entities: Mutex<VecDeque<Result<v1::GetEntityResponse, Status>>>,
    pub(super) as_ofs: Mutex<VecDeque<Reply<v1::AsOfResponse>>>,
    pub(super) puts: Mutex<VecDeque<Result<v1::PutResponse, Status>>>,
    pub(super) put_streams: Mutex<VecDeque<Result<v1::PutStreamResponse, Status>>>,
    pub(super) put_manys: Mutex<VecDeque<Reply<v1::PutManyResponse>>>,
    pub(super) watches: Mutex<VecDeque<Reply<v1::WatchContextResponse>>>,
    pub(super) asked: Mutex<Asked>,
}

/// What the server was asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) headers: Vec<MetadataMap>,
    pub(super) entities: Vec<v1::GetEntityRequest>,
    pub(super) put_ids: Vec<String>,
    /// The messages of each put stream.
    pub(super) put_streams: Vec<Vec<v1::PutStreamRequest>>,
    /// Requests whose stream was reset before its end.
    pub(super) broken: usize,
    pub(super) put_manys: Vec<usize>,
    pub(super) watches: Vec<Option<v1::watch_context_request::Since>>,
}

/// A running server; ends when dropped.
pub(super) struct Running {
    pub(super) script: Arc<Script>,
    pub(super) address: String,
    server: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(super) async fn serve(script: Script) -> Running {
    let script = Arc::new(script);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // What services see of a stream that was reset looks like its end; here the two are told apart.
    let told = Arc::clone(&script);
    let tell = MapRequestLayer::new(move |request: http::Request<Body>| {
        let told = Arc::clone(&told);
        request.map(|body| {
            Body::new(body.map_err(move |error| {
                told.asked.lock().unwrap().broken += 1;
                error
            }))
        })
    });
    let router = Server::builder()
        .layer(tell)
        .add_service(QueryServiceServer::new(Scripted(Arc::clone(&script))))
        .add_service(IngestServiceServer::new(Scripted(Arc::clone(&script))))
        .add_service(LogServiceServer::new(Scripted(Arc::clone(&script))));
    let server = tokio::spawn(async move {
        router.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
    });
    Running { script, address, server }
}

/// Answers in their order.
pub(super) fn queue<T>(answers: Vec<T>) -> Mutex<VecDeque<T>> {
    Mutex::new(answers.into())
}

/// Options that lose no time.
pub(super) fn quick() -> Options {
    let retries = RetryPolicy {
        attempts_max: 4,
        delay_min: Duration::from_millis(1),
        delay_max: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    Options { retries, ..Options::default() }
}

impl Running {
    pub(super) async fn client(&self) -> Client {
        Client::connect_with(&self.address, quick()).await.unwrap()
    }

    pub(super) fn asked<T>(&self, look: impl FnOnce(&Asked) -> T) -> T {
        look(&self.script.asked.lock().unwrap())
    }
}

struct Scripted(Arc<Script>);

fn next<T>(answers: &Mutex<VecDeque<Result<T, Status>>>) -> Result<T, Status> {
    let next = answers.lock().unwrap().pop_front();
    next.unwrap_or_else(|| Err(Status::failed_precondition("the script has no more answers")))
}

fn streamed<T: Send + 'static>(answers: &Mutex<VecDeque<Reply<T>>>) -> Result<Response<Sent<T>>, Status> {
    let messages = next(answers)?;
    Ok(Response::new(stream::iter(messages).boxed()))
}

#[tonic::async_trait]
impl QueryService for Scripted {
    type AsOfStream = Sent<v1::AsOfResponse>;
    type HistoryStream = Sent<v1::HistoryResponse>;
    type DiffStream = Sent<v1::DiffResponse>;
    type SqlStream = Sent<v1::SqlResponse>;

    async fn get_entity(
        &self,
        request: Request<v1::GetEntityRequest>,
    ) -> Result<Response<v1::GetEntityResponse>, Status> {
        let mut asked = self.0.asked.lock().unwrap();
        asked.headers.push(request.metadata().clone());
        asked.entities.push(request.into_inner());
        next(&self.0.entities).map(Response::new)
    }

    async fn as_of(&self, _: Request<v1::AsOfRequest>) -> Result<Response<Self::AsOfStream>, Status> {
        streamed(&self.0.as_ofs)
    }

    async fn history(&self, _: Request<v1::HistoryRequest>) -> Result<Response<Self::HistoryStream>, Status> {
        Err(Status::unimplemented("history"))
    }

    async fn diff(&self, _: Request<v1::DiffRequest>) -> Result<Response<Self::DiffStream>, Status> {
        Err(Status::unimplemented("diff"))
    }

    async fn sql(&self, _: Request<v1::SqlRequest>) -> Result<Response<Self::SqlStream>, Status> {
        Err(Status::unimplemented("sql"))
    }

    async fn explain_sql(
        &self,
        _: Request<v1::ExplainSqlRequest>,
    ) -> Result<Response<v1::ExplainSqlResponse>, Status> {
        Err(Status::unimplemented("explain"))
    }
}

#[tonic::async_trait]
impl IngestService for Scripted {
    type PutManyStream = Sent<v1::PutManyResponse>;

    async fn put(&self, request: Request<v1::PutRequest>) -> Result<Response<v1::PutResponse>, Status> {
        let id = request.into_inner().put.unwrap().request_id;
        self.0.asked.lock().unwrap().put_ids.push(id);
        next(&self.0.puts).map(Response::new)
    }

    async fn put_stream(
        &self,
        request: Request<Streaming<v1::PutStreamRequest>>,
    ) -> Result<Response<v1::PutStreamResponse>, Status> {
        let mut messages = request.into_inner();
        let mut kept = Vec::new();
        while let Some(message) = messages.message().await? {
            kept.push(message);
        }
        self.0.asked.lock().unwrap().put_streams.push(kept);
        next(&self.0.put_streams).map(Response::new)
    }

    async fn put_many(
        &self,
        request: Request<Streaming<v1::PutManyRequest>>,
    ) -> Result<Response<Self::PutManyStream>, Status> {
        let deeds = request.into_inner().count().await;
        self.0.asked.lock().unwrap().put_manys.push(deeds);
        streamed(&self.0.put_manys)
    }

    async fn withdraw_cutoff(
        &self,
        _: Request<v1::WithdrawCutoffRequest>,
    ) -> Result<Response<v1::WithdrawCutoffResponse>, Status> {
        Err(Status::unimplemented("withdraw"))
    }
}

#[tonic::async_trait]
impl LogService for Scripted {
    type WatchContextStream = Sent<v1::WatchContextResponse>;

    async fn get_head(
        &self,
        _: Request<v1::GetHeadRequest>,
    ) -> Result<Response<v1::GetHeadResponse>, Status> {
        Err(Status::unimplemented("head"))
    }

    async fn list_records(
        &self,
        _: Request<v1::ListRecordsRequest>,
    ) -> Result<Response<v1::ListRecordsResponse>, Status> {
        Err(Status::unimplemented("records"))
    }

    async fn watch_context(
        &self,
        request: Request<v1::WatchContextRequest>,
    ) -> Result<Response<Self::WatchContextStream>, Status> {
        self.0.asked.lock().unwrap().watches.push(request.into_inner().since);
        streamed(&self.0.watches)
    }
}
