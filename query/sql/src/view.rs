//! Views that are kept outside of statements.

use crate::error::SqlError;
use crate::script::Query;

/// Checks that a text can be a view: one query, of what is answered here. Whether what it names exists is seen where a
/// statement names the view.
///
/// # Errors
/// [`SqlError`] says where the text is not what is read here.
pub fn check_view(text: &str) -> Result<(), SqlError> {
    Query::read(text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_one_query() {
        check_view("SELECT * FROM loans FOR VALID_TIME AS OF '2026-03-31';").unwrap();
        for wrong in ["", "SELECT * FROM", "SELECT 1; SELECT 2", "DROP TABLE loans", "SELECT $1"] {
            check_view(wrong).unwrap_err();
        }
    }
}
