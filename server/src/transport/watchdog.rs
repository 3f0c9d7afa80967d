//! Ends answers that nobody reads: while the client gives no room to send, an answer is not asked for more, so that
//! only its task can notice how long that has been.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::time::{Instant, Sleep, sleep_until};

tokio::task_local! {
    static WATCHDOG: Arc<Watchdog>;
}

/// When the task of a request ends, whatever it waits for.
#[derive(Debug, Default)]
pub(super) struct Watchdog {
    until: Mutex<Option<Instant>>,
}

impl Watchdog {
    /// The watchdog of the task that runs; one that watches nothing outside of such tasks.
    pub(super) fn here() -> Arc<Self> {
        WATCHDOG.try_with(Arc::clone).unwrap_or_default()
    }

    /// Ends the task at `until` if nothing else is said before.
    pub(super) fn set(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn until(&self) -> Option<Instant> {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a request's task under a watchdog of its own. Dropped, it resets the stream.
pub(super) async fn watched(task: impl Future<Output = ()>) {
    let watchdog = Arc::new(Watchdog::default());
    let watched = async {
        let mut task = pin!(task);
        let mut sleep: Option<Pin<Box<Sleep>>> = None;
        std::future::poll_fn(|context| {
            if task.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let Some(until) = watchdog.until() else {
                return Poll::Pending;
            };
            let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if sleep.deadline() != until {
                sleep.as_mut().reset(until);
            }
            sleep.as_mut().poll(context)
        })
        .await;
    };
    WATCHDOG.scope(Arc::clone(&watchdog), watched).await;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_task_that_waits_longer_than_it_said_ends() {
        let begun = Instant::now();
        watched(async {
            Watchdog::here().set(Some(begun + SHORT));
            tokio::task::yield_now().await;
            Watchdog::here().set(Some(begun + 3 * SHORT));
            std::future::pending::<()>().await;
        })
        .await;
        assert!(begun.elapsed() >= 3 * SHORT, "what was said last counts");
    }

    #[tokio::test]
    async fn a_task_that_is_not_watched_any_more_goes_on() {
        let begun = Instant::now();
        watched(async {
            Watchdog::here().set(Some(begun + SHORT));
            tokio::task::yield_now().await;
            Watchdog::here().set(None);
            // Until the time that was said first has long passed.
            let silence = std::future::pending::<()>();
            tokio::time::timeout_at(begun + 2 * SHORT, silence).await.unwrap_err();
        })
        .await;
        assert!(begun.elapsed() >= 2 * SHORT);
    }
}
