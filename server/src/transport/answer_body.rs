//! The body of an answer on its way out: ends at its deadline, on a panic and when the server stops, each with a
//! status; goes out in pieces, so that what waits for a slow reader is bounded.
//!
//! Invariants: a body ends with a status or not at all; when it has ended, or is dropped, what made it is dropped.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;
use tracing::Span;

use super::activity::OpenRequest;
use super::record::Record;
use super::watchdog::Watchdog;
use super::{deadline, foreign, panics};
use crate::follow::stopping;
use crate::node::Node;

/// The largest piece handed over at once, bytes: what a client may leave unread beyond its window.
const PIECE: usize = 256 << 10;
/// The largest last piece of a message, bytes. Once it is handed over with the end of the answer, nobody notices any
/// more that it is not read; so whatever is larger waits, under the watchdog, until the client has given room.
const LAST_PIECE: usize = 16 << 10;

/// What guards an answer.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) record: Record,
    /// When the client stops waiting.
    pub(super) deadline: Option<Instant>,
    /// Ends the answer when the server stops.
    pub(super) stopping: Option<CancellationToken>,
    /// How long the client may leave it unread.
    pub(super) stall: Option<Duration>,
    pub(super) span: Span,
    pub(super) node: Node,
}

/// The body of an answer on its way out.
#[derive(Debug)]
pub(super) struct AnswerBody {
    source: Option<Source>,
    rest: Bytes,
    guard: Guard,
    watchdog: std::sync::Arc<Watchdog>,
    /// When it will have been left unread for too long.
    stalls_at: Option<Instant>,
}

/// What makes the body; dropped when it has ended.
struct Source {
    body: Body,
    _open: OpenRequest,
    alarm: Option<Pin<Box<Sleep>>>,
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// A step of an answer.
type Step = Option<Result<Frame<Bytes>, Status>>;

impl AnswerBody {
    /// The body of a response. One that is over already holds nothing.
    pub(super) fn new(
        response: http::Response<Body>,
        open: OpenRequest,
        mut guard: Guard,
    ) -> http::Response<Self> {
        let (head, body) = response.into_parts();
        let over = body.is_end_stream();
        if over {
            guard.record.end(&said(&head.headers));
        }
        let alarm = guard.deadline.filter(|_| !over).map(|deadline| Box::pin(sleep_until(deadline)));
        let stop = guard.stopping.take().map(|token| Box::pin(token.cancelled_owned()));
        let source = (!over).then(|| Source { body, _open: open, alarm, stop });
        let body = Self { source, rest: Bytes::new(), guard, watchdog: Watchdog::here(), stalls_at: None };
        http::Response::from_parts(head, body)
    }

    /// The next piece of what is there.
    fn piece(&mut self) -> Frame<Bytes> {
        let length = self.rest.len();
        let before_last = if length > LAST_PIECE { length - LAST_PIECE } else { length };
        let piece = self.rest.split_to(before_last.min(PIECE));
        self.stalls_at = self.guard.stall.map(|stall| Instant::now() + stall);
        self.watchdog.set(earlier(self.stalls_at, self.guard.deadline));
        Frame::data(piece)
    }

    /// Ends the answer with a status.
    fn end(&mut self, status: &Status) -> Frame<Bytes> {
        self.source = None;
        self.guard.record.end(status);
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            // Details that fit no header: the code alone is sent.
            trailers.clear();
            trailers.insert(Status::GRPC_STATUS, http::HeaderValue::from(i32::from(status.code())));
        }
        Frame::trailers(trailers)
    }

    /// The status with which the source's own trailers end the answer.
    fn end_as_said(&mut self, trailers: HeaderMap) -> Frame<Bytes> {
        let status = said(&trailers);
        if let Some(mended) = foreign::mended(self.guard.record.method(), &status) {
            return self.end(&mended);
        }
        self.source = None;
        self.guard.record.end(&status);
        Frame::trailers(trailers)
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        if self.guard.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Poll::Ready(Some(Ok(self.end(&deadline::passed()))));
        }
        let body = Pin::new(&mut source.body);
        let span = &self.guard.span;
        let step = panics::caught_step(&self.guard.node, || span.in_scope(|| body.poll_frame(context)));
        match step {
            Err(panicked) => Poll::Ready(Some(Ok(self.end(&panicked)))),
            Ok(Poll::Pending) => self.poll_ends(context),
            Ok(Poll::Ready(None)) => {
                self.source = None;
                self.guard.record.end(&Status::ok(""));
                Poll::Ready(None)
            }
            Ok(Poll::Ready(Some(Err(status)))) => {
                let mended = foreign::mended(self.guard.record.method(), &status);
                Poll::Ready(Some(Ok(self.end(&mended.unwrap_or(status)))))
            }
            Ok(Poll::Ready(Some(Ok(frame)))) => match frame.into_data() {
                Ok(data) => {
                    self.rest = data;
                    Poll::Ready(Some(Ok(self.piece())))
                }
                Err(frame) => Poll::Ready(Some(Ok(match frame.into_trailers() {
                    Ok(trailers) => self.end_as_said(trailers),
                    Err(_) => self.end(&crate::status::internal("an answer had a frame of no known kind")),
                }))),
            },
        }
    }

    /// Whether something ends an answer that has nothing to send just now.
    fn poll_ends(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        // All that was handed over has been taken: it is not the client that is waited for.
        self.watchdog.set(None);
        self.stalls_at = None;
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        if source.alarm.as_mut().is_some_and(|alarm| alarm.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Some(Ok(self.end(&deadline::passed()))));
        }
        if source.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Some(Ok(self.end(&stopping()))));
        }
        Poll::Pending
    }
}

impl Drop for AnswerBody {
    /// An answer that nobody reads is ended from outside, and counted here.
    fn drop(&mut self) {
        if self.source.is_some() && self.stalls_at.is_some_and(|at| Instant::now() >= at) {
            self.guard.node.metrics().refused("stall_time_max");
        }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Step> {
        if self.rest.is_empty() { self.poll_source(context) } else { Poll::Ready(Some(Ok(self.piece()))) }
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_none() && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Source").finish_non_exhaustive()
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The status that headers or trailers carry.
fn said(headers: &HeaderMap) -> Status {
    Status::from_header_map(headers).unwrap_or_else(|| Status::ok(""))
}
