//! Keyframes: what is known at a point, resolved once and kept, so that reading on
//! from there is cheap. Checked before anyone sees it.

use std::sync::Arc;

use arrow_array::ArrayRef;

use super::{Evaluated, Materialise, Proposal, Setting, finish, list, relying_writer};
use crate::context::{Context, Keyframe};
use crate::error::Error;
use crate::facts::{FactRows, WrittenFacts};
use crate::identity::ContentRoot;
use crate::key::EncodedKeys;
use crate::manifest::Part;
use crate::merkle::{ContentHash, root};
use crate::record::{Body, MaterialiseEntry};
use crate::refusal::Refusal;
use crate::row_group::join_columns;
use crate::scan::{RowRef, Scan, ScanRequest, Window};
use crate::schema::Schema;
use crate::time::{SystemTime, ValidTime};
use crate::turn;

/// One part of a keyframe in the making.
#[derive(Default)]
struct Pieces {
    keys: Vec<Vec<u8>>,
    from: Vec<i64>,
    to: Vec<i64>,
    entries: Vec<u32>,
    columns: Vec<Vec<ArrayRef>>,
}

impl Pieces {
    fn push(&mut self, window: &Window, row: RowRef, key: &[u8], from: i64, to: i64) {
        self.keys.push(key.to_vec());
        self.from.push(from);
        self.to.push(to);
        self.entries.push(window.entry(row).get());
    }

    fn into_rows(self, schema: &Schema) -> Result<Option<FactRows>, Error> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let columns = join_columns(schema, &self.columns)?;
        Ok(Some(FactRows {
            keys: EncodedKeys::from_keys(self.keys.iter().map(Vec::as_slice)),
            columns,
            valid_from: self.from,
            valid_to: self.to,
            retract: Vec::new(),
            entries: Some(self.entries),
            partition: None,
            offset: None,
        }))
    }
}

/// Both parts of a keyframe.
struct Resolved {
    at: Option<FactRows>,
    after: Option<FactRows>,
}

impl Resolved {
    /// A root over all of it: rows, periods and entries.
    async fn root(&self) -> ContentRoot {
        let mut leaves = Vec::new();
        for rows in [&self.at, &self.after].into_iter().flatten() {
            leaves.push(*content_root(rows).await.as_bytes());
            let mut hasher = blake3::Hasher::new();
            for ((from, to), entry) in
                rows.valid_from.iter().zip(&rows.valid_to).zip(rows.entries.iter().flatten())
            {
                hasher.update(&from.to_le_bytes()).update(&to.to_le_bytes()).update(&entry.to_le_bytes());
            }
            leaves.push(hasher.finalize().into());
        }
        ContentRoot::new(root::<ContentHash>(&leaves))
    }
}

async fn content_root(rows: &FactRows) -> ContentRoot {
    turn::content_root(&rows.keys, &rows.columns, &[]).await
}

pub(super) async fn evaluate(
    setting: &Setting,
    context: &Context,
    materialise: &Materialise,
    proposal: &Proposal,
    system: SystemTime,
) -> Result<Evaluated, Error> {
    let (valid, known) = (materialise.valid, materialise.known);
    // What is known at a time that has not come may still grow.
    if known > system {
        return Err(Error::Future { asked: known, now: system });
    }
    let schema = context.schema_at(known).ok_or_else(|| Refusal::NoSchema(context.name().clone()))?;
    let covers = context.entries_known_at(known).len();
    let resolved = resolve(setting, context, schema, valid, known, true).await?;
    check(setting, context, schema, valid, known, &resolved).await?;
    let mut writer = relying_writer(setting);
    if let Some(at) = &resolved.at {
        writer.add(Part::At, at, None);
    }
    if let Some(after) = &resolved.after {
        writer.add(Part::After, after, None);
    }
    let WrittenFacts { manifest, mut packs, relied_on } = writer.finish();
    let relied_on: Vec<String> = relied_on.iter().map(ToString::to_string).collect();
    let relied_list = if relied_on.is_empty() {
        None
    } else {
        let mut lists = relying_writer(setting);
        let listed = list(&mut lists, relied_on);
        packs.extend(lists.finish().packs);
        Some(listed)
    };
    let body = Body::Materialise(MaterialiseEntry {
        valid_at: valid,
        known_at: known,
        covers: u32::try_from(covers).expect("fewer than 2^32 entries"),
        schema_version: schema.version().get(),
        manifest,
        relies_on: relied_list,
    });
    finish(proposal, None, system, body, packs)
}

/// Resolves the pieces that hold an instant or begin later, with the help of older keyframes or without.
async fn resolve(
    setting: &Setting,
    context: &Context,
    schema: &Arc<Schema>,
    valid: ValidTime,
    known: SystemTime,
    with_keyframes: bool,
) -> Result<Resolved, Error> {
    let request = if with_keyframes {
        ScanRequest::from_valid(context, schema, valid, known)
    } else {
        ScanRequest::of_entries(context, schema, known)
    };
    let mut scan = Scan::start(Arc::clone(&setting.reader), request).await?;
    let places: Vec<usize> = (0..schema.fields().len()).collect();
    let (mut at, mut after) = (Pieces::default(), Pieces::default());
    while let Some(window) = scan.next().await? {
        let (mut at_rows, mut after_rows) = (Vec::new(), Vec::new());
        for place in 0..window.len() {
            let facts = window.facts(place);
            for piece in window.timeline(place).pieces() {
                let row = facts[piece.fact];
                if window.is_retraction(row) || piece.to <= valid.micros() {
                    continue;
                }
                let (part, rows) = if piece.from <= valid.micros() {
                    (&mut at, &mut at_rows)
                } else {
                    (&mut after, &mut after_rows)
                };
                part.push(&window, row, window.key(place), piece.from, piece.to);
                rows.push(row);
            }
        }
        for (part, rows) in [(&mut at, at_rows), (&mut after, after_rows)] {
            if !rows.is_empty() {
                part.columns.push(scan.columns(&window, &rows, &places).await?);
            }
        }
    }
    Ok(Resolved { at: at.into_rows(schema)?, after: after.into_rows(schema)? })
}

/// Compares a keyframe with the content root of a full that was sealed at its point, where there is one and
/// nothing begins later; else with a second resolution from the deltas alone.
async fn check(
    setting: &Setting,
    context: &Context,
    schema: &Arc<Schema>,
    valid: ValidTime,
    known: SystemTime,
    resolved: &Resolved,
) -> Result<(), Error> {
    let wrong =
        || Error::damaged("a keyframe in the making", "it is not what the log says; it was not committed");
    let sealed = context.entries_known_at(known).last().and_then(|entry| match &entry.entry.body {
        Body::Full(put) if put.cutoff == Some(valid) && entry.system_time() == known => put.snapshot.as_ref(),
        Body::Create(_)
        | Body::Alter(_)
        | Body::GoLive(_)
        | Body::Facts(_)
        | Body::Full(_)
        | Body::Delta(_)
        | Body::Withdraw(_)
        | Body::Materialise(_) => None,
    });
    if let (Some(header), None) = (sealed, &resolved.after)
        && header.schema_version == schema.version().get()
    {
        let found = match &resolved.at {
            None => ContentRoot::new(root::<ContentHash>(&[])),
            Some(rows) => content_root(rows).await,
        };
        return if found.to_string() == header.content_root { Ok(()) } else { Err(wrong()) };
    }
    let again = resolve(setting, context, schema, valid, known, false).await?;
    if again.root().await == resolved.root().await { Ok(()) } else { Err(wrong()) }
}

/// Checks a keyframe that the log names against a resolution from the deltas alone.
///
/// # Errors
/// [`Error::Damaged`] if it says something else.
pub async fn check_keyframe(setting: &Setting, context: &Context, keyframe: &Keyframe) -> Result<(), Error> {
    let Some(schema) = context.schema_at(keyframe.known) else {
        return Ok(());
    };
    let from_deltas = resolve(setting, context, schema, keyframe.valid, keyframe.known, false).await?;
    let kept = match keyframe.manifest {
        None => Resolved { at: None, after: None },
        Some(manifest) => {
            let reader = Arc::clone(&setting.reader);
            let scan = Scan::of_manifest(reader, Arc::clone(schema), None, manifest).await?;
            read_parts(scan, schema, keyframe.valid).await?
        }
    };
    // Keyframes may share the time of the entry before them.
    let beyond = context.entries_known_at(keyframe.known).get(keyframe.covers.get() as usize..);
    let is_covered = beyond
        .is_some_and(|beyond| beyond.iter().all(|entry| matches!(entry.entry.body, Body::Materialise(_))));
    if is_covered && from_deltas.root().await == kept.root().await {
        return Ok(());
    }
    let name =
        format!("the keyframe of {} at {} known at {}", context.name(), keyframe.valid, keyframe.known);
    Err(Error::damaged(name, "it is not what the log says"))
}

async fn read_parts(mut scan: Scan, schema: &Schema, valid: ValidTime) -> Result<Resolved, Error> {
    let places: Vec<usize> = (0..schema.fields().len()).collect();
    let (mut at, mut after) = (Pieces::default(), Pieces::default());
    while let Some(window) = scan.next().await? {
        let mut rows = (Vec::new(), Vec::new());
        for place in 0..window.len() {
            for row in window.facts(place) {
                let (from, to) = window.period(*row);
                let is_at = from <= valid.micros();
                let (part, list) = if is_at { (&mut at, &mut rows.0) } else { (&mut after, &mut rows.1) };
                part.push(&window, *row, window.key(place), from, to);
                list.push(*row);
            }
        }
        for (part, rows) in [(&mut at, rows.0), (&mut after, rows.1)] {
            if !rows.is_empty() {
                part.columns.push(scan.columns(&window, &rows, &places).await?);
            }
        }
    }
    Ok(Resolved { at: at.into_rows(schema)?, after: after.into_rows(schema)? })
}

/// The point at which a keyframe of the newest state of a context is made: its newest cutoff, or, for facts, the
/// time of its newest entry.
pub fn newest_point(context: &Context) -> Option<(ValidTime, SystemTime)> {
    let known = context.entries().iter().rev().find(|entry| entry.is_data())?.system_time();
    let valid = context.cutoffs().newest().unwrap_or(known.as_valid());
    Some((valid, known))
}
