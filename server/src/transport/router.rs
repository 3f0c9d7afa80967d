//! Finds the service that a request is for.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service, ServiceExt};

use crate::status;

/// What answers a request.
type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// A service of any type.
trait AnyService: Send + Sync {
    fn answer(&self, request: Request<Body>) -> Answering;
}

/// A service that is mounted.
struct Mounted<S>(S);

impl<S> AnyService for Mounted<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn answer(&self, request: Request<Body>) -> Answering {
        let service = self.0.clone();
        Box::pin(async move {
            match service.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    }
}

/// The services that are served on one port, by their names.
#[derive(Clone, Default)]
pub struct Router {
    services: BTreeMap<&'static str, Arc<dyn AnyService>>,
    endless: &'static [&'static str],
}

/// Where a request goes.
pub(super) struct Route {
    service: Arc<dyn AnyService>,
    /// Whether the answer goes on until one of both ends it.
    pub(super) endless: bool,
}

impl Router {
    /// No services yet. `endless` are the paths, `/service/method`, whose answers have no end: they are ended when
    /// the server stops, and take no place among the requests that are worked on.
    pub fn new(endless: &'static [&'static str]) -> Self {
        Self { services: BTreeMap::new(), endless }
    }

    /// Adds a service under its name.
    #[must_use]
    pub fn mount<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.services.insert(S::NAME, Arc::new(Mounted(service)));
        self
    }

    /// The names of all services.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.services.keys().copied()
    }

    /// Where a request goes.
    ///
    /// # Errors
    /// There is no such service.
    pub(super) fn route(&self, path: &str) -> Result<Route, Status> {
        let name = path.strip_prefix('/').and_then(|path| path.split_once('/')).map(|(name, _)| name);
        let found = name.and_then(|name| self.services.get(name));
        let service = found.ok_or_else(|| nothing_at(path))?;
        Ok(Route { service: Arc::clone(service), endless: self.endless.contains(&path) })
    }
}

/// What is answered where nothing is served.
pub(super) fn nothing_at(path: &str) -> Status {
    let path: String = path.chars().take(200).flat_map(char::escape_debug).collect();
    status::unimplemented(format!("nothing is served at {path}"))
}

impl Route {
    /// Answers a request.
    pub(super) fn answer(&self, request: Request<Body>) -> Answering {
        self.service.answer(request)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.services.keys()).finish()
    }
}
