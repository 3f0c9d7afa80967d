//! Why a question was not answered.

use calotype_storage::error::{Code, Error};
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::variables::{Variables, variable};

/// Why a question was not answered. A question that is not understood is never answered otherwise.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The store could not be read, or refused.
    #[error(transparent)]
    Storage(#[from] Error),
    /// A column that the context does not have in the schema version that answers.
    #[error("context '{context}' has no column '{column}' in schema version {version}")]
    NoColumn {
        /// The context.
        context: ContextName,
        /// As asked for.
        column: String,
        /// The version that answers.
        version: u32,
    },
    /// A key of another shape than the context's.
    #[error("a key of context '{context}' is {expected}; found {found}")]
    Key {
        /// The context.
        context: ContextName,
        /// The key's columns and types.
        expected: String,
        /// What was asked for.
        found: String,
    },
    /// A range that is empty or inverted.
    #[error("the range from {from} to {to} is empty")]
    EmptyRange {
        /// Where it begins.
        from: String,
        /// Where it ends.
        to: String,
    },
    /// The policy does not let the principal see it.
    #[error("'{principal}' may not read context '{context}'")]
    Denied {
        /// Who asked.
        principal: Principal,
        /// About what.
        context: ContextName,
    },
    /// Offsets are asked about in a context that takes no facts.
    #[error("context '{0}' keeps statements; an offset vector selects among facts")]
    NoOffsets(ContextName),
    /// This node has not seen the commit that the question must see.
    #[error("this node has seen commit {found}, not yet commit {wanted}; ask again")]
    Behind {
        /// As asked for.
        wanted: u64,
        /// The newest seen.
        found: String,
    },
}

impl QueryError {
    /// What the caller can do.
    pub fn code(&self) -> Code {
        match self {
            Self::Storage(error) => error.code(),
            Self::NoColumn { .. } | Self::Key { .. } | Self::EmptyRange { .. } => Code::InvalidArgument,
            Self::Denied { .. } | Self::NoOffsets(_) => Code::FailedPrecondition,
            Self::Behind { .. } => Code::Unavailable,
        }
    }

    /// One word for what went wrong, in capitals, at most 63 bytes; it never changes its meaning.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Storage(error) => error.reason(),
            Self::NoColumn { .. } => "NO_COLUMN",
            Self::Key { .. } => "KEY_SHAPE",
            Self::EmptyRange { .. } => "EMPTY_RANGE",
            Self::Denied { .. } => "DENIED",
            Self::NoOffsets(_) => "NO_OFFSETS",
            Self::Behind { .. } => "NODE_BEHIND",
        }
    }

    /// The variables of the message, each with its name.
    pub fn variables(&self) -> Variables {
        match self {
            Self::Storage(error) => error.variables(),
            Self::NoColumn { context, column, version } => vec![
                variable("context", context),
                variable("column", column),
                variable("schema_version", version),
            ],
            Self::Key { context, expected, found } => {
                vec![variable("context", context), variable("expected", expected), variable("found", found)]
            }
            Self::EmptyRange { from, to } => vec![variable("from", from), variable("to", to)],
            Self::Denied { principal, context } => {
                vec![variable("principal", principal), variable("context", context)]
            }
            Self::NoOffsets(context) => vec![variable("context", context)],
            Self::Behind { wanted, found } => vec![variable("wanted", wanted), variable("found", found)],
        }
    }
}

impl From<calotype_storage::refusal::Refusal> for QueryError {
    fn from(refusal: calotype_storage::refusal::Refusal) -> Self {
        Self::Storage(refusal.into())
    }
}
