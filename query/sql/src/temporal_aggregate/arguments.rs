//! Reads the arguments of a call: a source, then names after which comes `=>`.

use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast::{
    Array, Expr as SqlExpr, FunctionArg, FunctionArgExpr, FunctionArgOperator, ObjectName, TableFactor, Value,
};

use super::function::{Call, Function};

/// How a call reads, for messages.
const USAGE: &str = "temporal_aggregate((SELECT ..), by => 'column' | ['a', 'b'], period => 'valid' | 'system', \
                     name => count(*) | count(x) | sum(x) | avg(x) | min(x) | max(x), ..)";

/// What a call asks for.
pub(super) struct Arguments {
    pub(super) source: LogicalPlan,
    /// The group columns, each once; none: all rows are one group.
    pub(super) by: Vec<String>,
    pub(super) period: Period,
    /// At least one, each name once.
    pub(super) aggregates: Vec<(String, Call)>,
}

/// The time along which rows hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Valid,
    System,
}

impl Period {
    /// The names of the columns with the begin and the end.
    pub(super) const fn columns(self) -> [&'static str; 2] {
        match self {
            Self::Valid => ["_valid_from", "_valid_to"],
            Self::System => ["_system_from", "_system_to"],
        }
    }
}

impl Arguments {
    /// Reads the arguments and plans the source and the aggregates over it.
    ///
    /// # Errors
    /// An argument is missing, given twice, not known, or not what it has to be; the source can't be planned.
    pub(super) fn read(args: &[FunctionArg], context: &mut dyn RelationPlannerContext) -> Result<Self> {
        let Some((FunctionArg::Unnamed(source), named)) = args.split_first() else {
            let found = args.first().map_or_else(|| "no argument".into(), ToString::to_string);
            return plan_err!("temporal_aggregate: expected a source first, found {found}: {USAGE}");
        };
        let source = relation(source, context)?;
        let (mut by, mut period, mut calls) = (None, None, Vec::new());
        for argument in named {
            let (name, value) = name_and_value(argument, context)?;
            match name.as_str() {
                "by" => once(&name, &mut by, columns(value)?)?,
                "period" => once(&name, &mut period, period_named(value)?)?,
                _ if calls.iter().any(|(other, _)| *other == name) => return given_twice(&name),
                _ => {
                    let call = call(&name, value, source.schema(), context)?;
                    calls.push((name, call));
                }
            }
        }
        if calls.is_empty() {
            return plan_err!("temporal_aggregate: expected an aggregate, found none: {USAGE}");
        }
        let (by, period) = (by.unwrap_or_default(), period.unwrap_or(Period::Valid));
        let [begin, end] = period.columns();
        for (name, _) in &calls {
            if by.contains(name) || [begin, end].contains(&name.as_str()) {
                return plan_err!(
                    "temporal_aggregate: argument `{name}`: the answer has a column of this name already (those of \
                     `by`, `{begin}` and `{end}`): expected another name"
                );
            }
        }
        Ok(Self { source, by, period, aggregates: calls })
    }
}

/// Plans the source: a subquery, or a table or common table expression by its name.
fn relation(source: &FunctionArgExpr, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    if let FunctionArgExpr::Expr(SqlExpr::Subquery(query)) = source {
        let subquery = query.clone();
        return context.plan(TableFactor::Derived { lateral: false, subquery, alias: None, sample: None });
    }
    let name = if let FunctionArgExpr::Expr(SqlExpr::Identifier(name)) = source {
        vec![name.clone()]
    } else if let FunctionArgExpr::Expr(SqlExpr::CompoundIdentifier(names)) = source {
        names.clone()
    } else {
        return plan_err!(
            "temporal_aggregate: the source: expected (SELECT ..) or the name of a table, found {source}: {USAGE}"
        );
    };
    context.plan(TableFactor::Table {
        name: ObjectName::from(name),
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    })
}

fn name_and_value<'a>(
    argument: &'a FunctionArg,
    context: &dyn RelationPlannerContext,
) -> Result<(String, &'a FunctionArgExpr)> {
    let (FunctionArg::Named { name, arg, operator: FunctionArgOperator::RightArrow }
    | FunctionArg::ExprNamed {
        name: SqlExpr::Identifier(name),
        arg,
        operator: FunctionArgOperator::RightArrow,
    }) = argument
    else {
        return plan_err!(
            "temporal_aggregate: after the source: expected name => value, found {argument}: {USAGE}"
        );
    };
    Ok((context.normalize_ident(name.clone()), arg))
}

fn once<T>(name: &str, place: &mut Option<T>, value: T) -> Result<()> {
    if place.replace(value).is_some() {
        return given_twice(name);
    }
    Ok(())
}

fn given_twice<T>(name: &str) -> Result<T> {
    plan_err!("temporal_aggregate: argument `{name}`: expected once, found twice")
}

/// The text of a literal.
fn text(expression: &SqlExpr) -> Option<&str> {
    let SqlExpr::Value(value) = expression else { return None };
    let Value::SingleQuotedString(text) = &value.value else { return None };
    Some(text)
}

fn columns(value: &FunctionArgExpr) -> Result<Vec<String>> {
    let names: Option<Vec<&str>> = if let FunctionArgExpr::Expr(SqlExpr::Array(Array { elem, .. })) = value {
        elem.iter().map(text).collect()
    } else if let FunctionArgExpr::Expr(expression) = value {
        text(expression).map(|name| vec![name])
    } else {
        None
    };
    let Some(names) = names else {
        return plan_err!(
            "temporal_aggregate: argument `by`: expected 'column' or ['a', 'b'], names in single quotes, found {value}"
        );
    };
    if let Some((_, twice)) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
        return plan_err!(
            "temporal_aggregate: argument `by`: expected each column once, found `{twice}` twice"
        );
    }
    Ok(names.into_iter().map(ToOwned::to_owned).collect())
}

fn period_named(value: &FunctionArgExpr) -> Result<Period> {
    let word = if let FunctionArgExpr::Expr(expression) = value { text(expression) } else { None };
    match word.map(str::to_ascii_lowercase).as_deref() {
        Some("valid") => Ok(Period::Valid),
        Some("system") => Ok(Period::System),
        _ => plan_err!("temporal_aggregate: argument `period`: expected 'valid' or 'system', found {value}"),
    }
}

/// Plans an aggregate over the columns of the source.
fn call(
    name: &str,
    value: &FunctionArgExpr,
    schema: &DFSchema,
    context: &mut dyn RelationPlannerContext,
) -> Result<Call> {
    if let FunctionArgExpr::Expr(expression @ SqlExpr::Function(_)) = value {
        let planned = context.sql_to_expr(expression.clone(), schema)?;
        if let Expr::AggregateFunction(function) = planned.unalias_nested().data {
            return Function::read(name, function, schema);
        }
    }
    plan_err!(
        "temporal_aggregate: argument `{name}`: expected `by`, `period`, or an aggregate such as sum(x) under the \
         name of its result, found {value}"
    )
}
