//! The result hash: one name for an answer's rows, values, order and schema,
//! however it is cut into batches or compressed on its way.
//!
//! Each column is hashed on its own: which rows have a value, the lengths of texts,
//! the values in canonical form. FORMAT.md, section "Result hash".

use std::fmt;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use calotype_storage::column::{CanonicalHasher, normalise};
use calotype_storage::schema::FieldType;

/// The hash of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResultHash([u8; 32]);

impl fmt::Display for ResultHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ResultHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Default)]
struct Column {
    validity: CanonicalHasher,
    lengths: CanonicalHasher,
    values: CanonicalHasher,
}

/// Takes an answer batch by batch.
pub struct ResultHasher {
    schema: SchemaRef,
    types: Vec<FieldType>,
    columns: Vec<Column>,
    rows: u64,
}

impl fmt::Debug for ResultHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultHasher").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl ResultHasher {
    /// Starts with the schema of an answer.
    ///
    /// # Panics
    /// If a column is of a type that is not kept: answers have none.
    pub fn new(schema: &SchemaRef) -> Self {
        let kept = |field: &arrow_schema::FieldRef| {
            FieldType::from_arrow(field.data_type()).expect("answers have kept types alone")
        };
        let types: Vec<_> = schema.fields().iter().map(kept).collect();
        let columns = types.iter().map(|_| Column::default()).collect();
        Self { schema: SchemaRef::clone(schema), types, columns, rows: 0 }
    }

    /// Takes the next rows.
    pub fn update(&mut self, batch: &RecordBatch) {
        for ((column, field_type), values) in self.columns.iter_mut().zip(&self.types).zip(batch.columns()) {
            let values = normalise(*field_type, values);
            column.validity.validity(&values);
            column.values.values_apart(&mut column.lengths, *field_type, &values);
        }
        self.rows += batch.num_rows() as u64;
    }

    /// How many rows were taken.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The hash of all that was taken.
    pub fn finish(&self) -> ResultHash {
        let mut hasher = CanonicalHasher::default();
        hasher.bytes(b"calotype result v1\0");
        hasher.bytes(describe(&self.schema, &self.types).as_bytes());
        hasher.bytes(&self.rows.to_le_bytes());
        for column in &self.columns {
            for part in [&column.validity, &column.lengths, &column.values] {
                hasher.bytes(&part.finish());
            }
        }
        ResultHash(hasher.finish())
    }
}

/// One line a column: its type, a tab, its name.
fn describe(schema: &Schema, types: &[FieldType]) -> String {
    let lines = schema.fields().iter().zip(types);
    lines.fold(String::new(), |text, (field, field_type)| text + &format!("{field_type}\t{}\n", field.name()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn batch(ids: Vec<Option<i64>>, names: Vec<Option<&str>>) -> RecordBatch {
        let ids: ArrayRef = Arc::new(Int64Array::from(ids));
        let names: ArrayRef = Arc::new(StringArray::from(names));
        RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("name", names, true)]).unwrap()
    }

    fn hash(batches: &[RecordBatch]) -> ResultHash {
        let mut hasher = ResultHasher::new(&batches[0].schema());
        for batch in batches {
            hasher.update(batch);
        }
        hasher.finish()
    }

    #[test]
    fn cuts_do_not_matter_and_content_does() {
        let whole = batch(vec![Some(1), None, Some(3)], vec![Some("a"), Some(""), None]);
        let cut = [whole.slice(0, 1), whole.slice(1, 2)];
        assert_eq!(hash(std::slice::from_ref(&whole)), hash(&cut));
        for other in [
            batch(vec![Some(1), Some(0), Some(3)], vec![Some("a"), Some(""), None]),
            batch(vec![Some(1), None, Some(3)], vec![Some("a"), None, Some("")]),
            batch(vec![Some(1), None, Some(3)], vec![None, Some("a"), Some("")]),
            batch(vec![Some(1), None], vec![Some("a"), Some("")]),
        ] {
            assert_ne!(hash(std::slice::from_ref(&whole)), hash(&[other]));
        }
    }
}
