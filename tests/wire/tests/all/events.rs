//! The fact oracle through the wire: states, pieces, and histories on both axes.

use calotype_client::{
    AsOfQuestion, CaptureMode, HistoryForm, HistoryQuestion, SystemTime, TimeRange as ClientRange, ValidTime,
};
use calotype_oracle::{EventsShape, Fact, FactOracle, Key, Piece, Seed, TimeRange, events_history};
use calotype_suite::told::{facts_of, pieces_of};
use calotype_wire::doors::{Asking, CONTEXT, Doors, Putting, point, told};
use calotype_wire::serving::{Server, limits};
use serde_json::json;

use crate::places::Place;

const SHAPE: EventsShape = EventsShape { puts: 10, rows_max: 4, instants: 8, keys: 3, values: 3 };

struct Run {
    doors: Doors,
    oracle: FactOracle<Key, u32>,
    known: Vec<i64>,
    story: String,
}

impl Run {
    async fn new(server: &Server, number: u64) -> Self {
        let doors = Doors::of(server).await;
        doors.create(CaptureMode::Events).await.unwrap();
        let mut run =
            Self { doors, oracle: FactOracle::new(), known: Vec::new(), story: format!("seed {number}") };
        for (place, put) in events_history(Seed::new(number), SHAPE).iter().enumerate() {
            let door = Putting::turn(place);
            let committed = run.doors.apply_events(door, put, None).await;
            let at =
                committed.unwrap_or_else(|error| panic!("{}: {put:?}: {error:?}", run.story)).system_time;
            run.oracle.events_put(at.unsigned_abs(), at, put).unwrap();
            run.known.push(at);
        }
        run
    }

    async fn compare_states(&self) {
        for &known in &self.known {
            for valid in -1..=9 {
                let expected = self.oracle.state(valid, known);
                let mut hashes = Vec::new();
                for door in Asking::ALL {
                    let (found, hash) = self.doors.state(door, valid, known).await.unwrap();
                    assert_eq!(found, expected, "{}: at {valid} known {known} by {door:?}", self.story);
                    hashes.push(hash);
                }
                assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{}: {hashes:?}", self.story);
            }
        }
    }

    /// The pieces that hold an instant, with their system columns.
    async fn compare_pieces(&self) {
        for &known in &self.known {
            for valid in [0, 3, 7] {
                let expected = self.oracle.read(TimeRange::At(valid), TimeRange::At(known));
                let question = AsOfQuestion::new(CONTEXT, point(valid, known));
                let question = AsOfQuestion { system_columns: true, ..question };
                let answer = self.doors.client.as_of(&question).await.unwrap();
                let found = pieces_of(&told(answer).await.unwrap().batches);
                assert_eq!(found, expected, "{}: pieces at {valid} known {known}", self.story);
            }
        }
    }

    async fn compare_histories(&self, seed: &mut Seed) {
        let valid: Vec<i64> = (-1..=9).collect();
        for _ in 0..10 {
            let (valid, system) = (range(seed, &valid), range(seed, &self.known));
            let expected = self.oracle.read(valid, system);
            let found = self.pieces(valid, system).await;
            assert_eq!(found, expected, "{}: rectangles over {valid:?} known {system:?}", self.story);
            let expected = known_facts(&self.oracle, valid, system);
            let found = self.facts(valid, system).await;
            assert_eq!(found, expected, "{}: facts over {valid:?} known {system:?}", self.story);
        }
    }

    async fn pieces(&self, valid: TimeRange, system: TimeRange) -> Vec<Piece<Key, u32>> {
        let question = question(HistoryForm::Rectangles, valid, system);
        pieces_of(&self.doors.history(&question).await.unwrap().batches)
    }

    async fn facts(&self, valid: TimeRange, system: TimeRange) -> Vec<Fact<Key, u32>> {
        let question = question(HistoryForm::Facts, valid, system);
        let arrow = self.doors.history(&question).await.unwrap();
        let mut rows = self.doors.client.history_rows(&question).await.unwrap();
        assert_eq!(rows.read_all().await.unwrap().len() as u64, arrow.rows);
        assert_eq!(rows.end().unwrap().result_hash, arrow.result_hash, "{}: {question:?}", self.story);
        facts_of(&arrow.batches)
    }

    /// A key's history over Flight, up to each time, is the one over gRPC.
    async fn compare_flight(&self) {
        for &known in &self.known {
            for (word, form) in [("facts", HistoryForm::Facts), ("rectangles", HistoryForm::Rectangles)] {
                let known_at = SystemTime::from_micros(known);
                let ticket = json!({"history": {
                    "context": CONTEXT, "key": {"k": 2}, "known_at": known_at, "form": word,
                }});
                let over_flight = self.doors.get(&ticket).await.unwrap();
                let key = calotype_client::Key::from([("k", calotype_client::Value::Int(2))]);
                let question = HistoryQuestion {
                    keys: key.into(),
                    ..question(form, TimeRange::All, TimeRange::Between { from: 0, to: known })
                };
                let over_grpc = self.doors.history(&question).await.unwrap();
                let both = [over_flight, over_grpc].map(|told| (told.batches, told.result_hash));
                assert_eq!(both[0], both[1], "{}: {word} known {known}", self.story);
            }
        }
    }
}

fn range(seed: &mut Seed, instants: &[i64]) -> TimeRange {
    let mut pick = || instants[seed.below(u32::try_from(instants.len()).unwrap()) as usize];
    let (a, b) = (pick(), pick());
    let (from, to) = (a.min(b), a.max(b));
    match seed.below(4) {
        0 => TimeRange::All,
        1 => TimeRange::At(a),
        2 if from < to => TimeRange::FromTo { from, to },
        _ => TimeRange::Between { from, to },
    }
}

fn client_range<T>(range: TimeRange, at: impl Fn(i64) -> T) -> ClientRange<T> {
    match range {
        TimeRange::All => ClientRange::All,
        TimeRange::At(instant) => ClientRange::At(at(instant)),
        TimeRange::FromTo { from, to } => ClientRange::FromTo(at(from), at(to)),
        TimeRange::Between { from, to } => ClientRange::Between(at(from), at(to)),
    }
}

fn question(form: HistoryForm, valid: TimeRange, system: TimeRange) -> HistoryQuestion {
    HistoryQuestion {
        context: CONTEXT.into(),
        form,
        valid: client_range(valid, ValidTime::from_micros),
        known: client_range(system, SystemTime::from_micros),
        ..HistoryQuestion::default()
    }
}

/// The facts that became known within a range of system time, or that are known at an instant of it, by key, then
/// entry, then period.
fn known_facts(oracle: &FactOracle<Key, u32>, valid: TimeRange, system: TimeRange) -> Vec<Fact<Key, u32>> {
    let begins = |instant| match system {
        TimeRange::All | TimeRange::At(_) => true,
        TimeRange::FromTo { from, .. } | TimeRange::Between { from, .. } => from <= instant,
    };
    let asked = |fact: &&Fact<Key, u32>| {
        begins(fact.system) && system.reaches(fact.system) && valid.overlaps(fact.period())
    };
    let mut facts: Vec<_> = oracle.facts().iter().filter(asked).cloned().collect();
    facts.sort_by_key(|fact| (fact.key, fact.system, fact.valid_from));
    facts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_facts_answer_as_the_oracle_through_every_door() {
    for number in 0..12 {
        println!("seed {number}");
        let server = Server::start(Place::memory().open().await, limits());
        let run = Run::new(&server, number).await;
        run.compare_states().await;
        run.compare_pieces().await;
        run.compare_histories(&mut Seed::new(number)).await;
        run.compare_flight().await;
        drop(run);
        server.stop().await;
    }
}
