//! Where the columns of a temporal aggregate are in its input.

use arrow_schema::DataType;

use super::function::Function;

/// Positions in the input. The output has the group columns, the aggregates, the begin and the end, in this order.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) by: Vec<usize>,
    pub(super) aggregates: Vec<Aggregate>,
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// An aggregate over a column of the input.
#[derive(Clone, Debug)]
pub(super) struct Aggregate {
    pub(super) function: Function,
    /// `None`: every row counts, `count(*)`.
    pub(super) argument: Option<usize>,
    pub(super) argument_type: Option<DataType>,
}
