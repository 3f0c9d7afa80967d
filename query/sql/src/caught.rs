//! A panic while a statement is worked on becomes that statement's error, and harms no other.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::error::SqlError;

/// Awaits work that may panic. It must not be gone on with after an error.
pub(crate) async fn caught<T>(work: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
    let ended = AssertUnwindSafe(work).catch_unwind().await;
    ended.unwrap_or_else(|panic| Err(SqlError::Internal(said(panic.as_ref()))))
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a panic: {}", text.unwrap_or_default().chars().take(200).collect::<String>())
}
