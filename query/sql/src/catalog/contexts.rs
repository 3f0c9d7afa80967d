//! `calotype.contexts`: a row for each context.

use calotype_storage::record::Mode;

use super::known::{KnownContext, integer};
use super::listing::{Asked, Column, List};

/// The table.
pub(super) static LIST: List<KnownContext> = List {
    columns: &COLUMNS,
    order: &["context"],
    rows: |asked: &Asked| asked.of_each_context(std::iter::once),
};

static COLUMNS: [Column<KnownContext>; 14] = [
    Column::text("context", |known| Some(known.context().name().to_string())),
    Column::text("mode", |known| {
        Some(match known.context().mode() {
            Mode::State => "state".to_owned(),
            Mode::Events => "events".to_owned(),
        })
    }),
    // The key columns in the key's order.
    Column::text("key", |known| Some(known.key_names().join(", "))),
    Column::boolean("importing", |known| Some(known.is_importing())),
    // Of the known keys, in millionths.
    Column::integer("max_retracted_ppm", |known| known.max_retracted_ppm().map(i64::from)),
    Column::instant("created_at", |known| Some(known.entries().first()?.system_time().micros())),
    // Null before the first.
    Column::integer("schema_version", |known| Some(known.schema()?.version().get().into())),
    Column::integer("entries", |known| integer(known.entries().len() as u64)),
    Column::integer("newest_commit", |known| integer(known.entries().last()?.id.record.get())),
    Column::instant("newest_system_time", |known| Some(known.at.micros())),
    // Null before the first put.
    Column::instant("settled_to", |known| Some(known.settled?.micros())),
    Column::instant("watermark", |known| Some(known.context().watermark_at(known.at)?.micros())),
    // The greatest cutoff at which something is said.
    Column::instant("newest_cutoff", |known| {
        let cutoffs = known.context().cutoffs();
        let (cutoff, _) = cutoffs.newest_at(calotype_storage::ValidTime::LAST, known.at)?;
        Some(cutoff.micros())
    }),
    Column::integer("positions", |known| integer(known.context().positions_at(known.at).len() as u64)),
];
