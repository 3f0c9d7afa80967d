//! JSON values that stay text until their column says what they are.

use std::borrow::Cow;

/// A JSON value, by its kind, with its raw text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(&'a str),
    /// A number.
    Number(&'a str),
    /// A string with its quotes and escapes; see [`unquoted`].
    String(&'a str),
    /// An array or object, and which.
    Nested(&'a str, &'static str),
}

impl<'a> Value<'a> {
    /// The value of a raw text that is valid JSON.
    pub(super) fn of(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Boolean(raw),
            Some(b'"') => Self::String(raw),
            Some(b'[') => Self::Nested(raw, "array"),
            Some(b'{') => Self::Nested(raw, "object"),
            _ => Self::Number(raw),
        }
    }

    /// The name of its kind.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Nested(_, kind) => kind,
        }
    }
}

/// What a raw JSON string says, copied only where it has escapes; none if an escape stands for no
/// character (half of a surrogate pair).
pub(super) fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_lose_quotes_and_escapes() {
        for (raw, expected) in [
            (r#""plain""#, Some("plain")),
            (r#""""#, Some("")),
            (r#""a\"b\\c\u00fc\n""#, Some("a\"b\\cü\n")),
            (r#""\ud83d\ude00""#, Some("😀")),
            (r#""\ud83d""#, None),
        ] {
            assert_eq!(unquoted(raw).as_deref(), expected, "{raw}");
        }
    }
}
