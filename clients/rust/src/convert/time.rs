//! Instants as protobuf timestamps.

use prost_types::Timestamp;

use crate::error::Broken;
use crate::time::{Instant, SystemTime, ValidTime};

const MICROS_PER_SECOND: i64 = 1_000_000;

pub(super) fn timestamp(micros: i64) -> Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(MICROS_PER_SECOND) * 1000);
    Timestamp {
        seconds: micros.div_euclid(MICROS_PER_SECOND),
        nanos: nanos.expect("fewer than a thousand million nanoseconds"),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that conversions have")]
pub(super) fn micros(timestamp: Timestamp) -> Result<i64, Broken> {
    let Timestamp { seconds, nanos } = timestamp;
    let broken = |what: &str| Broken(format!("the time of {seconds} s and {nanos} ns {what}"));
    if !(0..1_000_000_000).contains(&nanos) {
        return Err(broken("has no nanoseconds from 0 to 999999999"));
    }
    if nanos % 1000 != 0 {
        return Err(broken("is finer than a microsecond"));
    }
    // The first instants that are kept lie within the second whose beginning does not fit any more.
    let micros = i128::from(seconds) * i128::from(MICROS_PER_SECOND) + i128::from(nanos / 1000);
    i64::try_from(micros).map_err(|_| broken("is too far away"))
}

macro_rules! times {
    ($($name:ident),*) => {$(
        impl From<$name> for Timestamp {
            fn from(time: $name) -> Self {
                timestamp(time.micros())
            }
        }

        impl TryFrom<Timestamp> for $name {
            type Error = Broken;

            fn try_from(time: Timestamp) -> Result<Self, Broken> {
                micros(time).map(Self::from_micros)
            }
        }
    )*};
}

times!(ValidTime, SystemTime, Instant);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_way() {
        for at in [0, 1, -1, 999_999, 1_000_000, -1_000_001, i64::MIN + 1, i64::MAX - 1] {
            assert_eq!(micros(timestamp(at)), Ok(at));
        }
        assert_eq!(timestamp(-1), Timestamp { seconds: -1, nanos: 999_999_000 });
    }

    #[test]
    fn times_that_are_none_are_refused() {
        let check = |seconds, nanos, expected: &str| {
            let broken = micros(Timestamp { seconds, nanos }).unwrap_err();
            assert!(broken.0.contains(expected), "{}", broken.0);
        };
        check(0, 1, "finer than a microsecond");
        check(0, -1000, "has no nanoseconds");
        check(0, 1_000_000_000, "has no nanoseconds");
        check(i64::MAX, 0, "too far away");
    }
}
