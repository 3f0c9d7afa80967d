//! Which columns the join reads of its inputs, and which it gives.

use std::sync::Arc;

use arrow_schema::{Field, FieldRef, Schema, SortOptions};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::period::bound_type;
use super::{Axes, Kind, NAME};

/// The order of the join columns and of begins, on both inputs and in the result.
pub(super) const ORDER: SortOptions = SortOptions { descending: false, nulls_first: false };

/// The columns of one input, by index.
#[derive(Clone, Debug)]
pub(super) struct SideLayout {
    /// The join columns, in the order they are sorted by.
    pub(super) keys: Vec<usize>,
    /// Begin and end of each period, that which is swept along first.
    pub(super) periods: Vec<(usize, usize)>,
    /// All other columns, in their order.
    pub(super) rest: Vec<usize>,
}

/// The columns of both inputs and of the result: the join columns, the rest of left, the rest of right, the periods.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) left: SideLayout,
    pub(super) right: SideLayout,
    pub(super) fields: Vec<FieldRef>,
}

impl Layout {
    /// Finds the columns and checks what the sweep relies on: equal types that sort, periods as
    /// [`bound_type`], each name of the result once.
    pub(super) fn try_new(
        left: &Schema,
        right: &Schema,
        on: &[String],
        axes: Axes,
        kind: Kind,
    ) -> Result<Self> {
        let layout_left = SideLayout::try_new(left, on, axes)?;
        let layout_right = SideLayout::try_new(right, on, axes)?;
        let mut fields: Vec<FieldRef> = Vec::new();
        for (&at_left, &at_right) in layout_left.keys.iter().zip(&layout_right.keys) {
            let (found_left, found_right) = (left.field(at_left), right.field(at_right));
            let (name, data_type) = (found_left.name(), found_left.data_type());
            if data_type != found_right.data_type() {
                let found = found_right.data_type();
                return plan_err!(
                    "{NAME}: the join column {name:?} is {data_type} on the left, {found} on the right"
                );
            }
            if !RowConverter::supports_fields(&[SortField::new(data_type.clone())]) {
                return plan_err!(
                    "{NAME}: the join column {name:?} is {data_type}: expected a type that sorts"
                );
            }
            let nullable = kind == Kind::Left && found_left.is_nullable();
            fields.push(Arc::new(found_left.clone().with_nullable(nullable)));
        }
        fields.extend(layout_left.rest.iter().map(|&at| Arc::clone(&left.fields()[at])));
        for &at in &layout_right.rest {
            let field = right.field(at);
            if fields.iter().any(|other| other.name() == field.name()) {
                let name = field.name();
                return plan_err!(
                    "{NAME}: both relations have a column {name:?}: expected each name once, give one of them \
                     an alias or leave it out"
                );
            }
            fields.push(Arc::new(field.clone().with_nullable(kind == Kind::Left || field.is_nullable())));
        }
        for period in axes.periods() {
            fields.push(Arc::new(Field::new(period.from, bound_type(), false)));
            fields.push(Arc::new(Field::new(period.to, bound_type(), true)));
        }
        Ok(Self { left: layout_left, right: layout_right, fields })
    }
}

impl SideLayout {
    fn try_new(schema: &Schema, on: &[String], axes: Axes) -> Result<Self> {
        let keys = on.iter().map(|name| Ok(schema.index_of(name)?)).collect::<Result<Vec<_>>>()?;
        let mut periods = Vec::new();
        for period in axes.periods() {
            let bound = |name: &str| {
                let at = schema.index_of(name)?;
                if keys.contains(&at) {
                    return plan_err!("{NAME}: {name:?} bounds the period: expected another column in on");
                }
                match schema.field(at).data_type() {
                    found if *found == bound_type() => Ok(at),
                    found => plan_err!("{NAME}: the column {name:?} is {found}: expected {}", bound_type()),
                }
            };
            periods.push((bound(period.from)?, bound(period.to)?));
        }
        let of_period = |at| periods.iter().any(|&(from, to)| from == at || to == at);
        let rest = (0..schema.fields().len()).filter(|at| !keys.contains(at) && !of_period(*at)).collect();
        Ok(Self { keys, periods, rest })
    }

    /// The columns without which the join cannot run.
    pub(super) fn always(&self) -> Vec<usize> {
        self.keys.iter().copied().chain(self.periods.iter().flat_map(|&(from, to)| [from, to])).collect()
    }
}
