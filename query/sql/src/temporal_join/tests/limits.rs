//! Memory, spilling, yielding, and one key that has it all.

use std::task::Context;

use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{FairSpillPool, GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::execute_stream;
use futures::task::noop_waker_ref;
use futures::{StreamExt, TryStreamExt};

use super::*;

const MIB: usize = 1 << 20;

/// Facts in order, read from tables that say so, under a pool of this many bytes.
fn limited(left: &[Fact], right: &[Fact], bytes: usize) -> (SessionContext, Arc<dyn MemoryPool>) {
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(bytes));
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::clone(&pool)).build_arc().unwrap();
    let context = session(SessionConfig::new(), runtime);
    for (name, facts) in [("l", left), ("r", right)] {
        let table = table(name, facts, 8_192).with_sort_order(by_key_and_begin());
        context.register_table(name, Arc::new(table)).unwrap();
    }
    (context, pool)
}

/// The number of rows an answer has, not kept.
async fn count(context: &SessionContext, sql: &str) -> Result<usize> {
    let stream = context.sql(sql).await?.execute_stream().await?;
    stream.try_fold(0, |rows, batch| async move { Ok(rows + batch.num_rows()) }).await
}

#[tokio::test]
async fn pieces_that_all_hold_at_once_end_in_an_error_not_in_growth() {
    let many: Vec<Fact> = (0..200_000).map(|at| fact(1, at, None)).collect();
    let (context, pool) = limited(&many, &[fact(1, 300_000, None)], 4 * MIB);
    for kind in [Kind::Inner, Kind::Left] {
        let error = count(&context, &sql(Axes::Valid, kind)).await.unwrap_err();
        assert!(matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)), "{error}");
        assert!(error.to_string().contains("TemporalJoinExec"), "{error}");
        assert_eq!(pool.reserved(), 0);
    }
}

/// A million pieces of one key, of which few hold at once, in a pool that a tenth of them would fill. Every
/// thousandth holds for long, so that batches cannot be let go of as they came.
#[tokio::test]
async fn one_key_with_a_million_pieces_needs_memory_for_those_that_hold() {
    let facts = |shift: i64| -> Vec<Fact> {
        let to = |at: i64| if at % 1_000 == 0 { at * 10 + 300_000 } else { at * 10 + 10 };
        (0..500_000).map(|at| fact(1, at * 10 + shift, to(at) + shift)).collect()
    };
    let (left, right) = (facts(0), facts(5));
    let (context, pool) = limited(&left, &right, 4 * MIB);
    let rows = count(&context, &sql(Axes::Valid, Kind::Inner)).await.unwrap();
    assert!(rows > 1_000_000, "{rows}");
    let covered = count(&context, &sql(Axes::Valid, Kind::Left)).await.unwrap();
    // The first piece begins before any right one; all other instants are covered.
    assert_eq!(covered, rows + 1);
    assert_eq!(pool.reserved(), 0);
}

/// While nothing of the right comes to compare with, the left must look for ended pieces by itself.
#[tokio::test]
async fn pieces_that_meet_nobody_for_long_are_dropped_when_they_have_ended() {
    let left: Vec<Fact> = (0..200_000).map(|at| fact(1, at, at + 1)).collect();
    let (context, _) = limited(&left, &[fact(1, 199_999, None)], 4 * MIB);
    for (kind, rows) in [(Kind::Inner, 1), (Kind::Left, 200_000)] {
        assert_eq!(count(&context, &sql(Axes::Valid, kind)).await.unwrap(), rows);
    }
}

#[tokio::test]
async fn results_of_a_huge_key_come_in_bounded_batches() {
    let facts: Vec<Fact> = (0..500).map(|at| fact(1, at, None)).collect();
    let context = session_of(&facts, &facts, 8_192);
    let batches = batches(&context, &sql(Axes::Valid, Kind::Inner)).await.unwrap();
    let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(rows.iter().sum::<usize>(), 250_000);
    assert!(rows.iter().all(|&rows| rows <= 8_193), "{rows:?}");
}

#[tokio::test]
async fn sorts_below_the_join_spill() {
    let many = |shift: u32| -> Vec<Fact> {
        let scattered = |at: u32| i64::from(at.wrapping_mul(2_654_435_761) >> 8);
        (0..400_000).map(|at| fact(scattered(at), i64::from(shift), i64::from(shift) + 10)).collect()
    };
    let pool = Arc::new(FairSpillPool::new(16 * MIB));
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().unwrap();
    let config = SessionConfig::new().with_sort_spill_reservation_bytes(MIB);
    let context = session(config, runtime);
    for (name, shift) in [("l", 0), ("r", 5)] {
        context.register_table(name, Arc::new(table(name, &many(shift), 8_192))).unwrap();
    }
    let plan =
        context.sql(&sql(Axes::Valid, Kind::Inner)).await.unwrap().create_physical_plan().await.unwrap();
    let stream = execute_stream(Arc::clone(&plan), context.task_ctx()).unwrap();
    let rows = stream.try_fold(0, |rows, batch| async move { Ok(rows + batch.num_rows()) }).await.unwrap();
    assert!(rows >= 400_000, "{rows}");
    assert!(spills(&plan) > 0, "nothing was spilled");
}

fn spills(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.spill_count()).unwrap_or(0);
    own + plan.children().into_iter().map(spills).sum::<usize>()
}

/// Four million pairs overlap on valid time and none on system time: long work without a result.
#[tokio::test]
async fn work_without_results_yields() {
    let left: Vec<Fact> = (0..2_000).map(|at| fact(1, at, None)).collect();
    let right: Vec<Fact> = left.iter().map(|fact| Fact { system: (-1, Some(0)), ..*fact }).collect();
    let context = session_of(&left, &right, 8_192);
    let mut stream =
        context.sql(&sql(Axes::Both, Kind::Inner)).await.unwrap().execute_stream().await.unwrap();
    let mut yields = 0;
    while stream.poll_next_unpin(&mut Context::from_waker(noop_waker_ref())).is_pending() {
        yields += 1;
    }
    assert!(yields > 50, "{yields}");
}

/// Results that need no more input would come for as long as somebody asks.
#[tokio::test]
async fn a_consumer_that_never_waits_is_made_to() {
    let facts: Vec<Fact> = (0..1_500).map(|at| fact(1, at, None)).collect();
    let context = session(SessionConfig::new().with_batch_size(2_000), Arc::default());
    for name in ["l", "r"] {
        context.register_table(name, Arc::new(table(name, &facts, 2_000))).unwrap();
    }
    let mut stream =
        context.sql(&sql(Axes::Valid, Kind::Inner)).await.unwrap().execute_stream().await.unwrap();
    let mut poll = || stream.poll_next_unpin(&mut Context::from_waker(noop_waker_ref()));
    let in_a_row = (0..1_000).take_while(|_| poll().is_ready()).count();
    assert!((1..500).contains(&in_a_row), "{in_a_row}");
}

#[tokio::test]
async fn a_stream_that_is_dropped_gives_its_memory_back() {
    let facts: Vec<Fact> = (0..20_000).map(|at| fact(1, at, None)).collect();
    let (context, pool) = limited(&facts, &facts, 64 * MIB);
    let mut stream =
        context.sql(&sql(Axes::Valid, Kind::Inner)).await.unwrap().execute_stream().await.unwrap();
    assert!(stream.next().await.unwrap().unwrap().num_rows() > 0);
    assert!(pool.reserved() > 0);
    drop(stream);
    assert_eq!(pool.reserved(), 0);
}

#[tokio::test]
async fn an_input_out_of_its_promised_order_is_an_error() {
    for facts in [[fact(2, 0, 10), fact(1, 0, 10)], [fact(1, 5, 10), fact(1, 0, 10)]] {
        for batch_rows in [1, 8_192] {
            let context = session(SessionConfig::new().with_batch_size(batch_rows), Arc::default());
            for name in ["l", "r"] {
                let table = table(name, &facts, batch_rows).with_sort_order(by_key_and_begin());
                context.register_table(name, Arc::new(table)).unwrap();
            }
            let error = count(&context, &sql(Axes::Valid, Kind::Inner)).await.unwrap_err().to_string();
            assert!(error.contains("does not come in the order its plan promises"), "{error}");
        }
    }
}
