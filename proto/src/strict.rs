//! The codec of the services: refuses what a message says beyond what this version of the interface reads.
//!
//! prost passes over fields that it does not know. Of a question that would be an answer to another question: a newer
//! client's filter would be ignored, and what it filters out answered with confidence. So the bytes of a request are
//! compared with the descriptors before they are decoded. Answers are not: a client goes on with a newer server.
//!
//! Invariants: whatever passes here and is decoded says in memory all that it said on the wire; nothing is allocated for
//! a request that has no maps of several entries.

mod shapes;

use std::marker::PhantomData;

use prost::bytes::Buf as _;
use prost::{Message, Name};
use tonic::Status;
use tonic::codec::{self, DecodeBuf, Decoder};
use tonic_prost::{ProstDecoder, ProstEncoder};

use self::shapes::{Found, SHAPES, Shape};

/// Why a request is refused though it can be decoded: a part of what it says would be lost. The request must be mended.
/// It is the source of the [`Status`] that the codec makes of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Unfit {
    /// The message that holds the field, by its full name.
    pub message: String,
    /// The field's number.
    pub number: u32,
    /// Where it is: names from the request down, of an unknown field its number: `point.99`.
    pub field: String,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// This version of the interface does not have it.
    #[error(
        "{message} has no field {number} in version {version} of this server, and what it says cannot be passed over: \
         leave it out, or ask a newer server"
    )]
    Unknown {
        /// The message that holds it, by its full name.
        message: String,
        /// The field's number.
        number: u32,
        /// The version of this program.
        version: &'static str,
    },
    /// It comes again, or another member of its oneof does: only the last would count.
    #[error("comes twice, or beside another of its oneof: expected once, since only the last would count")]
    Twice,
    /// A map has two entries under one key: only the last would count.
    #[error("names one key twice: expected each once, since only the last would count")]
    KeyTwice,
    /// A map has more entries than any may have.
    #[error("has more than {0} entries: leave some out")]
    Entries(usize),
    /// A number that its type cannot hold: another one would be read.
    #[error("is {0}, which does not fit 32 bits: send a number that does")]
    Wide(u64),
}

/// Encodes with prost; decodes with prost what says nothing that would be lost.
#[derive(Clone, Copy, Debug)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = Strict<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Strict { prost: ProstDecoder::default(), shape: SHAPES.request(U::PACKAGE, U::NAME) }
    }
}

/// A decoder that refuses what prost would pass over.
#[derive(Debug)]
pub struct Strict<U> {
    prost: ProstDecoder<U>,
    /// Of a request; nothing is expected of an answer.
    shape: Option<&'static Shape>,
}

impl<U: Message + Default> Decoder for Strict<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let Some(shape) = self.shape else {
            return self.prost.decode(buffer);
        };
        // A message is decoded once all of it has come.
        if buffer.chunk().len() < buffer.remaining() {
            return Err(Status::internal("a message came to its decoder in several pieces"));
        }
        match SHAPES.check(shape, buffer.chunk()) {
            Ok(()) => self.prost.decode(buffer),
            // What is no message is for prost to explain. Entries of maps it reads under any wire type.
            Err(Found::Broken) => self.prost.decode(buffer).and_then(|_| {
                Err(Status::internal("failed to decode Protobuf message: a map's entry has no length"))
            }),
            Err(Found::Unfit(unfit)) => Err((*unfit).into()),
        }
    }
}

impl From<Unfit> for Status {
    fn from(unfit: Unfit) -> Self {
        let mut status = Self::invalid_argument(unfit.to_string());
        status.set_source(std::sync::Arc::new(unfit));
        status
    }
}

#[cfg(test)]
mod tests;
