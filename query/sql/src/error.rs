//! Why a statement was not answered.

use calotype_query::QueryError;
use calotype_storage::error::{Code, Error};
use calotype_storage::variables::{Variables, variable};
use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::Location;

/// Characters of the longest message that is passed on.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// Why a statement was not answered. What is not understood is never answered otherwise.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// A context could not be read, or refused.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// There is no context of that name, but one whose name is close to it.
    #[error("{error}; did you mean '{meant}'?")]
    Meant {
        /// What is not there.
        error: QueryError,
        /// What was perhaps meant.
        meant: String,
    },
    /// Not SQL as it is read here.
    #[error("the statement cannot be read: {0}")]
    Syntax(String),
    /// Part of the statement is not what stands there.
    #[error("line {line}, column {column}: expected {expected}; found {found}")]
    Clause {
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// What may stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// SQL that is not answered here.
    #[error("{0}")]
    Refused(String),
    /// Names or types that do not fit.
    #[error("{0}")]
    Plan(String),
    /// A value for which the statement has no result: a division by zero, a cast that fails, an overflow.
    #[error("the statement has no result: {0}")]
    Value(String),
    /// One of the limits of a statement.
    #[error("the statement needs more than {limit} ({setting}): {what}")]
    Limit {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        limit: String,
        /// What went past it.
        what: String,
    },
    /// A defect of this program. Report it.
    #[error("the statement could not be worked on, which is a defect of the server: {0}")]
    Internal(String),
}

impl SqlError {
    pub(crate) fn syntax(error: &ParserError) -> Self {
        let text = match error {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
            ParserError::RecursionLimitExceeded => "it is nested too deeply".to_owned(),
        };
        Self::Syntax(bounded(&text))
    }

    pub(crate) fn clause(at: Location, expected: &str, found: impl AsRef<str>) -> Self {
        let found = bounded(found.as_ref());
        Self::Clause { line: at.line, column: at.column, expected: expected.to_owned(), found }
    }

    pub(crate) fn refused(what: impl Into<String>) -> Self {
        Self::Refused(bounded(&what.into()))
    }

    /// What the caller can do.
    pub fn code(&self) -> Code {
        match self {
            Self::Query(error) | Self::Meant { error, .. } => error.code(),
            Self::Syntax(_) | Self::Clause { .. } | Self::Refused(_) | Self::Plan(_) | Self::Value(_) => {
                Code::InvalidArgument
            }
            Self::Limit { .. } => Code::ResourceExhausted,
            Self::Internal(_) => Code::Unavailable,
        }
    }

    /// One word for what went wrong, in capitals, at most 63 bytes; it never changes its meaning.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Query(error) | Self::Meant { error, .. } => error.reason(),
            Self::Syntax(_) => "SQL_SYNTAX",
            Self::Clause { .. } => "SQL_CLAUSE",
            Self::Refused(_) => "SQL_REFUSED",
            Self::Plan(_) => "SQL_PLAN",
            Self::Value(_) => "SQL_VALUE",
            Self::Limit { .. } => "SQL_LIMIT",
            Self::Internal(_) => "SQL_INTERNAL",
        }
    }

    /// The variables of the message, each with its name.
    pub fn variables(&self) -> Variables {
        match self {
            Self::Query(error) => error.variables(),
            Self::Meant { error, meant } => {
                let mut variables = error.variables();
                variables.push(variable("meant", meant));
                variables
            }
            Self::Clause { line, column, expected, found } => vec![
                variable("line", line),
                variable("column", column),
                variable("expected", expected),
                variable("found", found),
            ],
            Self::Limit { setting, limit, .. } => {
                vec![variable("setting", setting), variable("limit", limit)]
            }
            Self::Syntax(_) | Self::Refused(_) | Self::Plan(_) | Self::Value(_) | Self::Internal(_) => {
                Vec::new()
            }
        }
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

impl From<Error> for SqlError {
    fn from(error: Error) -> Self {
        Self::Query(error.into())
    }
}

impl From<SqlError> for DataFusionError {
    fn from(error: SqlError) -> Self {
        Self::External(Box::new(error))
    }
}

/// Makes an error of a table or column that planning passes through.
pub(crate) fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(SqlError::Query(error)))
}

impl From<DataFusionError> for SqlError {
    fn from(error: DataFusionError) -> Self {
        let ours = |error: &(dyn std::error::Error + 'static)| {
            error
                .downcast_ref::<Self>()
                .cloned()
                .or_else(|| error.downcast_ref::<QueryError>().cloned().map(Self::Query))
        };
        let root = error.find_root();
        let text = || bounded(&root.strip_backtrace());
        #[expect(clippy::wildcard_enum_match_arm, reason = "the variants of others grow")]
        match root {
            DataFusionError::External(inner) => {
                ours(inner.as_ref()).unwrap_or_else(|| Self::Internal(bounded(&inner.to_string())))
            }
            DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
                ArrowError::ExternalError(inner) => {
                    ours(inner.as_ref()).unwrap_or_else(|| Self::Internal(bounded(&inner.to_string())))
                }
                ArrowError::MemoryError(what) => Self::room(what),
                ArrowError::IoError(what, _) if is_spill(what) => Self::room(what),
                ArrowError::IoError(what, _) => Self::Internal(bounded(what)),
                other => Self::Value(bounded(&other.to_string())),
            },
            DataFusionError::SQL(inner, _) => Self::syntax(inner),
            DataFusionError::IoError(error) if is_spill(&error.to_string()) => Self::room(&error.to_string()),
            DataFusionError::ResourcesExhausted(what) => Self::room(what),
            DataFusionError::Internal(what) if what.contains("'regex_match_dyn") => {
                Self::Value(bounded(&format!("a regular expression cannot be read, or is too large: {what}")))
            }
            DataFusionError::NotImplemented(what) => {
                Self::Refused(bounded(&format!("not answered here: {what}")))
            }
            DataFusionError::Plan(what) => Self::Plan(bounded(what)),
            DataFusionError::SchemaError(..) | DataFusionError::Configuration(_) => Self::Plan(text()),
            DataFusionError::Execution(what) => Self::Value(bounded(what)),
            _ => Self::Internal(text()),
        }
    }
}

impl SqlError {
    fn room(what: &str) -> Self {
        let (setting, limit) = if is_spill(what) {
            ("sql_spill_bytes_max", "its temporary files")
        } else {
            ("sql_memory_bytes_max", "its memory")
        };
        Self::Limit {
            setting,
            limit: limit.to_owned(),
            what: bounded(what.lines().next().unwrap_or_default()),
        }
    }
}

/// Whether what ran out is room for temporary files, as the one who counts them says it.
fn is_spill(what: &str) -> bool {
    what.contains("max_temp_directory_size")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn room_that_runs_out_is_named() {
        let setting = |error: DataFusionError| {
            let error = SqlError::from(error);
            let SqlError::Limit { setting, .. } = error else { panic!("a limit: {error}") };
            setting
        };
        let spill = "The used disk space has exceeded the limit: try increasing `datafusion.runtime.max_temp_directory_size`";
        let memory = DataFusionError::ResourcesExhausted("Failed to allocate".into());
        assert_eq!(setting(memory), "sql_memory_bytes_max");
        assert_eq!(setting(DataFusionError::ResourcesExhausted(spill.into())), "sql_spill_bytes_max");
        let written = ArrowError::IoError(spill.into(), io::Error::other(spill));
        assert_eq!(setting(DataFusionError::ArrowError(Box::new(written), None)), "sql_spill_bytes_max");
        let other = ArrowError::IoError("no such file".into(), io::Error::other("no such file"));
        let other = DataFusionError::ArrowError(Box::new(other), None);
        assert!(matches!(SqlError::from(other), SqlError::Internal(_)));
    }
}
