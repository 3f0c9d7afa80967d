//! What a statement may hold: queries, and of queries what is worked on.
//!
//! The planner passes over parts of the syntax tree that it does not know (locks, samples, hints, …). Each struct of the
//! tree that can hold such a part is taken apart here field by field, so that a new version of the parser that adds one
//! does not compile until it was decided about.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, NamedWindowExpr, Query, Select, SelectFlavor, SetExpr, SetOperator, SetQuantifier, Statement,
    TableFactor, Visit, Visitor, WindowSpec, WindowType,
};

use crate::error::SqlError;

/// Elements of the longest `IN` list.
pub(crate) const IN_LIST_MAX: usize = 10_000;

/// Checks a statement.
///
/// # Errors
/// Names the first part that is not answered.
pub(crate) fn check(statement: &Statement) -> Result<(), SqlError> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not listed is refused")]
    match statement {
        Statement::Query(_) => {}
        other => {
            let text = other.to_string();
            let word = text.split_whitespace().next().unwrap_or("it").to_owned();
            return Err(SqlError::refused(format!(
                "statements only read: expected a query (SELECT, WITH, VALUES, EXPLAIN); found {word}"
            )));
        }
    }
    match statement.visit(&mut Gate) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Checks an expression that stands alone.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_expression(expression: &Expr) -> Result<(), SqlError> {
    match expression.visit(&mut Gate) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Gate;

/// Whether a named window takes parts of another: they would be passed over.
fn stands_on_another(window: &NamedWindowExpr) -> bool {
    match window {
        NamedWindowExpr::NamedWindow(_) => true,
        NamedWindowExpr::WindowSpec(spec) => spec.window_name.is_some(),
    }
}

/// Whether rows are compared: nulls in them would count as values.
fn is_row_comparison(expression: &Expr) -> bool {
    let is_row = |part: &Expr| matches!(part, Expr::Tuple(_));
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others compare nothing")]
    match expression {
        Expr::BinaryOp { left, right, .. }
        | Expr::IsDistinctFrom(left, right)
        | Expr::IsNotDistinctFrom(left, right) => is_row(left) || is_row(right),
        Expr::InList { expr, .. } | Expr::InSubquery { expr, .. } | Expr::Between { expr, .. } => {
            is_row(expr)
        }
        _ => false,
    }
}

fn refuse(what: &str) -> ControlFlow<SqlError> {
    ControlFlow::Break(SqlError::refused(format!("{what} is not answered here: leave it out")))
}

/// Goes on if nothing of a list is there.
fn refuse_present(parts: &[(bool, &str)]) -> ControlFlow<SqlError> {
    match parts.iter().find(|(present, _)| *present) {
        Some((_, what)) => refuse(what),
        None => ControlFlow::Continue(()),
    }
}

impl Visitor for Gate {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        let Query {
            with,
            body,
            order_by,
            limit_clause: _,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        refuse_present(&[
            (
                with.as_ref().is_some_and(|with| with.cte_tables.iter().any(|cte| cte.from.is_some())),
                "FROM of a WITH",
            ),
            (order_by.as_ref().is_some_and(|order| order.interpolate.is_some()), "INTERPOLATE"),
            (fetch.is_some(), "FETCH (use LIMIT)"),
            (!locks.is_empty(), "FOR UPDATE or FOR SHARE"),
            (for_clause.is_some(), "FOR XML, JSON or BROWSE"),
            (settings.is_some(), "SETTINGS"),
            (format_clause.is_some(), "FORMAT"),
            (!pipe_operators.is_empty(), "a pipe operator"),
        ])?;
        if let SetExpr::SetOperation { op, set_quantifier: SetQuantifier::All, .. } = body.as_ref()
            && *op != SetOperator::Union
        {
            return refuse(&format!("{op} ALL"));
        }
        match body.as_ref() {
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::SetOperation { .. } | SetExpr::Values(_) => {
                ControlFlow::Continue(())
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                refuse("a statement that writes")
            }
            SetExpr::Table(_) => refuse("TABLE (use SELECT * FROM)"),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<SqlError> {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct: _,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection: _,
            exclude,
            into,
            from: _,
            lateral_views,
            prewhere,
            selection: _,
            connect_by,
            group_by: _,
            cluster_by,
            distribute_by,
            sort_by,
            having: _,
            named_window,
            qualify: _,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        refuse_present(&[
            (!optimizer_hints.is_empty(), "a hint"),
            (select_modifiers.is_some(), "a modifier of SELECT"),
            (top.is_some(), "TOP (use LIMIT)"),
            (exclude.is_some(), "EXCLUDE behind a list"),
            (into.is_some(), "INTO: statements only read, and it"),
            (!lateral_views.is_empty(), "LATERAL VIEW"),
            (prewhere.is_some(), "PREWHERE"),
            (!connect_by.is_empty(), "CONNECT BY"),
            (!cluster_by.is_empty(), "CLUSTER BY"),
            (!distribute_by.is_empty(), "DISTRIBUTE BY"),
            (!sort_by.is_empty(), "SORT BY (use ORDER BY)"),
            (value_table_mode.is_some(), "SELECT AS"),
            (!matches!(flavor, SelectFlavor::Standard), "FROM before SELECT"),
            (
                named_window.iter().any(|window| stands_on_another(&window.1)),
                "a window that stands on another",
            ),
        ])?;
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<SqlError> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not listed is refused")]
        match factor {
            TableFactor::Table {
                name: _,
                alias: _,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => refuse_present(&[
                (args.as_ref().is_some_and(|args| args.settings.is_some()), "SETTINGS"),
                (!with_hints.is_empty(), "a hint behind a table"),
                (version.is_some(), "a version behind a table (use FOR SYSTEM_TIME AS OF)"),
                (*with_ordinality, "WITH ORDINALITY"),
                (!partitions.is_empty(), "PARTITION behind a table"),
                (json_path.is_some(), "a path behind a table"),
                (sample.is_some(), "TABLESAMPLE"),
                (!index_hints.is_empty(), "a hint behind a table"),
            ]),
            TableFactor::Derived { lateral: _, subquery: _, alias: _, sample } => {
                refuse_present(&[(sample.is_some(), "TABLESAMPLE")])
            }
            TableFactor::NestedJoin { .. } | TableFactor::UNNEST { .. } => ControlFlow::Continue(()),
            other => {
                let text = other.to_string();
                refuse(&format!("'{}' as a table", text.chars().take(60).collect::<String>()))
            }
        }
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<SqlError> {
        if let Expr::AtTimeZone { timestamp, .. } = expression
            && matches!(timestamp.as_ref(), Expr::TypedString(_) | Expr::Value(_) | Expr::Cast { .. })
        {
            // It is an instant already, and a zone changes no instant.
            return ControlFlow::Break(SqlError::refused(
                "AT TIME ZONE behind a literal says nothing: without an offset it is UTC; write the offset in it, such as \
                 '2024-01-05T00:00:00-05:00'",
            ));
        }
        if is_row_comparison(expression) {
            return ControlFlow::Break(SqlError::refused(
                "rows of columns are compared by =, <>, IN and NOT IN alone, and others not as wholes: compare column by column",
            ));
        }
        if matches!(expression, Expr::SimilarTo { .. }) {
            return ControlFlow::Break(SqlError::refused(
                "SIMILAR TO is not answered here: use LIKE, or ~ with a regular expression",
            ));
        }
        if let Expr::Function(call) = expression
            && let Some(WindowType::WindowSpec(WindowSpec { window_name: Some(_), .. })) = &call.over
        {
            return refuse("a window that stands on another");
        }
        if let Expr::InList { list, .. } = expression
            && list.len() > IN_LIST_MAX
        {
            return ControlFlow::Break(SqlError::refused(format!(
                "an IN list has {} elements; at most {IN_LIST_MAX} are read: join to VALUES or to a context",
                list.len()
            )));
        }
        ControlFlow::Continue(())
    }
}
