//! The client's types as messages of `calotype.v1`, and back. What the interface promises is checked on the way in.

mod claim;
mod context;
mod log;
mod operation;
mod put;
mod question;
mod snapshot;
mod time;
mod value;

pub(crate) use self::value::row_of;
use crate::error::Broken;

/// A field that the interface promises.
pub(crate) trait Present<T> {
    /// The field.
    fn present(self, field: &str) -> Result<T, Broken>;
}

impl<T> Present<T> for Option<T> {
    fn present(self, field: &str) -> Result<T, Broken> {
        self.ok_or_else(|| Broken::missing(field))
    }
}

/// Each of many.
pub(crate) fn each<M, T>(messages: Vec<M>) -> Result<Vec<T>, Broken>
where
    T: TryFrom<M>,
    Broken: From<T::Error>,
{
    messages.into_iter().map(|message| Ok(T::try_from(message)?)).collect()
}

/// One that may be left out.
fn maybe<M, T>(message: Option<M>) -> Result<Option<T>, Broken>
where
    T: TryFrom<M>,
    Broken: From<T::Error>,
{
    Ok(message.map(T::try_from).transpose()?)
}

impl From<std::convert::Infallible> for Broken {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// Text that is left out where it is empty.
fn text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
