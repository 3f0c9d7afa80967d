//! T15: a server that is killed at random times, fifty times, on one store. Whatever was acknowledged is there
//! afterwards, and nothing is there in part.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use calotype_client::Client;
use calotype_oracle::Seed;
use calotype_wire::process::Served;
use calotype_wire::process::frames::Raw;
use futures::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::book::{Told, check, create, once, put};
use super::{number_of_seed, plan};

const KILLS: u32 = 50;
const WRITERS: i64 = 6;
/// Silent connections while it is killed.
const IDLE: usize = 8;

/// Receipts as they come in, from all writers.
#[derive(Default)]
struct Receipts {
    told: Mutex<Vec<Told>>,
    more: Notify,
}

impl Receipts {
    fn add(&self, told: Told) {
        self.told.lock().unwrap().push(told);
        self.more.notify_one();
    }

    fn count(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    fn all(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// Which number comes next of a writer.
    fn next(&self, writer: i64) -> i64 {
        let told = self.told.lock().unwrap();
        told.iter().filter(|told| told.writer == writer).map(|told| told.number + 1).max().unwrap_or(0)
    }
}

/// Writes until the server is gone.
async fn write(client: Client, writer: i64, receipts: Arc<Receipts>) {
    for number in receipts.next(writer).. {
        let first = number == receipts.next(writer);
        match put(&client, writer, number).await {
            // The first of a generation may have been committed by the one before, unacknowledged.
            Ok((told, replayed)) => {
                assert!(first || !replayed);
                receipts.add(told);
            }
            Err(error) => {
                let lost = ["Unavailable", "Unknown", "Cancelled", "Internal"];
                assert!(lost.iter().any(|code| error.starts_with(code)), "writer {writer}: {error}");
                return;
            }
        }
    }
}

/// A repetition is answered with the first receipt.
async fn replays(client: &Client, receipts: &[Told], seed: &mut Seed) {
    for _ in 0..3.min(receipts.len()) {
        let told = &receipts[seed.below(u32::try_from(receipts.len()).unwrap()) as usize];
        assert_eq!(put(client, told.writer, told.number).await, Ok((told.clone(), true)));
    }
}

/// A life of a server under load, to its sudden end.
async fn live(server: Served, receipts: &Arc<Receipts>, seed: &mut Seed) {
    let client = server.client(once()).await.unwrap();
    check(&client, &receipts.all()).await;
    replays(&client, &receipts.all(), seed).await;
    let mut idle = Vec::new();
    for _ in 0..if seed.percent(50) { IDLE } else { 0 } {
        idle.push(Raw::silent(server.address()).await.unwrap());
    }
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        // A connection each, as from other machines.
        let client = server.client(once()).await.unwrap();
        writers.push(tokio::spawn(write(client, writer, Arc::clone(receipts))));
    }
    let enough = receipts.count() + seed.below(30) as usize;
    while receipts.count() < enough {
        receipts.more.notified().await;
    }
    // polls: nothing, but a moment by lot: that is what is tested
    sleep(Duration::from_micros(seed.below(4000).into())).await;
    server.kill().await.unwrap();
    for writer in join_all(writers).await {
        writer.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_fifty_kills() {
    let number = number_of_seed(15);
    let mut seed = Seed::new(number);
    let (_folder, plan) = plan();
    let server = plan.start().await.unwrap();
    create(&server.client(once()).await.unwrap()).await.unwrap();
    server.kill().await.unwrap();
    let receipts = Arc::new(Receipts::default());
    let begun = Instant::now();
    for kill in 0..KILLS {
        if seed.percent(20) {
            // While it begins.
            let mut child = plan.spawn().unwrap();
            // polls: nothing, but a moment by lot: that is what is tested
            sleep(Duration::from_micros(seed.below(60_000).into())).await;
            child.kill().await.unwrap();
        } else {
            live(plan.start().await.unwrap(), &receipts, &mut seed).await;
        }
        eprintln!("kill {kill}: {} receipts after {:?}", receipts.count(), begun.elapsed());
    }
    let server = plan.start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    check(&client, &receipts.all()).await;
    replays(&client, &receipts.all(), &mut seed).await;
    super::verifies(&client).await;
    assert!(receipts.count() > KILLS as usize, "{} receipts: too few to tell", receipts.count());
}
