//! T35: told to stop under load. What was asked is answered or refused as unavailable, no receipt is lost, and with
//! two servers on one store clients notice nothing.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calotype_client::tonic::transport::{Channel, Endpoint};
use calotype_client::{Client, EntityQuestion, Key, Options, Since, tuned};
use calotype_proto::v1;
use calotype_proto::v1::log_service_client::LogServiceClient;
use calotype_wire::process::{PATIENCE, Plan, Served};
use futures::future::join_all;
use tokio::time::{Instant, timeout};
use tonic::{Code, Status, Streaming};

use super::book::{BOOK, Told, check, create, once, put};
use super::plan;

const WRITERS: i64 = 6;
/// How long a server may take to end.
const DRAIN: Duration = Duration::from_secs(30);
/// How often each of two servers is started anew.
const ROUNDS: usize = 3;

type Receipts = Arc<Mutex<Vec<Told>>>;

/// Puts until the server refuses; says with what.
async fn write(client: Client, writer: i64, told: Receipts) -> String {
    for number in 0.. {
        match put(&client, writer, number).await {
            Ok((receipt, _)) => told.lock().unwrap().push(receipt),
            Err(error) => return error,
        }
    }
    unreachable!("the numbers do not end");
}

async fn watch(server: &Served, since: Option<v1::watch_context_request::Since>) -> Watched {
    let channel = Channel::from_shared(format!("http://{}", server.address())).unwrap();
    let mut client = LogServiceClient::new(channel.connect().await.unwrap());
    let request = v1::WatchContextRequest { context: BOOK.into(), since };
    Watched {
        stream: client.watch_context(request).await.unwrap().into_inner(),
        seen: Vec::new(),
        token: None,
    }
}

/// A watch, and what it has seen: commits and entries.
struct Watched {
    stream: Streaming<v1::WatchContextResponse>,
    seen: Vec<(u64, u32)>,
    token: Option<String>,
}

impl Watched {
    async fn next(&mut self) -> Result<(), Status> {
        let message = self.stream.message().await?;
        let message = message.ok_or_else(|| Status::ok("the watch ended without a status"))?;
        self.seen.extend(message.entry.map(|entry| (entry.commit, entry.entry)));
        self.token = Some(message.resume_token);
        Ok(())
    }

    /// Goes on until it has seen as much, or the stream ends.
    async fn until(&mut self, wanted: &BTreeSet<(u64, u32)>) -> Result<(), Status> {
        while !wanted.iter().all(|place| self.seen.contains(place)) {
            self.next().await?;
        }
        Ok(())
    }
}

async fn receipts(told: &Receipts, at_least: usize) {
    soon(async || told.lock().unwrap().len() >= at_least).await;
}

/// Waits until something is so.
async fn soon(is_so: impl AsyncFn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < until, "it never comes to pass");
        // polls: until enough is written
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The plan of another server of the same store.
fn other(plan: &Plan) -> Plan {
    Plan { state: plan.state.with_extension("other"), ..plan.clone() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_finishes_what_it_has_begun() {
    let (folder, plan) = plan();
    let plan = plan.with(format!("server.token_key_file={}", folder.path().join("key").display()));
    let mut server = plan.start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    let told = Receipts::default();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let client = server.client(once()).await.unwrap();
        writers.push(tokio::spawn(write(client, writer, Arc::clone(&told))));
    }
    let mut watched = watch(&server, None).await;
    watched.next().await.unwrap();
    receipts(&told, 60).await;

    let begun = Instant::now();
    server.terminate().await.unwrap();
    let ended = timeout(DRAIN, async {
        loop {
            if let Err(status) = watched.next().await {
                return status;
            }
        }
    });
    let ended = ended.await.unwrap();
    assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
    let status = server.ended(DRAIN).await.unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
    eprintln!("ended after {:?}", begun.elapsed());
    for refusal in join_all(writers).await {
        let refusal = refusal.unwrap();
        // A connection that is gone is unavailable too; a put that was taken has its answer.
        assert!(
            ["Unavailable", "Cancelled", "Unknown"].iter().any(|code| refusal.starts_with(code)),
            "{refusal}"
        );
    }

    // Elsewhere: another machine has its own index.
    let told = told.lock().unwrap().clone();
    let server = other(&plan).start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    check(&client, &told).await;
    let resumed = watched.token.map(v1::watch_context_request::Since::ResumeToken);
    let mut rest = watch(&server, resumed).await;
    rest.seen.append(&mut watched.seen);
    let wanted = told.iter().map(|told| (told.commit, told.entry)).collect();
    timeout(PATIENCE, rest.until(&wanted)).await.unwrap().unwrap();
    let distinct: BTreeSet<_> = rest.seen.iter().copied().collect();
    assert_eq!(distinct.len(), rest.seen.len(), "an entry was seen twice");
    super::verifies(&client).await;
}

/// What clients of two servers do, and count.
struct Load {
    over: AtomicBool,
    told: Receipts,
    reads: AtomicUsize,
}

impl Load {
    /// Puts until told to end; nothing may fail.
    async fn write(self: Arc<Self>, client: Client, writer: i64) {
        let mut number = 0;
        while !self.over.load(Ordering::Relaxed) {
            let (receipt, _) = put(&client, writer, number).await.expect("a put failed");
            self.told.lock().unwrap().push(receipt);
            number += 1;
        }
    }

    /// Reads what this client has written, until told to end; nothing may fail.
    async fn read(self: Arc<Self>, client: Client) {
        while !self.over.load(Ordering::Relaxed) {
            let newest = self.told.lock().unwrap().last().cloned();
            let Some(told) = newest else {
                tokio::task::yield_now().await;
                continue;
            };
            let key =
                [("writer", told.writer.into()), ("number", told.number.into()), ("part", 0_i64.into())];
            let question = EntityQuestion {
                context: BOOK.into(),
                key: Key::of(key),
                at_least: Some(told.commit),
                ..EntityQuestion::default()
            };
            let entity = client.entity(&question).await.expect("a question failed");
            assert!(entity.row.is_some(), "{told:?} is not there on some server");
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A client of several servers, as a name with several addresses would give it.
fn client_of(servers: &[Served]) -> Client {
    let options = Options::default();
    let endpoints = servers.iter().map(|server| {
        let endpoint = Endpoint::from_shared(format!("http://{}", server.address())).unwrap();
        tuned(endpoint, &options)
    });
    Client::from_channel(Channel::balance_list(endpoints), Options::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_are_started_anew_one_after_the_other_and_no_request_fails() {
    let (folder, first) = plan();
    let first = first.with(format!("server.token_key_file={}", folder.path().join("key").display()));
    let mut plans = [first.clone(), other(&first)];
    let mut servers = vec![plans[0].start().await.unwrap(), plans[1].start().await.unwrap()];
    for (plan, server) in plans.iter_mut().zip(&servers) {
        // Where it was: clients know no other address.
        *plan = plan.clone().with(format!("server.listen={}", server.address()));
    }
    create(&client_of(&servers)).await.unwrap();
    for server in &servers {
        // A put does not wait for a context that another server made.
        let client = server.client(once()).await.unwrap();
        soon(async || client.context(BOOK).await.is_ok()).await;
    }
    let load = Arc::new(Load {
        over: AtomicBool::new(false),
        told: Receipts::default(),
        reads: AtomicUsize::new(0),
    });
    let mut clients = Vec::new();
    for writer in [0, 1, 3, 4] {
        clients.push(tokio::spawn(Arc::clone(&load).write(client_of(&servers), writer)));
    }
    for _ in 0..2 {
        clients.push(tokio::spawn(Arc::clone(&load).read(client_of(&servers))));
    }
    let watching = client_of(&servers);
    let mut watch = watching.watch(BOOK, Since::Beginning);
    let mut seen = BTreeSet::new();
    for round in 0..2 * ROUNDS {
        let written = load.told.lock().unwrap().len();
        receipts(&load.told, written + 10).await;
        let (server, plan) = (&mut servers[round % 2], &plans[round % 2]);
        server.terminate().await.unwrap();
        let status = server.ended(DRAIN).await.unwrap();
        assert_eq!(status.code(), Some(0), "{status}");
        *server = plan.start().await.unwrap();
        eprintln!("round {round}: {} receipts", load.told.lock().unwrap().len());
    }
    load.over.store(true, Ordering::Relaxed);
    for client in join_all(clients).await {
        client.unwrap();
    }
    let told = load.told.lock().unwrap().clone();
    assert!(load.reads.load(Ordering::Relaxed) > 0);
    for server in &servers {
        check(&server.client(once()).await.unwrap(), &told).await;
    }
    let wanted: BTreeSet<_> = told.iter().map(|told| (told.commit, told.entry)).collect();
    while !wanted.is_subset(&seen) {
        let event = timeout(PATIENCE, watch.next()).await.unwrap().unwrap();
        seen.extend(event.entry.map(|entry| (entry.commit, entry.entry)));
    }
    // An operation is known to the server that works on it alone.
    super::verifies(&servers[0].client(once()).await.unwrap()).await;
}
