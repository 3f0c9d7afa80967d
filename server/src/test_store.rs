//! A store in memory behind a node, for tests of the doors.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use calotype_storage::ValidTime;
use calotype_storage::backend::Backend;
use calotype_storage::commit::Receipt;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_storage::evaluate::{CreateContext, Deed, Proposal};
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::put::{OpenEnd, Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, Mode};
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;
use tonic::{Request, Status};

use crate::caller::Caller;
use crate::limits::Limits;
use crate::node::Node;
use crate::page_token::TokenKey;
use crate::telemetry::metrics::Metrics;
use crate::views::Views;

/// A server on a store in memory.
pub(crate) struct TestStore {
    pub(crate) node: Node,
    backend: Backend,
}

/// Limits for tests: whatever would wait for long gives up soon.
pub(crate) fn limits() -> Limits {
    Limits { at_least_time_max: Duration::from_millis(200), ..Limits::default() }
}

pub(crate) fn name(text: &str) -> ContextName {
    ContextName::parse(text).unwrap()
}

pub(crate) fn valid(micros: i64) -> ValidTime {
    ValidTime::from_micros(micros).unwrap()
}

/// A request that came through the transport.
pub(crate) fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let caller = Caller { request_id: "r1".into(), principal: Principal::local(), deadline: None };
    request.extensions_mut().insert(caller);
    request
}

/// All of a stream; its error, if it ends with one.
pub(crate) async fn drain<T>(stream: impl Stream<Item = Result<T, Status>>) -> (Vec<T>, Option<Status>) {
    let mut stream = Box::pin(stream);
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(item) => items.push(item),
            Err(error) => return (items, Some(error)),
        }
    }
    (items, None)
}

impl TestStore {
    pub(crate) async fn new() -> Self {
        Self::open(Backend::memory(), limits(), Access::Create).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::open(Backend::memory(), limits, Access::Create).await
    }

    #[cfg(feature = "sql")]
    pub(crate) async fn with_views(limits: Limits, views: Views) -> Self {
        Self::open_with(Backend::memory(), limits, Access::Create, views).await
    }

    /// Another server on the same store.
    pub(crate) async fn peer(&self) -> Self {
        Self::open(self.backend.clone(), limits(), Access::Write).await
    }

    async fn open(backend: Backend, limits: Limits, access: Access) -> Self {
        Self::open_with(backend, limits, access, Views::default()).await
    }

    async fn open_with(backend: Backend, limits: Limits, access: Access, views: Views) -> Self {
        let options = OpenOptions::new(access, StateFolder::Memory);
        let database = Database::open(backend.clone(), options).await.unwrap();
        let metrics = Arc::new(Metrics::new());
        let node =
            Node::with_views(database, limits, metrics, TokenKey::new([7; 32]), Handle::current(), &views);
        Self { node, backend }
    }

    async fn commit(&self, proposal: Proposal) -> Receipt {
        let receipt = self.node.database().commit(proposal).await.unwrap();
        self.node.follower().announce(self.node.database());
        receipt
    }

    /// Creates a context with the key `id`.
    pub(crate) async fn create(&self, context: &str, mode: Mode) -> Receipt {
        let deed = Deed { context: name(context), options: PutOptions::default() };
        let definition = CreateEntry {
            mode,
            key: vec!["id".into()],
            import: false,
            max_retracted_ppm: None,
            schema: None,
        };
        self.commit(Proposal::Create(CreateContext { deed, definition })).await
    }

    /// Puts facts that hold from an instant on: id, name, since when.
    pub(crate) async fn facts(&self, context: &str, rows: &[(i64, &str, i64)]) -> Receipt {
        let from = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|(_, _, from)| *from));
        let mut columns = columns(rows.iter().map(|(id, name, _)| (*id, *name)));
        columns.push(("_valid_from", Arc::new(from.with_timezone("UTC"))));
        self.put(context, PutKind::Facts { valid_to: Some(OpenEnd::Open) }, columns).await
    }

    /// Puts a full: id, name.
    pub(crate) async fn full(&self, context: &str, cutoff: i64, rows: &[(i64, &str)]) -> Receipt {
        let kind = PutKind::Full { cutoff: valid(cutoff) };
        self.put(context, kind, columns(rows.iter().copied())).await
    }

    /// Puts a delta: id, name.
    pub(crate) async fn delta(&self, context: &str, cutoff: i64, rows: &[(i64, &str)]) -> Receipt {
        let kind = PutKind::Delta { cutoff: valid(cutoff) };
        self.put(context, kind, columns(rows.iter().copied())).await
    }

    async fn put(&self, context: &str, kind: PutKind, columns: Vec<(&str, ArrayRef)>) -> Receipt {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let put = Put {
            context: name(context),
            kind,
            schema: batch.schema(),
            batches: vec![batch],
            options: PutOptions::default(),
        };
        self.commit(Proposal::Put(Arc::new(put))).await
    }
}

fn columns<'a>(rows: impl Iterator<Item = (i64, &'a str)>) -> Vec<(&'static str, ArrayRef)> {
    let (ids, names): (Vec<i64>, Vec<&str>) = rows.unzip();
    vec![("id", Arc::new(Int64Array::from(ids))), ("name", Arc::new(StringArray::from(names)))]
}
