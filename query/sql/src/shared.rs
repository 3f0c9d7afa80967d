//! What all parts of one statement share: the store, who asks, the moment at which it is asked, and the instants that hold
//! where it names none.

use std::sync::Arc;

use calotype_query::fixed::Moment;
use calotype_query::{Fixed, Point, Policy, TimeRange, fix};
use calotype_storage::database::Database;
use calotype_storage::identity::Sequence;
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::{SystemTime, ValidTime};

use crate::error::SqlError;
use crate::reading::Reading;

/// What all parts of one statement share.
#[derive(Debug)]
pub(crate) struct Shared {
    database: Arc<Database>,
    policy: Arc<dyn Policy>,
    principal: Principal,
    moment: Moment,
    /// The valid time where a table names none.
    valid: ValidTime,
    /// The system time where a table names none; `None`: nothing is settled yet.
    known: Option<SystemTime>,
    /// The system time that was set; `None`: the statement found it, or there is none.
    set_known: Option<SystemTime>,
    /// The newest commit at the moment of the statement.
    newest_commit: Option<Sequence>,
}

impl Shared {
    pub(crate) fn new(
        database: Arc<Database>,
        policy: Arc<dyn Policy>,
        principal: Principal,
        moment: Moment,
        valid: Option<ValidTime>,
        known: Option<SystemTime>,
        set_known: Option<SystemTime>,
    ) -> Self {
        let newest_commit = database.head().map(|head| head.sequence);
        let valid = valid.unwrap_or(moment.valid_now());
        Self { database, policy, principal, moment, valid, known, set_known, newest_commit }
    }

    pub(crate) fn database(&self) -> &Arc<Database> {
        &self.database
    }

    pub(crate) fn policy(&self) -> &dyn Policy {
        self.policy.as_ref()
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(crate) fn moment(&self) -> Moment {
        self.moment
    }

    /// The valid time where nothing is named.
    pub(crate) fn valid_at(&self) -> ValidTime {
        self.valid
    }

    /// The system time where nothing is named.
    pub(crate) fn known_at(&self) -> Option<SystemTime> {
        self.known
    }

    /// The system time that a setting fixes, if one does.
    pub(crate) fn set_known(&self) -> Option<SystemTime> {
        self.set_known
    }

    /// The newest commit at the moment of the statement; `None` in an empty store.
    pub(crate) fn newest_commit(&self) -> Option<Sequence> {
        self.newest_commit
    }

    /// Whether whoever asks may read a context.
    pub(crate) fn may_read(&self, name: &ContextName) -> bool {
        self.policy.may_read(&self.principal, name).is_ok()
    }

    /// Fixes a context at a point; what it leaves out are the defaults.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn fix(&self, name: &ContextName, point: Point) -> Result<Fixed, SqlError> {
        let point = Point {
            valid_at: point.valid_at.or(Some(self.valid_at())),
            known_at: point.known_at.or(self.known_at()),
        };
        Ok(fix(&self.database, self.policy.as_ref(), &self.principal, name, point, self.moment)?)
    }

    /// Fixes a context at what a table says, and at the defaults where it says nothing.
    ///
    /// # Errors
    /// There is no such context, it may not be read, or the system time has not come.
    pub(crate) fn read(
        &self,
        name: &ContextName,
        valid: Option<TimeRange<ValidTime>>,
        system: Option<TimeRange<SystemTime>>,
    ) -> Result<(Fixed, Reading), SqlError> {
        let valid = valid.unwrap_or(TimeRange::At(self.valid));
        valid.bounds()?;
        let system = match (system, self.known) {
            (None, Some(known)) => Some(TimeRange::At(known)),
            // All that is known at the time that holds for the statement.
            (Some(TimeRange::All), Some(known)) => Some(TimeRange::Between(SystemTime::FIRST, known)),
            (named, _) => named,
        };
        if let Some(system) = system {
            system.bounds()?;
        }
        let asked = Reading { valid, system: system.unwrap_or(TimeRange::All) };
        let point = Point { valid_at: asked.valid_at().or(Some(self.valid)), known_at: asked.known_at() };
        let fixed = fix(&self.database, self.policy.as_ref(), &self.principal, name, point, self.moment)?;
        let known = fixed.point.at.system;
        let system = match system {
            None => TimeRange::At(known),
            Some(TimeRange::All) => TimeRange::Between(SystemTime::FIRST, known),
            Some(TimeRange::FromTo(from, to)) => TimeRange::Between(from, to.previous().unwrap_or(from)),
            Some(named) => named,
        };
        Ok((fixed, Reading { valid, system }))
    }
}
