//! Which functions a statement may call: those whose result depends on their arguments alone, and whose cost their
//! arguments bound.
//!
//! A new version of DataFusion brings no function that was not decided about. Left out are, among others, what depends on
//! chance or on this program (`random`, `uuid`, `version`), what makes much of a few bytes (`repeat`, `lpad`, `array_resize`,
//! `arrow_cast` to any size, `approx_percentile_cont` with any number of centroids) and what takes the square of its
//! arguments' length (`levenshtein`).

mod present;
mod sum;

use std::sync::Arc;

use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

use present::Now;
use sum::CheckedSum;

/// Scalar functions, beside `now`.
const SCALAR: &str = "abs acos acosh array_any_value array_append array_avg array_compact array_concat array_dims \
    array_distance array_distinct array_element array_except array_has array_has_all array_has_any \
    array_intersect array_length array_max array_min array_ndims array_pop_back array_pop_front \
    array_position array_positions array_prepend array_product array_remove array_remove_all \
    array_remove_n array_replace array_replace_all array_replace_n array_reverse array_slice array_sort \
    array_sum array_to_string array_union arrays_zip ascii asin asinh atan atan2 atanh bit_length btrim \
    cardinality cbrt ceil character_length chr coalesce concat concat_ws contains cos cosh cot \
    current_date current_time date_bin date_part date_trunc decode degrees empty encode ends_with exp \
    factorial find_in_set flatten floor from_unixtime gcd greatest initcap isnan iszero lcm least left \
    ln log log10 log2 lower ltrim make_array make_date make_time map map_entries map_extract map_keys \
    map_values named_struct nanvl nullif nvl nvl2 octet_length overlay pi power radians regexp_count \
    regexp_instr regexp_like regexp_match regexp_replace replace reverse right round rtrim signum sin \
    sinh split_part sqrt starts_with string_to_array strpos struct substr substr_index tan tanh to_char \
    to_date to_hex to_time to_timestamp to_timestamp_micros to_timestamp_millis to_timestamp_nanos \
    to_timestamp_seconds translate trunc upper";

/// Aggregates, beside `sum`.
const AGGREGATE: &str = "any_value approx_distinct approx_median array_agg avg bit_and bit_or bit_xor bool_and bool_or corr \
    count covar_pop covar_samp first_value grouping last_value max median min nth_value percentile_cont \
    regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev \
    stddev_pop string_agg var var_pop";

/// Functions over windows alone.
const WINDOW: &str =
    "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number";

fn is_among(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|one| one == name)
}

/// The scalar functions that may be called.
pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let mut functions = SessionStateDefaults::default_scalar_functions();
    functions.retain(|function| is_among(SCALAR, function.name()));
    functions.push(Arc::new(ScalarUDF::new_from_impl(Now::new())));
    functions
}

/// The aggregate functions that may be called.
pub(crate) fn aggregate() -> Vec<Arc<AggregateUDF>> {
    let mut functions = SessionStateDefaults::default_aggregate_functions();
    functions.retain(|function| is_among(AGGREGATE, function.name()));
    functions.push(Arc::new(AggregateUDF::new_from_impl(CheckedSum::new())));
    functions
}

/// The window functions that may be called.
pub(crate) fn window() -> Vec<Arc<WindowUDF>> {
    let mut functions = SessionStateDefaults::default_window_functions();
    functions.retain(|function| is_among(WINDOW, function.name()));
    functions
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_a_function_and_no_other_is_called() {
        let names = |list: &str| list.split_ascii_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
        let found = |functions: Vec<String>| functions.into_iter().collect::<BTreeSet<_>>();
        let mut expected = names(SCALAR);
        expected.insert("now".into());
        assert_eq!(found(scalar().iter().map(|function| function.name().to_owned()).collect()), expected);
        let mut expected = names(AGGREGATE);
        expected.insert("sum".into());
        assert_eq!(found(aggregate().iter().map(|function| function.name().to_owned()).collect()), expected);
        assert_eq!(
            found(window().iter().map(|function| function.name().to_owned()).collect()),
            names(WINDOW)
        );
    }
}
