//! The body of a DoGet response: gRPC messages whose Arrow buffers are the answer's own, not copies.
//!
//! Each message is the gRPC prefix and the protobuf tags of `FlightData` as one small frame, then the buffers of the
//! record batch as they are; only small neighbours are gathered, since each frame costs some bytes and a call.
//! HTTP/2 flow control holds the frames back, and with them the work on the answer.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use prost::encoding::encode_varint;
use tonic::Status;

use crate::answer::{Part, Running};
use crate::ipc::encode::Encoded;
use crate::status;

/// Buffers below this size are gathered.
const GATHERED_MAX: usize = 8 << 10;
/// `FlightData.data_header`, field 2, length-delimited.
const DATA_HEADER: u64 = 2 << 3 | 2;
/// `FlightData.app_metadata`, field 3.
const APP_METADATA: u64 = 3 << 3 | 2;
/// `FlightData.data_body`, field 1000.
const DATA_BODY: u64 = 1000 << 3 | 2;

/// A message of a Flight stream.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The Arrow message and its body.
    pub(super) encoded: Encoded,
    /// What goes beside it.
    pub(super) app_metadata: Bytes,
}

impl Message {
    /// A message with nothing beside it.
    pub(super) fn new(encoded: Encoded) -> Self {
        Self { encoded, app_metadata: Bytes::new() }
    }

    /// The frames of the message, in order.
    fn write(self, frames: &mut VecDeque<Bytes>) {
        let Encoded { header, body, body_length } = self.encoded;
        let mut fields = BytesMut::new();
        write_field(&mut fields, DATA_HEADER, &header);
        if !self.app_metadata.is_empty() {
            write_field(&mut fields, APP_METADATA, &self.app_metadata);
        }
        encode_varint(DATA_BODY, &mut fields);
        encode_varint(body_length as u64, &mut fields);
        let length = u32::try_from(fields.len() + body_length).expect("messages are cut to their limit");
        let mut gathered = BytesMut::with_capacity(5 + fields.len());
        gathered.put_u8(0);
        gathered.put_u32(length);
        gathered.put(fields);
        for buffer in body {
            if buffer.len() < GATHERED_MAX {
                gathered.put(buffer);
                continue;
            }
            if !gathered.is_empty() {
                frames.push_back(gathered.split().freeze());
            }
            frames.push_back(buffer);
        }
        if !gathered.is_empty() {
            frames.push_back(gathered.freeze());
        }
    }
}

fn write_field(buffer: &mut BytesMut, tag: u64, value: &Bytes) {
    encode_varint(tag, buffer);
    encode_varint(value.len() as u64, buffer);
    buffer.put_slice(value);
}

/// Makes the message that closes an answer.
pub(super) type Close = Box<dyn FnOnce(calotype_query::End) -> Result<Message, Status> + Send>;

/// An answer on its way out.
pub(super) struct AnswerBody {
    frames: VecDeque<Bytes>,
    running: Running<Encoded>,
    close: Option<Close>,
    trailers: Option<Status>,
    is_over: bool,
}

impl AnswerBody {
    /// The first message, then the parts of an answer, then what closes it.
    pub(super) fn new(first: Message, running: Running<Encoded>, close: Close) -> Self {
        let mut frames = VecDeque::new();
        first.write(&mut frames);
        Self { frames, running, close: Some(close), trailers: None, is_over: false }
    }

    /// Takes the next part.
    fn take(&mut self, part: Option<Result<Part<Encoded>, Status>>) {
        match part {
            Some(Ok(Part::Batch(encoded))) => Message::new(encoded).write(&mut self.frames),
            Some(Ok(Part::End(end))) => {
                let close = self.close.take().map_or_else(|| Err(twice()), |close| close(end));
                self.trailers = Some(match close {
                    Ok(message) => {
                        message.write(&mut self.frames);
                        Status::ok("")
                    }
                    Err(status) => status,
                });
            }
            Some(Err(status)) => self.trailers = Some(status),
            None => self.trailers = Some(status::internal("an answer stopped without its end")),
        }
    }
}

fn twice() -> Status {
    status::internal("an answer ended twice")
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            if self.is_over {
                return Poll::Ready(None);
            }
            if let Some(frame) = self.frames.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(frame))));
            }
            if let Some(status) = self.trailers.take() {
                self.is_over = true;
                return Poll::Ready(Some(Ok(Frame::trailers(trailers(&status)?))));
            }
            let part = ready!(self.running.poll_next(context));
            self.take(part);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}

/// The trailers that carry a status.
fn trailers(status: &Status) -> Result<HeaderMap, Status> {
    let mut trailers = HeaderMap::new();
    status.add_header(&mut trailers)?;
    Ok(trailers)
}

#[cfg(test)]
mod tests;
