//! Which predicates of a statement narrow what is read: equalities, lists and ranges over the first key columns, and
//! bounds of valid and system time where ranges are read.
//!
//! Invariant: what is read is never less than what the predicates let through. They are all worked out again above.

use std::collections::BTreeMap;

use calotype_query::as_of::Only;
use calotype_query::keys::{comparable, past_prefix, prefix};
use calotype_query::{KeyValue, Keys};
use calotype_storage::ValidTime;
use calotype_storage::name::ContextName;
use calotype_storage::schema::{FieldType, Schema};
use calotype_storage::time::Instant;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::scalar::ScalarValue;

/// Keys that are looked up one by one; past this, all are read.
const KEYS_MAX: usize = 10_000;

/// What predicates say of one column.
#[derive(Clone, Debug, Default)]
struct Said {
    /// It is one of these.
    one_of: Option<Vec<ScalarValue>>,
    /// It is at or above, or above if not included.
    least: Option<(ScalarValue, bool)>,
    /// It is at or below, or below if not included.
    greatest: Option<(ScalarValue, bool)>,
}

/// What predicates say of columns, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Narrowing {
    columns: BTreeMap<String, Said>,
}

/// A comparison of a column with a constant, or a list of constants; short lists come as equalities joined by `OR`.
fn read(expression: &Expr) -> Option<(&str, Operator, Vec<&ScalarValue>)> {
    let Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) = expression else {
        return comparison(expression);
    };
    let mut found: Option<(&str, Vec<&ScalarValue>)> = None;
    let mut waiting = vec![expression];
    while let Some(expression) = waiting.pop() {
        if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) = expression {
            waiting.extend([right.as_ref(), left.as_ref()]);
            continue;
        }
        let (column, operator, values) = comparison(expression)?;
        let (of, all) = found.get_or_insert((column, Vec::new()));
        if *of != column || operator != Operator::Eq {
            return None;
        }
        all.extend(values);
    }
    found.map(|(column, values)| (column, Operator::Eq, values))
}

fn comparison(expression: &Expr) -> Option<(&str, Operator, Vec<&ScalarValue>)> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "other predicates narrow nothing")]
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _)) => Some((column.name(), *op, vec![value])),
            (Expr::Literal(value, _), Expr::Column(column)) => Some((column.name(), op.swap()?, vec![value])),
            _ => None,
        },
        Expr::InList(InList { expr, list, negated: false }) => {
            let Expr::Column(column) = expr.as_ref() else { return None };
            let mut values = Vec::with_capacity(list.len());
            for item in list {
                let Expr::Literal(value, _) = item else { return None };
                values.push(value);
            }
            Some((column.name(), Operator::Eq, values))
        }
        _ => None,
    }
}

/// Whether a predicate can narrow what is read of a table with these columns.
pub(crate) fn narrows(expression: &Expr, is_useful: impl Fn(&str) -> bool) -> bool {
    read(expression).is_some_and(|(column, operator, values)| {
        let ordered =
            matches!(operator, Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq);
        ordered && is_useful(column) && values.iter().all(|value| !value.is_null())
    })
}

/// Which predicates narrow what is read of a table: those over key columns, and over columns that are useful otherwise.
pub(crate) fn supported(
    filters: &[&Expr],
    schema: Option<&Schema>,
    is_useful: impl Fn(&str) -> bool,
) -> Vec<TableProviderFilterPushDown> {
    let is_key = |name: &str| {
        schema.is_some_and(|schema| schema.key_fields().any(|field| field.name.as_str() == name))
    };
    let support = |filter: &&Expr| {
        if narrows(filter, |name| is_key(name) || is_useful(name)) {
            TableProviderFilterPushDown::Inexact
        } else {
            TableProviderFilterPushDown::Unsupported
        }
    };
    filters.iter().map(support).collect()
}

impl Narrowing {
    /// Gathers what all of some predicates say; those that say nothing of use are passed over.
    pub(crate) fn of(predicates: &[Expr]) -> Self {
        let mut narrowing = Self::default();
        for predicate in predicates {
            let Some((column, operator, values)) = read(predicate) else { continue };
            if values.iter().any(|value| value.is_null()) {
                continue;
            }
            let said = narrowing.columns.entry(column.to_owned()).or_default();
            let first = || values.first().map(|value| (*value).clone());
            #[expect(clippy::wildcard_enum_match_arm, reason = "other operators narrow nothing")]
            match operator {
                Operator::Eq => {
                    let values: Vec<ScalarValue> = values.into_iter().cloned().collect();
                    said.one_of = Some(match said.one_of.take() {
                        None => values,
                        Some(before) => before.into_iter().filter(|value| values.contains(value)).collect(),
                    });
                }
                Operator::Gt => {
                    said.least = tighter(said.least.take(), first().map(|value| (value, false)), true);
                }
                Operator::GtEq => {
                    said.least = tighter(said.least.take(), first().map(|value| (value, true)), true);
                }
                Operator::Lt => {
                    said.greatest = tighter(said.greatest.take(), first().map(|value| (value, false)), false);
                }
                Operator::LtEq => {
                    said.greatest = tighter(said.greatest.take(), first().map(|value| (value, true)), false);
                }
                _ => {}
            }
        }
        narrowing
    }

    /// The keys that can be meant.
    pub(crate) fn keys(&self, context: &ContextName, schema: &Schema) -> Keys {
        let mut exact: Vec<Vec<KeyValue>> = vec![Vec::new()];
        let mut all_exact = true;
        for field in schema.key_fields() {
            let values = self.columns.get(field.name.as_str()).and_then(|said| said.one_of.as_ref());
            let values: Option<Vec<KeyValue>> = values
                .and_then(|values| values.iter().map(|value| key_value(value, field.field_type)).collect());
            match values {
                Some(values) if values.len() * exact.len() <= KEYS_MAX => {
                    exact = exact
                        .iter()
                        .flat_map(|key| {
                            values
                                .iter()
                                .map(move |value| [key.as_slice(), std::slice::from_ref(value)].concat())
                        })
                        .collect();
                }
                _ => {
                    all_exact = false;
                    break;
                }
            }
        }
        let keys = if all_exact { Keys::These(exact) } else { self.range(&exact, schema) };
        // A value that the column cannot hold narrows nothing here; the predicate above lets no row through.
        if keys.filter(context, schema).is_ok() { keys } else { Keys::All }
    }

    /// The least and the greatest value that an integer column can have, both included.
    pub(crate) fn integers(&self, column: &str) -> (Option<i64>, Option<i64>) {
        let Some(said) = self.columns.get(column) else { return (None, None) };
        let bound = |bound: Option<&(ScalarValue, bool)>| bound.and_then(|(value, _)| integer(value));
        // All of them or none: a value that is not understood may be the least or the greatest.
        let equal = said.one_of.as_ref().and_then(|values| values.iter().map(integer).collect());
        let equal: Vec<i64> = equal.unwrap_or_default();
        (
            bound(said.least.as_ref()).into_iter().chain(equal.iter().min().copied()).max(),
            bound(said.greatest.as_ref()).into_iter().chain(equal.iter().max().copied()).min(),
        )
    }

    /// The values that a text column can have; `None`: any.
    pub(crate) fn texts(&self, column: &str) -> Option<Vec<String>> {
        let values = self.columns.get(column)?.one_of.as_ref()?;
        values
            .iter()
            .map(|value| if let ScalarValue::Utf8(Some(text)) = value { Some(text.clone()) } else { None })
            .collect()
    }

    /// A range of keys that begin alike, bounded by what is said of the next key column.
    fn range(&self, beginnings: &[Vec<KeyValue>], schema: &Schema) -> Keys {
        let one = match beginnings {
            [one] => one.as_slice(),
            _ => &[],
        };
        let Some(begin) = prefix(schema, one) else { return Keys::All };
        let said = schema
            .key_fields()
            .nth(one.len())
            .and_then(|field| Some((field, self.columns.get(field.name.as_str())?)));
        let bound = |bound: Option<&(ScalarValue, bool)>, past_if: bool| {
            let (field, _) = said?;
            let (value, included) = bound?;
            let key = [one, &[key_value(value, field.field_type)?]].concat();
            let key = prefix(schema, &key)?;
            if *included == past_if { past_prefix(key) } else { Some(key) }
        };
        let least = bound(said.and_then(|(_, said)| said.least.as_ref()), false);
        let greatest = bound(said.and_then(|(_, said)| said.greatest.as_ref()), true);
        let from = least.or_else(|| (!begin.is_empty()).then(|| begin.clone()));
        let to = greatest.or_else(|| if begin.is_empty() { None } else { past_prefix(begin) });
        if from.is_none() && to.is_none() { Keys::All } else { Keys::Range { from, to } }
    }

    /// What is said of columns that are no keys, for zones. What is said of keys narrows what is read already.
    pub(crate) fn only(&self, schema: &Schema) -> Vec<Only> {
        let mut only = Vec::new();
        for (place, field) in schema.fields().iter().enumerate() {
            let Some(said) = self.columns.get(field.name.as_str()).filter(|_| !schema.is_key(place)) else {
                continue;
            };
            let comparable =
                |value: &ScalarValue| comparable(field.field_type, &key_value(value, field.field_type)?);
            let stretches = if let Some(values) = &said.one_of {
                let values: Option<Vec<_>> = values.iter().map(comparable).collect();
                values.map(|values| {
                    values.into_iter().map(|value| (Some(value.clone()), past_prefix(value))).collect()
                })
            } else {
                let bound = |bound: &Option<(ScalarValue, bool)>, past_if: bool| {
                    let (value, included) = bound.as_ref()?;
                    let value = comparable(value)?;
                    if *included == past_if { past_prefix(value) } else { Some(value) }
                };
                let stretch = (bound(&said.least, false), bound(&said.greatest, true));
                (stretch != (None, None)).then(|| vec![stretch])
            };
            if let Some(stretches) = stretches {
                only.push(Only { column: field.name.to_string(), stretches });
            }
        }
        only
    }

    /// The first and last instant that rows can overlap, both included, by what is said of where their periods begin
    /// (`from`) and end (`to`); an end that is open is null, and no comparison lets it through.
    pub(crate) fn instants<T: Instant>(&self, from: &str, to: &str) -> (Option<T>, Option<T>) {
        // The period [f, t) overlaps [a, b] if f ≤ b and a < t. So f ≤ b bounds the last instant, and t > a the first.
        let last = self.columns.get(from).and_then(|said| {
            let equal = said.one_of.as_ref().and_then(|values| values.iter().filter_map(micros).max());
            let bound = said.greatest.as_ref().and_then(|(value, _)| micros(value));
            equal.into_iter().chain(bound).min()
        });
        let first = self.columns.get(to).and_then(|said| {
            let equal = said.one_of.as_ref().and_then(|values| values.iter().filter_map(micros).min());
            let bound = said.least.as_ref().and_then(|(value, _)| micros(value));
            // Ends are not included: a period that ends at t overlaps the instant before it.
            equal.into_iter().chain(bound).max().map(|end| end.saturating_sub(1))
        });
        (first.and_then(T::from_micros), last.and_then(T::from_micros))
    }
}

/// The narrower of two bounds. Values of different types are not compared: the first stays.
fn tighter(
    before: Option<(ScalarValue, bool)>,
    next: Option<(ScalarValue, bool)>,
    greater_is_tighter: bool,
) -> Option<(ScalarValue, bool)> {
    let (Some(before), Some(next)) = (&before, &next) else {
        return before.or(next);
    };
    let tighter = match next.0.partial_cmp(&before.0) {
        Some(std::cmp::Ordering::Greater) => greater_is_tighter,
        Some(std::cmp::Ordering::Less) => !greater_is_tighter,
        Some(std::cmp::Ordering::Equal) => !next.1,
        None => false,
    };
    Some(if tighter { next.clone() } else { before.clone() })
}

fn integer(value: &ScalarValue) -> Option<i64> {
    if let ScalarValue::Int64(value) = value { *value } else { None }
}

fn micros(value: &ScalarValue) -> Option<i64> {
    if let ScalarValue::TimestampMicrosecond(value, _) = value { *value } else { None }
}

/// The value of a key column, if the constant is of its type.
fn key_value(value: &ScalarValue, field_type: FieldType) -> Option<KeyValue> {
    if FieldType::from_arrow(&value.data_type()) != Some(field_type) {
        return None;
    }
    as_key_value(value)
}

/// The constant as a value of a key column, if there are keys of its type.
pub(crate) fn as_key_value(value: &ScalarValue) -> Option<KeyValue> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "other types are no keys")]
    Some(match value {
        ScalarValue::Boolean(Some(value)) => KeyValue::Bool(*value),
        ScalarValue::Int8(Some(value)) => KeyValue::Integer((*value).into()),
        ScalarValue::Int16(Some(value)) => KeyValue::Integer((*value).into()),
        ScalarValue::Int32(Some(value)) => KeyValue::Integer((*value).into()),
        ScalarValue::Int64(Some(value)) => KeyValue::Integer((*value).into()),
        ScalarValue::UInt8(Some(value)) => KeyValue::Integer((*value).into()),
        ScalarValue::UInt16(Some(value)) => KeyValue::Integer((*value).into()),
        ScalarValue::UInt32(Some(value)) => KeyValue::Integer((*value).into()),
        ScalarValue::UInt64(Some(value)) => KeyValue::Integer((*value).into()),
        ScalarValue::Utf8(Some(value)) => KeyValue::Text(value.clone()),
        ScalarValue::Binary(Some(value)) => KeyValue::Bytes(value.clone()),
        ScalarValue::Decimal128(Some(_), ..) => KeyValue::Text(value.to_array().ok().and_then(|array| {
            use arrow_array::cast::AsArray;
            Some(array.as_primitive_opt::<arrow_array::types::Decimal128Type>()?.value_as_string(0))
        })?),
        ScalarValue::TimestampMicrosecond(Some(value), _) => {
            KeyValue::Text(ValidTime::from_micros(*value)?.to_string())
        }
        ScalarValue::Date32(Some(days)) => {
            let midnight = ValidTime::from_micros(i64::from(*days).checked_mul(86_400_000_000)?)?.to_string();
            KeyValue::Text(midnight.split('T').next()?.to_owned())
        }
        _ => return None,
    })
}
