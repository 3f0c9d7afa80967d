//! Reads the arguments of a call: two relations, then names and words after `=>`.

use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::{
    Array, Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, Ident, ObjectName, TableFactor, Value,
};

use super::{Axes, Kind, NAME};

/// How a call reads, for messages.
const USAGE: &str = "temporal_join((SELECT ..), (SELECT ..), on => 'column' | ['a', 'b'], \
                     period => 'valid' | 'system' | 'both', kind => 'inner' | 'left')";

/// What a call asks for.
pub(super) struct Arguments {
    pub(super) left: LogicalPlan,
    pub(super) right: LogicalPlan,
    /// The join columns, at least one, each once.
    pub(super) on: Vec<String>,
    /// Valid time where the call does not say.
    pub(super) axes: Axes,
    /// An inner join where the call does not say.
    pub(super) kind: Kind,
}

impl Arguments {
    /// Reads the arguments and plans the two relations.
    pub(super) fn read(args: &[FunctionArg], context: &mut dyn RelationPlannerContext) -> Result<Self> {
        let mut relations = Vec::new();
        let (mut on, mut axes, mut kind) = (None, None, None);
        for arg in args {
            let Some((name, value)) = named(arg, context)? else {
                relations.push(arg);
                continue;
            };
            match name.as_str() {
                "on" => once(&name, &mut on, columns(value)?)?,
                "period" => once(&name, &mut axes, axes_named(value)?)?,
                "kind" => once(&name, &mut kind, kind_named(value)?)?,
                _ => return plan_err!("{NAME} has no argument {name}: expected on, period or kind. {USAGE}"),
            }
        }
        let [left, right] = relations[..] else {
            return plan_err!("{NAME} joins two relations, found {}: expected {USAGE}", relations.len());
        };
        let Some(on) = on else {
            return plan_err!("{NAME} needs the argument on: expected on => 'column' or on => ['a', 'b']");
        };
        let (axes, kind) = (axes.unwrap_or(Axes::Valid), kind.unwrap_or(Kind::Inner));
        if (axes, kind) == (Axes::Both, Kind::Left) {
            return plan_err!(
                "{NAME} with kind => 'left' joins along one axis: expected period => 'valid' or 'system', \
                 found 'both'"
            );
        }
        Ok(Self {
            left: relation("left", left, context)?,
            right: relation("right", right, context)?,
            on,
            axes,
            kind,
        })
    }
}

/// The name and value of a named argument; none for one that is only at its place.
fn named<'a>(
    arg: &'a FunctionArg,
    context: &dyn RelationPlannerContext,
) -> Result<Option<(String, &'a FunctionArgExpr)>> {
    let (name, value, operator) = match arg {
        FunctionArg::Unnamed(_) => return Ok(None),
        FunctionArg::Named { name, arg, operator }
        | FunctionArg::ExprNamed { name: Expr::Identifier(name), arg, operator } => (name, arg, operator),
        FunctionArg::ExprNamed { name, .. } => {
            return plan_err!("{NAME} has no argument {name}: expected on, period or kind. {USAGE}");
        }
    };
    if *operator != FunctionArgOperator::RightArrow {
        return plan_err!("{NAME}: an argument is named with =>, found {arg}: expected {name} => ..");
    }
    Ok(Some((context.normalize_ident(name.clone()), value)))
}

/// Keeps the value of an argument that may be given once.
fn once<T>(name: &str, place: &mut Option<T>, value: T) -> Result<()> {
    if place.replace(value).is_some() {
        return plan_err!("{NAME} is given the argument {name} twice: expected it once");
    }
    Ok(())
}

/// The text of a literal.
fn text(expr: &Expr) -> Option<&str> {
    let Expr::Value(value) = expr else { return None };
    let Value::SingleQuotedString(text) = &value.value else { return None };
    Some(text)
}

fn columns(value: &FunctionArgExpr) -> Result<Vec<String>> {
    let names = if let FunctionArgExpr::Expr(Expr::Array(Array { elem, .. })) = value {
        elem.iter().map(text).collect()
    } else if let FunctionArgExpr::Expr(expr) = value {
        text(expr).map(|name| vec![name])
    } else {
        None
    };
    let Some(names) = names.filter(|names: &Vec<&str>| !names.is_empty()) else {
        return plan_err!(
            "{NAME} expects on => 'column' or on => ['a', 'b'], names in quotes, found on => {value}"
        );
    };
    if let Some(twice) =
        names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name))
    {
        return plan_err!(
            "{NAME} names the join column {twice:?} twice: expected each once in on => {value}"
        );
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// The word an argument is set to, in lower case.
fn word(value: &FunctionArgExpr) -> Option<String> {
    let FunctionArgExpr::Expr(expr) = value else { return None };
    text(expr).map(str::to_ascii_lowercase)
}

fn axes_named(value: &FunctionArgExpr) -> Result<Axes> {
    match word(value).as_deref() {
        Some("valid") => Ok(Axes::Valid),
        Some("system") => Ok(Axes::System),
        Some("both") => Ok(Axes::Both),
        _ => plan_err!("{NAME} expects period => 'valid', 'system' or 'both', found period => {value}"),
    }
}

fn kind_named(value: &FunctionArgExpr) -> Result<Kind> {
    match word(value).as_deref() {
        Some("inner") => Ok(Kind::Inner),
        Some("left") => Ok(Kind::Left),
        _ => plan_err!("{NAME} expects kind => 'inner' or 'left', found kind => {value}"),
    }
}

/// Plans one side: a subquery, or the bare name of a table or common table expression.
fn relation(side: &str, arg: &FunctionArg, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else { return not_a_relation(side, arg) };
    let factor = if let Expr::Subquery(query) = expr {
        TableFactor::Derived { lateral: false, subquery: query.clone(), alias: None, sample: None }
    } else if let Expr::Identifier(name) = expr {
        table(vec![name.clone()])
    } else if let Expr::CompoundIdentifier(names) = expr {
        table(names.clone())
    } else {
        return not_a_relation(side, arg);
    };
    context.plan(factor)
}

fn not_a_relation<T>(side: &str, arg: &FunctionArg) -> Result<T> {
    plan_err!(
        "{NAME}: the {side} relation is a subquery in parentheses or the name of a table, found {arg}: \
         expected (SELECT * FROM ..)"
    )
}

fn table(name: Vec<Ident>) -> TableFactor {
    TableFactor::Table {
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
    }
}
