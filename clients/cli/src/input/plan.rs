//! What becomes of a file's columns: which are left out, what they are called, which type they
//! must have, and which of them nobody declared.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, Schema};

use super::options::{OP, RETRACT};
use super::{Column, InputError, ReadOptions};

/// What becomes of one column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The name of the column, after renaming.
    pub(super) name: String,
    /// The type declared for it; none: to be inferred, or as the file has it.
    pub(super) data_type: Option<DataType>,
    /// Whether it may be null.
    pub(super) nullable: bool,
    /// Whether a context is declared that lacks it.
    pub(super) extra: bool,
}

impl Plan {
    /// The plan for the column that the file calls `source_name`; none if it is left out.
    pub(super) fn of(source_name: &str, options: &ReadOptions) -> Option<Self> {
        if options.ignore.contains(source_name) {
            return None;
        }
        let name = options.rename.get(source_name).map_or(source_name, String::as_str);
        let declared = options.columns.as_deref().unwrap_or_default();
        let find = |columns: &[Column]| columns.iter().find(|column| column.name == name).cloned();
        let known = find(declared).or_else(|| find(&options.system_columns));
        Some(Self {
            name: name.to_owned(),
            extra: known.is_none() && options.columns.is_some(),
            nullable: known.as_ref().is_none_or(|column| column.nullable),
            data_type: known.map(|column| column.data_type),
        })
    }
}

/// The plans for the columns of a file that names them all at its start, in order; none for a
/// column that is left out.
pub(super) fn of_header(
    file: &str,
    names: &[String],
    options: &ReadOptions,
) -> Result<Vec<Option<Plan>>, InputError> {
    let missing = || options.rename.keys().find(|column| !names.contains(column));
    if let Some(column) = missing().filter(|_| !options.rename_if_present) {
        return Err(InputError::NothingToRename {
            file: file.to_owned(),
            column: column.clone(),
            found: names.join(", "),
        });
    }
    let plans: Vec<_> = names.iter().map(|name| Plan::of(name, options)).collect();
    let mut positions = BTreeMap::new();
    for (index, plan) in plans.iter().enumerate() {
        let Some(plan) = plan else { continue };
        if let Some(first) = positions.insert(plan.name.as_str(), index) {
            return Err(InputError::DuplicateColumn {
                file: file.to_owned(),
                column: plan.name.clone(),
                first: first + 1,
                second: index + 1,
            });
        }
    }
    Ok(plans)
}

/// The schema of columns whose types are all known by now. A file that says of each row whether
/// it retracts may leave out what a retracting row does not need, so all its columns allow null.
pub(super) fn schema(columns: &[Plan]) -> Schema {
    let retracts = columns.iter().any(|plan| plan.name == OP);
    let field = |plan: &Plan| {
        let data_type = plan.data_type.clone().unwrap_or(DataType::Utf8);
        Field::new(&plan.name, data_type, plan.nullable || retracts)
    };
    Schema::new(columns.iter().map(field).collect::<Vec<_>>())
}

/// The names of the columns that a declared context lacks.
pub(super) fn extra(columns: &[Plan]) -> Vec<String> {
    columns.iter().filter(|plan| plan.extra).map(|plan| plan.name.clone()).collect()
}

/// The first null where none is allowed, as (row of the batch from 0, column), leaving aside rows
/// that retract.
pub(super) fn forbidden_null(columns: &[Plan], arrays: &[ArrayRef]) -> Option<(usize, usize)> {
    let op = columns.iter().position(|plan| plan.name == OP);
    let op = op.and_then(|index| arrays[index].as_string_opt::<i32>());
    let retracts = |row| op.is_some_and(|op| op.is_valid(row) && op.value(row) == RETRACT);
    let first_null = |index: usize| {
        let column = &arrays[index];
        let forbidden = !columns[index].nullable && column.null_count() > 0;
        let row =
            (0..column.len()).filter(|_| forbidden).find(|row| column.is_null(*row) && !retracts(*row))?;
        Some((row, index))
    };
    (0..columns.len()).filter_map(first_null).min()
}
