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
    pub(super) fn new(incoming: WholeBody<Incoming>, counted: Counted, stall: Option<Duration>) -> Self {
        Self { incoming, stall, sleep: None, waiting: false, counted }
    }

    /// Ready once the client has kept silent for too long.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let Some(stall) = self.stall else {
            return Poll::Pending;
        };
        let timer = self.sleep.get_or_insert_with(|| Box::pin(sleep(stall)));
        if !std::mem::replace(&mut self.waiting, true) {
            timer.as_mut().reset(Instant::now() + stall);
        }
        ready!(timer.as_mut().poll(context));
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
