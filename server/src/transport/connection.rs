//! One connection from its first byte to its last: minds its silence and its age.
//!
//! Invariants: a connection without a request ends within `first_request_timeout`, one that has fallen silent within
//! `idle_timeout`, every one within `connection_age_max` and `connection_age_grace`; a client that is asked to leave
//! and has nothing open any more is cut after `keepalive_timeout`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::activity::{Activity, State};
use super::answer_body::AnswerBody;
use super::http2::{self, Peer};
use super::{Shared, request};
use crate::limits::Limits;

/// A day: longer than anything that is minded here.
const FAR: Duration = Duration::from_hours(24);

/// How long a connection may do what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    peer: Peer,
    times: Option<Times>,
    working_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    first_request: Duration,
    idle: Duration,
    age: Duration,
    grace: Duration,
    leave: Duration,
    stall: Duration,
    upload_stall: Duration,
}

impl Terms {
    /// Terms for strangers.
    pub(super) fn of(limits: &Limits) -> Self {
        let times = Times {
            first_request: limits.first_request_timeout,
            idle: limits.idle_timeout,
            age: limits.connection_age_max,
            grace: limits.connection_age_grace,
            leave: limits.keepalive_timeout,
            stall: limits.stall_time_max,
            upload_stall: limits.put_stall_time_max,
        };
        let working_max = limits.requests_per_connection_max;
        Self { peer: Peer::Stranger, times: Some(times), working_max }
    }

    /// Terms for our own process: no limits.
    pub(super) fn own() -> Self {
        Self { peer: Peer::Own, times: None, working_max: usize::MAX }
    }

    /// How long a client may leave an answer unread.
    pub(super) fn stall(&self) -> Option<Duration> {
        self.times.map(|times| times.stall)
    }

    /// How long a client may keep the rest of its request to itself.
    pub(super) fn upload_stall(&self) -> Option<Duration> {
        self.times.map(|times| times.upload_stall)
    }
}

/// What a connection is due to next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// To be looked at again then.
    Look(Instant),
    /// To be asked to end.
    Leave(&'static str),
    /// To be ended.
    Cut(&'static str),
}

/// How far a connection has come.
#[derive(Debug)]
struct Course {
    times: Option<Times>,
    begun: Instant,
    leaving: Option<Instant>,
}

impl Course {
    fn due(&self, now: Instant, state: State) -> Due {
        let Some(times) = self.times else {
            return Due::Look(now + FAR);
        };
        if let Some(leaving) = self.leaving {
            let (at, why) = match state {
                State::Open(_) => (leaving + times.grace, "connection_age_grace"),
                State::Fresh => (leaving + times.leave, "keepalive_timeout"),
                State::Idle(since) => (leaving.max(since) + times.leave, "keepalive_timeout"),
            };
            // Looked at again before the grace is over, since the requests may end before it.
            return if now >= at { Due::Cut(why) } else { Due::Look(at.min(now + times.leave)) };
        }
        let old = self.begun + times.age;
        if now >= old {
            return Due::Leave("connection_age_max");
        }
        let (at, due) = match state {
            State::Fresh => (self.begun + times.first_request, Due::Cut("first_request_timeout")),
            State::Open(_) => (now + times.idle, Due::Look(now)),
            State::Idle(since) => (since + times.idle, Due::Leave("idle_timeout")),
        };
        if now >= at { due } else { Due::Look(at.min(old)) }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve<IO>(shared: Arc<Shared>, io: IO, terms: Terms)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::new(terms.working_max));
    let limits = shared.node.limits();
    let builder = http2::builder(limits, terms.peer, &shared.tasks);
    let door = Door { shared: Arc::clone(&shared), activity: Arc::clone(&activity), terms };
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(io), door));
    let mut course = Course { times: terms.times, begun: Instant::now(), leaving: None };
    loop {
        let look = match course.due(Instant::now(), activity.state()) {
            Due::Look(at) => at,
            Due::Leave(why) => {
                shared.node.metrics().refused(why);
                debug!(why, "a client is asked to leave");
                connection.as_mut().graceful_shutdown();
                course.leaving = Some(Instant::now());
                continue;
            }
            Due::Cut(why) => {
                shared.node.metrics().refused(why);
                return debug!(why, "a connection is cut");
            }
        };
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    // The only time that is minded below: a client that answered no ping.
                    if error.is_timeout() {
                        shared.node.metrics().refused("keepalive_timeout");
                    }
                    debug!(error = &error as &dyn std::error::Error, "a connection broke");
                }
                return;
            }
            () = shared.cut.cancelled() => return,
            () = shared.node.stopping().cancelled(), if course.leaving.is_none() => {
                connection.as_mut().graceful_shutdown();
                course.leaving = Some(Instant::now());
            }
            () = sleep_until(look) => {}
        }
    }
}

/// Where the requests of a connection come in.
#[derive(Debug)]
struct Door {
    shared: Arc<Shared>,
    activity: Arc<Activity>,
    terms: Terms,
}

impl Service<http::Request<Incoming>> for Door {
    type Response = http::Response<AnswerBody>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        let open = Activity::open(&self.activity);
        let answer = request::answer(Arc::clone(&self.shared), open, self.terms, request);
        Box::pin(async move { Ok(answer.await) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(leaving: Option<u64>) -> (Course, impl Fn(u64) -> Instant) {
        let begun = Instant::now();
        let at = move |seconds| begun + Duration::from_secs(seconds);
        let times = Terms::of(&Limits::default()).times;
        (Course { times, begun, leaving: leaving.map(at) }, at)
    }

    #[test]
    fn a_connection_ends_where_its_silence_or_its_age_is_too_long() {
        let (course, at) = course(None);
        let check = |now, state, expected| assert_eq!(course.due(at(now), state), expected);
        check(0, State::Fresh, Due::Look(at(10)));
        check(10, State::Fresh, Due::Cut("first_request_timeout"));
        check(20, State::Open(1), Due::Look(at(320)));
        check(20, State::Idle(at(20)), Due::Look(at(320)));
        check(320, State::Idle(at(20)), Due::Leave("idle_timeout"));
        check(1700, State::Open(1), Due::Look(at(1800)));
        check(1800, State::Open(1), Due::Leave("connection_age_max"));
    }

    #[test]
    fn a_client_that_was_asked_to_leave_is_cut_after_its_grace() {
        let (course, at) = course(Some(100));
        let check = |now, state, expected| assert_eq!(course.due(at(now), state), expected);
        check(100, State::Open(1), Due::Look(at(110)));
        check(400, State::Open(1), Due::Cut("connection_age_grace"));
        check(105, State::Idle(at(50)), Due::Look(at(110)));
        check(110, State::Idle(at(50)), Due::Cut("keepalive_timeout"));
        check(120, State::Idle(at(115)), Due::Look(at(125)));
    }

    #[test]
    fn our_own_connections_are_not_minded() {
        let now = Instant::now();
        let course = Course { times: Terms::own().times, begun: now, leaving: None };
        assert!(matches!(course.due(now + FAR, State::Fresh), Due::Look(_)));
    }
}
