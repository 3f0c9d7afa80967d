//! Values of `calotype.v1` and those of the store, both ways.
//!
//! Invariants: nothing is rounded, cut or guessed; an error names the field as the client named it; an absent kind is
//! null and nothing else is.

mod answer;
mod arrays;
mod cells;
mod columns;
mod decimal;
mod keys;
mod rows;

use calotype_proto::v1;
use calotype_query::Point;
use calotype_storage::name::{ContextName, IdempotencyKey, Reason};
use calotype_storage::record::Position;
use calotype_storage::time::Instant;
use calotype_storage::{AsOf, SystemTime, ValidTime};
use prost_types::Timestamp;
use tonic::Status;

pub use answer::row_batch;
pub use columns::{columns, schema_columns};
#[cfg(feature = "sql")]
pub use keys::date;
pub use keys::{key, keys};
pub use rows::RowReader;

use crate::status::{Field, invalid};

const MICROS_PER_SECOND: i64 = 1_000_000;
const NANOS_PER_MICRO: i32 = 1000;
const NANOS_PER_SECOND: i32 = 1_000_000_000;

/// Why a timestamp is no instant of the store, in words.
fn micros(timestamp: &Timestamp) -> Result<i64, &'static str> {
    if !(0..NANOS_PER_SECOND).contains(&timestamp.nanos) {
        return Err("has nanos outside 0 to 999,999,999");
    }
    if timestamp.nanos % NANOS_PER_MICRO != 0 {
        return Err("is finer than a microsecond: the store keeps whole microseconds");
    }
    // The first instants that are kept lie within a second whose beginning does not fit any more.
    let micros = i128::from(timestamp.seconds) * i128::from(MICROS_PER_SECOND)
        + i128::from(timestamp.nanos / NANOS_PER_MICRO);
    // The two extreme values are reserved.
    let whole = i64::try_from(micros).ok().and_then(ValidTime::from_micros);
    whole.map(ValidTime::micros).ok_or("lies outside the instants that are kept: microseconds in 64 bits")
}

/// An instant of a request.
fn instant<T: Instant>(field: Field<'_>, timestamp: &Timestamp) -> Result<T, Status> {
    let micros = micros(timestamp).map_err(|what| invalid(field, what))?;
    T::from_micros(micros).ok_or_else(|| invalid(field, "lies outside the instants that are kept"))
}

/// A valid time of a request.
///
/// # Errors
/// It is finer than a microsecond, or out of range.
pub fn valid_time(field: Field<'_>, timestamp: &Timestamp) -> Result<ValidTime, Status> {
    instant(field, timestamp)
}

/// A system time of a request.
///
/// # Errors
/// It is finer than a microsecond, or out of range.
pub fn system_time(field: Field<'_>, timestamp: &Timestamp) -> Result<SystemTime, Status> {
    instant(field, timestamp)
}

/// A valid time that may be left out.
///
/// # Errors
/// As [`valid_time`].
pub fn valid_time_or_none(
    field: Field<'_>,
    timestamp: Option<&Timestamp>,
) -> Result<Option<ValidTime>, Status> {
    timestamp.map(|timestamp| instant(field, timestamp)).transpose()
}

/// A system time that may be left out.
///
/// # Errors
/// As [`system_time`].
pub fn system_time_or_none(
    field: Field<'_>,
    timestamp: Option<&Timestamp>,
) -> Result<Option<SystemTime>, Status> {
    timestamp.map(|timestamp| instant(field, timestamp)).transpose()
}

/// An instant as it is answered.
pub fn timestamp<T: Instant>(instant: T) -> Timestamp {
    timestamp_of_micros(instant.micros())
}

fn timestamp_of_micros(micros: i64) -> Timestamp {
    let fraction = micros.rem_euclid(MICROS_PER_SECOND);
    let nanos = i32::try_from(fraction).expect("a remainder below a million") * NANOS_PER_MICRO;
    Timestamp { seconds: micros.div_euclid(MICROS_PER_SECOND), nanos }
}

/// The point of a request, in its field `point`.
///
/// # Errors
/// A time of it is finer than a microsecond, or out of range.
pub fn point(point: Option<&v1::Point>) -> Result<Point, Status> {
    point_in(Field("point"), point)
}

/// The point of a request, in a field of another name.
///
/// # Errors
/// A time of it is finer than a microsecond, or out of range.
pub fn point_in(field: Field<'_>, point: Option<&v1::Point>) -> Result<Point, Status> {
    let Some(point) = point else {
        return Ok(Point::default());
    };
    let name = |axis| format!("{}.{axis}", field.0);
    Ok(Point {
        valid_at: valid_time_or_none(Field(&name("valid_at")), point.valid_at.as_ref())?,
        known_at: system_time_or_none(Field(&name("known_at")), point.known_at.as_ref())?,
    })
}

/// A point as it is answered.
pub fn answered_point(at: AsOf) -> v1::Point {
    v1::Point { valid_at: Some(timestamp(at.valid)), known_at: Some(timestamp(at.system)) }
}

/// The positions of a request, in a field of the given name.
pub fn positions(positions: Vec<v1::Position>) -> Vec<Position> {
    let read = |position: v1::Position| {
        let v1::Position { source, partition, epoch, from, to } = position;
        Position { source, partition, epoch, from, to }
    };
    positions.into_iter().map(read).collect()
}

/// A position as it is answered.
pub fn answered_position(position: &Position) -> v1::Position {
    let Position { source, partition, epoch, from, to } = position.clone();
    v1::Position { source, partition, epoch, from, to }
}

/// The name of a context.
///
/// # Errors
/// It is none.
pub fn context_name(field: Field<'_>, text: &str) -> Result<ContextName, Status> {
    ContextName::parse(text).map_err(|error| invalid(field, error))
}

/// A reason; empty where none is given.
///
/// # Errors
/// It is too long, or holds control characters.
pub fn reason(field: Field<'_>, text: &str) -> Result<Option<Reason>, Status> {
    let given = (!text.is_empty()).then(|| Reason::parse(text));
    given.transpose().map_err(|error| invalid(field, error))
}

/// What makes a repetition the same request; empty where none is given.
///
/// # Errors
/// It is too long, or not printable ASCII.
pub fn request_id(field: Field<'_>, text: &str) -> Result<Option<IdempotencyKey>, Status> {
    let given = (!text.is_empty()).then(|| IdempotencyKey::parse(text));
    given.transpose().map_err(|error| invalid(field, error))
}

#[cfg(test)]
mod tests;
