//! Two real processes on one folder, killed at random, again and again: every receipt
//! that was printed is kept, in one order.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use calotype_oracle::{Seed, StatementOracle};
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_suite::committer::{CONTEXT, operation, parse_key};
use calotype_suite::oracle_rows::answer;
use calotype_suite::recovered::verifies;
use calotype_suite::script::name_of;
use futures::executor::block_on;

/// How often a process is killed.
const KILLS: u32 = 24;

/// A receipt as it was printed: writer, number, entry, record hash, system time.
#[derive(Debug, PartialEq, Eq)]
struct Receipt {
    writer: u32,
    number: u32,
    entry: String,
    record_hash: String,
    system: i64,
}

impl Receipt {
    /// Reads a line; `None` if it was cut short.
    fn parse(line: &str) -> Option<Self> {
        let parts: Vec<&str> = line.strip_suffix('\n')?.split(' ').collect();
        let [writer, number, entry, record_hash, system] = parts.as_slice() else { return None };
        Some(Self {
            writer: writer.parse().ok()?,
            number: number.parse().ok()?,
            entry: (*entry).to_owned(),
            record_hash: (*record_hash).to_owned(),
            system: system.parse().ok()?,
        })
    }
}

struct Committer {
    writer: u32,
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Committer {
    fn start(folder: &Path, writer: u32, first: u32) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_committer"))
            .args([folder.join("store"), folder.join("state")])
            .args([writer.to_string(), first.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { writer, child, lines }
    }

    fn next(&mut self) -> Option<Receipt> {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        Receipt::parse(&line)
    }

    /// Kills it wherever it is, and takes what it had printed.
    fn kill(&mut self, receipts: &mut Vec<Receipt>) {
        self.child.kill().unwrap();
        while let Some(receipt) = self.next() {
            receipts.push(receipt);
        }
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), None, "writer {} ended by itself: {status}", self.writer);
    }
}

fn next_number(receipts: &[Receipt], writer: u32) -> u32 {
    let mine = receipts.iter().filter(|receipt| receipt.writer == writer);
    mine.map(|receipt| receipt.number + 1).max().unwrap_or(0)
}

/// T15.
#[test]
fn receipts_of_killed_processes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut seed = Seed::new(15);
    let mut receipts = Vec::new();
    let mut committers = [0, 1].map(|writer| Committer::start(folder.path(), writer, 0));
    for kill in 0..KILLS {
        let victim = seed.below(2);
        for _ in 0..=seed.below(12) {
            // Both are read, so that none waits for a full pipe.
            for committer in &mut committers {
                let receipt = committer.next();
                receipts.push(receipt.unwrap_or_else(|| panic!("kill {kill}: {} ended", committer.writer)));
            }
        }
        let committer = &mut committers[victim as usize];
        committer.kill(&mut receipts);
        *committer = Committer::start(folder.path(), victim, next_number(&receipts, victim));
    }
    for committer in &mut committers {
        committer.kill(&mut receipts);
    }
    check(&folder.path().join("store"), &receipts);
}

fn check(store: &Path, receipts: &[Receipt]) {
    let backend = Backend::local(store, false).unwrap();
    let options = OpenOptions::new(Access::Read, StateFolder::Memory);
    let database = block_on(Database::open(backend, options)).unwrap();
    assert_eq!(verifies(&database), Ok(()));
    let context = database.context(&name_of(CONTEXT)).unwrap();
    let mut oracle = StatementOracle::new();
    let mut found = Vec::new();
    for entry in context.entries() {
        let key = entry.entry.idempotency_key.as_ref().map_or("", |key| key.as_str());
        let Some((writer, number)) = parse_key(key) else { continue };
        let system = entry.system_time().micros();
        oracle.apply(system, operation(writer, number)).unwrap();
        let record_hash = database.index().record_hash(entry.id.record).unwrap().unwrap().to_string();
        found.push(Receipt { writer, number, entry: entry.id.to_string(), record_hash, system });
    }
    for receipt in receipts {
        assert!(found.contains(receipt), "{receipt:?} was printed and is not there");
    }
    for writer in [0, 1] {
        let mine = found.iter().filter(|receipt| receipt.writer == writer);
        let numbers: Vec<u32> = mine.map(|receipt| receipt.number).collect();
        let expected: Vec<u32> = (0..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "writer {writer}: each once, in order");
    }
    compare(&database, &oracle, &found);
}

fn compare(database: &Database, oracle: &StatementOracle<calotype_oracle::Key, u32>, found: &[Receipt]) {
    for receipt in found.iter().step_by(1 + found.len() / 12).chain(found.last()) {
        for valid in [10, 20, 30, 40, 50] {
            let (state, _) = answer(database, &name_of(CONTEXT), valid, receipt.system).unwrap();
            assert_eq!(state, oracle.state(valid, receipt.system), "at {valid} after {receipt:?}");
        }
    }
}
