//! How typed values stand in JSON: digests and names as text, times and numbers as numbers.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// A value that prints as text and is parsed from it.
pub(super) mod display {
    use super::{Deserialize, Deserializer, Display, Error, FromStr, Serializer};

    pub(in crate::record) fn serialize<S: Serializer, T: Display>(
        value: &T,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.collect_str(value)
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
        d: D,
    ) -> Result<T, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// The same, where it may be missing.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Display, Error, FromStr, Serializer};

    #[expect(clippy::ref_option, reason = "the form that serde calls")]
    pub(in crate::record) fn serialize<S: Serializer, T: Display>(
        value: &Option<T>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => s.collect_str(value),
            None => s.serialize_none(),
        }
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
        d: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(d)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

/// The same, as a list.
pub(super) mod list {
    use serde::Serialize;

    use super::{Deserialize, Deserializer, Display, Error, FromStr, Serializer};

    pub(in crate::record) fn serialize<S: Serializer, T: Display>(
        values: &[T],
        s: S,
    ) -> Result<S::Ok, S::Error> {
        values.iter().map(ToString::to_string).collect::<Vec<_>>().serialize(s)
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
        d: D,
    ) -> Result<Vec<T>, D::Error> {
        let texts = Vec::<String>::deserialize(d)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}

macro_rules! number {
    ($module:ident, $type:ty, $raw:ty, $get:ident, $make:expr) => {
        /// A number in JSON.
        pub(super) mod $module {
            use super::{Deserialize, Deserializer, Error, Serializer};

            pub(in crate::record) fn serialize<S: Serializer>(
                value: &$type,
                s: S,
            ) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(&value.$get(), s)
            }

            pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<$type, D::Error> {
                let make: fn($raw) -> Option<$type> = $make;
                make(<$raw>::deserialize(d)?).ok_or_else(|| D::Error::custom("a reserved value"))
            }
        }
    };
}

number!(sequence, crate::identity::Sequence, u64, get, |n| Some(crate::identity::Sequence::new(n)));
number!(system_time, crate::time::SystemTime, i64, micros, crate::time::SystemTime::from_micros);
number!(valid_time, crate::time::ValidTime, i64, micros, crate::time::ValidTime::from_micros);

/// A valid time that may be missing.
pub(super) mod option_valid_time {
    use serde::Serialize;

    use super::{Deserialize, Deserializer, Error, Serializer};
    use crate::time::ValidTime;

    #[expect(clippy::ref_option, reason = "the form that serde calls")]
    pub(in crate::record) fn serialize<S: Serializer>(
        value: &Option<ValidTime>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(ValidTime::micros).serialize(s)
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<ValidTime>, D::Error> {
        let micros = Option::<i64>::deserialize(d)?;
        let make =
            |micros| ValidTime::from_micros(micros).ok_or_else(|| D::Error::custom("a reserved value"));
        micros.map(make).transpose()
    }
}
