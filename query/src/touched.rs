//! What a question will have to read, found from the manifests alone.

use std::fmt;
use std::sync::Arc;

use calotype_storage::context::{Context, Keyframe};
use calotype_storage::database::Database;
use calotype_storage::name::ContextName;
use calotype_storage::scan::{Scan, ScanRequest};

use crate::as_of::{self, AsOfRequest, look, schema_for};
use crate::error::QueryError;
use crate::history::{self, HistoryRequest};
use crate::policy::Policy;

/// What a question will have to read.
#[derive(Clone, Debug)]
pub struct Touched {
    /// The context.
    pub context: ContextName,
    /// The keyframe that stands for the entries before it.
    pub keyframe: Option<Keyframe>,
    /// Entries with facts that are read beside it.
    pub entries: usize,
    /// Row groups in all.
    pub groups: usize,
    /// Facts in them.
    pub facts: u64,
}

impl fmt::Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.context)?;
        match &self.keyframe {
            None => f.write_str("no keyframe")?,
            Some(keyframe) => write!(
                f,
                "the keyframe of {} as known at {}, which stands for {} entries",
                keyframe.valid,
                keyframe.known,
                keyframe.covers.get()
            )?,
        }
        write!(f, ", {} deltas; {} row groups of {} facts", self.entries, self.groups, self.facts)
    }
}

async fn of_scan(
    database: &Database,
    context: &Context,
    request: ScanRequest,
) -> Result<Touched, QueryError> {
    let request = request.narrowed(context, database.reader()).await;
    let keyframe = request.keyframe.clone();
    let entries = request.entries.iter().filter(|entry| entry.facts().is_some()).count();
    let scan = Scan::start(Arc::clone(database.reader()), request).await?;
    let (groups, facts) =
        scan.groups().fold((0, 0), |(groups, facts), group| (groups + 1, facts + u64::from(group.rows)));
    Ok(Touched { context: context.name().clone(), keyframe, entries, groups, facts })
}

fn nothing(context: &Context) -> Touched {
    Touched { context: context.name().clone(), keyframe: None, entries: 0, groups: 0, facts: 0 }
}

/// What an as-of will have to read.
///
/// # Errors
/// As [`resolve`](crate::resolve).
pub async fn touched_by_as_of(
    database: &Database,
    policy: &dyn Policy,
    request: &AsOfRequest,
) -> Result<Touched, QueryError> {
    let points = [request.point];
    let (context, [point]) =
        look(database, policy, &request.principal, &request.context, points, request.at_least).await?;
    match schema_for(&context, &point, request.schema_version)? {
        None => Ok(nothing(&context)),
        Some(schema) => {
            let scan = as_of::scan_request(&context, &schema, &point, request)?;
            of_scan(database, &context, scan).await
        }
    }
}

/// What a history will have to read.
///
/// # Errors
/// As [`history`](crate::history()).
pub async fn touched_by_history(
    database: &Database,
    policy: &dyn Policy,
    request: &HistoryRequest,
) -> Result<Touched, QueryError> {
    let point = history::point(request);
    let (context, [point]) =
        look(database, policy, &request.principal, &request.context, [point], request.at_least).await?;
    match schema_for(&context, &point, request.schema_version)? {
        None => Ok(nothing(&context)),
        Some(schema) => {
            let scan = history::scan_request(&context, &schema, &point, request)?;
            of_scan(database, &context, scan).await
        }
    }
}
