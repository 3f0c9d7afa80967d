//! `cargo xtask golden [FOLDER]`: writes the golden files, into `tests/golden/v1` unless told otherwise.
//!
//! A released version's files stay as they are: write new ones only while the format is not released.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use calotype_storage::verify::{Level, verify};
use calotype_suite::golden_store::files::{MANIFEST, folder, lines, listing};
use calotype_suite::golden_store::invalid::{cases, look};
use calotype_suite::golden_store::questions::{all, ask_all, log};
use calotype_suite::golden_store::story::{open, tell};
use futures::executor::block_on;
use serde_json::json;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).map_or_else(folder, PathBuf::from);
    for part in ["store", "expected", "invalid"] {
        let part = folder.join(part);
        if part.exists() {
            fs::remove_dir_all(&part).with_context(|| format!("could not remove {}", part.display()))?;
        }
        fs::create_dir_all(&part).with_context(|| format!("could not make {}", part.display()))?;
    }
    let store = folder.join("store");
    drop(tell(&store)?);
    let database = open(&store)?;
    let report = block_on(verify(&database, Level::Content, &mut |_, _, _| {}))?;
    anyhow::ensure!(report.findings.is_empty(), "the store is not what it says: {:?}", report.findings);
    let mut answers = 0;
    for (file, questions) in all(&database)? {
        let kept = ask_all(&database, &questions)?;
        answers += kept.len();
        fs::write(folder.join("expected").join(&file), lines(&kept)).with_context(|| file.clone())?;
    }
    let log = serde_json::to_string_pretty(&log(&database)?)?;
    fs::write(folder.join("expected/log.json"), log + "\n")?;
    let mut told = Vec::new();
    for case in cases(&store)? {
        if let Some(bytes) = &case.bytes {
            fs::write(folder.join("invalid").join(case.name), bytes).context(case.name)?;
        }
        let copied = tempfile::tempdir()?;
        let seen = look(&store, copied.path(), &case.object, case.bytes.as_deref())?;
        told.push(json!({ "name": case.name, "object": case.object, "seen": seen }));
    }
    fs::write(folder.join("invalid/expected.json"), lines(&told))?;
    fs::write(folder.join(MANIFEST), listing(&folder)?)?;
    println!(
        "golden: {} records, {} packs, {} keyframes, {answers} answers in {}",
        report.records,
        report.packs,
        report.keyframes,
        folder.display()
    );
    Ok(())
}
