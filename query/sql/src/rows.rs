//! Rows that are compared as wholes are compared column by column, as the standard says: what is null in one of them is then
//! null, and no value.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, VisitMut, VisitorMut};

/// Takes comparisons of rows apart: `=`, `<>`, `IN` and `NOT IN` over columns. All others stay, and the gate refuses them.
pub(crate) fn take_apart(part: &mut impl VisitMut) {
    let ControlFlow::Continue(()) = part.visit(&mut Rows);
}

struct Rows;

impl VisitorMut for Rows {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Self::Break> {
        if let Some(apart) = apart(expression) {
            *expression = apart;
        }
        ControlFlow::Continue(())
    }
}

fn apart(expression: &Expr) -> Option<Expr> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others compare no rows")]
    let (condition, negated) = match expression {
        Expr::BinaryOp { left, op: op @ (BinaryOperator::Eq | BinaryOperator::NotEq), right } => {
            (same(left, right)?, *op == BinaryOperator::NotEq)
        }
        Expr::InList { expr, list, negated } => {
            let rows = list.iter().map(|row| same(expr, row)).collect::<Option<Vec<_>>>()?;
            (any(rows)?, *negated)
        }
        _ => return None,
    };
    let condition = Box::new(Expr::Nested(Box::new(condition)));
    Some(if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: condition } } else { *condition })
}

/// Two rows as wide as each other are the same; `None` where it is no such question. The first is of columns alone, since it
/// is repeated.
fn same(left: &Expr, right: &Expr) -> Option<Expr> {
    let (Expr::Tuple(left), Expr::Tuple(right)) = (left, right) else { return None };
    let is_column = |part: &Expr| matches!(part, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    if left.len() != right.len() || !left.iter().all(is_column) {
        return None;
    }
    let pairs =
        left.iter().zip(right).map(|(left, right)| both(BinaryOperator::Eq, left.clone(), right.clone()));
    pairs.reduce(|before, pair| both(BinaryOperator::And, before, pair))
}

fn both(op: BinaryOperator, left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// One of many holds, as a tree that is no deeper than it has to be.
fn any(mut conditions: Vec<Expr>) -> Option<Expr> {
    while conditions.len() > 1 {
        let mut halves = Vec::with_capacity(conditions.len().div_ceil(2));
        let mut waiting = conditions.into_iter();
        while let Some(first) = waiting.next() {
            halves.push(match waiting.next() {
                Some(second) => both(BinaryOperator::Or, first, second),
                None => first,
            });
        }
        conditions = halves;
    }
    conditions.pop()
}
