//! What the server says of its health: for each service by name, and under "" for all.

use std::sync::atomic::{AtomicU8, Ordering};

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// The service that takes puts over gRPC.
const INGEST: &str = "calotype.v1.IngestService";

/// What the server says of its health.
#[derive(Debug)]
pub(crate) struct Health {
    reporter: HealthReporter,
    names: std::sync::OnceLock<Vec<&'static str>>,
    state: AtomicU8,
}

/// How far the server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// Not serving yet.
    Starting = 0,
    /// All is well.
    Serving = 1,
    /// Answers questions, but takes no more puts.
    Poisoned = 2,
    /// Finishes what was asked.
    Stopping = 3,
}

impl Health {
    /// Says that nothing is served yet.
    pub(crate) fn new() -> Self {
        let state = AtomicU8::new(State::Starting as u8);
        Self { reporter: HealthReporter::new(), names: std::sync::OnceLock::new(), state }
    }

    /// The service to ask.
    pub(crate) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Says that the services named are served.
    pub(super) async fn begin(&self, names: impl Iterator<Item = &'static str>) {
        let names = self.names.get_or_init(|| names.collect());
        for name in names.iter().copied().chain([""]) {
            self.reporter.set_service_status(name, ServingStatus::Serving).await;
        }
        self.enter(State::Serving);
    }

    /// Says that nothing can be written any more.
    pub(super) async fn poisoned(&self) {
        if self.state() == State::Serving {
            self.enter(State::Poisoned);
            self.reporter.set_service_status(INGEST, ServingStatus::NotServing).await;
        }
    }

    /// Says that nothing more is served.
    pub(super) async fn stop(&self) {
        self.enter(State::Stopping);
        for name in self.names.get().into_iter().flatten().copied().chain([""]) {
            self.reporter.set_service_status(name, ServingStatus::NotServing).await;
        }
    }

    /// How far the server has come.
    pub(super) fn state(&self) -> State {
        let state = self.state.load(Ordering::Relaxed);
        let all = [State::Starting, State::Serving, State::Poisoned, State::Stopping];
        all.into_iter().find(|known| *known as u8 == state).unwrap_or(State::Starting)
    }

    fn enter(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }
}
