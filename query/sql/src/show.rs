//! `SHOW TABLES`, `SHOW COLUMNS FROM table` and `DESCRIBE table`: queries over `information_schema`.

use datafusion::sql::sqlparser::ast::{ObjectName, ShowStatementIn, ShowStatementOptions, Statement};
use datafusion::sql::sqlparser::parser::Parser;

use crate::catalog::{CATALOG, INFORMATION, STORE};
use crate::dialect::TemporalDialect;
use crate::error::SqlError;
use crate::scope::CONTEXTS;

/// Makes a query of a statement that shows tables or columns; all others stay.
///
/// # Errors
/// The statement asks for more than is shown.
pub(crate) fn as_query(statement: Statement) -> Result<Statement, SqlError> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are left to the gate")]
    match statement {
        Statement::ShowTables {
            terse: false,
            history: false,
            extended: false,
            full: false,
            external: false,
            show_options:
                ShowStatementOptions {
                    show_in: None,
                    starts_with: None,
                    limit: None,
                    limit_from: None,
                    filter_position: None,
                },
        } => read(&format!(
            "SELECT table_schema, table_name, table_type FROM {INFORMATION}.tables WHERE table_schema IN \
             ('{CONTEXTS}', '{STORE}') ORDER BY table_schema DESC, table_name"
        )),
        Statement::ShowColumns {
            extended: false,
            full: false,
            show_options:
                ShowStatementOptions {
                    show_in: Some(ShowStatementIn { clause: _, parent_type: None, parent_name: Some(name) }),
                    starts_with: None,
                    limit: None,
                    limit_from: None,
                    filter_position: None,
                },
        } => columns(&name),
        Statement::ExplainTable {
            describe_alias: _,
            hive_format: None,
            has_table_keyword: _,
            table_name,
        } => columns(&table_name),
        Statement::ShowTables { .. } | Statement::ShowColumns { .. } | Statement::ExplainTable { .. } => {
            Err(SqlError::refused(format!(
                "expected SHOW TABLES, SHOW COLUMNS FROM table or DESCRIBE table; found '{statement}': ask \
                 {INFORMATION}.tables or {INFORMATION}.columns for more"
            )))
        }
        other => Ok(other),
    }
}

/// The columns of a table. That there is such a table is made sure by a query over it that reads nothing.
fn columns(name: &ObjectName) -> Result<Statement, SqlError> {
    let parts: Vec<String> = name
        .0
        .iter()
        .filter_map(|part| part.as_ident())
        .map(|part| if part.quote_style.is_some() { part.value.clone() } else { part.value.to_lowercase() })
        .collect();
    let (schema, table) = match parts.as_slice() {
        [table] => (CONTEXTS, table.as_str()),
        [schema, table] => (schema.as_str(), table.as_str()),
        [catalog, schema, table] if catalog == CATALOG => (schema.as_str(), table.as_str()),
        _ => return Err(SqlError::refused(format!("expected a table's name; found '{name}'"))),
    };
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    read(&format!(
        "SELECT column_name, data_type, numeric_precision, numeric_scale, is_nullable FROM {INFORMATION}.columns WHERE \
         table_schema = {} AND table_name = {} AND (SELECT count(*) FROM {name} WHERE false) = 0 ORDER BY ordinal_position",
        text(schema),
        text(table)
    ))
}

fn read(text: &str) -> Result<Statement, SqlError> {
    let mut parser =
        Parser::new(&TemporalDialect).try_with_sql(text).map_err(|error| SqlError::syntax(&error))?;
    parser.parse_statement().map_err(|error| SqlError::syntax(&error))
}
