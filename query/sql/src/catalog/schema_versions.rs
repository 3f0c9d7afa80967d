//! `calotype.schema_versions`: a row for each column of each schema version of each context.

use std::sync::Arc;

use calotype_storage::SystemTime;
use calotype_storage::name::ContextName;
use calotype_storage::schema::{Field, Schema};

use super::known::integer;
use super::listing::{Asked, Column, List};

/// A column of a version.
pub(super) struct VersionColumn {
    context: ContextName,
    since: SystemTime,
    schema: Arc<Schema>,
    place: usize,
}

impl VersionColumn {
    fn field(&self) -> &Field {
        &self.schema.fields()[self.place]
    }
}

/// The table.
pub(super) static LIST: List<VersionColumn> = List {
    columns: &COLUMNS,
    order: &["context", "schema_version", "position"],
    rows: |asked: &Asked| {
        asked.of_each_context(|known| {
            let context = known.context().name().clone();
            known.schemas().to_vec().into_iter().flat_map(move |(since, schema)| {
                let context = context.clone();
                (0..schema.fields().len()).map(move |place| VersionColumn {
                    context: context.clone(),
                    since,
                    schema: Arc::clone(&schema),
                    place,
                })
            })
        })
    },
};

static COLUMNS: [Column<VersionColumn>; 10] = [
    Column::text("context", |column| Some(column.context.to_string())),
    Column::integer("schema_version", |column| Some(column.schema.version().get().into())),
    Column::instant("known_from", |column| Some(column.since.micros())),
    Column::text("column_name", |column| Some(column.field().name.to_string())),
    // From 1, in declared order.
    Column::integer("position", |column| integer(column.place as u64 + 1)),
    // As pyarrow prints it.
    Column::text("data_type", |column| Some(column.field().field_type.to_string())),
    Column::boolean("nullable", |column| Some(column.field().nullable)),
    // From 1, in the key's order; null for other columns.
    Column::integer("key_position", |column| {
        let place = column.schema.key_places().iter().position(|place| *place == column.place)?;
        integer(place as u64 + 1)
    }),
    // Never changes, whatever the column is called.
    Column::integer("field_id", |column| Some(column.field().id.get().into())),
    Column::text("class", |column| Some(column.field().class?.as_str().to_owned())),
];
