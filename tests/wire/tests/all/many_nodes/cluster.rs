//! Several servers on one store.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use calotype_client::{Client, Options, RetryPolicy};
use calotype_storage::database::Database;
use calotype_wire::doors::Doors;
use calotype_wire::failure::Failure;
use calotype_wire::serving::{Server, limits};

use crate::places::Place;

/// How often a store with a bad network is opened before it is given up.
const OPENINGS_MAX: usize = 2_000;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Several servers on one store.
pub(super) struct Cluster {
    place: Place,
    nodes: Vec<Mutex<Server>>,
}

impl Cluster {
    pub(super) async fn start(place: Place, count: usize) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(Mutex::new(Server::start(open(&place).await, limits())));
        }
        Self { place, nodes }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Where a node listens now.
    fn address(&self, node: usize) -> SocketAddr {
        self.nodes[node].lock().unwrap_or_else(PoisonError::into_inner).address
    }

    /// The doors of a node, unless it is just dying.
    pub(super) async fn doors(&self, node: usize) -> Result<Doors, Failure> {
        let timeout = Some(PATIENCE);
        let options = Options { retries: RetryPolicy::NEVER, timeout, ..Options::default() };
        Ok(Doors { client: Client::connect_with(&self.address(node).to_string(), options).await? })
    }

    /// The doors of all nodes.
    pub(super) async fn all_doors(&self) -> Vec<Doors> {
        let mut all = Vec::new();
        for node in 0..self.nodes.len() {
            all.push(self.doors(node).await.unwrap());
        }
        all
    }

    /// Lets a node die where it stands, and starts another in its place.
    pub(super) async fn kill(&self, node: usize) {
        let next = Server::start(open(&self.place).await, limits());
        let dead = std::mem::replace(&mut *self.nodes[node].lock().unwrap(), next);
        drop(dead);
    }

    /// A node that was not there before.
    pub(super) async fn newcomer(&self) -> Server {
        Server::start(open(&self.place).await, limits())
    }
}

async fn open(place: &Place) -> Database {
    let mut tries = 0;
    loop {
        match place.try_open().await {
            Ok(database) => return database,
            Err(error) if tries == OPENINGS_MAX => panic!("{error}"),
            Err(_) => tries += 1,
        }
    }
}
