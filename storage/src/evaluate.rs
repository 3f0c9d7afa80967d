//! Evaluating a proposal on a head of the log: what it writes, or why it is
//! refused. A pure function of proposal and head, computed again whenever a slot
//! was lost to somebody who touched the same context.

mod bounds;
mod events;
mod full;
mod keyframe;
mod rows;
mod seal;
mod withdraw;

use std::sync::Arc;

use serde::Serialize;

pub use keyframe::check_keyframe;
pub use keyframe::newest_point;

use crate::context::Context;
use crate::error::Error;
use crate::facts::{FactRows, FactWriter, WrittenFacts};
use crate::identity::{PutDigest, StoreId};
use crate::manifest::Part;
use crate::name::{ContextName, FieldName};
use crate::pack::Pack;
use crate::put::{Extract, Put, PutKind, PutOptions};
use crate::reader::ChunkReader;
use crate::record::{
    AlterEntry, Body, Counts, CreateEntry, Entry, GoLiveEntry, INLINE_LIST_BYTES_MAX, Listed, PACKS_MAX,
    PutEntry, SchemaWire, WithdrawEntry,
};
use crate::refusal::Refusal;
use crate::schema::{KEY_FIELDS_MAX, Schema, SchemaError, SchemaVersion};
use crate::time::{SystemTime, ValidTime};

/// What a client wants to commit.
#[derive(Clone, Debug)]
pub enum Proposal {
    /// Create a context.
    Create(CreateContext),
    /// Change a context.
    Alter(AlterContext),
    /// End import.
    GoLive(Deed),
    /// Put rows.
    Put(Arc<Put>),
    /// Take back all that was said at a cutoff.
    Withdraw(Withdraw),
    /// Write a keyframe.
    Materialise(Materialise),
}

/// Who does something to which context, and why.
#[derive(Clone, Debug)]
pub struct Deed {
    /// Which context.
    pub context: ContextName,
    /// Who claims to do it, why, and as which repetition; the fields that concern puts alone are ignored.
    pub options: PutOptions,
}

/// Creates a context.
#[derive(Clone, Debug)]
pub struct CreateContext {
    /// Which context, and who creates it.
    pub deed: Deed,
    /// How it is defined.
    pub definition: CreateEntry,
}

/// Changes a context.
#[derive(Clone, Debug)]
pub struct AlterContext {
    /// Which context, and who changes it.
    pub deed: Deed,
    /// A column's label, and its new one.
    pub rename: Option<(String, String)>,
    /// The greatest share of known keys that a full may retract, in millionths.
    pub max_retracted_ppm: Option<u32>,
}

/// Takes back all that was said at a cutoff.
#[derive(Clone, Debug)]
pub struct Withdraw {
    /// Which context, and who withdraws.
    pub deed: Deed,
    /// The cutoff.
    pub cutoff: ValidTime,
}

/// Writes a keyframe.
#[derive(Clone, Debug)]
pub struct Materialise {
    /// Which context, and who asks for it.
    pub deed: Deed,
    /// Its valid time.
    pub valid: ValidTime,
    /// Its system time.
    pub known: SystemTime,
}

impl Proposal {
    /// Which context it concerns, and who proposes it.
    pub fn context(&self) -> &ContextName {
        match self {
            Self::Put(put) => &put.context,
            Self::Create(create) => &create.deed.context,
            Self::Alter(alter) => &alter.deed.context,
            Self::GoLive(deed) => &deed.context,
            Self::Withdraw(withdraw) => &withdraw.deed.context,
            Self::Materialise(materialise) => &materialise.deed.context,
        }
    }

    /// What goes with it.
    pub fn options(&self) -> &PutOptions {
        match self {
            Self::Put(put) => &put.options,
            Self::Create(create) => &create.deed.options,
            Self::Alter(alter) => &alter.deed.options,
            Self::GoLive(deed) => &deed.options,
            Self::Withdraw(withdraw) => &withdraw.deed.options,
            Self::Materialise(materialise) => &materialise.deed.options,
        }
    }

    /// Whether a system time of the past is brought along, where the context is open for import.
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Put(_) | Self::Withdraw(_))
    }

    /// What makes it the same when it comes again; a put's is computed with its rows.
    ///
    /// # Panics
    /// If it is a put without its extract.
    pub fn digest(&self, extract: Option<&Extract>) -> PutDigest {
        if let Some(extract) = extract {
            return extract.digest;
        }
        let options = self.options();
        let deed = match self {
            Self::Create(create) => Said::Create(&create.definition),
            Self::Alter(alter) => {
                Said::Alter { rename: alter.rename.as_ref(), max_retracted_ppm: alter.max_retracted_ppm }
            }
            Self::GoLive(_) => Said::GoLive,
            Self::Put(_) => unreachable!("a put is digested with its rows"),
            Self::Withdraw(withdraw) => Said::Withdraw {
                cutoff: withdraw.cutoff.micros(),
                recorded_at: options.recorded_at.map(SystemTime::micros),
            },
            Self::Materialise(materialise) => Said::Materialise {
                valid_at: materialise.valid.micros(),
                known_at: materialise.known.micros(),
            },
        };
        let reason = options.reason.as_ref().map(crate::name::Reason::as_str);
        let identity = serde_json::to_vec(&Identity { deed, reason });
        let identity = identity.expect("every field has a JSON form");
        PutDigest::new(blake3::hash(&identity).into())
    }
}

/// What makes a deed other than a put the same when it comes again. JSON, since what is printed for debugging may
/// change with the compiler.
#[derive(Serialize)]
struct Identity<'a> {
    deed: Said<'a>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Said<'a> {
    Create(&'a CreateEntry),
    Alter { rename: Option<&'a (String, String)>, max_retracted_ppm: Option<u32> },
    GoLive,
    Withdraw { cutoff: i64, recorded_at: Option<i64> },
    Materialise { valid_at: i64, known_at: i64 },
}

/// What an entry is made with.
#[derive(Debug)]
pub struct Setting {
    /// Reads chunks of the store, and of what is being committed.
    pub reader: Arc<ChunkReader>,
    /// The store.
    pub store: StoreId,
}

/// An entry that is ready for its record, and the packs that come with it.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The entry, lists within.
    pub entry: Entry,
    /// The packs.
    pub packs: Vec<Pack>,
}

/// Evaluates a proposal on a context as it is, `None` if there is none, at a system time.
///
/// # Errors
/// [`Refusal`] if the rules refuse it there; [`Error`] if what is known cannot be read.
///
/// # Panics
/// If a put comes without its extract.
pub async fn evaluate(
    setting: &Setting,
    context: Option<&Context>,
    proposal: &Proposal,
    extract: Option<&Extract>,
    system: SystemTime,
) -> Result<Evaluated, Error> {
    if let Proposal::Create(create) = proposal {
        return create_context(context, create, proposal, system);
    }
    let context = context.ok_or_else(|| Refusal::NoContext(proposal.context().clone()))?;
    if let Some(expected) = proposal.options().expected_commit {
        let found = context.newest_record().unwrap_or(expected);
        if found != expected {
            return Err(Refusal::ExpectedCommit { context: context.name().clone(), expected, found }.into());
        }
    }
    match proposal {
        Proposal::Create(_) => unreachable!("handled above"),
        Proposal::Alter(alter) => alter_context(setting, context, alter, proposal, system),
        Proposal::GoLive(_) => {
            if !context.is_importing() {
                return Err(Refusal::NotImporting(context.name().clone()).into());
            }
            finish(proposal, None, system, Body::GoLive(GoLiveEntry {}), Vec::new())
        }
        Proposal::Put(put) => {
            let extract = extract.expect("a put was prepared");
            evaluate_put(setting, context, put, extract, proposal, system).await
        }
        Proposal::Withdraw(withdraw) => {
            evaluate_withdrawal(setting, context, withdraw, proposal, system).await
        }
        Proposal::Materialise(materialise) => {
            keyframe::evaluate(setting, context, materialise, proposal, system).await
        }
    }
}

fn create_context(
    context: Option<&Context>,
    create: &CreateContext,
    proposal: &Proposal,
    system: SystemTime,
) -> Result<Evaluated, Error> {
    if let Some(context) = context {
        let what = differs(context.created(), &create.definition).unwrap_or("definition");
        return Err(Refusal::ContextExists { context: context.name().clone(), what }.into());
    }
    let mut writer = FactWriter::new(|_| None);
    let mut definition = create.definition.clone();
    check_key(&definition.key)?;
    if let Some(Listed::Inline(schema)) = &definition.schema {
        let checked = first_schema(schema, &definition.key).ok_or(Refusal::Field {
            field: "columns",
            expected: "distinct names and kept types, and a key that names some of them",
        })?;
        definition.schema = Some(list(&mut writer, SchemaWire::of(&checked)));
    }
    let packs = writer.finish().packs;
    finish(proposal, None, system, Body::Create(definition), packs)
}

/// Refuses a key that no schema can have, so that it is bounded before there is one.
fn check_key(key: &[String]) -> Result<(), Refusal> {
    if let Some(name) = key.iter().find(|name| FieldName::parse(name).is_err()) {
        return Err(Refusal::ColumnName(name.chars().take(128).collect()));
    }
    let is_distinct = (1..key.len()).all(|place| !key[..place].contains(&key[place]));
    if key.is_empty() || key.len() > KEY_FIELDS_MAX || !is_distinct {
        return Err(SchemaError::KeyShape.into());
    }
    Ok(())
}

/// The schema that a context starts with: version 1, fields numbered from 1, the context's own key.
fn first_schema(wire: &SchemaWire, key: &[String]) -> Option<Schema> {
    let is_first = wire.version == SchemaVersion::FIRST.get() && wire.key == key;
    let is_numbered = (1..).zip(&wire.fields).all(|(id, field): (u32, _)| field.id == id);
    wire.to_schema().filter(|_| is_first && is_numbered)
}

/// In what two definitions differ, if they do.
pub(crate) fn differs(known: &CreateEntry, asked: &CreateEntry) -> Option<&'static str> {
    // Compared as schemas, so that what a key implies need not be spelled out.
    let columns = |definition: &CreateEntry| {
        definition.schema.as_ref().and_then(Listed::inline).and_then(SchemaWire::to_schema)
    };
    match () {
        () if known.mode != asked.mode => Some("mode"),
        () if known.key != asked.key => Some("key"),
        () if known.import != asked.import => Some("import"),
        () if known.max_retracted_ppm != asked.max_retracted_ppm => Some("max_retracted"),
        () if columns(known) != columns(asked) => Some("list of columns"),
        () => None,
    }
}

fn alter_context(
    setting: &Setting,
    context: &Context,
    alter: &AlterContext,
    proposal: &Proposal,
    system: SystemTime,
) -> Result<Evaluated, Error> {
    if alter.rename.is_none() && alter.max_retracted_ppm.is_none() {
        return Err(Refusal::NothingToAlter.into());
    }
    let mut writer = relying_writer(setting);
    let schema = match &alter.rename {
        None => None,
        Some((from, to)) => {
            let schema = context.schema().ok_or_else(|| Refusal::NoSchema(context.name().clone()))?;
            Some(list(&mut writer, SchemaWire::of(&renamed(context, schema, from, to)?)))
        }
    };
    let packs = writer.finish().packs;
    let body = Body::Alter(AlterEntry { schema, max_retracted_ppm: alter.max_retracted_ppm });
    finish(proposal, None, system, body, packs)
}

fn renamed(context: &Context, schema: &Schema, from: &str, to: &str) -> Result<Schema, Refusal> {
    let place = schema.place_of(from).ok_or_else(|| Refusal::UnknownColumn {
        context: context.name().clone(),
        column: from.chars().take(128).collect(),
    })?;
    let name = FieldName::parse(to).map_err(|_| Refusal::ColumnName(to.chars().take(128).collect()))?;
    if schema.place_of(to).is_some() {
        return Err(Refusal::ColumnExists(name));
    }
    let mut fields = schema.fields().to_vec();
    fields[place].name = name;
    let key: Vec<String> = schema.key_places().iter().map(|place| fields[*place].name.to_string()).collect();
    Ok(Schema::new(SchemaVersion::new(schema.version().get() + 1), fields, &key)?)
}

/// What a put or withdrawal writes.
#[derive(Debug, Default)]
struct Writes {
    stated: Option<FactRows>,
    /// Whether the stated facts are the extract's rows, all of them: their groups are hashed already.
    stated_as_handed: bool,
    withdrawn: Option<FactRows>,
    unchanged: u64,
}

impl Writes {
    fn counts(&self, rows: u64, duplicates: u64) -> Counts {
        let both = || self.stated.iter().chain(&self.withdrawn);
        let retracted = both().map(FactRows::retractions).sum();
        let facts: u64 = both().map(|facts| facts.len() as u64).sum();
        Counts { rows, asserted: facts - retracted, retracted, unchanged: self.unchanged, duplicates }
    }
}

fn relying_writer(setting: &Setting) -> FactWriter<'_> {
    FactWriter::new(|digest| setting.reader.find(digest).ok().flatten().map(|(pack, _)| pack))
}

/// A list in the record, or apart from it if it is long.
fn list<T: Serialize>(writer: &mut FactWriter<'_>, value: T) -> Listed<T> {
    let json = serde_json::to_vec(&value).expect("lists have a JSON form");
    if json.len() <= INLINE_LIST_BYTES_MAX {
        Listed::Inline(value)
    } else {
        Listed::Object(writer.list(&json))
    }
}

async fn evaluate_put(
    setting: &Setting,
    context: &Context,
    put: &Put,
    extract: &Extract,
    proposal: &Proposal,
    system: SystemTime,
) -> Result<Evaluated, Error> {
    let writes = match put.kind {
        PutKind::Facts { .. } => events::evaluate(setting, context, extract).await?,
        PutKind::Full { cutoff } => full::evaluate(setting, context, put, extract, cutoff).await?,
        PutKind::Delta { cutoff } => withdraw::delta(setting, context, put, extract, cutoff).await?,
    };
    let mut packer = FactWriter::new(|_| None);
    if let Some(stated) = &writes.stated {
        packer.add(Part::Stated, stated, writes.stated_as_handed.then_some(&extract.groups));
    }
    if let Some(withdrawn) = &writes.withdrawn {
        packer.add(Part::Withdrawn, withdrawn, None);
    }
    let counts = writes.counts(extract.rows, extract.duplicates);
    let snapshot = seal::snapshot(setting.store, context, put, extract, system);
    let positions = put.options.positions.clone();
    let body = PutEntry {
        cutoff: put.kind.cutoff(),
        semantics: put.options.semantics,
        replace: put.options.replace,
        schema_version: extract.schema.version().get(),
        schema: extract.is_new_schema.then(|| list(&mut packer, SchemaWire::of(&extract.schema))),
        facts: None,
        counts,
        positions: (!positions.is_empty()).then(|| list(&mut packer, positions)),
        watermark: put.options.watermark,
        snapshot,
    };
    let WrittenFacts { manifest: facts, packs, .. } = packer.finish();
    let body = PutEntry { facts, ..body };
    let body = match put.kind {
        PutKind::Facts { .. } => Body::Facts(body),
        PutKind::Full { .. } => Body::Full(body),
        PutKind::Delta { .. } => Body::Delta(body),
    };
    finish(proposal, Some(extract), system, body, packs)
}

async fn evaluate_withdrawal(
    setting: &Setting,
    context: &Context,
    withdraw: &Withdraw,
    proposal: &Proposal,
    system: SystemTime,
) -> Result<Evaluated, Error> {
    let (name, cutoff) = (context.name().clone(), withdraw.cutoff);
    let schema = context.schema().ok_or_else(|| Refusal::UnknownCutoff { context: name.clone(), cutoff })?;
    let said = context.cutoffs().said(cutoff).ok_or(Refusal::UnknownCutoff { context: name, cutoff })?;
    let withdrawn = withdraw::withdraw(setting, context, schema, cutoff, said, None).await?;
    let writes = Writes { withdrawn, ..Writes::default() };
    let mut packer = FactWriter::new(|_| None);
    if let Some(withdrawn) = &writes.withdrawn {
        packer.add(Part::Withdrawn, withdrawn, None);
    }
    let counts = writes.counts(0, 0);
    let WrittenFacts { manifest: facts, packs, .. } = packer.finish();
    let schema_version = schema.version().get();
    let body = Body::Withdraw(WithdrawEntry { cutoff, schema_version, facts, counts });
    finish(proposal, None, system, body, packs)
}

fn finish(
    proposal: &Proposal,
    extract: Option<&Extract>,
    system: SystemTime,
    body: Body,
    packs: Vec<Pack>,
) -> Result<Evaluated, Error> {
    if packs.len() > PACKS_MAX {
        let (found, limit) = (packs.len() as u64, PACKS_MAX as u64);
        return Err(Refusal::TooLarge { what: "packs", found, limit }.into());
    }
    let options = proposal.options();
    let entry = Entry {
        context: proposal.context().clone(),
        system_time: system,
        principal: options.principal.clone(),
        idempotency_key: options.idempotency_key.clone(),
        put_digest: Some(proposal.digest(extract)),
        reason: options.reason.clone(),
        packs: packs.iter().map(|pack| pack.digest).collect(),
        body,
    };
    Ok(Evaluated { entry, packs })
}
