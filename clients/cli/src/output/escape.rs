//! Text that is safe on a terminal: nothing in it moves the cursor, changes colours, or reorders
//! what is read.

use super::instant::append;

/// Text with control characters, and those that reorder or hide text, escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(text, &mut out);
    out
}

/// Appends text with control characters, and those that reorder or hide text, escaped as in Rust:
/// `\n`, `\t`, `\u{1b}`.
pub(super) fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            append(out, format_args!("{}", character.escape_default()));
        } else {
            out.push(character);
        }
    }
}

/// Zero-width and direction-changing characters (Unicode Standard Annex 9, section 2, and format
/// characters beside them), and line separators.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61C}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_harms_is_escaped() {
        for (text, expected) in [
            ("plain ü 東 😀 \\", "plain ü 東 😀 \\"),
            ("a\nb\tc\r\0", "a\\nb\\tc\\r\\u{0}"),
            ("\u{1b}[2J\u{7f}\u{9b}", "\\u{1b}[2J\\u{7f}\\u{9b}"),
            ("\u{202e}abc\u{feff}", "\\u{202e}abc\\u{feff}"),
        ] {
            let mut out = String::new();
            escape(text, &mut out);
            assert_eq!(out, expected);
        }
    }
}
