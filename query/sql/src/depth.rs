//! How deep the tree of a text can become, told from its tokens before it is parsed.
//!
//! The parser bounds what nests, but not what it builds in a loop: `1 + 1 + …` and `… UNION …` become trees as deep as they
//! are long, and dropping such a tree alone takes a stack as deep.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;

/// Operators in a row, with those of the deepest part in parentheses among them.
const CHAIN_MAX: usize = 400;

/// What stands between a parenthesis and its end.
#[derive(Default)]
struct Level {
    /// Operators since the last comma.
    operators: usize,
    /// `UNION`, `EXCEPT` and `INTERSECT`: commas do not part them.
    sets: usize,
    /// The deepest part in parentheses since the last comma.
    part: usize,
    /// The deepest of what ended with a comma.
    ended: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.sets + self.ended.max(self.operators + self.part)
    }

    fn comma(&mut self) {
        self.ended = self.ended.max(self.operators + self.part);
        (self.operators, self.part) = (0, 0);
    }
}

/// Checks tokens without white space.
///
/// # Errors
/// Names the place where a chain of operators becomes too long.
pub(crate) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut levels = vec![Level::default()];
    for token in tokens {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all that is no operator")]
        match &token.token {
            Token::LParen | Token::LBracket => levels.push(Level::default()),
            Token::RParen | Token::RBracket => {
                // One too many is the parser's to refuse.
                let ended = if levels.len() > 1 { levels.pop() } else { None };
                if let (Some(ended), Some(level)) = (ended, levels.last_mut()) {
                    level.part = level.part.max(ended.depth());
                    // A call or an index can be applied to what it gives.
                    level.operators += usize::from(token.token == Token::RBracket);
                }
            }
            Token::SemiColon => levels = vec![Level::default()],
            other => {
                let Some(level) = levels.last_mut() else { continue };
                match other {
                    Token::Comma => level.comma(),
                    Token::Word(word) => match word.keyword {
                        Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => level.sets += 1,
                        Keyword::AND
                        | Keyword::OR
                        | Keyword::NOT
                        | Keyword::IS
                        | Keyword::LIKE
                        | Keyword::ILIKE
                        | Keyword::SIMILAR
                        | Keyword::BETWEEN
                        | Keyword::IN
                        | Keyword::COLLATE
                        | Keyword::AT
                        | Keyword::JOIN => level.operators += 1,
                        _ => {}
                    },
                    Token::Number(..)
                    | Token::SingleQuotedString(_)
                    | Token::HexStringLiteral(_)
                    | Token::Placeholder(_)
                    | Token::Period
                    | Token::EOF => {}
                    _ => level.operators += 1,
                }
            }
        }
        if levels.iter().map(Level::depth).max().unwrap_or_default() > CHAIN_MAX {
            return Err(SqlError::clause(
                token.span.start,
                &format!(
                    "at most {CHAIN_MAX} operators in a row: an IN list, or a join to VALUES, says more in fewer"
                ),
                format!("'{}'", token.token),
            ));
        }
        if levels.len() > CHAIN_MAX {
            return Err(SqlError::Syntax("it is nested too deeply".to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::words;

    fn check(text: &str) -> Result<(), SqlError> {
        super::check(&words(text).unwrap())
    }

    #[test]
    fn long_chains_are_refused_and_long_lists_are_not() {
        let plus = |count| " + 1".repeat(count);
        check(&format!("SELECT 1{}", plus(CHAIN_MAX))).unwrap();
        check(&format!("SELECT 1{}", plus(CHAIN_MAX + 1))).unwrap_err();
        check(&format!("SELECT (1{}){}", plus(300), plus(300))).unwrap_err();
        check(&format!("SELECT 1{}, (1{})", plus(300), plus(300))).unwrap();
        check(&format!("SELECT 1, 2{}", " UNION SELECT 1, 2".repeat(CHAIN_MAX + 1))).unwrap_err();
        check(&format!("SELECT {}1", "NOT ".repeat(CHAIN_MAX + 1))).unwrap_err();
        check(&format!("SELECT 1{}", "::text".repeat(CHAIN_MAX + 1))).unwrap_err();
        check(&format!("SELECT {}", "(".repeat(CHAIN_MAX + 1))).unwrap_err();
        check(&format!("VALUES (-1){}", ", (-1)".repeat(10_000))).unwrap();
        check(&format!("SELECT 1 WHERE (a = 1 AND b = 2){}", " OR (a = 1 AND b = 2)".repeat(300))).unwrap();
        check(&format!("SELECT 1{}", "; SELECT 1 + 1".repeat(CHAIN_MAX + 1))).unwrap();
        check("SELECT 1)))").unwrap();
    }
}
