//! `information_schema`: what a statement can name, as other programs look for it.
//!
//! Contexts are in the schema `public`, with the columns of the newest schema known; views are those of the statement.

use std::sync::Arc;

use arrow_schema::{DataType, Schema as ArrowSchema, SchemaRef};
use calotype_query::QueryError;
use futures::{StreamExt, stream};

use super::known::{KnownContext, integer};
use super::listing::{Asked, Column, List, Listed};
use super::{CATALOG, INFORMATION, STORE, TABLES as CATALOG_TABLES};
use crate::scope::{CONTEXTS, Scope};
use crate::table_functions;

/// `schemata`.
pub(super) static SCHEMATA: List<&'static str> = List {
    columns: &[
        Column::text("catalog_name", |_| Some(CATALOG.to_owned())),
        Column::text("schema_name", |schema| Some((*schema).to_owned())),
    ],
    order: &["catalog_name", "schema_name"],
    rows: |_| all([STORE, INFORMATION, CONTEXTS]),
};

/// A table, as it can be named.
#[derive(Clone)]
pub(super) struct Table {
    schema: &'static str,
    name: String,
    kind: &'static str,
    columns: SchemaRef,
}

/// `tables`.
pub(super) static TABLES: List<Table> = List {
    columns: &[
        Column::text("table_catalog", |_| Some(CATALOG.to_owned())),
        Column::text("table_schema", |table| Some(table.schema.to_owned())),
        Column::text("table_name", |table| Some(table.name.clone())),
        Column::text("table_type", |table| Some(table.kind.to_owned())),
    ],
    order: &[],
    rows: tables,
};

/// `columns`.
pub(super) static COLUMNS: List<(Table, usize)> = List {
    columns: &[
        Column::text("table_catalog", |_| Some(CATALOG.to_owned())),
        Column::text("table_schema", |(table, _)| Some(table.schema.to_owned())),
        Column::text("table_name", |(table, _)| Some(table.name.clone())),
        Column::text("column_name", |(table, place)| Some(table.columns.field(*place).name().clone())),
        Column::integer("ordinal_position", |(_, place)| integer(*place as u64 + 1)),
        Column::text("is_nullable", |(table, place)| {
            Some(if table.columns.field(*place).is_nullable() { "YES" } else { "NO" }.to_owned())
        }),
        Column::text("data_type", |(table, place)| Some(sql_type(table.columns.field(*place).data_type()))),
        Column::integer("numeric_precision", |(table, place)| Some(digits(&table.columns, *place)?.0.into())),
        Column::integer("numeric_scale", |(table, place)| Some(digits(&table.columns, *place)?.1.into())),
    ],
    order: &[],
    rows: |asked| {
        tables(asked)
            .map(|table| match table {
                Ok(table) => {
                    let places = 0..table.columns.fields().len();
                    stream::iter(places.map(move |place| Ok((table.clone(), place)))).boxed()
                }
                Err(error) => stream::iter([Err(error)]).boxed(),
            })
            .flatten()
            .boxed()
    },
};

/// `views`.
pub(super) static VIEWS: List<(String, String)> = List {
    columns: &[
        Column::text("table_catalog", |_| Some(CATALOG.to_owned())),
        Column::text("table_schema", |_| Some(CONTEXTS.to_owned())),
        Column::text("table_name", |(name, _)| Some(name.clone())),
        Column::text("view_definition", |(_, text)| Some(text.clone())),
    ],
    order: &["table_catalog", "table_schema", "table_name"],
    rows: |asked| {
        let views = asked.scope.views.iter().map(|(name, text)| (name.clone(), text.clone()));
        all(views.collect::<Vec<_>>())
    },
};

/// `routines`: the functions that a statement may call.
pub(super) static ROUTINES: List<(String, &'static str)> = List {
    columns: &[
        Column::text("routine_catalog", |_| Some(CATALOG.to_owned())),
        Column::text("routine_schema", |_| Some(CONTEXTS.to_owned())),
        Column::text("routine_name", |(name, _)| Some(name.clone())),
        Column::text("routine_type", |_| Some("FUNCTION".to_owned())),
        // SCALAR, AGGREGATE, WINDOW or TABLE.
        Column::text("function_type", |(_, kind)| Some((*kind).to_owned())),
    ],
    order: &["routine_catalog", "routine_schema", "routine_name", "function_type"],
    rows: |asked| {
        let state = &asked.scope.state;
        let mut functions: Vec<(String, &'static str)> = Vec::new();
        functions.extend(state.scalar_functions().keys().map(|name| (name.clone(), "SCALAR")));
        functions.extend(state.aggregate_functions().keys().map(|name| (name.clone(), "AGGREGATE")));
        functions.extend(state.window_functions().keys().map(|name| (name.clone(), "WINDOW")));
        functions.extend(table_functions::NAMES.map(|name| (name.to_owned(), "TABLE")));
        functions.sort_unstable();
        all(functions)
    },
};

fn all<T: Send + 'static>(rows: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Listed<T> {
    stream::iter(rows.into_iter().map(Ok)).boxed()
}

/// Contexts, views, and tables about the store. A view that is not one is left out.
fn tables(asked: &Asked) -> Listed<Table> {
    let contexts = match asked.known_contexts() {
        Ok(contexts) => contexts,
        Err(error) => return stream::iter([Err(error)]).boxed(),
    };
    let views = Arc::clone(&asked.scope.views);
    // A view hides a context of its name.
    let of_context = move |known: Result<KnownContext, QueryError>| match known {
        Ok(known) if views.contains_key(known.context().name().as_str()) => None,
        Ok(known) => Some(Ok(Table {
            schema: CONTEXTS,
            name: known.context().name().to_string(),
            kind: "BASE TABLE",
            columns: known
                .schema()
                .map_or_else(|| Arc::new(ArrowSchema::empty()), |schema| schema.to_arrow()),
        })),
        Err(error) => Some(Err(error)),
    };
    let of_catalog = CATALOG_TABLES.iter().map(|(schema, name, list)| {
        let columns = Arc::new(list.schema());
        Ok(Table { schema, name: (*name).to_owned(), kind: "BASE TABLE", columns })
    });
    let views: Vec<Result<Table, QueryError>> = of_views(&asked.scope).map(Ok).collect();
    stream::iter(contexts.filter_map(of_context))
        .chain(stream::iter(views))
        .chain(stream::iter(of_catalog))
        .boxed()
}

fn of_views(scope: &Scope) -> impl Iterator<Item = Table> {
    scope.views.iter().filter_map(|(name, text)| {
        let columns = scope.view(name, text).ok()?.schema();
        Some(Table { schema: CONTEXTS, name: name.clone(), kind: "VIEW", columns })
    })
}

/// Digits in all and behind the point.
fn digits(columns: &ArrowSchema, place: usize) -> Option<(u8, i8)> {
    if let DataType::Decimal128(precision, scale) = columns.field(place).data_type() {
        Some((*precision, *scale))
    } else {
        None
    }
}

/// A type as a cast would name it.
fn sql_type(data_type: &DataType) -> String {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are named as Arrow does")]
    let name = match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::UInt8 => "tinyint unsigned",
        DataType::UInt16 => "smallint unsigned",
        DataType::UInt32 => "integer unsigned",
        DataType::UInt64 => "bigint unsigned",
        DataType::Float32 => "real",
        DataType::Float64 => "double precision",
        DataType::Decimal128(..) => "numeric",
        DataType::Date32 => "date",
        DataType::Timestamp(..) => "timestamp with time zone",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytea",
        other => return other.to_string().to_lowercase(),
    };
    name.to_owned()
}
