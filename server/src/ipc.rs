//! Arrow IPC at the door: what comes in is checked before it is decoded, what goes out is encoded without copies.
//!
//! Invariants: no byte of a message is believed: every length, count and claim is checked against what is really
//! there before anything is allocated for it; what does not fit is refused with the place, never with a panic;
//! whatever leaves the decoder has been validated in full and holds plain columns, no dictionaries.
//!
//! Reading order: [`gate`] (one message, its metadata against its body), `types` (the columns a schema message
//! announces), `column` (one column's buffers against its type), [`decode`] (the order of messages, streams), then
//! [`encode`] and [`mod@cut`] for what goes out.

mod column;
pub mod cut;
pub mod decode;
mod decompress;
mod dictionary;
pub mod encode;
pub mod error;
pub mod gate;
mod types;

#[cfg(test)]
mod tests;

pub use cut::{cut, encoded_bytes};
pub use decode::Decoder;
pub use encode::{Compression, EncodeError, Encoded, Encoder, schema_message};
pub use error::{Fault, IpcError};
