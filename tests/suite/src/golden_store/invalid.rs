//! Ways of being invalid: one object of the golden store put in another's place,
//! changed or taken away, and what whoever opens, verifies or asks is told.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use calotype_storage::verify::{Level, verify};
use futures::executor::block_on;
use serde_json::{Value, json};

use super::files::{below, copy};
use super::questions::ask;
use super::story::{day, open};

/// Findings that are kept of one case.
const FINDINGS_MAX: usize = 3;
/// Bytes of a line of a pack's footer, and of what follows the lines.
const LINE: usize = 80;
const TRAILER: usize = 16;

/// One way of being invalid.
pub struct Case {
    /// What is wrong, in a few words.
    pub name: &'static str,
    /// The object, by its path in the store.
    pub object: String,
    /// What it holds instead; `None`: it is missing.
    pub bytes: Option<Vec<u8>>,
}

/// All cases, made from a sound store.
///
/// # Errors
/// If the store is not the golden one.
pub fn cases(store: &Path) -> Result<Vec<Case>> {
    let mut cases = records(store)?;
    cases.extend(formats(store)?);
    cases.extend(packs(store)?);
    Ok(cases)
}

fn slot(number: u32) -> String {
    format!("log/{number:020}")
}

fn read(store: &Path, object: &str) -> Result<String> {
    fs::read_to_string(store.join(object)).with_context(|| format!("could not read {object}"))
}

fn changed(object: &str, text: &str, name: &'static str, from: &str, to: &str) -> Result<Case> {
    let other = text.replacen(from, to, 1);
    anyhow::ensure!(other != text, "{object} holds no {from}");
    Ok(Case { name, object: object.to_owned(), bytes: Some(sealed(&other)) })
}

/// The text with the checksum that it should have, so that what else is wrong with it shows.
fn sealed(text: &str) -> Vec<u8> {
    match text.rfind(",\"checksum\":") {
        Some(end) => calotype_storage::record::seal(format!("{}}}", &text[..end]).into_bytes()),
        None => text.as_bytes().to_vec(),
    }
}

fn records(store: &Path) -> Result<Vec<Case>> {
    let object = slot(1);
    let text = read(store, &object)?;
    let record: Value = serde_json::from_str(&text)?;
    let wall = format!("\"wall_time\":{}", record["wall_time"]);
    let system = format!("\"system_time\":{}", record["entries"][0]["system_time"]);
    let prev = record["prev"].as_str().context("a record names the one before")?;
    let change = |name, from: &str, to: &str| changed(&object, &text, name, from, to);
    Ok(vec![
        change("record-unknown-member", "{\"format\":1,", "{\"format\":1,\"more\":0,")?,
        change("record-member-twice", "{\"format\":1,", "{\"format\":1,\"format\":1,")?,
        change("record-newer-format", "{\"format\":1,", "{\"format\":2,\"more\":0,")?,
        change("record-with-a-blank", "{\"format\":1,", "{\"format\": 1,")?,
        change("record-null-instead-of-left-out", "\"body\":", "\"reason\":null,\"body\":")?,
        change("record-unknown-kind-of-entry", "{\"full\":", "{\"fuller\":")?,
        change("record-wrong-prev", prev, &"1".repeat(64))?,
        change("record-upper-case-digest", prev, &"A".repeat(64))?,
        change("record-wall-time-does-not-rise", &wall, "\"wall_time\":5")?,
        change("record-system-time-does-not-rise", &system, "\"system_time\":5")?,
        change("record-reserved-instant", &system, "\"system_time\":9223372036854775807")?,
        change("record-unknown-type", "\"semantics\":\"event_time\"", "\"semantics\":\"wall_time\"")?,
        Case {
            name: "record-of-another-number",
            object: object.clone(),
            bytes: Some(read(store, &slot(2))?.into()),
        },
        Case {
            name: "record-cut-short",
            object: object.clone(),
            bytes: Some(text.as_bytes()[..100].to_vec()),
        },
        Case { name: "record-missing", object: object.clone(), bytes: None },
        Case {
            name: "record-of-a-context-that-was-not-created",
            object: slot(0),
            bytes: Some(first_as_put(store)?),
        },
    ])
}

/// Record 0 with the put of record 1.
fn first_as_put(store: &Path) -> Result<Vec<u8>> {
    let (first, second) = (read(store, &slot(0))?, read(store, &slot(1))?);
    let entries = |text: &str| text.find("\"entries\":").context("a record has entries");
    Ok(sealed(&[&first[..entries(&first)?], &second[entries(&second)?..]].concat()))
}

fn formats(store: &Path) -> Result<Vec<Case>> {
    let object = "meta/format.json";
    let text = read(store, object)?;
    let change = |name, from: &str, to: &str| changed(object, &text, name, from, to);
    Ok(vec![
        change("format-newer", "{\"format\":1,", "{\"format\":2,\"more\":[],")?,
        change("format-unknown-member", "{\"format\":1,", "{\"format\":1,\"more\":[],")?,
        change("format-with-a-blank", "{\"format\":1,", "{\"format\": 1,")?,
        change("format-other-constants", "\"alignment\":64", "\"alignment\":32")?,
        change("format-store-id-cut-short", "\"store\":\"00", "\"store\":\"")?,
        Case { name: "format-missing", object: object.to_owned(), bytes: None },
    ])
}

fn packs(store: &Path) -> Result<Vec<Case>> {
    let record: Value = serde_json::from_str(&read(store, &slot(1))?)?;
    let pack = record["entries"][0]["packs"][0].as_str().context("a put has a pack")?;
    let object = format!("packs/{}/{pack}", &pack[..2]);
    let sound = fs::read(store.join(&object)).with_context(|| format!("could not read {object}"))?;
    let end = sound.len();
    let count = u32::from_le_bytes(*sound[end - TRAILER..].first_chunk().context("a trailer")?) as usize;
    let lines = end - TRAILER - count * LINE;
    let manifest = (0..count).find(|line| sound[lines + line * LINE + 32] == 2).context("a manifest")?;
    let case = |name, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = sound.clone();
        change(&mut bytes);
        Case { name, object: object.clone(), bytes: Some(bytes) }
    };
    let at = |line: usize, place: usize| lines + line * LINE + place;
    Ok(vec![
        Case { name: "pack-missing", object: object.clone(), bytes: None },
        case("pack-cut-short", &|bytes| bytes.truncate(15)),
        case("pack-without-its-end", &|bytes| bytes.truncate(end - 1)),
        case("pack-more-lines-than-bytes", &|bytes| bytes[end - TRAILER + 3] = 1),
        case("pack-damaged-footer", &|bytes| bytes[lines] ^= 1),
        case("pack-unknown-kind-of-chunk", &|bytes| {
            bytes[at(0, 32)] = 9;
            mend_footer(bytes, lines);
        }),
        case("pack-chunk-outside", &|bytes| {
            bytes[at(0, 60)] = 1;
            mend_footer(bytes, lines);
        }),
        case("pack-damaged-chunk", &|bytes| bytes[64] ^= 1),
        case("pack-sealed-column", &|bytes| {
            bytes[at(0, 33)] = 0x7f;
            mend_footer(bytes, lines);
        }),
        case("pack-column-of-another-class", &|bytes| {
            bytes[at(0, 33)] = 16;
            mend_footer(bytes, lines);
        }),
        case("pack-other-number-of-rows", &|bytes| {
            bytes[at(0, 36)] += 1;
            mend_footer(bytes, lines);
        }),
        case("manifest-of-another-layout", &|bytes| {
            let from = u64::from_le_bytes(*sound[at(manifest, 56)..].first_chunk().expect("eight bytes"));
            let length = u32::from_le_bytes(*sound[at(manifest, 64)..].first_chunk().expect("four bytes"));
            let from = usize::try_from(from).expect("a small pack");
            bytes[from + 8] = 2;
            let checksum = crc32(&bytes[from..from + length as usize]);
            bytes[at(manifest, 68)..at(manifest, 72)].copy_from_slice(&checksum.to_le_bytes());
            mend_footer(bytes, lines);
        }),
        case("pack-header-of-another-layout", &|bytes| bytes[8] = 2),
    ])
}

/// Makes the checksum of changed lines right, as a forger would.
fn mend_footer(bytes: &mut [u8], lines: usize) {
    let end = bytes.len() - TRAILER;
    let checksum = crc32(&bytes[lines..end]);
    bytes[end + 4..end + 8].copy_from_slice(&checksum.to_le_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), shift))
}

/// Puts an object into a copy of a store and looks at it in every way.
///
/// # Errors
/// If the copy cannot be made.
pub fn look(store: &Path, copied: &Path, object: &str, bytes: Option<&[u8]>) -> Result<Value> {
    copy(store, copied)?;
    match bytes {
        Some(bytes) => fs::write(copied.join(object), bytes)?,
        None => fs::remove_file(copied.join(object))?,
    }
    anyhow::ensure!(!below(copied)?.is_empty(), "the copy is empty");
    let place = copied.canonicalize()?.display().to_string();
    let database = match open(copied) {
        Ok(database) => database,
        Err(error) => return Ok(json!({ "opened": error.to_string().replace(&place, "STORE") })),
    };
    let report = block_on(verify(&database, Level::Content, &mut |_, _, _| {}))?;
    let findings = report.findings.iter().take(FINDINGS_MAX);
    let found: Vec<String> =
        findings.map(|finding| format!("{}: {}", finding.object, finding.what)).collect();
    let question = json!({ "kind": "as_of", "context": "loans", "valid_at": day(30), "known_at": day(201) });
    let asked = ask(&database, &question)?;
    Ok(json!({ "verified": found, "asked": asked.get("error") }))
}
