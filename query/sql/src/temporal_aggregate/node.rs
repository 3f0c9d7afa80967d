//! The logical plan node.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field};
use datafusion::common::{DFSchema, DFSchemaRef, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::function::Function;
use super::layout::{Aggregate, Layout};

/// The history of aggregates: one row for each group and each longest period in which none of them changes.
///
/// The input is a projection that the planner of the relation function makes: unqualified columns, first the group
/// columns, then the begin and the end, then one for each aggregate with an argument, of that aggregate's name.
/// The node refers to them by name. It has no expressions of its own: those of the aggregates are in that
/// projection, where the optimizer knows what to do with them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TemporalAggregate {
    input: LogicalPlan,
    by: Vec<String>,
    period: [&'static str; 2],
    aggregates: Vec<NamedAggregate>,
    schema: DFSchemaRef,
}

/// An aggregate and its name in the answer, which is that of its argument in the input too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Hash)]
pub(super) struct NamedAggregate {
    pub(super) name: String,
    pub(super) function: Function,
    pub(super) has_argument: bool,
}

impl TemporalAggregate {
    /// # Errors
    /// The input is not of the form that is described at the type.
    pub(super) fn try_new(
        input: LogicalPlan,
        by: Vec<String>,
        period: [&'static str; 2],
        aggregates: Vec<NamedAggregate>,
    ) -> Result<Self> {
        let mut node = Self { input, by, period, aggregates, schema: Arc::new(DFSchema::empty()) };
        let layout = node.layout()?;
        let source = node.input.schema();
        let mut fields: Vec<Arc<Field>> = Vec::new();
        fields.extend(layout.by.iter().map(|column| Arc::clone(&source.fields()[*column])));
        for (named, aggregate) in node.aggregates.iter().zip(&layout.aggregates) {
            let result = aggregate.function.result(&named.name, aggregate.argument_type.as_ref())?;
            fields.push(Arc::new(result));
        }
        for (column, nullable) in [(layout.begin, false), (layout.end, true)] {
            let field = Field::clone(&source.fields()[column]).with_nullable(nullable);
            if !matches!(field.data_type(), DataType::Timestamp(..)) {
                return internal_err!("temporal_aggregate: {field} is no timestamp");
            }
            fields.push(Arc::new(field));
        }
        let unqualified = fields.into_iter().map(|field| (None, field)).collect();
        node.schema = Arc::new(DFSchema::new_with_metadata(unqualified, source.metadata().clone())?);
        Ok(node)
    }

    /// Where the columns are in the input.
    ///
    /// # Errors
    /// One of them is not there: a bug.
    pub(super) fn layout(&self) -> Result<Layout> {
        let schema = self.input.schema();
        let position = |name: &str| {
            let Some(position) = schema.index_of_column_by_name(None, name) else {
                return plan_err!("temporal_aggregate: column `{name}` is not in the input {schema}");
            };
            Ok(position)
        };
        let aggregate = |named: &NamedAggregate| {
            let argument = named.has_argument.then(|| position(&named.name)).transpose()?;
            let argument_type = argument.map(|column| schema.field(column).data_type().clone());
            Ok(Aggregate { function: named.function, argument, argument_type })
        };
        Ok(Layout {
            by: self.by.iter().map(|name| position(name)).collect::<Result<_>>()?,
            aggregates: self.aggregates.iter().map(aggregate).collect::<Result<_>>()?,
            begin: position(self.period[0])?,
            end: position(self.period[1])?,
        })
    }
}

impl PartialOrd for TemporalAggregate {
    /// Only what is equal compares as equal; the schema follows from the rest.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let key = |node: &Self| (node.by.clone(), node.period, node.aggregates.clone());
        let order = (key(self), &self.input).partial_cmp(&(key(other), &other.input))?;
        (order != Ordering::Equal || self == other).then_some(order)
    }
}

impl UserDefinedLogicalNodeCore for TemporalAggregate {
    fn name(&self) -> &'static str {
        "TemporalAggregate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    /// A group is in the answer as it is in the source, or not at all: predicates on group columns alone may be
    /// asked of the source. Any other one would change the aggregates.
    #[expect(clippy::disallowed_types, reason = "the trait's signature; nothing depends on its order")]
    fn prevent_predicate_push_down_columns(&self) -> std::collections::HashSet<String> {
        self.schema.fields().iter().skip(self.by.len()).map(|field| field.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemporalAggregate: by=[{}], aggregates=[", self.by.join(", "))?;
        for (i, named) in self.aggregates.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            let argument = if named.has_argument { &named.name } else { "*" };
            write!(f, "{separator}{}({argument}) as {}", named.function, named.name)?;
        }
        write!(f, "], period=[{}, {})", self.period[0], self.period[1])
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty() && exprs.is_empty()) else {
            return internal_err!("temporal_aggregate: expected one input and no expressions");
        };
        if let LogicalPlan::Filter(filter) = &input
            && filter.predicate.is_volatile()
            && *filter.input == self.input
        {
            // The optimizer has moved a predicate on the answer down to here, where it would pick from the rows of
            // the source in place of those of the answer; there is no way to tell it beforehand.
            return plan_err!(
                "temporal_aggregate: expected a predicate that is the same whenever it is asked, found {}: name it in \
                 the SELECT list of a subquery, and ask for that name outside",
                filter.predicate
            );
        }
        Self::try_new(input, self.by.clone(), self.period, self.aggregates.clone())
    }

    /// Every aggregate, wanted in the answer or not: where one of them changes, a period ends.
    fn necessary_children_exprs(&self, _output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let layout = self.layout().ok()?;
        let mut columns = layout.by;
        columns.extend([layout.begin, layout.end]);
        columns.extend(layout.aggregates.iter().filter_map(|aggregate| aggregate.argument));
        columns.sort_unstable();
        Some(vec![columns])
    }
}
