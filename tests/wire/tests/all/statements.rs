//! The statement oracle through the wire: histories go in through all doors in turns, every point of the grid is
//! asked through all of them, and all answers are the oracle's, also after the server was stopped and started anew.

use std::collections::BTreeMap;

use calotype_client::CaptureMode;
use calotype_oracle::{
    CUTOFFS, Key, Operation, Seed, StatementOracle, StatementShape, diff, statement_history, truth_table,
};
use calotype_server::limits::Limits;
use calotype_simulation::SimStore;
use calotype_storage::database::Database;
use calotype_wire::doors::{Asking, Doors, Putting, point};
use calotype_wire::serving::{Server, limits};
use serde_json::json;
use tonic::Code;

use crate::changes::{rows_of, told};
use crate::places::Place;

const SHAPE: StatementShape = StatementShape { operations: 14, cutoffs: 4, keys: 3, values: 3 };
/// Instants of valid time: each cutoff, what lies beside it, and beyond.
const VALID: [i64; 8] = [9, 10, 15, 20, 29, 30, 40, 41];

/// Hashes of answers, by point.
type Hashes = BTreeMap<(i64, i64), String>;

/// Puts a history through the doors in turns. The system times at which something became known, with one before.
async fn put(
    doors: &Doors,
    oracle: &mut StatementOracle<Key, u32>,
    history: &[Operation<Key, u32>],
    story: &str,
) -> Vec<i64> {
    let mut known = Vec::new();
    for (number, operation) in history.iter().enumerate() {
        let door = Putting::turn(number);
        match doors.apply(door, operation, None).await {
            Ok(committed) => {
                let at = committed.system_time;
                assert_eq!(oracle.apply(at, operation.clone()), Ok(()), "{story}: {operation:?}");
                if known.is_empty() {
                    known.push(at - 1);
                }
                known.push(at);
            }
            Err(failure) => {
                assert_eq!(failure.code, Code::NotFound, "{story}: {operation:?} by {door:?}: {failure:?}");
                let refused = oracle.clone().apply(i64::MAX, operation.clone());
                assert!(refused.is_err(), "{story}: {operation:?} by {door:?}: {failure:?}");
            }
        }
    }
    known
}

/// Asks for every point of the grid through every door.
async fn compare(doors: &Doors, oracle: &StatementOracle<Key, u32>, known: &[i64], story: &str) -> Hashes {
    let mut hashes = Hashes::new();
    for &known_at in known {
        for valid_at in VALID {
            let expected = oracle.state(valid_at, known_at);
            for door in Asking::ALL {
                let (found, hash) = doors.state(door, valid_at, known_at).await.unwrap();
                assert_eq!(found, expected, "{story}: at {valid_at} known {known_at} by {door:?}");
                let first = hashes.entry((valid_at, known_at)).or_insert_with(|| hash.clone());
                assert_eq!(&hash, first, "{story}: hash at {valid_at} known {known_at} by {door:?}");
            }
            let key = Key(1 + u32::try_from(known_at.unsigned_abs() % u64::from(SHAPE.keys)).unwrap());
            let found = doors.entity(key, valid_at, known_at).await.unwrap();
            assert_eq!(found, expected.get(&key).copied(), "{story}: {key} at {valid_at} known {known_at}");
        }
    }
    hashes
}

/// What differs between random pairs of points, over gRPC and over Flight.
async fn compare_changes(
    doors: &Doors,
    oracle: &StatementOracle<Key, u32>,
    known: &[i64],
    seed: &mut Seed,
    story: &str,
) {
    let mut pick = |from: &[i64]| from[seed.below(u32::try_from(from.len()).unwrap()) as usize];
    for _ in 0..12 {
        let (from, to) = ((pick(&VALID), pick(known)), (pick(&VALID), pick(known)));
        let expected = told(&diff(&oracle.state(from.0, from.1), &oracle.state(to.0, to.1)));
        let over_grpc = doors.diff(point(from.0, from.1), point(to.0, to.1)).await.unwrap();
        assert_eq!(rows_of(&over_grpc.batches), expected, "{story}: from {from:?} to {to:?}");
        let at = |(valid, known): (i64, i64)| {
            let point = point(valid, known);
            json!({"valid_at": point.valid_at.unwrap(), "known_at": point.known_at.unwrap()})
        };
        let ticket = json!({"diff": {"context": "oracle", "from": at(from), "to": at(to)}});
        let over_flight = doors.get(&ticket).await.unwrap();
        assert_eq!(over_flight, over_grpc, "{story}: from {from:?} to {to:?}");
    }
}

/// Puts a random history, compares it on one server, and on another after that.
pub(crate) async fn run(place: &Place, number: u64, start: fn(Database, Limits) -> Server) {
    let story = format!("seed {number}");
    let first = start(place.open().await, limits());
    let doors = Doors::of(&first).await;
    doors.create(CaptureMode::State).await.unwrap();
    let mut oracle = StatementOracle::new();
    let mut seed = Seed::new(number);
    let history = statement_history(Seed::new(number), SHAPE);
    let known = put(&doors, &mut oracle, &history, &story).await;
    let hashes = compare(&doors, &oracle, &known, &story).await;
    compare_changes(&doors, &oracle, &known, &mut seed, &story).await;
    drop(doors);
    first.stop().await;
    let second = start(place.open().await, limits());
    let doors = Doors::of(&second).await;
    let again = compare(&doors, &oracle, &known, &format!("{story}, started anew")).await;
    assert_eq!(again, hashes, "{story}: settled answers stay");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_answer_as_the_oracle_through_every_door() {
    for number in 0..18 {
        println!("seed {number}");
        let folder = tempfile::tempdir().unwrap();
        let place = match number % 3 {
            0 => Place::memory(),
            1 => Place::Bucket(SimStore::new()),
            _ => Place::Folder(folder.path().to_owned()),
        };
        run(&place, number, Server::start).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_truth_table_holds_through_the_wire() {
    for (place, row) in truth_table().into_iter().enumerate() {
        let server = Server::start(Place::memory().open().await, limits());
        let doors = Doors::of(&server).await;
        doors.create(CaptureMode::State).await.unwrap();
        let mut newest = 0;
        for (number, operation) in row.before.iter().chain(&row.then).enumerate() {
            let door = Putting::turn(place + number);
            newest = doors.apply(door, operation, None).await.unwrap().system_time;
        }
        for (cutoff, expected) in CUTOFFS.into_iter().zip(row.expected) {
            for door in Asking::ALL {
                let (state, _) = doors.state(door, cutoff, newest).await.unwrap();
                let found = state.get(&Key::FIRST).copied();
                assert_eq!(found, expected, "{} at {cutoff} by {door:?}", row.says);
            }
        }
    }
}
