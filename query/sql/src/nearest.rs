//! The name that was perhaps meant.

use calotype_query::QueryError;
use calotype_storage::error::Error;
use calotype_storage::name::ContextName;
use calotype_storage::refusal::Refusal;

use crate::error::SqlError;
use crate::scope::Scope;

/// The known name that is closest to a name, if it is close: one letter in three may be another, missing, too many or
/// in its neighbour's place.
pub(crate) fn nearest<S: AsRef<str>>(name: &str, known: impl Iterator<Item = S>) -> Option<S> {
    let letters_max = (name.chars().count() / 3).max(1);
    known
        .map(|known| (strsim::damerau_levenshtein(name, known.as_ref()), known))
        .filter(|(distance, _)| *distance <= letters_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Adds the context or view that was perhaps meant to an error that says that there is no such context.
pub(crate) fn suggest(scope: &Scope, error: SqlError, name: &str) -> SqlError {
    let SqlError::Query(error) = error else { return error };
    if !matches!(&error, QueryError::Storage(Error::Refused(Refusal::NoContext(_)))) {
        return SqlError::Query(error);
    }
    let contexts = scope.shared.database().contexts().unwrap_or_default();
    let contexts = contexts.iter().filter(|context| scope.shared.may_read(context));
    let known = contexts.map(ContextName::as_str).chain(scope.views.keys().map(String::as_str));
    match nearest(name, known) {
        Some(meant) => SqlError::Meant { error, meant: meant.to_owned() },
        None => SqlError::Query(error),
    }
}
