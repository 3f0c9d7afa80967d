//! The golden stores give the answers that were written down, and what is invalid is
//! refused in the words that were written down.

use std::fs;
use std::path::{Path, PathBuf};

use calotype_storage::database::Database;
use calotype_storage::verify::{Level, verify};
use calotype_suite::golden_store::files::{MANIFEST, copy, folder, listing};
use calotype_suite::golden_store::invalid::look;
use calotype_suite::golden_store::questions::{all, ask_all, log};
use calotype_suite::golden_store::story::open;
use futures::executor::block_on;
use serde_json::Value;
use tempfile::TempDir;

mod examples;

/// A copy of the golden store, open for reading.
fn store() -> (TempDir, Database) {
    let copied = tempfile::tempdir().expect("a folder");
    copy(&folder().join("store"), copied.path()).expect("a copy");
    let database = open(copied.path()).expect("the golden store opens");
    (copied, database)
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a golden file");
    serde_json::from_str(&text).expect("JSON")
}

fn expected(file: &str) -> PathBuf {
    folder().join("expected").join(file)
}

#[test]
fn the_files_are_as_they_were_written() {
    let listed = fs::read_to_string(folder().join(MANIFEST)).unwrap();
    let found = listing(&folder()).unwrap();
    for (listed, found) in listed.lines().zip(found.lines()) {
        assert_eq!(found, listed);
    }
    assert_eq!(found, listed);
}

#[test]
fn every_question_has_the_answer_that_was_written_down() {
    let (_copied, database) = store();
    let mut answers = 0;
    for (file, questions) in all(&database).unwrap() {
        let expected = json(&expected(&file));
        let expected = expected.as_array().unwrap();
        let kept: Vec<Value> = expected.iter().map(|answer| answer["question"].clone()).collect();
        assert_eq!(kept, questions, "{file}");
        for (found, expected) in ask_all(&database, &kept).unwrap().iter().zip(expected) {
            assert_eq!(found, expected, "{file}");
            answers += 1;
        }
    }
    assert!(answers > 300, "only {answers}");
}

#[test]
fn the_log_is_as_it_was_written_down() {
    let (_copied, database) = store();
    assert_eq!(log(&database).unwrap(), json(&expected("log.json")));
}

#[test]
fn the_store_verifies() {
    let (_copied, database) = store();
    let report = block_on(verify(&database, Level::Content, &mut |_, _, _| {})).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.keyframes, 6);
    assert!(report.chunks > 200 && report.snapshots > 10, "{report:?}");
}

#[test]
fn what_is_invalid_is_refused_in_the_words_that_were_written_down() {
    let cases = json(&folder().join("invalid/expected.json"));
    let cases = cases.as_array().unwrap();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let bytes = fs::read(folder().join("invalid").join(name)).ok();
        assert_eq!(bytes.is_none(), name.ends_with("-missing"), "{name}");
        let copied = tempfile::tempdir().unwrap();
        let object = case["object"].as_str().unwrap();
        let seen = look(&folder().join("store"), copied.path(), object, bytes.as_deref()).unwrap();
        assert_eq!(seen, case["seen"], "{name}");
        let refused = seen["opened"].is_string();
        let found = seen["verified"].as_array().is_some_and(|findings| !findings.is_empty());
        assert!(refused || found, "{name}: nobody notices");
    }
    assert!(cases.len() > 30, "only {}", cases.len());
}
