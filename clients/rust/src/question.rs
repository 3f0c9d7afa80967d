//! Questions: what is asked, of which point or range.

use std::collections::BTreeMap;

use crate::put::Position;
use crate::time::{SystemTime, ValidTime};
use crate::value::{Key, Value};

/// A point on both time axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// When it holds; `None`: the server's clock at the start of the request.
    pub valid_at: Option<ValidTime>,
    /// As known then; `None`: the settled time.
    pub known_at: Option<SystemTime>,
}

/// A range of one axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeRange<T> {
    /// All of it; of system time, all that is settled.
    #[default]
    All,
    /// One instant.
    At(T),
    /// What overlaps `[from, to)`.
    FromTo(T, T),
    /// What overlaps `[from, to]`.
    Between(T, T),
}

/// Which keys are asked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Keys {
    /// All.
    #[default]
    All,
    /// These. None at all is refused before it is sent: on the wire no keys would mean all.
    Of(Vec<Key>),
}

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self::Of(vec![key])
    }
}

/// Asks for one entity at one point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityQuestion {
    /// The context.
    pub context: String,
    /// The entity.
    pub key: Key,
    /// The point.
    pub point: Point,
    /// Which columns, in which order; empty: all.
    pub columns: Vec<String>,
    /// Adds the periods and system times of the row.
    pub system_columns: bool,
    /// The schema version to answer in; `None`: the one in force at the point.
    pub schema_version: Option<u32>,
    /// The commit that the answer must have seen, beside the newest that this client wrote.
    pub at_least: Option<u64>,
}

/// Asks for the state at a point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AsOfQuestion {
    /// The context.
    pub context: String,
    /// The point.
    pub point: Point,
    /// Which keys.
    pub keys: Keys,
    /// Which columns, in which order; empty: all.
    pub columns: Vec<String>,
    /// Only rows for which this predicate of SQL holds, such as `balance > 100`.
    pub predicate: Option<String>,
    /// Adds the periods and system times of the rows.
    pub system_columns: bool,
    /// The schema version to answer in; `None`: the one in force at the point.
    pub schema_version: Option<u32>,
    /// Only facts at or below these positions; empty: all facts.
    pub offsets: Vec<Position>,
    /// The commit that the answer must have seen, beside the newest that this client wrote.
    pub at_least: Option<u64>,
}

impl AsOfQuestion {
    /// The whole state of a context at a point.
    pub fn new(context: impl Into<String>, point: Point) -> Self {
        Self { context: context.into(), point, ..Self::default() }
    }
}

/// How a history is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistoryForm {
    /// Every fact as it came, retractions too.
    #[default]
    Facts,
    /// Each fact's valid period, cut where a later entry covers it.
    Rectangles,
}

/// Asks for all that was ever said about keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryQuestion {
    /// The context.
    pub context: String,
    /// Which keys.
    pub keys: Keys,
    /// How it is told.
    pub form: HistoryForm,
    /// Which valid times.
    pub valid: TimeRange<ValidTime>,
    /// Which system times.
    pub known: TimeRange<SystemTime>,
    /// Which columns, in which order; empty: all.
    pub columns: Vec<String>,
    /// The schema version to answer in; `None`: the newest.
    pub schema_version: Option<u32>,
    /// The commit that the answer must have seen, beside the newest that this client wrote.
    pub at_least: Option<u64>,
}

/// Asks what differs between two points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiffQuestion {
    /// The context.
    pub context: String,
    /// One point.
    pub from: Point,
    /// The other.
    pub to: Point,
    /// Which keys.
    pub keys: Keys,
    /// The commit that the answer must have seen, beside the newest that this client wrote.
    pub at_least: Option<u64>,
}

/// Asks a statement of temporal SQL.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SqlQuestion {
    /// `SET` and `CREATE TEMPORARY VIEW` statements, then one query.
    pub text: String,
    /// The values of `$1`, `$2`, …
    pub parameters: Vec<Value>,
    /// The values of `$name`, by name without the sign.
    pub named_parameters: BTreeMap<String, Value>,
    /// As `SET` would set them: `calotype.valid_time` and `calotype.system_time`, or `calotype.snapshot`.
    pub settings: BTreeMap<String, String>,
    /// Texts of views by name, in the place of those of the server.
    pub views: BTreeMap<String, String>,
    /// The commit that the answer must have seen, beside the newest that this client wrote.
    pub at_least: Option<u64>,
}

impl SqlQuestion {
    /// A text alone.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}
