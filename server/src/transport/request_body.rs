//! What a client sends, as the doors see it.
//!
//! Invariants: a request that is cut short ends with an error, never as if it were complete; one whose client keeps
//! the rest to itself ends in time; what has come is counted before anybody reads it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use tonic::Status;

use super::framing::Framing;
use crate::admission::{Arriving, Reading};
use crate::intake::WholeBody;
use crate::status;

/// What a client sends.
#[derive(Debug)]
pub(super) struct RequestBody {
    incoming: WholeBody<Incoming>,
    stall: Option<Duration>,
    /// When all of a put must have come, and how long that is.
    whole: Option<(Instant, Duration)>,
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    counted: Counted,
}

/// What a request holds while it comes in.
#[derive(Debug)]
pub(super) enum Counted {
    /// Of a put: a message of which a part has come. What is whole, the put counts.
    Parts(Framing, Arriving),
    /// Of any other: all of it, until it is answered.
    Whole(Arc<Mutex<Reading>>),
}

impl Counted {
    fn take(&mut self, data: &[u8]) -> Result<(), Status> {
        match self {
            Self::Parts(framing, arriving) => arriving.hold(framing.take(data)),
            Self::Whole(reading) => reading.lock().unwrap_or_else(PoisonError::into_inner).grow(data.len()),
        }
    }
}

impl RequestBody {
    pub(super) fn new(
        incoming: WholeBody<Incoming>,
        counted: Counted,
        stall: Option<Duration>,
        whole: Option<Duration>,
    ) -> Self {
        let whole = whole.map(|whole| (Instant::now() + whole, whole));
        Self { incoming, stall, whole, sleep: None, waiting: false, counted }
    }

    /// Whether all of a put should have come by now.
    fn overdue(&self) -> Option<Status> {
        let (_, whole) = self.whole.filter(|(until, _)| Instant::now() >= *until)?;
        let what =
            format!("not all of the put came within put_time_max = {whole:?}: put it in several parts");
        Some(status::exhausted("put_time_max", what, None))
    }

    /// Ready once the client has kept silent for too long.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let Some(stall) = self.stall else {
            return Poll::Pending;
        };
        let timer = self.sleep.get_or_insert_with(|| Box::pin(sleep(stall)));
        if !std::mem::replace(&mut self.waiting, true) {
            let stalled = Instant::now() + stall;
            timer.as_mut().reset(self.whole.map_or(stalled, |(until, _)| until.min(stalled)));
        }
        ready!(timer.as_mut().poll(context));
        if let Some(overdue) = self.overdue() {
            return Poll::Ready(overdue);
        }
        let what = format!("the rest of the request did not come within put_stall_time_max = {stall:?}");
        Poll::Ready(status::exhausted("put_stall_time_max", what, None))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(frame) => {
                self.waiting = false;
                if let Some(overdue) = self.overdue().filter(|_| frame.is_some()) {
                    return Poll::Ready(Some(Err(overdue)));
                }
                if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref())
                    && let Err(full) = self.counted.take(data)
                {
                    return Poll::Ready(Some(Err(full)));
                }
                Poll::Ready(frame)
            }
            Poll::Pending => self.poll_stalled(context).map(|stalled| Some(Err(stalled))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
