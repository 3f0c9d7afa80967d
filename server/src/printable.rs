//! Text that is safe to show: in messages, logs and headers nothing a client sent may move a terminal's cursor,
//! begin a line or turn the direction of writing.

use std::fmt::Display;

use calotype_storage::variables::cut;

/// Whether a character is shown as an escape: controls, line separators, marks that reorder text.
pub fn is_escaped(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A value as text without such characters, of at most `bytes_max` bytes; a longer one ends in `…`.
pub fn printable(value: impl Display, bytes_max: usize) -> String {
    let text = cut(value, bytes_max);
    if !text.contains(is_escaped) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_escaped(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    cut(escaped, bytes_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_a_cursor_is_escaped_and_the_rest_stays() {
        assert_eq!(printable("a\u{1b}[2J\r\n\tb\u{9b}", 100), r"a\u{1b}[2J\r\n\tb\u{9b}");
        assert_eq!(printable("\u{202e}abc\u{2028}", 100), r"\u{202e}abc\u{2028}");
        assert_eq!(printable("Zürich 'x' \"y\" \\ 日本", 100), "Zürich 'x' \"y\" \\ 日本");
        assert_eq!(printable("\n\n\n", 5), r"\n…");
    }
}
