//! `calotype.positions`: how far each partition of each source has been read.

use calotype_storage::name::ContextName;
use calotype_storage::record::Position;

use super::known::integer;
use super::listing::{Asked, Column, List};

/// The table.
pub(super) static LIST: List<(ContextName, Position)> = List {
    columns: &COLUMNS,
    order: &["context", "source", "partition"],
    rows: |asked: &Asked| {
        asked.of_each_context(|known| {
            let name = known.context().name().clone();
            let positions = known.context().positions_at(known.at).into_iter();
            positions.map(move |position| (name.clone(), position))
        })
    },
};

static COLUMNS: [Column<(ContextName, Position)>; 5] = [
    Column::text("context", |(context, _)| Some(context.to_string())),
    Column::text("source", |(_, position)| Some(position.source.clone())),
    Column::text("partition", |(_, position)| Some(position.partition.clone())),
    // Counts up when the source starts its offsets anew.
    Column::integer("epoch", |(_, position)| integer(position.epoch)),
    // The last offset that was read.
    Column::integer("to", |(_, position)| Some(position.to)),
];
