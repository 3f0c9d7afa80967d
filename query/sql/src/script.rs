//! The text of a request: `SET` and `CREATE TEMPORARY VIEW` statements, then one query.
//!
//! Nothing outlives the request: what is set holds for the query behind it, whoever shares the connection.

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::clauses::{Clauses, is_word};
use crate::depth;
use crate::dialect::TemporalDialect;
use crate::error::SqlError;
use crate::expansion;
use crate::gate;
use crate::parameters::Parameters;
use crate::rereads;
use crate::rows;
use crate::show;
use crate::system_columns;

/// Bytes of the longest text.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;
/// Tokens of the longest text, white space apart.
pub(crate) const TOKENS_MAX: usize = 100_000;
/// How deeply expressions and queries may be nested.
pub(crate) const DEPTH_MAX: usize = 60;
/// Views of one text.
const VIEWS_MAX: usize = 100;

/// A query with the clauses that were taken out of it.
#[derive(Debug)]
pub(crate) struct Query {
    /// As the planner takes it.
    pub statement: Statement,
    /// By the places of tables' names.
    pub clauses: Clauses,
    /// Whether the text names a system column, which are left out of `*` at a point.
    pub names_system_columns: bool,
}

/// A text as it was read.
#[derive(Debug)]
pub(crate) struct Script {
    /// Settings in their order, names in lower case.
    pub settings: Vec<(String, String)>,
    /// Texts of views, by name.
    pub views: BTreeMap<String, String>,
    /// What is asked.
    pub query: Query,
    /// Whether the plan is asked for instead of rows.
    pub explain: bool,
}

impl Script {
    /// Reads a text.
    ///
    /// # Errors
    /// [`SqlError`] says where the text is not what is read here.
    pub(crate) fn read(text: &str, parameters: &Parameters) -> Result<Self, SqlError> {
        let mut parts: Vec<Vec<TokenWithSpan>> = tokens(text)?
            .split(|token| token.token == Token::SemiColon)
            .filter(|part| !part.is_empty())
            .map(<[_]>::to_vec)
            .collect();
        let Some(mut last) = parts.pop() else {
            return Err(SqlError::refused(
                "the text holds no statement: expected a query such as SELECT * FROM context",
            ));
        };
        let (mut settings, mut views) = (Vec::new(), BTreeMap::new());
        for part in parts {
            if is_word(&part[0].token, "SET") {
                settings.push(setting(&part)?);
            } else {
                if views.len() == VIEWS_MAX {
                    return Err(SqlError::refused(format!("the text creates more than {VIEWS_MAX} views")));
                }
                let (name, query) = view(text, &part)?;
                if views.insert(name.clone(), query).is_some() {
                    return Err(SqlError::refused(format!("view '{name}' is created twice in one text")));
                }
            }
        }
        let explain = is_word(&last[0].token, "EXPLAIN");
        if explain {
            last.remove(0);
        }
        Ok(Self { settings, views, query: Query::of(&last, parameters)?, explain })
    }
}

impl Query {
    /// Reads one query, as the text of a view is one.
    ///
    /// # Errors
    /// As [`Script::read`].
    pub(crate) fn read(text: &str) -> Result<Self, SqlError> {
        let mut tokens = tokens(text)?;
        while tokens.last().is_some_and(|token| token.token == Token::SemiColon) {
            tokens.pop();
        }
        Self::of(&tokens, &Parameters::default())
    }

    fn of(tokens: &[TokenWithSpan], parameters: &Parameters) -> Result<Self, SqlError> {
        let (tokens, mut clauses) = Clauses::take_out(tokens)?;
        let names_system_columns = tokens.iter().any(|token| system_columns::is_one(&token.token));
        if let Some(natural) = tokens.iter().find(|token| is_word(&token.token, "NATURAL"))
            && names_system_columns
        {
            return Err(SqlError::clause(
                natural.span.start,
                "JOIN .. USING (..) in a statement that names a system column, since both sides have those",
                "NATURAL",
            ));
        }
        let mut parser =
            Parser::new(&TemporalDialect).with_tokens_with_locations(tokens).with_recursion_limit(DEPTH_MAX);
        let mut statement = parser.parse_statement().map_err(|error| SqlError::syntax(&error))?;
        let rest = parser.peek_token();
        if rest.token != Token::EOF {
            return Err(SqlError::clause(
                rest.span.start,
                "the end of the statement",
                format!("'{}'", rest.token),
            ));
        }
        statement = show::as_query(statement)?;
        rows::take_apart(&mut statement);
        gate::check(&statement)?;
        expansion::check(&statement)?;
        parameters.bind(&mut statement)?;
        clauses.bind(parameters)?;
        Ok(Self { statement, clauses, names_system_columns })
    }
}

/// The tokens of a text, without white space and comments.
pub(crate) fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(SqlError::refused(format!(
            "the text has {} bytes; at most {TEXT_BYTES_MAX} are read",
            text.len()
        )));
    }
    let tokens = words(text)?;
    if tokens.len() > TOKENS_MAX {
        return Err(SqlError::refused(format!(
            "the text has {} words and signs; at most {TOKENS_MAX} are read: join to a context or to VALUES instead of \
             writing long lists",
            tokens.len()
        )));
    }
    depth::check(&tokens)?;
    rereads::check(&tokens)?;
    Ok(tokens)
}

/// The words and signs of a text, whatever they are worth.
pub(crate) fn words(text: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    let mut tokens = Tokenizer::new(&TemporalDialect, text)
        .tokenize_with_location()
        .map_err(|error| SqlError::Syntax(error.to_string()))?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    Ok(tokens)
}

/// Reads `SET name = 'value'`, `SET name TO 'value'` or `… = DEFAULT`.
fn setting(part: &[TokenWithSpan]) -> Result<(String, String), SqlError> {
    let words: Vec<&Token> = part.iter().map(|token| &token.token).collect();
    let wrong = |found: &Token| {
        SqlError::clause(part[0].span.start, "SET calotype.name = 'value'", format!("'{found}'"))
    };
    let [_, Token::Word(space), Token::Period, Token::Word(name), sign, value] = words.as_slice() else {
        return Err(wrong(words.get(1).copied().unwrap_or(&Token::EOF)));
    };
    if !(**sign == Token::Eq || is_word(sign, "TO")) {
        return Err(wrong(sign));
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other tokens are refused")]
    let value = match value {
        Token::SingleQuotedString(value) => value.clone(),
        value if is_word(value, "DEFAULT") => String::new(),
        other => return Err(wrong(other)),
    };
    Ok((format!("{}.{}", space.value, name.value).to_ascii_lowercase(), value))
}

/// Reads `CREATE TEMPORARY VIEW name AS query`, and keeps the query's text.
fn view(text: &str, part: &[TokenWithSpan]) -> Result<(String, String), SqlError> {
    let is = |place: usize, word: &str| part.get(place).is_some_and(|token| is_word(&token.token, word));
    let begins = is(0, "CREATE") && (is(1, "TEMPORARY") || is(1, "TEMP")) && is(2, "VIEW") && is(4, "AS");
    let (true, Some(Token::Word(name)), Some(first), Some(last)) =
        (begins, part.get(3).map(|token| &token.token), part.get(5), part.last())
    else {
        return Err(SqlError::refused(format!(
            "statements only read: before the last one, SET and CREATE TEMPORARY VIEW name AS .. may stand; found '{} ..'",
            part[0].token
        )));
    };
    let name = if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() };
    let (from, to) = (offset(text, first), offset_after(text, last));
    Ok((name, text[from..to].to_owned()))
}

/// Where a token begins in the text, in bytes.
fn offset(text: &str, token: &TokenWithSpan) -> usize {
    offset_of(text, token.span.start.line, token.span.start.column)
}

fn offset_after(text: &str, token: &TokenWithSpan) -> usize {
    offset_of(text, token.span.end.line, token.span.end.column)
}

fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let line = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let column = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    let begin = if line == 0 {
        0
    } else {
        text.match_indices('\n').nth(line - 1).map_or(text.len(), |(at, _)| at + 1)
    };
    text[begin..].char_indices().nth(column).map_or(text.len(), |(at, _)| begin + at)
}
