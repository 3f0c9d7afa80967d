//! Names of things by hash or number: digests, record hashes, sequences, ids.
//!
//! Invariant: a name of one kind cannot be used for another kind.

use std::fmt;

/// Why a text is not a hexadecimal name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a {kind}: expected {digits} lower-case hexadecimal digits")]
pub struct ParseIdentityError {
    kind: &'static str,
    digits: usize,
    text: String,
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Takes the raw bytes of the name.
            pub const fn new(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The raw bytes of the name.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Reads lower-case hexadecimal digits.
            ///
            /// # Errors
            /// [`ParseIdentityError`] if the text has another length or other digits.
            pub fn parse(text: &str) -> Result<Self, ParseIdentityError> {
                from_hex(text).map(Self).ok_or_else(|| ParseIdentityError {
                    kind: $kind,
                    digits: 2 * $bytes,
                    text: text.chars().take(80).collect(),
                })
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseIdentityError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(&self.0, f)
            }
        }
    };
}

identity! {
    /// BLAKE3 over a chunk's canonical, uncompressed form.
    ChunkDigest, 32, "chunk digest"
}
identity! {
    /// BLAKE3 over a pack's bytes: its name.
    PackDigest, 32, "pack digest"
}
identity! {
    /// SHA-256 over 0x00 and a record's bytes: its leaf hash of RFC 9162.
    RecordHash, 32, "record hash"
}
identity! {
    /// Merkle root over logical rows in canonical form.
    ContentRoot, 32, "content root"
}
identity! {
    /// BLAKE3 over a snapshot's header.
    SnapshotId, 32, "snapshot id"
}
identity! {
    /// BLAKE3 over what a put says: kind, cutoff, options and canonical rows.
    PutDigest, 32, "put digest"
}
identity! {
    /// A store's own number, drawn when it was created.
    StoreId, 16, "store id"
}
identity! {
    /// A record's own number, drawn by its writer: tells whose record a slot holds.
    Nonce, 16, "nonce"
}

impl RecordHash {
    /// What record 0 names as the record before it.
    pub const BEFORE_FIRST: Self = Self([0; 32]);
}

/// A record's number: records count from 0 without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// The first record's number.
    pub const FIRST: Self = Self(0);

    /// Takes a record number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of the record after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entry's place in the whole log: the record, and the place in it, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The record that holds the entry.
    pub record: Sequence,
    /// The entry's place in the record, from 0.
    pub place: u32,
}

/// `record.place`, as in `17.0`.
impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.record, self.place)
    }
}

/// An entry's number within its context, from 0, over entries of every kind: a pure
/// function of the log, so keyframes may hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ordinal(u32);

impl Ordinal {
    /// Takes an entry's number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_printed_and_nothing_else_is_read() {
        let nonce = Nonce::new([0xab; 16]);
        assert_eq!(Nonce::parse(&nonce.to_string()), Ok(nonce));
        for bad in ["", "ab", &"AB".repeat(16), &"g0".repeat(16), &"ab".repeat(17)] {
            assert!(Nonce::parse(bad).is_err(), "{bad}");
        }
    }
}
