//! T31: statements that are dropped at any point give memory and temporary files back, at once.

use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, sleep};

use super::store::TestStore;
use crate::SqlRequest;

/// How soon all must be given back.
const SOON: Duration = Duration::from_millis(100);
/// Statements that are dropped.
const DROPPED: u64 = 300;
/// Polls before the last point at which a statement is dropped.
const POLLS_MAX: u64 = 60;
/// Memory of a statement: little, so that all of them spill.
const MEMORY: usize = 12 << 20;

const STATEMENTS: [&str; 6] = [
    "SELECT to_hex(value * 48271 % 2147483647) AS t FROM generate_series(1, 400000) ORDER BY t",
    "SELECT value % 200000 AS g, count(*), min(to_hex(value * 48271 % 2147483647)) FROM generate_series(1, 400000) GROUP BY g",
    "SELECT a.value FROM generate_series(1, 20000) a JOIN (SELECT value * 2 AS v FROM generate_series(1, 400000)) b ON a.value = b.v ORDER BY 1 DESC",
    "SELECT count(*) FROM generate_series(1, 20000) a JOIN generate_series(1, 20000) b ON a.value * 7 % 1000 < b.value % 2 - 5",
    "SELECT DISTINCT a.value * 1000 + b.value FROM generate_series(1, 2000) a, generate_series(1, 1000) b",
    "SELECT sum(value) OVER (PARTITION BY value % 100 ORDER BY to_hex(value * 48271 % 2147483647)) FROM generate_series(1, 200000)",
];

/// A number that looks like chance, from another.
fn mixed(number: u64) -> u64 {
    let mixed = (number ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33
}

/// Polls work so many times, and looks at the end; whether it ended before.
async fn polled<T>(work: impl Future<Output = T>, times: u64, mut at_the_end: impl FnMut()) -> bool {
    let mut work = Box::pin(work);
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 {
            at_the_end();
            return Poll::Ready(false);
        }
        left -= 1;
        match work.poll_unpin(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_dropped_gives_all_back() {
    let store = TestStore::with_memory(MEMORY).await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let (mut times, mut spilled, mut held, mut ended) = (Vec::new(), 0, 0, 0);
    for number in 0..DROPPED {
        let place = usize::try_from(number).unwrap() % STATEMENTS.len();
        let request = SqlRequest::new(STATEMENTS[place]);
        let polls = 1 + mixed(number) % POLLS_MAX;
        let work = async {
            let mut answer = store.engine.query(&request).await?;
            while answer.next().await?.is_some() {}
            Ok::<(), crate::SqlError>(())
        };
        ended += usize::from(
            polled(work, polls, || {
                spilled += usize::from(store.spilled_files() > 0);
                held += usize::from(store.engine.memory_held() > 0);
            })
            .await,
        );
        let begun = Instant::now();
        while store.spilled_files() > 0 || store.engine.memory_held() > 0 || tasks() > before {
            assert!(begun.elapsed() < 100 * SOON, "{}: {} files", request.text, store.spilled_files());
            // polls: files, memory and tasks, until nothing is held
            sleep(Duration::from_millis(1)).await;
        }
        times.push(begun.elapsed());
    }
    times.sort();
    let p99 = times[times.len() * 99 / 100];
    println!("p99 {p99:?}, worst {:?}; {ended} had ended, {spilled} held files, {held} memory", times.last());
    assert!(p99 < SOON, "{p99:?}");
    assert!(held > 0 && spilled > 0, "none of them spills: the test shows nothing");
    assert!(ended < times.len() / 2, "{ended} had ended before they were dropped");
}
