//! A context at a point that is fixed before anything is read: for what reads several contexts at one time.

use std::sync::Arc;

use calotype_storage::context::Context;
use calotype_storage::database::Database;
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::schema::Schema;
use calotype_storage::{SystemTime, ValidTime};

use crate::as_of::schema_for;
use crate::claim::Claim;
use crate::error::QueryError;
use crate::policy::Policy;
use crate::times::{Point, ResolvedPoint, settled_time};

/// The clock and the head, read once for a whole question.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The clock.
    pub now: SystemTime,
    /// The newest time of the log; `None` in an empty store.
    pub newest: Option<SystemTime>,
}

impl Moment {
    /// Reads clock and head. Contexts are to be read after it: whatever the head covers is in them then.
    pub fn of(database: &Database) -> Self {
        let now = database.now();
        Self { now, newest: database.head().map(|head| head.newest_time) }
    }

    /// The valid time that is meant where none is named.
    pub fn valid_now(&self) -> ValidTime {
        self.now.as_valid()
    }

    /// The system time up to which nothing can be added to a context; `None` before its first commit.
    pub fn settled(&self, context: &Context) -> Option<SystemTime> {
        settled_time(context, self.newest)
    }
}

/// A context at a point.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The context.
    pub context: Arc<Context>,
    /// The point.
    pub point: ResolvedPoint,
    /// The schema in force; `None` if the context has none yet.
    pub schema: Option<Arc<Schema>>,
    /// What an answer rests on.
    pub claim: Claim,
}

/// Fixes a context at a point, without reading any of its rows.
///
/// # Errors
/// [`QueryError`] if the policy refuses it, there is no such context, or the system time has not come.
pub fn fix(
    database: &Database,
    policy: &dyn Policy,
    principal: &Principal,
    name: &ContextName,
    point: Point,
    moment: Moment,
) -> Result<Fixed, QueryError> {
    policy.may_read(principal, name)?;
    let context = database.context(name)?;
    let point = point.resolve(moment.now, &context, moment.newest)?;
    let schema = schema_for(&context, &point, None)?;
    let version = schema.as_ref().map(|schema| schema.version().get());
    let claim = Claim::new(database, &context, &point, version)?;
    Ok(Fixed { context, point, schema, claim })
}
