//! Whether a request came whole. A stream that was reset with CANCEL, or with `NO_ERROR`, reads as one that has ended
//! (tonic 0.14 and hyper 1 see no difference), and half a put would be committed: here it is an error.

use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use crate::status;

/// A request's body that ends without an error only where the client ended it.
#[derive(Debug)]
pub struct WholeBody<B> {
    body: B,
}

/// Says of a request that its body is a [`WholeBody`].
#[derive(Clone, Copy, Debug)]
struct Whole;

/// Makes a request whose body ends without an error only where the client ended it. The transport does this with
/// every request: services that take streams refuse others.
pub fn whole<B>(request: http::Request<B>) -> http::Request<WholeBody<B>> {
    let mut request = request.map(|body| WholeBody { body });
    request.extensions_mut().insert(Whole);
    request
}

/// Refuses a request whose end could not be told from its loss.
///
/// # Errors
/// The request did not come through [`whole`].
pub fn check_whole<T>(request: &tonic::Request<T>) -> Result<(), Status> {
    let found = request.extensions().get::<Whole>();
    found.map(|Whole| ()).ok_or_else(|| status::internal("the request came around the transport"))
}

/// Marks a request that a test makes itself.
#[cfg(test)]
pub(crate) fn mark<T>(request: &mut tonic::Request<T>) {
    request.extensions_mut().insert(Whole);
}

fn lost(what: impl Display) -> Status {
    let what = format!("the request was lost before its end: {what}; nothing was applied, send it again");
    status::aborted("REQUEST_CUT_SHORT", what)
}

impl<B> Body for WholeBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Display,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                // Requests have none; after some, tonic would not look whether a message was cut.
                Some(Ok(frame)) if frame.is_trailers() => {}
                Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => return Poll::Ready(Some(Err(lost(error)))),
                None if self.body.is_end_stream() => return Poll::Ready(None),
                None => return Poll::Ready(Some(Err(lost("the client reset it")))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
