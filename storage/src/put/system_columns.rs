//! The columns of a put that are not the context's: `_op`, `_valid_from`,
//! `_valid_to`, `_partition`, `_offset`.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_cast::cast;
use arrow_schema::DataType;

use super::flatten::{flatten, recast};
use super::{OpenEnd, PutKind};
use crate::manifest::OPEN;
use crate::refusal::Refusal;
use crate::time::ValidTime;

/// Which system columns a kind of put may bring.
fn allowed(kind: PutKind) -> &'static [&'static str] {
    match kind {
        PutKind::Facts { .. } => &["_op", "_valid_from", "_valid_to", "_partition", "_offset"],
        PutKind::Delta { .. } => &["_op"],
        PutKind::Full { .. } => &[],
    }
}

/// Refuses system columns that do not belong to the kind of put.
pub(super) fn check_names<'a>(kind: PutKind, names: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    const KNOWN: [&str; 5] = ["_op", "_valid_from", "_valid_to", "_partition", "_offset"];
    for name in names.filter(|name| name.starts_with('_')) {
        let Some(option) = KNOWN.iter().find(|known| **known == name) else {
            return Err(Refusal::ColumnName(name.chars().take(128).collect()));
        };
        if !allowed(kind).contains(option) {
            return Err(Refusal::Option { option, kind: kind.as_str() });
        }
    }
    Ok(())
}

/// Which rows retract; empty if none does.
pub(super) fn retractions(column: Option<&ArrayRef>) -> Result<Vec<bool>, Refusal> {
    let Some(column) = column else {
        return Ok(Vec::new());
    };
    let column = texts("_op", column)?;
    let mut retract = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        retract.push(match column.is_valid(row).then(|| column.value(row)) {
            None | Some("assert") => false,
            Some("retract") => true,
            Some(other) => {
                let found = other.chars().take(40).flat_map(char::escape_debug).collect();
                return Err(Refusal::Op { row: row as u64 + 1, found });
            }
        });
    }
    if retract.contains(&true) { Ok(retract) } else { Ok(Vec::new()) }
}

fn texts(name: &str, column: &ArrayRef) -> Result<StringArray, Refusal> {
    let not_kept = || Refusal::ColumnType {
        column: name.to_owned(),
        expected: "string".into(),
        found: column.data_type().to_string(),
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "only texts are texts")]
    match column.data_type() {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Dictionary(..)
        | DataType::Null => {
            let plain = cast(column, &DataType::Utf8).map_err(|_| not_kept())?;
            Ok(plain.as_string::<i32>().clone())
        }
        _ => Err(not_kept()),
    }
}

/// Instants from a timestamp column, or from texts in RFC 3339.
fn instants(name: &str, column: &ArrayRef) -> Result<Vec<Option<i64>>, Refusal> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only timestamps and texts are instants")]
    match column.data_type() {
        DataType::Timestamp(_, Some(_)) => {
            let column = flatten(name, column, 1)?;
            Ok(column.as_primitive::<TimestampMicrosecondType>().iter().collect())
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
            let column = texts(name, column)?;
            let mut instants = Vec::with_capacity(column.len());
            for row in 0..column.len() {
                let text = column.is_valid(row).then(|| column.value(row));
                let parsed = text.map(|text| {
                    let (row, column) = (row as u64 + 1, name.to_owned());
                    ValidTime::parse(text).map_err(|why| Refusal::InstantText { row, column, why })
                });
                instants.push(parsed.transpose()?.map(ValidTime::micros));
            }
            Ok(instants)
        }
        other => Err(Refusal::ColumnType {
            column: name.to_owned(),
            expected: "a timestamp with a zone".into(),
            found: other.to_string(),
        }),
    }
}

/// Periods of facts. An end that is to be found by `until_next` is `None`.
#[derive(Clone, Debug, Default)]
pub struct Periods {
    /// Where each begins.
    pub from: Vec<i64>,
    /// Where each ends; [`OPEN`] without an end.
    pub to: Vec<Option<i64>>,
}

/// Reads the periods of a put of facts.
pub(super) fn periods(
    from: Option<&ArrayRef>,
    to: Option<&ArrayRef>,
    open_end: Option<OpenEnd>,
    rows: usize,
) -> Result<Periods, Refusal> {
    let from = from.ok_or(Refusal::Field {
        field: "_valid_from",
        expected: "facts need the column _valid_from: a period is never guessed",
    })?;
    let ends = to.map_or_else(|| Ok(vec![None; rows]), |to| instants("_valid_to", to))?;
    let mut periods = Periods { from: Vec::with_capacity(rows), to: Vec::with_capacity(rows) };
    for ((row, from), to) in (1..).zip(instants("_valid_from", from)?).zip(ends) {
        let from = from.ok_or_else(|| Refusal::Null {
            row,
            column: "_valid_from".into(),
            hint: ": a period is never guessed",
        })?;
        let to = match (to, open_end) {
            (Some(to), _) if to <= from => {
                let time = |micros| ValidTime::from_micros(micros).expect("instants have been checked");
                return Err(Refusal::Period { row, from: time(from), to: time(to) });
            }
            (Some(to), _) => Some(to),
            (None, Some(OpenEnd::Open)) => Some(OPEN),
            (None, Some(OpenEnd::UntilNext)) => None,
            (None, None) => return Err(Refusal::NoValidTo { row }),
        };
        periods.from.push(from);
        periods.to.push(to);
    }
    Ok(periods)
}

/// `_partition` as text, whatever it came as.
pub(super) fn partition(column: &ArrayRef) -> Result<ArrayRef, Refusal> {
    if column.data_type().is_integer() {
        return recast("_partition", column, &DataType::Utf8);
    }
    Ok(Arc::new(texts("_partition", column)?))
}

/// `_offset` as 64-bit integers.
pub(super) fn offset(column: &ArrayRef) -> Result<ArrayRef, Refusal> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "offsets are signed integers")]
    match column.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Null => {
            recast("_offset", column, &DataType::Int64)
        }
        other => Err(Refusal::ColumnType {
            column: "_offset".into(),
            expected: "int64".into(),
            found: other.to_string(),
        }),
    }
}
