//! What makes the repetition of a deed the same deed.

use crate::client::fresh_id;
use crate::error::ClientError;
use crate::retry::Repeat;

/// What makes the repetition of a deed the same deed, so that it is safe to retry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RequestId {
    /// The client makes a fresh one and may retry.
    #[default]
    Fresh,
    /// This one: 1 to 128 printable ASCII characters. Repeating it, even from another process, is the same deed.
    Is(String),
    /// None: nothing is retried, and doing it twice does it twice.
    None,
}

impl RequestId {
    /// The id as it is sent, and whether the deed may be repeated.
    pub(crate) fn resolve(&self) -> Result<(String, Repeat), ClientError> {
        match self {
            Self::Fresh => Ok((fresh_id()?, Repeat::Safe)),
            Self::Is(id) if id.is_empty() => {
                Err(ClientError::Request("the request id is empty: leave it out instead".to_owned()))
            }
            Self::Is(id) => Ok((id.clone(), Repeat::Safe)),
            Self::None => Ok((String::new(), Repeat::Unsafe)),
        }
    }
}

impl From<String> for RequestId {
    fn from(id: String) -> Self {
        Self::Is(id)
    }
}

impl From<&str> for RequestId {
    fn from(id: &str) -> Self {
        Self::Is(id.to_owned())
    }
}
