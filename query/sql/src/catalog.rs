//! Tables about the store itself.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

use crate::scope::Scope;

/// The one catalog.
pub(crate) const CATALOG: &str = "calotype";

/// A table about the store.
pub(crate) fn table(_: &Scope, schema: &str, name: &str) -> Result<Arc<dyn TableProvider>> {
    plan_err!("there is no table '{schema}.{name}'")
}

/// A table function of plain constants.
pub(crate) fn table_function(_: &Scope, name: &str, _: Vec<Expr>) -> Result<Arc<dyn TableProvider>> {
    plan_err!("there is no table function '{name}'")
}
