//! What the golden store was told: every kind of entry, type and shape that
//! FORMAT.md describes, with a fixed clock and fixed draws.

mod events;
mod imported;
mod ledger;
mod loans;
mod types;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use calotype_storage::SystemTime;
use calotype_storage::backend::Backend;
use calotype_storage::clock::Clock;
use calotype_storage::commit::Receipt;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_storage::evaluate::{AlterContext, CreateContext, Deed, Materialise, Withdraw};
use calotype_storage::name::{ContextName, IdempotencyKey, Reason};
use calotype_storage::put::{Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, FieldWire, Listed, Mode, SchemaWire};
use futures::executor::block_on;

use crate::harness::{START, TestClock, TestEntropy};
use crate::replay::valid;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The instant some days after the start of 2026, microseconds.
pub(super) fn day(days: i64) -> i64 {
    START + days * DAY
}

/// Tells the whole story into an empty folder.
///
/// # Errors
/// If the store refuses something or cannot be written.
pub fn tell(folder: &Path) -> Result<Database> {
    let clock = TestClock::new(day(200));
    let options = OpenOptions {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        entropy: TestEntropy::new(1),
        makes_keyframes: false,
        ..OpenOptions::new(Access::Create, StateFolder::Memory)
    };
    let database = block_on(Database::open(Backend::local(folder, true)?, options))?;
    let teller = Teller { database };
    loans::tell(&teller)?;
    types::tell(&teller)?;
    events::tell(&teller)?;
    imported::tell(&teller)?;
    ledger::tell(&teller)?;
    teller.create("nothing", definition(Mode::State, &["id"]))?;
    loans::tell_together(&teller)?;
    Ok(teller.database)
}

/// Opens a golden store for reading, a year after it was made.
///
/// # Errors
/// If it cannot be read.
pub fn open(folder: &Path) -> Result<Database, calotype_storage::error::Error> {
    let options = OpenOptions {
        clock: TestClock::new(day(600)),
        ..OpenOptions::new(Access::Read, StateFolder::Memory)
    };
    block_on(Database::open(Backend::local(folder, false)?, options))
}

/// Puts into one store.
struct Teller {
    database: Database,
}

fn name(context: &str) -> Result<ContextName> {
    Ok(ContextName::parse(context)?)
}

fn definition(mode: Mode, key: &[&str]) -> CreateEntry {
    let key = key.iter().map(ToString::to_string).collect();
    CreateEntry { mode, key, import: false, max_retracted_ppm: None, schema: None }
}

/// Columns for a context to start with: name, type, class.
fn declared(
    key: &[&str],
    columns: &[(&str, &str, Option<calotype_storage::record::ClassWire>)],
) -> CreateEntry {
    let field = |(id, (name, field_type, class)): (u32, &(&str, &str, _))| FieldWire {
        id,
        name: (*name).to_owned(),
        r#type: (*field_type).to_owned(),
        nullable: !key.contains(name),
        class: *class,
    };
    let fields = (1..).zip(columns).map(field).collect();
    let mut definition = definition(Mode::State, key);
    definition.schema = Some(Listed::Inline(SchemaWire { version: 1, key: definition.key.clone(), fields }));
    definition
}

fn deed(context: &str, options: PutOptions) -> Result<Deed> {
    Ok(Deed { context: name(context)?, options })
}

fn because(reason: &str) -> Result<PutOptions> {
    Ok(PutOptions { reason: Some(Reason::parse(reason)?), ..PutOptions::default() })
}

fn keyed(key: &str) -> Result<PutOptions> {
    Ok(PutOptions { idempotency_key: Some(IdempotencyKey::parse(key)?), ..PutOptions::default() })
}

fn known(micros: i64) -> Result<SystemTime> {
    SystemTime::from_micros(micros).context("an ordinary instant")
}

impl Teller {
    fn create(&self, context: &str, definition: CreateEntry) -> Result<Receipt> {
        let deed = deed(context, PutOptions::default())?;
        Ok(block_on(self.database.create_context(CreateContext { deed, definition }))?)
    }

    fn put(&self, context: &str, kind: PutKind, rows: &RecordBatch, options: PutOptions) -> Result<Receipt> {
        Ok(block_on(self.database.put(put(context, kind, rows, options)?))?)
    }

    fn full(&self, context: &str, cutoff: i64, rows: &RecordBatch, options: PutOptions) -> Result<Receipt> {
        self.put(context, PutKind::Full { cutoff: valid(cutoff) }, rows, options)
    }

    fn delta(&self, context: &str, cutoff: i64, rows: &RecordBatch, options: PutOptions) -> Result<Receipt> {
        self.put(context, PutKind::Delta { cutoff: valid(cutoff) }, rows, options)
    }

    fn withdraw(&self, context: &str, cutoff: i64, options: PutOptions) -> Result<Receipt> {
        let withdraw = Withdraw { deed: deed(context, options)?, cutoff: valid(cutoff) };
        Ok(block_on(self.database.withdraw(withdraw))?)
    }

    fn rename(&self, context: &str, from: &str, to: &str) -> Result<Receipt> {
        let rename = Some((from.to_owned(), to.to_owned()));
        let deed = deed(context, because("a better word")?)?;
        Ok(block_on(self.database.alter_context(AlterContext { deed, rename, max_retracted_ppm: None }))?)
    }

    fn limit(&self, context: &str, max_retracted_ppm: u32) -> Result<Receipt> {
        let deed = deed(context, PutOptions::default())?;
        let max_retracted_ppm = Some(max_retracted_ppm);
        Ok(block_on(self.database.alter_context(AlterContext { deed, rename: None, max_retracted_ppm }))?)
    }

    fn materialise(&self, context: &str, valid_at: i64, known_at: SystemTime) -> Result<Receipt> {
        let deed = deed(context, PutOptions::default())?;
        let materialise = Materialise { deed, valid: valid(valid_at), known: known_at };
        Ok(block_on(self.database.materialise(materialise))?)
    }
}

fn put(context: &str, kind: PutKind, rows: &RecordBatch, options: PutOptions) -> Result<Put> {
    let (schema, batches) = (rows.schema(), vec![rows.clone()]);
    Ok(Put { context: name(context)?, kind, schema, batches, options })
}
