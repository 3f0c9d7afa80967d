//! How much the parser would read of a text, told from its tokens before it is parsed.
//!
//! Where a word has a syntax of its own, the parser reads what stands in parentheses behind it in that syntax, and where that
//! is in vain once more as the call of a function: twenty of them in each other are read a million times.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;

/// Tokens that are read, with those among them that are read again.
const READS_MAX: usize = 1_000_000;

/// How often the parser may double its reading of what stands in parentheses behind a word.
fn doubles(behind: Option<Keyword>) -> u32 {
    match behind {
        Some(Keyword::POSITION) => 2,
        Some(
            Keyword::CAST
            | Keyword::CEIL
            | Keyword::CONVERT
            | Keyword::EXTRACT
            | Keyword::FLOOR
            | Keyword::INTERVAL
            | Keyword::NOT
            | Keyword::OVERLAY
            | Keyword::SAFE_CAST
            | Keyword::SUBSTR
            | Keyword::SUBSTRING
            | Keyword::TRIM
            | Keyword::TRY_CAST
            | Keyword::TRY_CONVERT,
        ) => 1,
        _ => 0,
    }
}

/// Checks tokens without white space.
///
/// # Errors
/// So much would be read that the text is refused, or a word is repeated of which the parser counts no depth.
pub(crate) fn check(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    // How often what stands here is doubled, for each open parenthesis.
    let mut open = vec![0_u32];
    let (mut before, mut reads) = (None, 0_usize);
    for token in tokens {
        let keyword = if let Token::Word(word) = &token.token { Some(word.keyword) } else { None };
        let behind = std::mem::replace(&mut before, keyword);
        if behind == Some(Keyword::INTERVAL) && keyword == behind {
            return Err(SqlError::clause(token.span.start, "an interval's value", "INTERVAL"));
        }
        let doubled = open.last().copied().unwrap_or_default();
        reads = reads.saturating_add(1_usize.checked_shl(doubled).unwrap_or(usize::MAX));
        if reads > READS_MAX {
            return Err(SqlError::Syntax(
                "it is nested too deeply: calls such as CAST, NOT (..) or POSITION stand in each other too often".to_owned(),
            ));
        }
        if token.token == Token::LParen {
            open.push(doubled + doubles(behind));
        } else if token.token == Token::RParen && open.len() > 1 {
            open.pop();
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
    fn what_the_parser_reads_again_is_bounded() {
        let nested =
            |word: &str, count| format!("SELECT {}1{}", format!("{word}(").repeat(count), ")".repeat(count));
        check(&nested("cast", 12)).unwrap();
        check(&nested("cast", 30)).unwrap_err();
        check(&nested("position", 6)).unwrap();
        check(&nested("position", 15)).unwrap_err();
        check(&nested("abs", 300)).unwrap();
        check(&format!("SELECT 1{}", ", position('a' IN b)".repeat(1_000))).unwrap();
        check("SELECT INTERVAL '1 day' + INTERVAL '1 hour'").unwrap();
        check("SELECT INTERVAL INTERVAL '1 day'").unwrap_err();
    }
}
