//! Random predicates, as text and as three truth values.

use std::cmp::Ordering;

use calotype_oracle::Seed;

use super::relation::{Column, Kind};
use super::value::{Row, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Distinct,
    NotDistinct,
}

impl Comparison {
    const ALL: [Self; 8] =
        [Self::Eq, Self::Ne, Self::Lt, Self::Le, Self::Gt, Self::Ge, Self::Distinct, Self::NotDistinct];

    fn text(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "<>",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Distinct => "IS DISTINCT FROM",
            Self::NotDistinct => "IS NOT DISTINCT FROM",
        }
    }

    /// The same with its sides exchanged.
    fn turned(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Eq | Self::Ne | Self::Distinct | Self::NotDistinct => self,
        }
    }

    fn holds(self, a: &Value, b: &Value) -> Option<bool> {
        let order = a.compare(b);
        let same = order == Some(Ordering::Equal) || (*a == Value::Null && *b == Value::Null);
        match self {
            Self::Distinct => Some(!same),
            Self::NotDistinct => Some(same),
            Self::Eq => order.map(Ordering::is_eq),
            Self::Ne => order.map(Ordering::is_ne),
            Self::Lt => order.map(Ordering::is_lt),
            Self::Le => order.map(Ordering::is_le),
            Self::Gt => order.map(Ordering::is_gt),
            Self::Ge => order.map(Ordering::is_ge),
        }
    }
}

/// A predicate; columns by their place.
#[derive(Clone, Debug)]
pub(super) enum Predicate {
    /// A column beside a constant, which stands first if `turned`.
    Constant {
        column: usize,
        comparison: Comparison,
        value: Value,
        turned: bool,
    },
    Columns {
        left: usize,
        comparison: Comparison,
        right: usize,
    },
    In {
        column: usize,
        values: Vec<Value>,
        negated: bool,
    },
    Between {
        column: usize,
        from: Value,
        to: Value,
        negated: bool,
    },
    IsNull {
        column: usize,
        negated: bool,
    },
    /// The column itself, a truth value.
    Column(usize),
    And(Box<Predicate>, Box<Predicate>),
    Or(Box<Predicate>, Box<Predicate>),
    Not(Box<Predicate>),
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn not(a: Option<bool>) -> Option<bool> {
    a.map(|a| !a)
}

impl Predicate {
    /// Whether it holds; `None`: unknown.
    pub(super) fn holds(&self, row: &Row) -> Option<bool> {
        match self {
            Self::Constant { column, comparison, value, .. } => comparison.holds(&row[*column], value),
            Self::Columns { left, comparison, right } => comparison.holds(&row[*left], &row[*right]),
            Self::In { column, values, negated } => {
                let unequal = values.iter().map(|value| Comparison::Ne.holds(&row[*column], value));
                let found = not(unequal.fold(Some(true), and));
                if *negated { not(found) } else { found }
            }
            Self::Between { column, from, to, negated } => {
                let at = &row[*column];
                let found = and(Comparison::Ge.holds(at, from), Comparison::Le.holds(at, to));
                if *negated { not(found) } else { found }
            }
            Self::IsNull { column, negated } => Some((row[*column] == Value::Null) != *negated),
            Self::Column(column) => Comparison::Eq.holds(&row[*column], &Value::Bool(true)),
            Self::And(a, b) => and(a.holds(row), b.holds(row)),
            Self::Or(a, b) => not(and(not(a.holds(row)), not(b.holds(row)))),
            Self::Not(a) => not(a.holds(row)),
        }
    }

    /// The predicate in SQL, with constants as `write` writes them.
    pub(super) fn text(&self, columns: &[Column], write: &mut dyn FnMut(&Value) -> String) -> String {
        let name = |column: &usize| columns[*column].name.as_str();
        let no = |negated: &bool| if *negated { "NOT " } else { "" };
        match self {
            Self::Constant { column, comparison, value, turned } => {
                let value = write(value);
                if *turned {
                    format!("{value} {} {}", comparison.turned().text(), name(column))
                } else {
                    format!("{} {} {value}", name(column), comparison.text())
                }
            }
            Self::Columns { left, comparison, right } => {
                format!("{} {} {}", name(left), comparison.text(), name(right))
            }
            Self::In { column, values, negated } => {
                let values: Vec<String> = values.iter().map(write).collect();
                format!("{} {}IN ({})", name(column), no(negated), values.join(", "))
            }
            Self::Between { column, from, to, negated } => {
                format!("{} {}BETWEEN {} AND {}", name(column), no(negated), write(from), write(to))
            }
            Self::IsNull { column, negated } => format!("{} IS {}NULL", name(column), no(negated)),
            Self::Column(column) => name(column).to_owned(),
            Self::And(a, b) => format!("({} AND {})", a.text(columns, write), b.text(columns, write)),
            Self::Or(a, b) => format!("({} OR {})", a.text(columns, write), b.text(columns, write)),
            Self::Not(a) => format!("NOT ({})", a.text(columns, write)),
        }
    }

    /// With literals.
    pub(super) fn plain(&self, columns: &[Column]) -> String {
        self.text(columns, &mut Value::literal)
    }

    /// A predicate by lot, of which some rows tell most of the constants.
    pub(super) fn random(seed: &mut Seed, columns: &[Column], rows: &[Row], depth: u32) -> Self {
        if depth > 0 && seed.percent(60) {
            let (a, b) =
                (Self::random(seed, columns, rows, depth - 1), Self::random(seed, columns, rows, depth - 1));
            return match seed.below(10) {
                0..6 => Self::And(Box::new(a), Box::new(b)),
                6..9 => Self::Or(Box::new(a), Box::new(b)),
                _ => Self::Not(Box::new(a)),
            };
        }
        // Columns of keys are what is narrowed most: every second predicate is about one.
        let keys: Vec<usize> = (0..columns.len()).filter(|place| columns[*place].key).collect();
        let column =
            if !keys.is_empty() && seed.percent(50) { pick(seed, &keys) } else { any(seed, columns.len()) };
        let kind = columns[column].kind;
        let negated = seed.percent(25);
        match seed.below(100) {
            0..50 => Self::Constant {
                column,
                comparison: Comparison::ALL[any(seed, 8)],
                value: constant(seed, kind, column, rows),
                turned: seed.percent(20),
            },
            50..68 => {
                let count = 1 + seed.below(6);
                let values = (0..count).map(|_| constant(seed, kind, column, rows)).collect();
                Self::In { column, values, negated }
            }
            68..80 => {
                let (a, b) = (constant(seed, kind, column, rows), constant(seed, kind, column, rows));
                let turned = a.compare(&b) == Some(Ordering::Greater);
                let (from, to) = if turned && seed.percent(90) { (b, a) } else { (a, b) };
                Self::Between { column, from, to, negated }
            }
            80..88 => {
                let alike: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].kind == kind).collect();
                let right = pick(seed, &alike);
                Self::Columns { left: column, comparison: Comparison::ALL[any(seed, 8)], right }
            }
            88..94 if kind == Kind::Bool => Self::Column(column),
            _ => Self::IsNull { column, negated },
        }
    }
}

/// A place below a count.
pub(super) fn any(seed: &mut Seed, count: usize) -> usize {
    usize::try_from(seed.below(u32::try_from(count).unwrap())).unwrap()
}

/// One of several.
pub(super) fn pick<T: Clone>(seed: &mut Seed, of: &[T]) -> T {
    of[any(seed, of.len())].clone()
}

/// A constant for a column: mostly what a row has, or what lies just beside.
fn constant(seed: &mut Seed, kind: Kind, column: usize, rows: &[Row]) -> Value {
    if seed.percent(3) {
        return Value::Null;
    }
    let mut value = if rows.is_empty() || seed.percent(5) {
        Value::Null
    } else {
        rows[any(seed, rows.len())][column].clone()
    };
    if value == Value::Null {
        value = match kind {
            Kind::Bool => Value::Bool(true),
            Kind::Int32 | Kind::Int64 => Value::Int(1),
            Kind::Cents => Value::Cents(100),
            Kind::Text => Value::Text("late".into()),
            Kind::Date => Value::Date(19_702),
            Kind::Time => Value::Time(1_704_067_200_000_000),
        };
    }
    if seed.percent(70) {
        return value;
    }
    let up = seed.percent(50);
    match value {
        Value::Int(value) if seed.percent(20) && value.abs() < 1 << 50 => {
            Value::Cents(i128::from(value) * 100 + if up { 50 } else { -50 })
        }
        // A column of 32 bits is compared with constants that it cannot hold.
        Value::Int(_) if seed.percent(10) => Value::Int(if up { 1 << 40 } else { -(1 << 40) }),
        Value::Int(value) => {
            Value::Int(if up { value.saturating_add(1) } else { value.saturating_sub(1).max(-i64::MAX) })
        }
        Value::Cents(value) => Value::Cents(value + if up { 1 } else { -1 }),
        Value::Text(mut text) => {
            if up {
                text.push(if seed.percent(50) { '\0' } else { 'a' });
            } else {
                text.pop();
            }
            Value::Text(text)
        }
        Value::Date(value) => Value::Date(value + if up { 1 } else { -1 }),
        Value::Time(value) => Value::Time(value + if up { 1 } else { -1 }),
        Value::Bool(value) => Value::Bool(!value),
        Value::Null => Value::Null,
    }
}
