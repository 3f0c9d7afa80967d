//! Verification, the index, completions.

use std::fs;
use std::path::{Path, PathBuf};

use super::desk::Desk;

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_sound_store_verifies_at_every_level() {
    let desk = Desk::with_loans();
    desk.ok(&["materialise", "loans"]);
    for level in ["1", "2", "3", "4"] {
        assert_eq!(desk.ok(&["verify", "--level", level]).out, "", "no findings");
    }
    let table = desk.ok(&["verify", "--level", "4", "--format", "table"]).out;
    assert!(table.contains("everything is as it should be"), "{table}");
}

#[test]
fn damage_is_found_and_named() {
    let desk = Desk::with_loans();
    let all = files(&desk.store());
    let pack = all.iter().find(|path| path.to_string_lossy().contains("pack")).unwrap();
    flip(pack);
    let answer = desk.fails(&["verify", "--level", "3"], 10, &["verification found 1", "next: restore"]);
    let name = pack.file_stem().unwrap().to_string_lossy();
    assert!(answer.out.contains(&*name), "{} in {}", name, answer.out);
}

#[test]
fn a_damaged_record_is_found_and_named() {
    let desk = Desk::with_loans();
    flip(&desk.store().join("log").join(format!("{:020}", 1)));
    let answer = desk.fails(&["verify", "--level", "1"], 10, &[]);
    assert!(answer.out.contains("00000000000000000001"), "{}", answer.out);
    desk.fails(&["rebuild-index"], 10, &["log/0000000000000000000", "damaged"]);
}

#[test]
fn an_index_rebuilt_answers_the_same() {
    let desk = Desk::with_loans();
    let as_of = ["as-of", "loans", "--valid-at", "2026-04-15T00:00:00Z", "--claim"];
    let before = desk.ok(&as_of);
    let rebuilt = desk.ok(&["rebuild-index"]);
    assert!(rebuilt.out.contains("index rebuilt"), "{}", rebuilt.out);
    let after = desk.ok(&as_of);
    let end = |text: &str| text.split("\"end\"").nth(1).map(str::to_owned);
    assert_eq!((after.out, end(&after.err)), (before.out, end(&before.err)));
    let elsewhere = [as_of.as_slice(), &["--state", "elsewhere"]].concat();
    assert_eq!(end(&desk.ok(&elsewhere).err), end(&before.err));
    desk.ok(&["rebuild-index", "--state", "elsewhere"]);
}

#[test]
fn completions_know_the_commands() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.ok(&["completions", shell]).out;
        for word in ["as-of", "rebuild-index", "materialise"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
}
