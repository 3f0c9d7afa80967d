//! How long the result of a call can become, told from the lengths of its arguments.

use std::borrow::Cow;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_schema::DataType;
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::scalar::ScalarValue;

use super::size::row_bytes;
use crate::batches::PATTERN_BYTES_MAX;

/// How much longer than all of its arguments the result of a function is, where no other rule is known: one byte can
/// become a list's element.
const USUAL_FACTOR: usize = 8;
/// How long one sign of a format can become: `%c` is a whole date.
const FORMAT_FACTOR: usize = 12;
/// Bytes of the longest text that stands for a number.
const NUMBER_BYTES: usize = 48;
/// The most that a replacement can give, by what it is reckoned to give.
const MATCHES_RARITY: usize = 16;

/// Functions whose result can be longer than their longest argument, by name.
const GROWING: [&str; 34] = [
    "||",
    "array_append",
    "array_cat",
    "array_concat",
    "array_insert",
    "array_intersect",
    "array_join",
    "array_prepend",
    "array_push_back",
    "array_push_front",
    "array_replace",
    "array_replace_all",
    "array_replace_n",
    "array_to_string",
    "array_union",
    "arrays_zip",
    "concat",
    "concat_ws",
    "date_format",
    "encode",
    "list_append",
    "list_concat",
    "make_array",
    "make_list",
    "map",
    "named_struct",
    "overlay",
    "regexp_replace",
    "replace",
    "row",
    "string_to_array",
    "struct",
    "to_char",
    "translate",
];

pub(super) fn can_grow(name: &str) -> bool {
    GROWING.contains(&name)
}

/// Functions that work with regular expressions, and the place of those.
const PATTERNS: [&str; 5] = ["regexp_count", "regexp_instr", "regexp_like", "regexp_match", "regexp_replace"];

/// Whether the second argument of a function is a regular expression.
pub(crate) fn has_pattern(name: &str) -> bool {
    PATTERNS.contains(&name)
}

/// Refuses expressions that are long, or another one for each row: each takes memory of its own.
///
/// # Errors
/// Names the function.
pub(super) fn check_pattern(name: &str, args: &[ColumnarValue]) -> Result<()> {
    if !has_pattern(name) {
        return Ok(());
    }
    match args.get(1) {
        Some(ColumnarValue::Array(_)) => {
            plan_err!(
                "{name} expected one regular expression for all rows; found one that depends on the row"
            )
        }
        Some(value @ ColumnarValue::Scalar(_)) if bytes(value, 0) > PATTERN_BYTES_MAX => {
            plan_err!("{name} expected a regular expression of at most {PATTERN_BYTES_MAX} bytes")
        }
        _ => Ok(()),
    }
}

/// Bytes of an argument for a row.
fn bytes(value: &ColumnarValue, row: usize) -> usize {
    match value {
        ColumnarValue::Array(array) => row_bytes(array, row),
        ColumnarValue::Scalar(value) => value.size(),
    }
}

/// An argument's text for a row; `None` if it is null or no text.
fn text(value: &ColumnarValue, row: usize) -> Option<Cow<'_, str>> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are no texts")]
    match value {
        ColumnarValue::Scalar(
            ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text),
        ) => text.as_deref().map(Cow::Borrowed),
        ColumnarValue::Array(array) if !array.is_null(row) => match array.data_type() {
            DataType::Utf8 => Some(Cow::Borrowed(array.as_string::<i32>().value(row))),
            DataType::LargeUtf8 => Some(Cow::Borrowed(array.as_string::<i64>().value(row))),
            DataType::Utf8View => Some(Cow::Borrowed(array.as_string_view().value(row))),
            _ => None,
        },
        _ => None,
    }
}

/// Elements of a list, with those of lists in it.
fn elements(array: &ArrayRef) -> usize {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others hold no lists")]
    match array.data_type() {
        DataType::List(_) => (0..array.len()).map(|row| elements(&array.as_list::<i32>().value(row))).sum(),
        DataType::LargeList(_) => {
            (0..array.len()).map(|row| elements(&array.as_list::<i64>().value(row))).sum()
        }
        _ => array.len(),
    }
}

fn list_elements(value: &ColumnarValue, row: usize) -> usize {
    match value {
        ColumnarValue::Array(array) => elements(&array.slice(row, 1)),
        ColumnarValue::Scalar(value) => value.to_array().map_or(0, |array| elements(&array)),
    }
}

/// The most bytes that a call gives for a row.
pub(super) fn most(name: &str, args: &[ColumnarValue], row: usize) -> usize {
    let sum = || args.iter().map(|value| bytes(value, row)).fold(0, usize::saturating_add);
    match (name, args) {
        ("||" | "concat" | "coalesce" | "nvl" | "nullif" | "greatest" | "least" | "overlay", _) => sum(),
        ("replace", [value, from, to]) => {
            let from = bytes(from, row).max(1);
            let from = text(&args[1], row).map_or(from, |from| from.len().max(1));
            let length = bytes(value, row);
            (length / from + 1).saturating_mul(bytes(to, row)).saturating_add(length)
        }
        ("regexp_replace", [value, _, to, ..]) => {
            let (length, to) = (bytes(value, row), bytes(to, row));
            // Each place of the text, and behind it, may match; each pair of signs may stand for all of it.
            (length + 1).saturating_mul(to).saturating_add(length.saturating_mul(to / 2 + 1))
        }
        ("concat_ws", [separator, rest @ ..]) => {
            bytes(separator, row).saturating_mul(rest.len()).saturating_add(sum())
        }
        ("array_to_string" | "list_to_string" | "array_join" | "list_join", [list, separator, ..]) => {
            let each = bytes(separator, row).saturating_add(NUMBER_BYTES);
            let each = args.get(2).map_or(each, |null| each.saturating_add(bytes(null, row)));
            list_elements(list, row).saturating_mul(each).saturating_add(sum())
        }
        ("to_char" | "date_format", _) => sum().saturating_mul(FORMAT_FACTOR),
        _ => sum().saturating_mul(USUAL_FACTOR),
    }
}

/// Bytes that a call gives for a row at least, or the most if that is all that is known and it is not bounded by the
/// lengths of the arguments.
pub(super) fn least(name: &str, args: &[ColumnarValue], row: usize) -> usize {
    match (name, args) {
        ("replace", [value, from, to]) => {
            let (Some(value), Some(from), Some(to)) = (text(value, row), text(from, row), text(to, row))
            else {
                return 0;
            };
            let found = value.matches(from.as_ref()).count();
            (value.len() - found * from.len()).saturating_add(found.saturating_mul(to.len()))
        }
        // How often it matches is not known before it is done: the little that it can be more is borne.
        ("regexp_replace", _) => most(name, args, row) / MATCHES_RARITY,
        ("concat" | "||", _) => most(name, args, row),
        ("array_to_string" | "list_to_string" | "array_join" | "list_join", _) => most(name, args, row) / 4,
        _ => 0,
    }
}
