//! What a statement knows of contexts: all that had been committed at its moment, or, where a system time is set, that of
//! it which was known then.

use std::sync::Arc;

use calotype_query::QueryError;
use calotype_storage::SystemTime;
use calotype_storage::context::{Context, KnownEntry};
use calotype_storage::name::ContextName;
use calotype_storage::record::Body;
use calotype_storage::schema::Schema;
use futures::{StreamExt, stream};

use super::listing::{Asked, Listed};

/// A context as far as a statement knows it.
#[derive(Clone, Debug)]
pub(super) struct KnownContext {
    context: Arc<Context>,
    /// Its first entries: at least one.
    count: usize,
    /// The system time of the last of them.
    pub at: SystemTime,
    /// The system time up to which nothing can be added to it.
    pub settled: Option<SystemTime>,
}

impl KnownContext {
    /// The context.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// The entries that are known.
    pub(super) fn entries(&self) -> &[Arc<KnownEntry>] {
        &self.context.entries()[..self.count]
    }

    /// The schema in force.
    pub(super) fn schema(&self) -> Option<&Arc<Schema>> {
        self.schemas().last().map(|(_, schema)| schema)
    }

    /// All schemas, each with the system time since which it is in force.
    pub(super) fn schemas(&self) -> &[(SystemTime, Arc<Schema>)] {
        let schemas = self.context.schemas();
        &schemas[..schemas.partition_point(|(since, _)| *since <= self.at)]
    }

    /// The key columns in the key's order.
    pub(super) fn key_names(&self) -> Vec<String> {
        self.schema().map_or_else(|| self.context.created().key.clone(), |schema| schema.key_names())
    }

    /// Whether it is open for import.
    pub(super) fn is_importing(&self) -> bool {
        let goes_live = |entry: &Arc<KnownEntry>| matches!(entry.entry.body, Body::GoLive(_));
        self.context.created().import && !self.entries().iter().any(goes_live)
    }

    /// The greatest share of known keys that a full may retract, in millionths.
    pub(super) fn max_retracted_ppm(&self) -> Option<u32> {
        let altered = self.entries().iter().rev().find_map(|entry| match &entry.entry.body {
            Body::Alter(alter) => alter.max_retracted_ppm,
            Body::Create(_)
            | Body::GoLive(_)
            | Body::Facts(_)
            | Body::Full(_)
            | Body::Delta(_)
            | Body::Withdraw(_)
            | Body::Materialise(_) => None,
        });
        altered.or(self.context.created().max_retracted_ppm)
    }
}

impl Asked {
    /// The contexts that are asked about, may be read and are known, by name.
    pub(super) fn known_contexts(
        &self,
    ) -> Result<impl Iterator<Item = Result<KnownContext, QueryError>> + Send + 'static, QueryError> {
        let shared = Arc::clone(&self.scope.shared);
        let contexts = self.contexts.clone();
        let is_wanted = move |name: &ContextName| {
            contexts.as_ref().is_none_or(|wanted| wanted.iter().any(|wanted| wanted == name.as_str()))
        };
        let names = shared.database().contexts()?.into_iter().filter(is_wanted);
        Ok(names.filter_map(move |name| {
            if !shared.may_read(&name) {
                return None;
            }
            let context = match shared.database().context(&name) {
                Ok(context) => context,
                Err(error) => return Some(Err(error.into())),
            };
            let (entries, known, commit) = (context.entries(), shared.set_known(), shared.newest_commit());
            let count = entries.partition_point(|entry| {
                Some(entry.id.record) <= commit && known.is_none_or(|known| entry.system_time() <= known)
            });
            let at = entries[..count].last()?.system_time();
            let settled = shared.moment().settled(&context);
            Some(Ok(KnownContext { context, count, at, settled }))
        }))
    }

    /// Rows that come of each context, one context at a time.
    pub(super) fn of_each_context<T: Send + 'static, R>(
        &self,
        rows: impl Fn(KnownContext) -> R + Send + 'static,
    ) -> Listed<T>
    where
        R: Iterator<Item = T> + Send + 'static,
    {
        match self.known_contexts() {
            Err(error) => stream::iter([Err(error)]).boxed(),
            Ok(contexts) => stream::iter(contexts)
                .map(move |context| match context {
                    Ok(context) => stream::iter(rows(context).map(Ok)).boxed(),
                    Err(error) => stream::iter([Err(error)]).boxed(),
                })
                .flatten()
                .boxed(),
        }
    }

    /// Rows that come of the entries of each context.
    pub(super) fn of_each_entry<T: Send + 'static>(
        &self,
        row: impl Fn(&Arc<KnownEntry>) -> Option<T> + Clone + Send + 'static,
    ) -> Listed<T> {
        let (first, last) = self.commits;
        self.of_each_context(move |known| {
            let row = row.clone();
            let commit = |entry: &Arc<KnownEntry>| i64::try_from(entry.id.record.get()).unwrap_or(i64::MAX);
            let from =
                known.entries().partition_point(|entry| first.is_some_and(|first| commit(entry) < first));
            let to = known.entries().partition_point(|entry| last.is_none_or(|last| commit(entry) <= last));
            (from..to).filter_map(move |place| row(&known.entries()[place]))
        })
    }
}

/// A count as a column holds it.
pub(super) fn integer(count: u64) -> Option<i64> {
    i64::try_from(count).ok()
}
