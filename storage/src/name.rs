//! Names that clients choose: contexts, principals, idempotency keys, reasons.
//!
//! Invariant: each is bounded, so that an entry alone always fits into a record.

use std::fmt;
use std::sync::Arc;

/// Bytes of the longest context or field name.
pub const NAME_BYTES_MAX: usize = 128;
/// Bytes of the longest idempotency key.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;
/// Bytes of the longest reason.
pub const REASON_BYTES_MAX: usize = 1024;

/// Why a text is not a name of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a {kind}: expected {expected}")]
pub struct ParseNameError {
    kind: &'static str,
    text: String,
    expected: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $expected:literal, $legal:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads the name.
            ///
            /// # Errors
            /// [`ParseNameError`] says what is expected.
            pub fn parse(text: &str) -> Result<Self, ParseNameError> {
                let legal: fn(&str) -> bool = $legal;
                if legal(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(ParseNameError {
                        kind: $kind,
                        text: text.chars().take(NAME_BYTES_MAX).flat_map(char::escape_debug).collect(),
                        expected: $expected,
                    })
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= NAME_BYTES_MAX
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_printable(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

name! {
    /// A context's name, such as `loans`. Names that begin with `_` belong to the system.
    ContextName, "context name",
    "1 to 128 of a-z, 0-9 and _, not beginning with a digit", is_word
}
name! {
    /// Who claims to ask or to put.
    Principal, "principal", "1 to 128 printable ASCII characters",
    |text| is_printable(text, NAME_BYTES_MAX)
}
name! {
    /// What makes a repeated put the same put; scoped to context and principal, never expires.
    IdempotencyKey, "idempotency key", "1 to 128 printable ASCII characters",
    |text| is_printable(text, IDEMPOTENCY_KEY_BYTES_MAX)
}
name! {
    /// Why something was put, in the words of who put it.
    Reason, "reason", "1 to 1024 bytes of text without control characters",
    |text| !text.is_empty() && text.len() <= REASON_BYTES_MAX && !text.chars().any(char::is_control)
}
name! {
    /// A field's label. The permanent identity is its field id.
    FieldName, "field name",
    "1 to 128 bytes without control characters, not beginning with _",
    |text| !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.starts_with('_')
        && !text.chars().any(char::is_control)
}

impl Principal {
    /// Who is meant when nobody is named.
    pub fn local() -> Self {
        Self("local".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_plain() {
        for good in ["loans", "_runs", "a1"] {
            assert!(ContextName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Loans", "1a", "a-b", "a/b", "..", &"a".repeat(129)] {
            assert!(ContextName::parse(bad).is_err(), "{bad}");
        }
        assert!(IdempotencyKey::parse("load of 31 March").is_ok());
        assert!(IdempotencyKey::parse("tab\t").is_err());
        assert!(FieldName::parse("_valid_from").is_err());
        let error = ContextName::parse("a\x1b[2J").unwrap_err().to_string();
        assert!(!error.contains('\x1b'), "{error}");
    }
}
