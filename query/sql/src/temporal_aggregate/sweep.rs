//! The sweep over time: rows come sorted by group and begin, periods of equal aggregates go out in that order.
//!
//! Within a group, a heap keeps the ends of the rows that hold. Time goes from instant to instant at which a row
//! ends or begins; between two of them all aggregates are constant. A period is held back until it is known that
//! the next one differs, so what goes out is maximal. Each row enters and leaves once: n log n in all, with
//! memory for the rows that hold at one instant of one group.
//!
//! Invariants: no period goes out empty; two periods of a group that touch differ in an aggregate; no row that
//! has ended is in an aggregate when a period is settled.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder as _, Int64Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, SchemaRef};
use datafusion::arrow::compute::cast;
use datafusion::arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use datafusion::common::{exec_err, internal_err};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryReservation;

use super::function::value_type;
use super::layout::Layout;
use super::running::{Running, running};

/// Places of rows for which room is kept from one group to the next.
pub(super) const ROOM_KEPT: usize = 8_192;

/// Steps after which the memory reserved is made equal to the memory held: it may be exceeded by what so many
/// rows take.
const STEPS_BETWEEN_RESERVATIONS: usize = 512;

/// What a run of the sweep came to.
pub(super) enum Progress {
    /// So many periods as were asked for, or the last ones.
    Batch(RecordBatch),
    /// All steps were taken; there is more to do.
    Tired,
    /// More input is needed, or to be told that there is none.
    Hungry,
    /// All input is answered.
    Done,
}

/// A sweep over all groups.
pub(super) struct Sweep {
    layout: Layout,
    schema: SchemaRef,
    rows_per_batch: usize,
    reservation: MemoryReservation,
    steps_to_reservation: usize,
    converter: Option<RowConverter>,
    input: Option<Input>,
    at_end: bool,
    /// Whether rows of a group are in; its key is `key` (where there are group columns).
    in_group: bool,
    key: Option<OwnedRow>,
    /// The instant up to which the group is answered.
    now: i64,
    /// Rows that hold now, with and without an end.
    holding: usize,
    ends: BinaryHeap<Reverse<(i64, usize)>>,
    free_slots: Vec<usize>,
    slots: usize,
    aggregates: Vec<Box<dyn Running>>,
    /// The period held back, from its begin to its end; the aggregates hold its results.
    held: Option<(i64, i64)>,
    begins: Int64Builder,
    until: Int64Builder,
    keys: Option<Rows>,
}

/// A batch of input on its way through.
struct Input {
    begins: Int64Array,
    until: Int64Array,
    keys: Option<Rows>,
    next: usize,
}

/// What time the sweep goes on to.
enum Next {
    /// The earliest end is due, before any further row begins.
    End(i64, usize),
    /// A row begins.
    Begin,
    /// No further row of the group comes and none has an end.
    GroupEnd,
    Hungry,
    Done,
}

impl Sweep {
    /// `schema`: of the output, as [`Layout`] describes it.
    ///
    /// # Errors
    /// The plan is inconsistent: a bug.
    pub(super) fn new(
        layout: Layout,
        schema: SchemaRef,
        rows_per_batch: usize,
        reservation: MemoryReservation,
    ) -> Result<Self> {
        let groups = schema.fields().iter().take(layout.by.len());
        let sorted = groups.map(|field| SortField::new(value_type(field.data_type()))).collect::<Vec<_>>();
        let converter = if sorted.is_empty() { None } else { Some(RowConverter::new(sorted)?) };
        let mut aggregates = Vec::new();
        for (i, aggregate) in layout.aggregates.iter().enumerate() {
            let result = schema.field(layout.by.len() + i).data_type();
            aggregates.push(running(aggregate.function, aggregate.argument_type.as_ref(), result)?);
        }
        let keys = converter.as_ref().map(|converter| converter.empty_rows(0, 0));
        Ok(Self {
            layout,
            schema,
            rows_per_batch: rows_per_batch.max(1),
            reservation,
            steps_to_reservation: 0,
            converter,
            input: None,
            at_end: false,
            in_group: false,
            key: None,
            now: i64::MIN,
            holding: 0,
            ends: BinaryHeap::new(),
            free_slots: Vec::new(),
            slots: 0,
            aggregates,
            held: None,
            begins: Int64Builder::new(),
            until: Int64Builder::new(),
            keys,
        })
    }

    /// Takes the next rows, after [`Progress::Hungry`].
    ///
    /// # Errors
    /// A begin is NULL.
    pub(super) fn feed(&mut self, batch: &RecordBatch) -> Result<()> {
        let begins = numbers(batch.column(self.layout.begin))?;
        let until = numbers(batch.column(self.layout.end))?;
        if begins.null_count() > 0 {
            return exec_err!(
                "temporal_aggregate: `{}` of a row of the source: expected a timestamp, found NULL; leave such rows \
                 out of the source",
                batch.schema_ref().field(self.layout.begin).name()
            );
        }
        let keys = match &self.converter {
            Some(converter) => {
                let columns = self.layout.by.iter().map(|column| {
                    let column = batch.column(*column);
                    cast(column, &value_type(column.data_type()))
                });
                Some(converter.convert_columns(&columns.collect::<Result<Vec<_>, _>>()?)?)
            }
            None => None,
        };
        for (aggregate, running) in self.layout.aggregates.iter().zip(&mut self.aggregates) {
            if let Some(column) = aggregate.argument {
                running.load(batch.column(column))?;
            }
        }
        self.input = (batch.num_rows() > 0).then_some(Input { begins, until, keys, next: 0 });
        Ok(())
    }

    /// Says that no rows follow.
    pub(super) const fn end(&mut self) {
        self.at_end = true;
    }

    /// Goes on until there is something to say, taking at most so many steps (each the begin or the end of a row).
    ///
    /// # Errors
    /// A result does not fit its type, or the rows that hold do not fit the memory budget.
    pub(super) fn run(&mut self, steps: &mut usize) -> Result<Progress> {
        loop {
            if self.begins.len() >= self.rows_per_batch {
                return Ok(Progress::Batch(self.batch()?));
            }
            if *steps == 0 {
                return Ok(Progress::Tired);
            }
            *steps -= 1;
            self.account()?;
            match self.next() {
                Next::End(end, slot) => {
                    self.go_to(end)?;
                    self.ends.pop();
                    self.leave(slot);
                }
                Next::Begin => self.begin()?,
                Next::GroupEnd => self.end_group()?,
                Next::Hungry => return Ok(Progress::Hungry),
                Next::Done if self.begins.is_empty() => return Ok(Progress::Done),
                Next::Done => return Ok(Progress::Batch(self.batch()?)),
            }
        }
    }

    fn next(&mut self) -> Next {
        if self.input.as_ref().is_some_and(|input| input.next == input.begins.len()) {
            self.input = None;
        }
        let limit = match &self.input {
            Some(input) if !self.in_group || self.is_of_group(input) => Some(input.begins.value(input.next)),
            None if !self.at_end => return Next::Hungry,
            None if !self.in_group => return Next::Done,
            Some(_) | None => None,
        };
        match (self.ends.peek(), limit) {
            (Some(Reverse((end, slot))), limit) if limit.is_none_or(|begin| *end <= begin) => {
                Next::End(*end, *slot)
            }
            (_, Some(_)) => Next::Begin,
            (_, None) => Next::GroupEnd,
        }
    }

    fn is_of_group(&self, input: &Input) -> bool {
        match (&self.key, &input.keys) {
            (Some(key), Some(keys)) => key.row().data() == keys.row(input.next).data(),
            _ => true,
        }
    }

    /// Lets the next row of the input in.
    fn begin(&mut self) -> Result<()> {
        let Some(input) = &mut self.input else {
            return internal_err!("temporal_aggregate: a row begins that is not there");
        };
        let row = input.next;
        input.next += 1;
        let begin = input.begins.value(row);
        let end = input.until.is_valid(row).then(|| input.until.value(row));
        if !self.in_group {
            self.in_group = true;
            self.key = input.keys.as_ref().map(|keys| keys.row(row).owned());
            self.now = begin;
        } else if begin < self.now {
            return internal_err!(
                "temporal_aggregate: the input is not sorted: {begin} comes after {} in a group",
                self.now
            );
        }
        self.go_to(begin)?;
        if end.is_some_and(|end| end <= begin) {
            return Ok(());
        }
        let slot = end.map(|end| {
            let slot = self.free_slots.pop().unwrap_or_else(|| {
                self.slots += 1;
                self.slots - 1
            });
            self.ends.push(Reverse((end, slot)));
            slot
        });
        self.holding += 1;
        for aggregate in &mut self.aggregates {
            aggregate.enter(row, slot);
        }
        Ok(())
    }

    fn leave(&mut self, slot: usize) {
        self.holding -= 1;
        self.free_slots.push(slot);
        for aggregate in &mut self.aggregates {
            aggregate.leave(slot);
        }
    }

    /// Answers the time up to an instant, at which rows begin or end.
    fn go_to(&mut self, instant: i64) -> Result<()> {
        if instant > self.now {
            if self.holding > 0 {
                self.settle(instant)?;
            }
            self.now = instant;
        }
        Ok(())
    }

    /// The aggregates are what they are from now to `end`: the period held back grows, or goes out.
    fn settle(&mut self, end: i64) -> Result<()> {
        let mut equal = true;
        for aggregate in &mut self.aggregates {
            equal &= aggregate.settle()?;
        }
        match &mut self.held {
            Some((_, until)) if equal && *until == self.now => *until = end,
            _ => {
                self.emit(false)?;
                self.aggregates.iter_mut().for_each(|aggregate| aggregate.hold());
                self.held = Some((self.now, end));
            }
        }
        Ok(())
    }

    /// Sends out the period held back.
    fn emit(&mut self, open: bool) -> Result<()> {
        let Some((begin, end)) = self.held.take() else { return Ok(()) };
        if let (Some(keys), Some(key)) = (&mut self.keys, &self.key) {
            keys.push(key.row());
        }
        self.begins.append_value(begin);
        self.until.append_option((!open).then_some(end));
        self.aggregates.iter_mut().try_for_each(|aggregate| aggregate.emit())
    }

    /// No row of the group ends or begins any more: the rest of time has what still holds.
    fn end_group(&mut self) -> Result<()> {
        let open = self.holding > 0;
        if open {
            // The end doesn't go out, only that it is later than now; `now` itself is an instant that holds.
            self.settle(i64::MAX)?;
        }
        self.emit(open)?;
        self.aggregates.iter_mut().for_each(|aggregate| aggregate.clear());
        (self.in_group, self.key, self.holding, self.slots) = (false, None, 0, 0);
        self.free_slots.clear();
        self.free_slots.shrink_to(ROOM_KEPT);
        self.ends.shrink_to(ROOM_KEPT);
        Ok(())
    }

    /// The periods that went out so far.
    fn batch(&mut self) -> Result<RecordBatch> {
        let periods = self.begins.len();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        if let (Some(converter), Some(keys)) = (&self.converter, &mut self.keys) {
            columns.extend(converter.convert_rows(&*keys)?);
            keys.clear();
        }
        for aggregate in &mut self.aggregates {
            columns.push(aggregate.finish()?);
        }
        columns.push(Arc::new(self.begins.finish()));
        columns.push(Arc::new(self.until.finish()));
        for (column, field) in columns.iter_mut().zip(self.schema.fields()) {
            // Instants become timestamps again, keys the dictionaries that they were.
            if column.data_type() != field.data_type() {
                *column = cast(column, field.data_type())?;
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(periods));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }

    /// Now and then makes the memory reserved equal to the memory held.
    fn account(&mut self) -> Result<()> {
        if self.steps_to_reservation > 0 {
            self.steps_to_reservation -= 1;
            return Ok(());
        }
        self.steps_to_reservation = STEPS_BETWEEN_RESERVATIONS;
        let keys = |keys: &Option<Rows>| keys.as_ref().map_or(0, Rows::size);
        let held = self.ends.capacity() * size_of::<(i64, usize)>()
            + self.free_slots.capacity() * size_of::<usize>()
            + (self.begins.capacity() + self.until.capacity()) * size_of::<i64>()
            + keys(&self.keys)
            + self.input.as_ref().map_or(0, |input| keys(&input.keys))
            + self.aggregates.iter().map(|aggregate| aggregate.size()).sum::<usize>();
        self.reservation.try_resize(held)
    }
}

/// Timestamps of any unit as their numbers.
fn numbers(column: &ArrayRef) -> Result<Int64Array> {
    Ok(cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}
