//! Reads the batches of one input: their join columns as comparable rows, their periods as instants. What the plan
//! promises about them is checked here once more, since a wrong order would give wrong answers without a sound.

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::Schema;
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::row::{OwnedRow, Row, RowConverter, Rows, SortField};
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::NAME;
use super::layout::{ORDER, SideLayout};
use super::period::{OPEN, Period};

/// A batch of one input, read.
pub(super) struct Incoming {
    /// The columns that results are gathered from.
    pub(super) columns: Vec<ArrayRef>,
    keys: Rows,
    keyless: Option<NullBuffer>,
    sweep: Bounds,
    test: Option<Bounds>,
}

/// One axis of a batch's periods. No begin is NULL.
struct Bounds {
    from: TimestampMicrosecondArray,
    to: TimestampMicrosecondArray,
}

impl Bounds {
    fn period(&self, row: usize) -> Period {
        let to = if self.to.is_null(row) { OPEN } else { self.to.value(row) };
        Period { from: self.from.value(row), to }
    }
}

impl Incoming {
    pub(super) fn rows(&self) -> usize {
        self.keys.num_rows()
    }

    /// The join columns of a row, in the order inputs are sorted by.
    pub(super) fn key(&self, row: usize) -> Row<'_> {
        self.keys.row(row)
    }

    /// Whether a join column of the row is NULL.
    pub(super) fn is_keyless(&self, row: usize) -> bool {
        self.keyless.as_ref().is_some_and(|keyed| keyed.is_null(row))
    }

    /// The period on the axis that is swept along.
    pub(super) fn period(&self, row: usize) -> Period {
        self.sweep.period(row)
    }

    /// The period on the other axis that must overlap, if one must.
    pub(super) fn test(&self, row: usize) -> Period {
        self.test.as_ref().map_or(Period::ALWAYS, |bounds| bounds.period(row))
    }

    /// The bytes it takes beside its columns.
    pub(super) fn size(&self) -> usize {
        self.keys.size() + self.rows() * size_of::<i64>() * 2 * (1 + usize::from(self.test.is_some()))
    }
}

/// Reads one input.
pub(super) struct Reader {
    side: &'static str,
    layout: SideLayout,
    /// The columns that results are gathered from.
    gathered: Vec<usize>,
    converter: RowConverter,
    /// Key and begin of the last row read.
    last: Option<(OwnedRow, i64)>,
}

impl Reader {
    /// A reader of an input of this schema that keeps the `gathered` columns.
    pub(super) fn try_new(
        side: &'static str,
        schema: &Schema,
        layout: SideLayout,
        gathered: Vec<usize>,
    ) -> Result<Self> {
        let fields = layout.keys.iter().map(|&at| schema.field(at).data_type().clone());
        let fields = fields.map(|data_type| SortField::new_with_options(data_type, ORDER)).collect();
        Ok(Self { side, layout, gathered, converter: RowConverter::new(fields)?, last: None })
    }

    /// Reads the next batch, which has rows.
    pub(super) fn read(&mut self, batch: &RecordBatch) -> Result<Incoming> {
        let keys: Vec<ArrayRef> = self.layout.keys.iter().map(|&at| batch.column(at).clone()).collect();
        let keyless = keys
            .iter()
            .fold(None, |union, key| NullBuffer::union(union.as_ref(), key.logical_nulls().as_ref()));
        let mut axes = self.layout.periods.iter().map(|&(from, to)| self.bounds(batch, from, to));
        let (Some(sweep), test) = (axes.next().transpose()?, axes.next().transpose()?) else {
            return exec_err!("{NAME}: no period to join along: expected one");
        };
        let incoming = Incoming {
            columns: self.gathered.iter().map(|&at| batch.column(at).clone()).collect(),
            keys: self.converter.convert_columns(&keys)?,
            keyless,
            sweep,
            test,
        };
        self.check_order(&incoming)?;
        Ok(incoming)
    }

    fn bounds(&self, batch: &RecordBatch, from: usize, to: usize) -> Result<Bounds> {
        let bound = |at: usize| batch.column(at).as_primitive::<TimestampMicrosecondType>().clone();
        let bounds = Bounds { from: bound(from), to: bound(to) };
        if bounds.from.null_count() > 0 {
            let (schema, side) = (batch.schema(), self.side);
            let name = schema.field(from).name();
            return exec_err!(
                "{NAME}: a row of the {side} relation has no {name:?}: expected every period to begin, give it a \
                 value or leave such rows out"
            );
        }
        Ok(bounds)
    }

    /// Checks that the rows come by key and begin.
    fn check_order(&mut self, incoming: &Incoming) -> Result<()> {
        let begin = |row: usize| (incoming.key(row), incoming.period(row).from);
        let first_follows = match &self.last {
            Some((key, from)) => (key.row(), *from) <= begin(0),
            None => true,
        };
        let rows = incoming.rows();
        if !first_follows || (1..rows).any(|row| begin(row) < begin(row - 1)) {
            return exec_err!(
                "{NAME}: the {} relation does not come in the order its plan promises: expected join columns, \
                 then begin; please report this",
                self.side
            );
        }
        self.last = rows.checked_sub(1).map(|last| (incoming.key(last).owned(), begin(last).1));
        Ok(())
    }
}
