//! What a put is told to be: the JSON in the descriptor of its first message.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not expected is refused, also kinds that come later"
)]

use std::collections::BTreeMap;

use calotype_storage::identity::SnapshotId;
use calotype_storage::name::{ContextName, IdempotencyKey, Principal, Reason};
use calotype_storage::put::{OnDuplicate, OpenEnd, PutKind, PutOptions};
use calotype_storage::record::{CutoffSemantics, Position};
use calotype_storage::{SystemTime, ValidTime};

use super::json::{Json, Malformed, Object, Value};
use super::ticket::{context, sequence};

/// What a put is told to be.
#[derive(Clone, Debug)]
pub(super) struct Descriptor {
    /// Into which context.
    pub(super) context: ContextName,
    /// What it says.
    pub(super) kind: PutKind,
    /// The rest.
    pub(super) options: PutOptions,
}

const DESCRIPTOR: &[&str] = &[
    "context",
    "kind",
    "cutoff",
    "recorded_at",
    "valid_to",
    "idempotency_key",
    "reason",
    "positions",
    "watermark",
    "evolve",
    "replace",
    "on_duplicate",
    "expected_rows",
    "totals",
    "expected_commit",
    "parent",
    "semantics",
];
const POSITION: &[&str] = &["source", "partition", "epoch", "from", "to"];
/// Positions, and totals, of one put.
const LIST_MAX: usize = 65_536;
const ON_DUPLICATE: &[(&str, OnDuplicate)] =
    &[("refuse", OnDuplicate::Refuse), ("first", OnDuplicate::First), ("last", OnDuplicate::Last)];
const SEMANTICS: &[(&str, CutoffSemantics)] = &[
    ("event_time", CutoffSemantics::EventTime),
    ("processing_time", CutoffSemantics::ProcessingTime),
    ("business_effective", CutoffSemantics::BusinessEffective),
    ("offset", CutoffSemantics::Offset),
];

#[derive(Clone, Copy)]
enum Kind {
    Facts,
    Full,
    Delta,
}

impl Descriptor {
    /// Reads a descriptor of a put by a principal.
    ///
    /// # Errors
    /// [`Malformed`] names the field.
    pub(super) fn parse(text: &[u8], principal: Principal) -> Result<Self, Malformed> {
        let mut object = Object::parse("descriptor", text, DESCRIPTOR)?;
        let context = context(&mut object)?;
        let kind = kind(&mut object)?;
        let options = PutOptions {
            principal,
            idempotency_key: idempotency_key(&mut object)?,
            reason: reason(&mut object)?,
            recorded_at: recorded_at(&mut object)?,
            semantics: object
                .take("semantics")
                .map_or(Ok(CutoffSemantics::default()), |value| value.word(SEMANTICS))?,
            positions: object.take("positions").map_or(Ok(Vec::new()), positions)?,
            watermark: object.take("watermark").map(|value| value.parsed(ValidTime::parse)).transpose()?,
            evolve: object.take("evolve").map_or(Ok(false), |value| value.flag())?,
            replace: object.take("replace").map_or(Ok(false), |value| value.flag())?,
            on_duplicate: object
                .take("on_duplicate")
                .map_or(Ok(OnDuplicate::Refuse), |value| value.word(ON_DUPLICATE))?,
            expected_rows: object
                .take("expected_rows")
                .map(|value| value.integer("a number of rows"))
                .transpose()?,
            totals: object.take("totals").map_or(Ok(BTreeMap::new()), totals)?,
            expected_commit: object.take("expected_commit").map(|value| sequence(&value)).transpose()?,
            parent: object.take("parent").map(|value| value.parsed(SnapshotId::parse)).transpose()?,
        };
        Ok(Self { context, kind, options })
    }
}

/// What makes a repetition the same request.
pub(super) fn idempotency_key(object: &mut Object) -> Result<Option<IdempotencyKey>, Malformed> {
    object.take("idempotency_key").map(|value| value.parsed(IdempotencyKey::parse)).transpose()
}

/// Why.
pub(super) fn reason(object: &mut Object) -> Result<Option<Reason>, Malformed> {
    object.take("reason").map(|value| value.parsed(Reason::parse)).transpose()
}

/// When the source knew it.
pub(super) fn recorded_at(object: &mut Object) -> Result<Option<SystemTime>, Malformed> {
    object.take("recorded_at").map(|value| value.parsed(SystemTime::parse)).transpose()
}

fn kind(object: &mut Object) -> Result<PutKind, Malformed> {
    let word = object.require("kind", "facts, full or delta")?;
    let word = word.word(&[("facts", Kind::Facts), ("full", Kind::Full), ("delta", Kind::Delta)])?;
    let valid_to = object.take("valid_to");
    let open_end = valid_to
        .as_ref()
        .map(|value| value.word(&[("open", OpenEnd::Open), ("until_next", OpenEnd::UntilNext)]))
        .transpose()?;
    if let Kind::Facts = word {
        if let Some(cutoff) = object.take("cutoff") {
            return Err(cutoff.wrong("belongs to a full or a delta; facts bring their own periods"));
        }
        return Ok(PutKind::Facts { valid_to: open_end });
    }
    if let Some(valid_to) = valid_to {
        return Err(valid_to.wrong("belongs to facts; statements hold until the next cutoff"));
    }
    let cutoff = object.require("cutoff", "the instant that the statements are about")?;
    let cutoff = cutoff.parsed(ValidTime::parse)?;
    Ok(if let Kind::Full = word { PutKind::Full { cutoff } } else { PutKind::Delta { cutoff } })
}

fn positions(value: Value) -> Result<Vec<Position>, Malformed> {
    let whole = value.clone();
    let listed = value.list()?;
    if listed.len() > LIST_MAX {
        return Err(whole.wrong(format_args!("{} positions; at most {LIST_MAX} are taken", listed.len())));
    }
    let position = |value: Value| {
        let mut object = value.object(POSITION)?;
        Ok(Position {
            source: object.require("source", "the name of a source")?.text()?.to_owned(),
            partition: object
                .require("partition", "the name of a partition, such as \"0\"")?
                .text()?
                .to_owned(),
            epoch: object.require("epoch", "a number")?.integer("a number from 0 on")?,
            from: object.require("from", "an offset")?.integer("an offset of 64 bits")?,
            to: object.require("to", "an offset")?.integer("an offset of 64 bits")?,
        })
    };
    listed.into_iter().map(position).collect()
}

fn totals(value: Value) -> Result<BTreeMap<String, String>, Malformed> {
    let mut totals = BTreeMap::new();
    for (column, total) in value.any_object()?.into_fields() {
        let place = format!("totals.{}", super::json::shown(&column));
        let total = match total {
            Json::Integer(total) => total.to_string(),
            Json::Text(total) => total,
            other => {
                return Err(
                    Value::new(place, other).of_other_type("a decimal as a string, such as \"12.30\"")
                );
            }
        };
        totals.insert(column, total);
    }
    Ok(totals)
}
