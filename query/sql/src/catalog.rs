//! Tables about the store itself, in the schema `calotype`, and about what can be named, in `information_schema`.
//!
//! They show the log as it is at the statement's moment. Where `calotype.system_time` or `calotype.snapshot` is set, they
//! show of it what was known then, by the system times of entries and, of records, by the times at which they were written. Contexts that
//! may not be read are left out. A statement over any of them is never settled: what they show can always become more.

mod contexts;
mod entries;
mod information_schema;
mod known;
mod listing;
mod positions;
mod records;
mod schema_versions;
mod snapshots;

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::error::Result;

use crate::error::SqlError;
use crate::nearest::nearest;
use crate::scope::Scope;

pub(crate) use listing::CatalogTable;
use listing::Listing;

/// The one catalog.
pub(crate) const CATALOG: &str = "calotype";
/// The schema of tables about the store.
pub(crate) const STORE: &str = "calotype";
/// The schema of tables about names.
pub(crate) const INFORMATION: &str = "information_schema";

/// All tables: schema, name, and what they list.
static TABLES: [(&str, &str, &dyn Listing); 11] = [
    (STORE, "contexts", &contexts::LIST),
    (STORE, "entries", &entries::LIST),
    (STORE, "positions", &positions::LIST),
    (STORE, "records", &records::LIST),
    (STORE, "schema_versions", &schema_versions::LIST),
    (STORE, "snapshots", &snapshots::LIST),
    (INFORMATION, "columns", &information_schema::COLUMNS),
    (INFORMATION, "routines", &information_schema::ROUTINES),
    (INFORMATION, "schemata", &information_schema::SCHEMATA),
    (INFORMATION, "tables", &information_schema::TABLES),
    (INFORMATION, "views", &information_schema::VIEWS),
];

/// A table of one of these schemas.
///
/// # Errors
/// There is none of that name.
pub(crate) fn table(scope: &Scope, schema: &str, name: &str) -> Result<Arc<dyn TableProvider>> {
    let found = TABLES.iter().find(|(of, table, _)| (*of, *table) == (schema, name));
    if let Some((_, name, list)) = found {
        return Ok(Arc::new(CatalogTable::new(scope.clone(), name, *list)));
    }
    let all: Vec<String> = TABLES.iter().map(|(schema, name, _)| format!("{schema}.{name}")).collect();
    let asked = format!("{schema}.{name}");
    let meant = nearest(&asked, all.iter());
    let meant = meant.map_or(String::new(), |meant| format!("; did you mean '{meant}'?"));
    Err(SqlError::refused(format!(
        "there is no table '{asked}': expected a context (without a schema, or in 'public'), or one of {}{meant}",
        all.join(", ")
    ))
    .into())
}
