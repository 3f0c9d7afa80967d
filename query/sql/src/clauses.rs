//! Temporal clauses: `FOR VALID_TIME …` and `FOR SYSTEM_TIME …` behind a table's name.
//!
//! The parser knows neither; DataFusion would pass over what it parses of the second and answer with present rows.
//! So the clauses are taken out of the tokens before parsing, and kept by the place of the table's name, where the
//! planner looks for them. The end of each expression is found by the parser itself.
//!
//! Invariant: a clause that no table has taken when planning ends is an error ([`Clauses::check_all_taken`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use datafusion::sql::sqlparser::ast::{Expr, ObjectName};
use datafusion::sql::sqlparser::dialect::{Dialect, Precedence};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use crate::dialect::TemporalDialect;
use crate::error::SqlError;
use crate::parameters::Parameters;

/// Tokens that are looked at first for an instant's expression.
const EXPRESSION_TOKENS: usize = 64;
/// Tokens behind an expression that the parser may look at to find its end.
const LOOKS_AHEAD: usize = 8;

/// Which instants of one axis are asked about, as expressions.
#[derive(Clone, Debug)]
pub(crate) enum Times {
    /// `AS OF e`.
    At(Expr),
    /// `FROM a TO b`: what overlaps `[a, b)`.
    FromTo(Expr, Expr),
    /// `BETWEEN a AND b`: what overlaps `[a, b]`.
    Between(Expr, Expr),
    /// `ALL`.
    All,
}

/// What stands behind one table's name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clause {
    /// Over valid time.
    pub valid: Option<Times>,
    /// Over system time.
    pub system: Option<Times>,
}

impl Clause {
    /// Whether more than one instant of an axis is asked about.
    pub(crate) fn is_range(&self) -> bool {
        [&self.valid, &self.system].into_iter().flatten().any(|times| !matches!(times, Times::At(_)))
    }
}

/// The clauses of one text, by where the name before them begins.
#[derive(Debug, Default)]
pub(crate) struct Clauses {
    by_place: BTreeMap<(u64, u64), Clause>,
    taken: Mutex<BTreeSet<(u64, u64)>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    Valid,
    System,
}

impl Axis {
    fn of(token: &Token) -> Option<Self> {
        if is_word(token, "VALID_TIME") {
            Some(Self::Valid)
        } else if is_word(token, "SYSTEM_TIME") {
            Some(Self::System)
        } else {
            None
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Valid => "VALID_TIME",
            Self::System => "SYSTEM_TIME",
        }
    }
}

/// An unquoted word, whatever its case.
pub(crate) fn is_word(token: &Token, expected: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}

fn place(location: Location) -> (u64, u64) {
    (location.line, location.column)
}

impl Clauses {
    /// Takes the clauses out of the tokens of a statement (without white space) and returns the rest.
    ///
    /// # Errors
    /// A clause that is not well formed, that stands behind something else than a table's name, or twice.
    pub(crate) fn take_out(tokens: &[TokenWithSpan]) -> Result<(Vec<TokenWithSpan>, Self), SqlError> {
        let mut rest: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
        let mut clauses = Self::default();
        let mut reader = Reader { tokens, next: 0 };
        // Where the name begins that clauses may follow, while they do.
        let mut subject: Option<(u64, u64)> = None;
        while let Some(token) = reader.peek(0) {
            let Some(axis) = reader.begins_clause() else {
                subject = None;
                rest.push(token.clone());
                reader.next += 1;
                continue;
            };
            let at = token.span.start;
            let name = match (subject, rest.last()) {
                (Some(name), _) => name,
                (None, Some(TokenWithSpan { token: Token::Word(_), span })) => place(span.start),
                (None, _) => {
                    let found = "it follows something else".to_owned();
                    return Err(SqlError::clause(
                        at,
                        "a temporal clause stands right behind a table's name",
                        found,
                    ));
                }
            };
            subject = Some(name);
            let times = reader.read_clause()?;
            let clause = clauses.by_place.entry(name).or_default();
            let slot = match axis {
                Axis::Valid => &mut clause.valid,
                Axis::System => &mut clause.system,
            };
            if slot.replace(times).is_some() {
                let found = format!("a second FOR {}", axis.name());
                return Err(SqlError::clause(at, "a table has one clause for each axis", found));
            }
        }
        Ok((rest, clauses))
    }

    /// Puts values in the places of placeholders.
    ///
    /// # Errors
    /// Names a placeholder without a value.
    pub(crate) fn bind(&mut self, parameters: &Parameters) -> Result<(), SqlError> {
        for times in
            self.by_place.values_mut().flat_map(|clause| clause.valid.iter_mut().chain(&mut clause.system))
        {
            match times {
                Times::At(at) => parameters.bind(at)?,
                Times::FromTo(from, to) | Times::Between(from, to) => {
                    parameters.bind(from)?;
                    parameters.bind(to)?;
                }
                Times::All => {}
            }
        }
        Ok(())
    }

    /// The clause behind a table's name, without taking it.
    pub(crate) fn peek(&self, name: &ObjectName) -> Option<&Clause> {
        self.by_place.get(&place(name.0.last()?.as_ident()?.span.start))
    }

    /// The clause behind a table's name, which counts as taken from now on.
    pub(crate) fn take(&self, name: &ObjectName) -> Option<&Clause> {
        let identifier = name.0.last()?.as_ident()?;
        let at = place(identifier.span.start);
        let clause = self.by_place.get(&at)?;
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(at);
        Some(clause)
    }

    /// Compares the clauses that tables have taken with those that were written.
    ///
    /// # Errors
    /// Names the first that no table has taken: it would have been passed over.
    pub(crate) fn check_all_taken(&self) -> Result<(), SqlError> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match self.by_place.keys().find(|at| !taken.contains(at)) {
            None => Ok(()),
            Some((line, column)) => Err(SqlError::clause(
                Location { line: *line, column: *column },
                "a temporal clause stands behind the name of a context, before its alias",
                "it stands behind another name",
            )),
        }
    }
}

struct Reader<'a> {
    tokens: &'a [TokenWithSpan],
    next: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a TokenWithSpan> {
        self.tokens.get(self.next + ahead).filter(|token| token.token != Token::EOF)
    }

    fn is(&self, ahead: usize, word: &str) -> bool {
        self.peek(ahead).is_some_and(|token| is_word(&token.token, word))
    }

    /// Whether a clause begins here: `FOR axis` or `FOR ALL axis`.
    fn begins_clause(&self) -> Option<Axis> {
        if !self.is(0, "FOR") {
            return None;
        }
        let place = if self.is(1, "ALL") { 2 } else { 1 };
        Axis::of(&self.peek(place)?.token)
    }

    fn read_clause(&mut self) -> Result<Times, SqlError> {
        if self.is(1, "ALL") {
            self.next += 3;
            return Ok(Times::All);
        }
        self.next += 2;
        if self.is(0, "ALL") {
            self.next += 1;
            return Ok(Times::All);
        }
        if self.is(0, "AS") && self.is(1, "OF") {
            self.next += 2;
            return Ok(Times::At(self.expression(0)?));
        }
        if self.is(0, "FROM") {
            self.next += 1;
            let from = self.expression_before_to()?;
            self.expect("TO")?;
            return Ok(Times::FromTo(from, self.expression(0)?));
        }
        if self.is(0, "BETWEEN") {
            self.next += 1;
            // Above AND, which parts the two.
            let first = self.expression(TemporalDialect.prec_value(Precedence::Between))?;
            self.expect("AND")?;
            let last = self.expression(TemporalDialect.prec_value(Precedence::Between))?;
            return Ok(Times::Between(first, last));
        }
        Err(self.wrong("AS OF, FROM .. TO, BETWEEN .. AND or ALL"))
    }

    fn expression(&mut self, precedence: u8) -> Result<Expr, SqlError> {
        let rest = &self.tokens[self.next..];
        // Most are short: the parser gets a few tokens, and more if it comes near their end.
        let mut length = EXPRESSION_TOKENS;
        loop {
            let part = &rest[..length.min(rest.len())];
            let mut parser = Parser::new(&TemporalDialect).with_tokens_with_locations(part.to_vec());
            let read = parser.parse_subexpr(precedence);
            if part.len() == rest.len() || (read.is_ok() && parser.index() + LOOKS_AHEAD < part.len()) {
                let expression = read.map_err(|error| SqlError::syntax(&error))?;
                self.next += parser.index();
                return Ok(expression);
            }
            length = length.saturating_mul(8);
        }
    }

    /// The expression up to `TO`. The parser alone would take `TO` and what follows into an interval that stands before it.
    fn expression_before_to(&mut self) -> Result<Expr, SqlError> {
        let mut depth = 0_usize;
        let is_end = |token: &TokenWithSpan| {
            if matches!(token.token, Token::LParen | Token::LBracket) {
                depth += 1;
            } else if matches!(token.token, Token::RParen | Token::RBracket) {
                depth = depth.saturating_sub(1);
            }
            depth == 0 && is_word(&token.token, "TO")
        };
        if let Some(length) = self.tokens[self.next..].iter().position(is_end) {
            let end = self.next + length;
            let mut before = Reader { tokens: &self.tokens[..end], next: self.next };
            let expression = before.expression(0)?;
            if before.next == end {
                self.next = end;
                return Ok(expression);
            }
        }
        self.expression(0)
    }

    fn expect(&mut self, word: &str) -> Result<(), SqlError> {
        if !self.is(0, word) {
            return Err(self.wrong(word));
        }
        self.next += 1;
        Ok(())
    }

    fn wrong(&self, expected: &str) -> SqlError {
        let last = self.tokens.last().map_or(Location { line: 1, column: 1 }, |token| token.span.end);
        let (at, found) = match self.peek(0) {
            Some(token) => (token.span.start, format!("'{}'", token.token)),
            None => (last, "the end of the statement".to_owned()),
        };
        SqlError::clause(at, expected, found)
    }
}
