//! Statements of SQL, as all doors ask them.
//!
//! Invariants: at most `sql_statements_max` are worked on at once, and whoever waits for a turn keeps to the time that
//! questions have; an answer keeps its turn until it is dropped; temporary files of an earlier run are gone before the first
//! statement is asked.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use calotype_query::{AsOfRequest, Claim, End, Policy};
use calotype_sql::{Limits as SqlLimits, SqlAnswer, SqlEngine, SqlError, SqlRequest, StatementClaim, Value};
use calotype_storage::database::Database;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use crate::answer::Answering;
use crate::limits::Limits;
use crate::telemetry::metrics::{Counted, Metrics};
use crate::views::Views;

/// Digits of the longest decimal.
const DECIMAL_DIGITS_MAX: u8 = 38;
/// The folder of temporary files in the state folder.
const SPILL_FOLDER: &str = "spill";

/// Answers statements.
#[derive(Debug)]
pub struct Statements {
    engine: SqlEngine,
    views: BTreeMap<String, String>,
    turns: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

/// The right to work on a statement; given back when dropped.
#[derive(Debug)]
struct Turn {
    _turn: OwnedSemaphorePermit,
    _counted: Counted,
}

/// The answer to a statement, with its turn.
#[derive(Debug)]
pub struct StatementAnswer {
    // Before the turn, so that memory and temporary files are given back by the time another begins.
    answer: SqlAnswer,
    _turn: Turn,
}

/// Rows of a state, with the claim of the state.
#[derive(Debug)]
pub struct FilteredAnswer {
    claim: Claim,
    answer: StatementAnswer,
}

impl Statements {
    /// Answers statements about a store.
    pub fn new(
        database: &Database,
        policy: Arc<dyn Policy>,
        limits: &Limits,
        metrics: Arc<Metrics>,
        views: &Views,
    ) -> Self {
        let limits_each = SqlLimits {
            memory_bytes_max: limits.sql_memory_bytes_max,
            spill_bytes_max: limits.sql_spill_bytes_max,
            spill_folder: spill_folder(database.state()),
        };
        let turns = match limits.sql_statements_max {
            0 => available_parallelism().map_or(1, usize::from),
            turns => turns,
        };
        Self {
            engine: SqlEngine::new(Arc::new(database.clone()), policy, limits_each),
            views: views.texts().clone(),
            turns: Arc::new(Semaphore::new(turns)),
            metrics,
        }
    }

    /// Answers a statement, when it has a turn.
    ///
    /// # Errors
    /// [`SqlError`] says what is not answered.
    pub async fn query(&self, mut request: SqlRequest) -> Result<StatementAnswer, SqlError> {
        let turn = self.turn().await?;
        self.add_views(&mut request);
        Ok(StatementAnswer { answer: self.engine.query(&request).await?, _turn: turn })
    }

    /// Answers the rows of a state for which a predicate holds, with the claim of the state.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn filter(&self, request: &AsOfRequest, predicate: &str) -> Result<FilteredAnswer, SqlError> {
        let turn = self.turn().await?;
        let answer = self.engine.filter(request, predicate).await?;
        let claim = answer.claim().reads.first().cloned();
        let claim = claim.ok_or_else(|| SqlError::Internal("a state was read without its claim".into()))?;
        Ok(FilteredAnswer { claim, answer: StatementAnswer { answer, _turn: turn } })
    }

    /// Names the instants in a request's settings that hold where its statement names none.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn fix(&self, request: &mut SqlRequest) -> Result<(), SqlError> {
        let mut whole = request.clone();
        self.add_views(&mut whole);
        self.engine.fix(&mut whole).await?;
        request.settings = whole.settings;
        Ok(())
    }

    /// How a statement would be answered, for people.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn explain(&self, mut request: SqlRequest) -> Result<String, SqlError> {
        let _turn = self.turn().await?;
        self.add_views(&mut request);
        self.engine.explain(&request).await
    }

    async fn turn(&self) -> Result<Turn, SqlError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| SqlError::Internal("the turns of statements were closed".into()))?;
        Ok(Turn { _turn: turn, _counted: self.metrics.statement_began() })
    }

    /// Those of the server, where the request brings none of the same name.
    fn add_views(&self, request: &mut SqlRequest) {
        for (name, text) in &self.views {
            request.views.entry(name.clone()).or_insert_with(|| text.clone());
        }
    }
}

impl Answering for StatementAnswer {
    type Claim = StatementClaim;
    type Error = SqlError;

    fn schema(&self) -> &SchemaRef {
        self.answer.schema()
    }

    fn claim(&self) -> &StatementClaim {
        self.answer.claim()
    }

    fn next(&mut self) -> impl Future<Output = Result<Option<RecordBatch>, SqlError>> + Send {
        self.answer.next()
    }

    fn end(&self) -> Option<End> {
        self.answer.end()
    }
}

impl Answering for FilteredAnswer {
    type Claim = Claim;
    type Error = SqlError;

    fn schema(&self) -> &SchemaRef {
        self.answer.schema()
    }

    fn claim(&self) -> &Claim {
        &self.claim
    }

    fn next(&mut self) -> impl Future<Output = Result<Option<RecordBatch>, SqlError>> + Send {
        self.answer.next()
    }

    fn end(&self) -> Option<End> {
        self.answer.end()
    }
}

/// A decimal such as `12.30` as a parameter; `None` if it is none, or has more than 38 digits.
pub fn decimal(text: &str) -> Option<Value> {
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let scale = u8::try_from(scale).ok().filter(|scale| *scale <= DECIMAL_DIGITS_MAX)?;
    let digits = calotype_storage::decimal::parse(text, scale).filter(|_| !text.ends_with('.'))?;
    let fits = digits.unsigned_abs() < 10_u128.pow(DECIMAL_DIGITS_MAX.into());
    fits.then_some(Value::Decimal(digits, scale))
}

/// An empty folder for temporary files: in the state folder, or where the operating system keeps them if there is none.
fn spill_folder(state: &Path) -> PathBuf {
    let elsewhere = std::env::temp_dir();
    if !state.is_dir() {
        return elsewhere;
    }
    let folder = state.join(SPILL_FOLDER);
    let emptied = match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => std::fs::create_dir(&folder),
    };
    match emptied {
        Ok(()) => folder,
        Err(error) => {
            warn!(folder = %folder.display(), %error, "statements write their temporary files elsewhere");
            elsewhere
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_scale() {
        assert_eq!(decimal("-12.30"), Some(Value::Decimal(-1230, 2)));
        assert_eq!(decimal("7"), Some(Value::Decimal(7, 0)));
        assert_eq!(decimal(&"9".repeat(38)), Some(Value::Decimal(10_i128.pow(38) - 1, 0)));
        for wrong in ["", "7.", ".5", "1e3", "nan", &"9".repeat(39), &format!("0.{}", "1".repeat(39))] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_an_earlier_run_left_is_removed() {
        let state = tempfile::tempdir().unwrap();
        let left = state.path().join(SPILL_FOLDER).join("datafusion-x");
        std::fs::create_dir_all(&left).unwrap();
        std::fs::write(left.join("file"), "rows").unwrap();
        let folder = spill_folder(state.path());
        assert!(folder.starts_with(state.path()));
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
        assert_eq!(spill_folder(&state.path().join("none")), std::env::temp_dir());
    }
}
