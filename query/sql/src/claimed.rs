//! Tables that say on what their rows rest.

use std::any::Any;

use calotype_query::Claim;
use datafusion::catalog::TableProvider;

use crate::catalog::CatalogTable;
use crate::table::ContextTable;
use crate::table_functions::QuestionTable;

/// A table that says on what its rows rest.
pub(crate) trait Claimed {
    /// A claim for each point of a context that is read.
    fn claims(&self) -> &[Claim];

    /// Whether its rows may be others the next time, whatever the claims say.
    fn is_of_the_moment(&self) -> bool {
        false
    }
}

/// What a provider rests on; `None` if it reads nothing of the store.
pub(crate) fn as_claimed(provider: &dyn TableProvider) -> Option<&dyn Claimed> {
    let provider = provider as &dyn Any;
    let context = provider.downcast_ref::<ContextTable>().map(|table| table as &dyn Claimed);
    context
        .or_else(|| provider.downcast_ref::<QuestionTable>().map(|table| table as &dyn Claimed))
        .or_else(|| provider.downcast_ref::<CatalogTable>().map(|table| table as &dyn Claimed))
}
