//! The variables of an error's message, for programs: what a client would else have to parse out of the text.
//!
//! Every name is in lower case with underscores, every value at most [`VALUE_BYTES_MAX`] bytes.

use std::fmt::{self, Display, Write};

/// The longest value, bytes; a longer one is cut and ends in `…`.
pub const VALUE_BYTES_MAX: usize = 512;

/// Names and values.
pub type Variables = Vec<(&'static str, String)>;

/// A name and what it stands for, cut at [`VALUE_BYTES_MAX`].
pub fn variable(name: &'static str, value: impl Display) -> (&'static str, String) {
    (name, cut(value, VALUE_BYTES_MAX))
}

/// A value as text of at most `bytes_max` bytes; a longer one ends in `…`. No more than that is ever made of it.
pub fn cut(value: impl Display, bytes_max: usize) -> String {
    let mut text = Cut { text: String::new(), bytes_max };
    if write!(text, "{value}").is_err() {
        let room = bytes_max.saturating_sub(ELLIPSIS.len());
        let end = text.text.floor_char_boundary(room);
        text.text.truncate(end);
        text.text.push_str(ELLIPSIS);
    }
    text.text
}

const ELLIPSIS: &str = "…";

struct Cut {
    text: String,
    bytes_max: usize,
}

impl Write for Cut {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = self.bytes_max - self.text.len();
        if part.len() <= room {
            self.text.push_str(part);
            return Ok(());
        }
        self.text.push_str(&part[..part.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_value_stays_whole_and_a_long_one_is_cut_between_characters() {
        assert_eq!(variable("row", 7), ("row", "7".to_owned()));
        let full = "x".repeat(VALUE_BYTES_MAX);
        assert_eq!(cut(&full, VALUE_BYTES_MAX), full);
        let (_, long) = variable("key", "é".repeat(VALUE_BYTES_MAX));
        assert!(long.len() <= VALUE_BYTES_MAX && long.len() > VALUE_BYTES_MAX - 4, "{}", long.len());
        assert!(long.ends_with("é…"));
        assert_eq!(cut("four", 3), "…");
    }
}
