//! Who may read what. Every question asks; until governance is built the local
//! user may read everything.

use calotype_storage::name::{ContextName, Principal};

use crate::error::QueryError;

/// Decides who may read what.
pub trait Policy: std::fmt::Debug + Send + Sync {
    /// Lets a principal read a context.
    ///
    /// # Errors
    /// [`QueryError::Denied`] if not.
    fn may_read(&self, principal: &Principal, context: &ContextName) -> Result<(), QueryError>;
}

/// Lets everybody who reaches the store read all of it: the store's own permissions guard it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalPolicy;

impl Policy for LocalPolicy {
    fn may_read(&self, _: &Principal, _: &ContextName) -> Result<(), QueryError> {
        Ok(())
    }
}
