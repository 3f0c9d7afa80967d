//! Statements asked of whole stores.

mod book;
mod cancels;
mod catalog;
mod panics;
mod pitfalls;
#[allow(
    clippy::format_push_string,
    clippy::wildcard_enum_match_arm,
    clippy::redundant_closure_for_method_calls,
    clippy::redundant_closure,
    clippy::manual_is_multiple_of,
    clippy::too_many_lines,
    clippy::match_wildcard_for_single_variants,
    clippy::needless_pass_by_value,
    reason = "statements are written piece by piece, and whatever is not drawn fails the test"
)]
mod random;
mod series;
mod statements;
mod store;
mod table_functions;
