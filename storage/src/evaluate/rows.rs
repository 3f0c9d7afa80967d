//! Putting fact rows together from an extract and from what is known.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, UInt32Array, new_null_array};
use arrow_select::interleave::interleave;
use arrow_select::take::take;

use crate::column::normalise;
use crate::error::{Error, reasons};
use crate::facts::FactRows;
use crate::key::EncodedKeys;
use crate::put::Extract;
use crate::row_group::{FieldColumn, join_columns};
use crate::schema::Schema;
use crate::statement::Op;

/// Rows taken from what is known, in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct KnownRows {
    keys: Vec<Vec<u8>>,
    ops: Vec<Op>,
    /// Columns of the schema, a list for each window.
    parts: Vec<Vec<ArrayRef>>,
}

impl KnownRows {
    /// Adds a row's key and what it does; its columns follow with [`Self::columns`].
    pub(super) fn push(&mut self, key: &[u8], op: Op) {
        self.keys.push(key.to_vec());
        self.ops.push(op);
    }

    /// Adds the columns of the rows pushed since the last call.
    pub(super) fn columns(&mut self, columns: Vec<ArrayRef>) {
        if columns.first().is_some_and(|column| !column.is_empty()) {
            self.parts.push(columns);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The rows as facts with the given ends.
    pub(super) fn into_facts(self, schema: &Schema, from: i64, to: Vec<i64>) -> Result<FactRows, Error> {
        let keys = EncodedKeys::from_keys(self.keys.iter().map(Vec::as_slice));
        let columns = join_columns(schema, &self.parts)?;
        let retract: Vec<bool> = self.ops.iter().map(|op| *op == Op::Retract).collect();
        Ok(FactRows {
            valid_from: vec![from; keys.len()],
            valid_to: to,
            retract: if retract.contains(&true) { retract } else { Vec::new() },
            keys,
            columns,
            entries: None,
            partition: None,
            offset: None,
        })
    }

    pub(super) fn keys(&self) -> EncodedKeys {
        EncodedKeys::from_keys(self.keys.iter().map(Vec::as_slice))
    }
}

fn fields(schema: &Schema, columns: Vec<ArrayRef>) -> Vec<FieldColumn> {
    let normalised = schema.fields().iter().zip(columns).map(|(field, values)| FieldColumn {
        field: field.id,
        field_type: field.field_type,
        values: normalise(field.field_type, &values),
    });
    normalised.collect()
}

/// All rows of an extract as facts.
pub(super) fn all(extract: &Extract, from: i64, to: Vec<i64>) -> FactRows {
    FactRows {
        keys: extract.keys.clone(),
        columns: extract.columns.clone(),
        valid_from: vec![from; extract.keys.len()],
        valid_to: to,
        retract: extract.retract.clone(),
        entries: None,
        partition: extract.partition.clone(),
        offset: extract.offset.clone(),
    }
}

/// Some rows of an extract with their own periods, in the order given, which is that of the keys.
pub(super) fn some(extract: &Extract, rows: &[u32], valid_from: Vec<i64>, valid_to: Vec<i64>) -> FactRows {
    let places = UInt32Array::from(rows.to_vec());
    let pick = |column: &ArrayRef| take(column, &places, None).expect("rows lie within the extract");
    let columns = extract.columns.iter().map(|column| FieldColumn {
        field: column.field,
        field_type: column.field_type,
        values: normalise(column.field_type, &pick(&column.values)),
    });
    let retract: Vec<bool> = rows.iter().map(|row| extract.is_retraction(*row as usize)).collect();
    FactRows {
        keys: extract.keys.take(rows),
        columns: columns.collect(),
        valid_from,
        valid_to,
        retract: if retract.contains(&true) { retract } else { Vec::new() },
        entries: None,
        partition: extract.partition.as_ref().map(pick),
        offset: extract.offset.as_ref().map(pick),
    }
}

/// Asserted rows of an extract and retracted known rows, merged by key.
pub(super) fn merge(
    schema: &Schema,
    extract: &Extract,
    asserted: &[u32],
    retracted: &KnownRows,
) -> Result<(EncodedKeys, Vec<FieldColumn>, Vec<bool>), Error> {
    let known = join_columns(schema, &retracted.parts)?;
    let mut picks: Vec<(usize, usize)> = Vec::with_capacity(asserted.len() + retracted.len());
    let (mut a, mut r) = (0, 0);
    while a < asserted.len() || r < retracted.len() {
        let key = asserted.get(a).map(|row| extract.keys.get(*row as usize));
        let take_asserted = match (key, retracted.keys.get(r)) {
            (Some(key), Some(other)) => key < other.as_slice(),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if take_asserted {
            picks.push((0, asserted[a] as usize));
            a += 1;
        } else {
            picks.push((1, r));
            r += 1;
        }
    }
    let key_of = |pick: &(usize, usize)| match pick {
        (0, row) => extract.keys.get(*row).to_vec(),
        (_, row) => retracted.keys[*row].clone(),
    };
    let keys: Vec<Vec<u8>> = picks.iter().map(key_of).collect();
    let one = |place: usize| -> Result<ArrayRef, Error> {
        let ours = &extract.columns[place].values;
        interleave(&[ours.as_ref(), known[place].values.as_ref()], &picks)
            .map_err(|error| Error::damaged("a row group", reasons(&error)))
    };
    let columns = (0..schema.fields().len()).map(one).collect::<Result<Vec<_>, _>>()?;
    let retract: Vec<bool> = picks.iter().map(|(source, _)| *source == 1).collect();
    let keys = EncodedKeys::from_keys(keys.iter().map(Vec::as_slice));
    Ok((keys, fields(schema, columns), retract))
}

/// Columns of a schema in which only the key has values.
pub(super) fn keys_only(schema: &Schema, key_columns: &[ArrayRef], rows: usize) -> Vec<ArrayRef> {
    let mut columns: Vec<ArrayRef> =
        schema.fields().iter().map(|field| new_null_array(&field.field_type.to_arrow(), rows)).collect();
    for (place, column) in schema.key_places().iter().zip(key_columns) {
        columns[*place] = Arc::clone(column);
    }
    columns
}
