//! Values that are handed over beside the text of a statement. They take the places of placeholders in the syntax tree, so
//! that a value never becomes anything else than a value.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use arrow_array::types::{Decimal128Type, DecimalType};
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, UnaryOperator, Value as Literal, VisitMut, VisitorMut,
};

use crate::error::SqlError;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A decimal: its digits as an integer, and how many of them stand behind the point.
    Decimal(i128, u8),
    /// Text. Instants and dates are handed over as text, and are cast where a column's type does not say it:
    /// `$1::timestamp`.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    fn expression(&self) -> Expr {
        let number = |negative: bool, digits: String| {
            let literal = Expr::value(Literal::Number(digits, false));
            if negative {
                Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(literal) }
            } else {
                literal
            }
        };
        match self {
            Self::Null => Expr::value(Literal::Null),
            Self::Bool(value) => Expr::value(Literal::Boolean(*value)),
            Self::Integer(value) => number(*value < 0, value.unsigned_abs().to_string()),
            Self::Decimal(digits, scale) => {
                // Cast, so that a whole number stays a decimal.
                let text = Decimal128Type::format_decimal(*digits, 38, scale.cast_signed());
                Expr::Cast {
                    kind: CastKind::Cast,
                    expr: Box::new(Expr::value(Literal::SingleQuotedString(text))),
                    data_type: DataType::Decimal(ExactNumberInfo::PrecisionAndScale(38, i64::from(*scale))),
                    format: None,
                    array: false,
                }
            }
            Self::Text(text) => Expr::value(Literal::SingleQuotedString(text.clone())),
            Self::Bytes(bytes) => {
                let hex = bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
                    for digit in [byte >> 4, byte & 15] {
                        hex.push(char::from_digit(digit.into(), 16).expect("four bits are a digit"));
                    }
                    hex
                });
                Expr::value(Literal::HexStringLiteral(hex))
            }
        }
    }
}

/// The values of `$1`, `$2`, … and of `$name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// `$1` is the first.
    pub positional: Vec<Value>,
    /// By name, without the sign.
    pub named: BTreeMap<String, Value>,
}

impl Parameters {
    fn get(&self, id: &str) -> Result<&Value, SqlError> {
        let name = id.strip_prefix('$').unwrap_or(id);
        let found = match name.parse::<usize>() {
            Ok(place) => place.checked_sub(1).and_then(|place| self.positional.get(place)),
            Err(_) => self.named.get(name),
        };
        found.ok_or_else(|| {
            let positional = (1..=self.positional.len()).map(|place| format!("${place}"));
            let known: Vec<String> =
                positional.chain(self.named.keys().map(|name| format!("${name}"))).take(20).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            SqlError::refused(format!("parameter {id} has no value; values were handed over for: {known}"))
        })
    }

    /// Puts values in the places of placeholders.
    ///
    /// # Errors
    /// Names a placeholder without a value.
    pub(crate) fn bind(&self, tree: &mut impl VisitMut) -> Result<(), SqlError> {
        match tree.visit(&mut Binder(self)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        }
    }
}

struct Binder<'a>(&'a Parameters);

impl VisitorMut for Binder<'_> {
    type Break = SqlError;

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<SqlError> {
        if let Expr::Value(value) = expression
            && let Literal::Placeholder(id) = &value.value
        {
            match self.0.get(id) {
                Ok(value) => *expression = value.expression(),
                Err(error) => return ControlFlow::Break(error),
            }
        }
        ControlFlow::Continue(())
    }
}
