//! Where in a text a statement is wrong, for people.

use calotype_client::ServerError;

use crate::output::escaped;

/// Characters of the part of a line that is shown before the place, and behind it.
const AROUND: usize = 60;

/// The line of the text that an error names, and a mark under the column; `None` where it names none.
pub(super) fn shown(error: &ServerError, text: &str) -> Option<String> {
    let (line, column) = named(error)?;
    marked(text, line, column)
}

fn marked(text: &str, line: usize, column: usize) -> Option<String> {
    let line = text.lines().nth(line.checked_sub(1)?)?;
    let column = column.checked_sub(1)?.min(line.chars().count());
    let from = column.saturating_sub(AROUND);
    let part: String = line.chars().skip(from).take(2 * AROUND).collect();
    let before: String = part.chars().take(column - from).collect();
    let gap = " ".repeat(escaped(&before).chars().count());
    Some(format!("  {}\n  {gap}^\n", escaped(&part)))
}

/// Line and column, from 1: variables of the error, or in the parser's words at the end of its message.
fn named(error: &ServerError) -> Option<(usize, usize)> {
    if let (Some(line), Some(column)) = (error.metadata.get("line"), error.metadata.get("column")) {
        return Some((line.parse().ok()?, column.parse().ok()?));
    }
    if error.reason != "SQL_SYNTAX" {
        return None;
    }
    of_parser(&error.message)
}

fn of_parser(message: &str) -> Option<(usize, usize)> {
    let (_, place) = message.rsplit_once("Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let column = column.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_the_column() {
        let text = "SELECT *\n  FROM lo\tans x";
        assert_eq!(marked(text, 1, 8).unwrap(), "  SELECT *\n         ^\n");
        assert_eq!(marked(text, 2, 13).unwrap(), "    FROM lo\\tans x\n               ^\n");
        // Past the end: behind it.
        assert_eq!(marked(text, 1, 99).unwrap(), "  SELECT *\n          ^\n");
        assert_eq!((marked(text, 3, 1), marked(text, 0, 1), marked(text, 1, 0)), (None, None, None));
        let long = format!("{}x{}", "a".repeat(1000), "b".repeat(1000));
        let shown = marked(&long, 1, 1001).unwrap();
        let (line, mark) = shown.split_once('\n').unwrap();
        assert_eq!(line.chars().count(), 2 + 2 * AROUND);
        assert_eq!(line.find('x'), mark.find('^'));
    }

    #[test]
    fn the_parser_names_its_place_at_the_end() {
        let message =
            "the statement cannot be read: Expected: an expression, found: ) at Line: 2, Column: 17";
        assert_eq!(of_parser(message), Some((2, 17)));
        assert_eq!(of_parser("it is nested too deeply"), None);
    }
}
