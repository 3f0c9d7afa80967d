//! What all doors share: the store, who may what, the limits, and the pool that works.

use std::sync::Arc;

use calotype_query::{LocalPolicy, Policy};
use calotype_storage::database::Database;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::follow::Follower;
use crate::limits::Limits;
use crate::operations::Operations;
use crate::page_token::TokenKey;
#[cfg(feature = "sql")]
use crate::sql::Statements;
use crate::telemetry::metrics::Metrics;
use crate::views::Views;

/// What all doors share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Node {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Database,
    policy: Arc<dyn Policy>,
    limits: Limits,
    metrics: Arc<Metrics>,
    admission: Admission,
    tokens: TokenKey,
    operations: Operations,
    follower: Follower,
    #[cfg(feature = "sql")]
    statements: Statements,
    work: Handle,
    stopping: CancellationToken,
}

impl Node {
    /// A node over an open store. `work` is where questions and puts are computed, so that the runtime of the
    /// connections never waits for them.
    pub fn new(
        database: Database,
        limits: Limits,
        metrics: Arc<Metrics>,
        tokens: TokenKey,
        work: Handle,
    ) -> Self {
        Self::with_views(database, limits, metrics, tokens, work, &Views::default())
    }

    /// As [`Self::new`], with views that every statement may name.
    pub fn with_views(
        database: Database,
        limits: Limits,
        metrics: Arc<Metrics>,
        tokens: TokenKey,
        work: Handle,
        views: &Views,
    ) -> Self {
        #[cfg(not(feature = "sql"))]
        let _ = views;
        let admission = Admission::new(&limits, Arc::clone(&metrics));
        let operations = Operations::new(limits.operations_max);
        let follower = Follower::new(&database);
        let policy: Arc<dyn Policy> = Arc::new(LocalPolicy);
        #[cfg(feature = "sql")]
        let statements =
            Statements::new(&database, Arc::clone(&policy), &limits, Arc::clone(&metrics), views);
        let stopping = CancellationToken::new();
        let inner = Inner {
            database,
            policy,
            limits,
            metrics,
            admission,
            tokens,
            operations,
            follower,
            #[cfg(feature = "sql")]
            statements,
            work,
            stopping,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The store.
    pub fn database(&self) -> &Database {
        &self.inner.database
    }

    /// Who may read what.
    pub fn policy(&self) -> &dyn Policy {
        self.inner.policy.as_ref()
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.inner.metrics
    }

    /// Who gets in.
    pub fn admission(&self) -> &Admission {
        &self.inner.admission
    }

    /// The key of page and resume tokens.
    pub fn tokens(&self) -> &TokenKey {
        &self.inner.tokens
    }

    /// Work that takes longer than a request.
    pub fn operations(&self) -> &Operations {
        &self.inner.operations
    }

    /// What others commit.
    pub fn follower(&self) -> &Follower {
        &self.inner.follower
    }

    /// Statements of SQL.
    #[cfg(feature = "sql")]
    pub fn statements(&self) -> &Statements {
        &self.inner.statements
    }

    /// Where questions and puts are computed.
    pub fn work(&self) -> &Handle {
        &self.inner.work
    }

    /// Cancelled when the server stops: whatever would go on for ever ends then.
    pub fn stopping(&self) -> &CancellationToken {
        &self.inner.stopping
    }
}
