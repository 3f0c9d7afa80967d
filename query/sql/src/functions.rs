//! Which functions a statement may call: those whose result depends on their arguments alone, and whose cost their
//! arguments bound.

use std::sync::Arc;

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

/// Functions that are left out: what they answer depends on chance or on this program, or a few bytes of SQL make them
/// fill the memory.
const LEFT_OUT: [&str; 21] = [
    "arrow_cast",
    "arrow_field",
    "arrow_metadata",
    "arrow_try_cast",
    "arrow_typeof",
    "array_repeat",
    "array_resize",
    "generate_series",
    "get_field",
    "gen_series",
    "list_repeat",
    "list_resize",
    "lpad",
    "random",
    "range",
    "repeat",
    "rpad",
    "to_local_time",
    "uuid",
    "version",
    "with_metadata",
];

fn is_allowed(name: &str) -> bool {
    LEFT_OUT.binary_search(&name).is_err()
}

/// The scalar functions that may be called.
pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let mut functions = SessionStateDefaults::default_scalar_functions();
    functions.retain(|function| is_allowed(function.name()));
    functions
}

/// The aggregate functions that may be called.
pub(crate) fn aggregate() -> Vec<Arc<AggregateUDF>> {
    SessionStateDefaults::default_aggregate_functions()
}

/// The window functions that may be called.
pub(crate) fn window() -> Vec<Arc<WindowUDF>> {
    SessionStateDefaults::default_window_functions()
}
