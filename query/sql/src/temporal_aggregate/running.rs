//! An aggregate over the rows that hold at one instant, kept up to date as rows begin and end.

mod count;
mod decimal;
mod extreme;
mod float;
mod whole;

use arrow_array::ArrayRef;
use arrow_array::types::{
    Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Int64Type, UInt64Type,
};
use arrow_schema::DataType;
use datafusion::common::internal_err;
use datafusion::error::Result;

use self::count::Count;
use self::decimal::Decimals;
use self::extreme::Extreme;
use self::float::Floats;
use self::whole::Wholes;
use super::function::Function;

/// What rows add to and take away from an aggregate, and its result over those that are in.
///
/// Invariant of every implementation: the state depends on which values are in, never on the order in which
/// they and others came and went.
pub(super) trait State: Send {
    /// What is remembered of a row until it leaves.
    type Value: Clone + Send;
    /// A result that is not NULL. Two are equal exactly if they read equal in the answer.
    type Outcome: PartialEq + Send;

    /// Makes a column the one that [`State::read`] reads.
    fn load(&mut self, argument: &ArrayRef) -> Result<()>;
    /// The value of a row of the loaded column, unless it is NULL.
    fn read(&self, row: usize) -> Option<Self::Value>;
    fn add(&mut self, value: Self::Value);
    fn subtract(&mut self, value: Self::Value);
    /// The result over the values that are in; `None` is NULL.
    ///
    /// # Errors
    /// The result does not fit its type.
    fn outcome(&self) -> Result<Option<Self::Outcome>>;
    /// Takes out all values.
    fn clear(&mut self);
    /// Appends a result to the output column.
    fn append(&mut self, outcome: Option<&Self::Outcome>) -> Result<()>;
    /// The output column so far, and a new one begun.
    fn finish(&mut self) -> Result<ArrayRef>;
    /// Bytes that the state and the output column hold, besides the remembered values.
    fn size(&self) -> usize;
}

/// An aggregate in a sweep over time.
pub(super) trait Running: Send {
    /// Makes a column the one from which [`Running::enter`] reads; not called for `count(*)`.
    fn load(&mut self, argument: &ArrayRef) -> Result<()>;
    /// A row begins to hold; it is remembered at `slot`, or never leaves.
    fn enter(&mut self, row: usize, slot: Option<usize>);
    /// The row remembered at `slot` ends.
    fn leave(&mut self, slot: usize);
    /// Computes the result over the rows that hold now, and says whether it equals the one held.
    fn settle(&mut self) -> Result<bool>;
    /// The result computed last becomes the one held.
    fn hold(&mut self);
    /// Appends the result held to the output column.
    fn emit(&mut self) -> Result<()>;
    /// The output column so far, and a new one begun.
    fn finish(&mut self) -> Result<ArrayRef>;
    /// All rows are gone: the next ones belong to another group.
    fn clear(&mut self);
    /// Bytes held.
    fn size(&self) -> usize;
}

/// Makes the aggregate that computes a function.
///
/// # Errors
/// The planner let a type through that the function does not take: a bug.
pub(super) fn running(
    function: Function,
    argument: Option<&DataType>,
    result: &DataType,
) -> Result<Box<dyn Running>> {
    let average = function == Function::Avg;
    Ok(match (function, argument) {
        (Function::Count, _) => Tracked::boxed(Count::default()),
        (Function::Min | Function::Max, Some(argument)) => {
            Tracked::boxed(Extreme::new(function == Function::Max, argument)?)
        }
        (_, Some(DataType::Int64)) => Tracked::boxed(Wholes::<Int64Type>::new(average)),
        (_, Some(DataType::UInt64)) => Tracked::boxed(Wholes::<UInt64Type>::new(average)),
        (_, Some(DataType::Float64)) => Tracked::boxed(Floats::new(average)),
        (_, Some(DataType::Decimal32(_, scale))) => {
            Tracked::boxed(Decimals::<Decimal32Type>::new(function, *scale, result)?)
        }
        (_, Some(DataType::Decimal64(_, scale))) => {
            Tracked::boxed(Decimals::<Decimal64Type>::new(function, *scale, result)?)
        }
        (_, Some(DataType::Decimal128(_, scale))) => {
            Tracked::boxed(Decimals::<Decimal128Type>::new(function, *scale, result)?)
        }
        (_, Some(DataType::Decimal256(_, scale))) => {
            Tracked::boxed(Decimals::<Decimal256Type>::new(function, *scale, result)?)
        }
        (_, found) => return internal_err!("temporal_aggregate: {function} was planned over {found:?}"),
    })
}

/// A state with the values of the rows that will leave it, by slot.
struct Tracked<S: State> {
    state: S,
    slots: Vec<Option<S::Value>>,
    now: Option<S::Outcome>,
    held: Option<S::Outcome>,
}

impl<S: State + 'static> Tracked<S> {
    fn boxed(state: S) -> Box<dyn Running> {
        Box::new(Self { state, slots: Vec::new(), now: None, held: None })
    }
}

impl<S: State> Running for Tracked<S> {
    fn load(&mut self, argument: &ArrayRef) -> Result<()> {
        self.state.load(argument)
    }

    fn enter(&mut self, row: usize, slot: Option<usize>) {
        let value = self.state.read(row);
        if let Some(slot) = slot {
            if slot >= self.slots.len() {
                self.slots.resize(slot + 1, None);
            }
            self.slots[slot].clone_from(&value);
        }
        if let Some(value) = value {
            self.state.add(value);
        }
    }

    fn leave(&mut self, slot: usize) {
        if let Some(value) = self.slots[slot].take() {
            self.state.subtract(value);
        }
    }

    fn settle(&mut self) -> Result<bool> {
        self.now = self.state.outcome()?;
        Ok(self.now == self.held)
    }

    fn hold(&mut self) {
        self.held = self.now.take();
    }

    fn emit(&mut self) -> Result<()> {
        self.state.append(self.held.as_ref())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        self.state.finish()
    }

    fn clear(&mut self) {
        self.state.clear();
        // A great group's room is given back; that of the many small ones is used again.
        self.slots.clear();
        self.slots.shrink_to(super::sweep::ROOM_KEPT);
    }

    fn size(&self) -> usize {
        self.state.size() + self.slots.capacity() * size_of::<Option<S::Value>>()
    }
}
