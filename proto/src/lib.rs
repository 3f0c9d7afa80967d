//! The gRPC interface `calotype.v1`: messages, clients and server traits, generated
//! from the files in `calotype/v1`.
//!
//! ```
//! use calotype_proto::v1::{GetEntityRequest, Key, Value, value::Kind};
//!
//! let key = Key { columns: [("id".into(), Value { kind: Some(Kind::IntValue(7)) })].into() };
//! let request = GetEntityRequest { context: "loans".into(), key: Some(key), ..Default::default() };
//! assert!(request.point.is_none());
//! ```

pub mod strict;

/// Version 1 of the interface. Only ever added to.
#[allow(
    missing_docs,
    unused_qualifications,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    reason = "generated code; the .proto files are its documentation"
)]
pub mod v1 {
    tonic::include_proto!("calotype.v1");
}

/// Puts of version 1 as a server takes them: the same on the wire, but headers and rows are bytes that nobody has
/// decoded yet, so that what they will take can be counted before.
#[allow(
    missing_docs,
    unused_qualifications,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    reason = "generated code; the .proto files are its documentation"
)]
pub mod unread {
    include!(concat!(env!("OUT_DIR"), "/unread/calotype.v1.rs"));
}

/// The compiled descriptors of all files, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
