//! The lines of an NDJSON file, each taken apart into names and raw values.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::encoding::TextEncoding;
use super::super::source::{Meter, Metered, Source};
use super::super::{InputError, Place, ROW_BYTES_MAX};

/// How much is read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// The lines of a file. Blank lines are no rows.
pub(super) struct Lines<'a> {
    file: &'a str,
    encoding: TextEncoding,
    reader: BufReader<Box<dyn Read + 'a>>,
    text: Vec<u8>,
    row: u64,
    line: u64,
}

impl<'a> Lines<'a> {
    /// Begins a pass over the file.
    pub(super) fn open(
        source: &'a Source<'_>,
        encoding: TextEncoding,
        meter: &'a mut Meter<'_>,
    ) -> Result<Self, InputError> {
        let metered = Metered::new(source.reader()?, meter);
        let text = encoding.decode(metered).map_err(|error| source.read_error(error))?;
        let reader = BufReader::with_capacity(BUFFER_BYTES, text);
        Ok(Self { file: source.name(), encoding, reader, text: Vec::new(), row: 0, line: 0 })
    }

    /// The file's name.
    pub(super) fn file(&self) -> &'a str {
        self.file
    }

    /// Where the line read last stands.
    pub(super) fn place(&self) -> Place {
        Place { file: self.file.to_owned(), row: self.row, line: Some(self.line) }
    }

    /// The number of the line read last, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The length of the line read last.
    pub(super) fn len_bytes(&self) -> usize {
        self.text.len()
    }

    /// Reads the next line that is not blank; false after the last.
    pub(super) fn advance(&mut self) -> Result<bool, InputError> {
        loop {
            self.text.clear();
            let bound = ROW_BYTES_MAX as u64 + 1;
            let count = self.reader.by_ref().take(bound).read_until(b'\n', &mut self.text);
            let count = count.map_err(|source| InputError::Read { file: self.file.to_owned(), source })?;
            if count == 0 {
                return Ok(false);
            }
            self.line += 1;
            if !self.text.trim_ascii().is_empty() {
                self.row += 1;
                return self.check().map(|()| true);
            }
        }
    }

    fn check(&self) -> Result<(), InputError> {
        if self.text.len() > ROW_BYTES_MAX {
            return Err(InputError::RowTooLong { place: self.place(), bytes_max: ROW_BYTES_MAX });
        }
        if self.row == 1 && self.text.trim_ascii_start().starts_with(b"[") {
            return Err(InputError::JsonArray { file: self.file.to_owned() });
        }
        Ok(())
    }

    /// The line read last as pairs of a name and the raw text of its value.
    pub(super) fn object(&self) -> Result<Vec<(Cow<'_, str>, &str)>, InputError> {
        let text = str::from_utf8(&self.text)
            .map_err(|_| InputError::InvalidBytes { place: self.place(), encoding: self.encoding.name() })?;
        match serde_json::from_str::<Object<'_>>(text) {
            Ok(object) => Ok(object.0),
            Err(source) => Err(InputError::Json { place: self.place(), source }),
        }
    }
}

/// An object whose values stay text.
struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    pairs.push((name, map.next_value::<&RawValue>()?.get()));
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A name, copied only where it has escapes. (Serde's own `Cow` always copies keys.)
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
