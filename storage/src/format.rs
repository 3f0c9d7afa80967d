//! `meta/format.json`: what a store is, written once.

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::backend::{Backend, Created};
use crate::clock::{Clock, Entropy};
use crate::error::Error;
use crate::identity::StoreId;
use crate::record::{seal, unseal};

/// Version of the store's format.
pub(crate) const FORMAT: u32 = 1;
/// How often creating the format file is tried while the store says that it exists and does not find it.
const ATTEMPTS_MAX: u32 = 12;
/// Bytes of the longest format file.
const BYTES_MAX: u64 = 64 << 10;

/// The object's path.
pub(crate) fn path() -> Path {
    Path::from("meta/format.json")
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatWire {
    format: u32,
    store: String,
    created: i64,
    constants: Constants,
}

/// What every version of the file has.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// Constants of the format that a reader must share.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Constants {
    row_group_rows_min: u64,
    row_group_rows_target: u64,
    row_group_rows_max: u64,
    row_group_bytes_max: u64,
    record_bytes_max: u64,
    alignment: u64,
}

const CONSTANTS: Constants = Constants {
    row_group_rows_min: 2048,
    row_group_rows_target: 8192,
    row_group_rows_max: 32_768,
    row_group_bytes_max: 2 << 20,
    record_bytes_max: 60 << 10,
    alignment: 64,
};

const _: () = assert!(
    crate::row_group::ROWS_MAX == 32_768
        && crate::row_group::CANONICAL_BYTES_MAX == 2 << 20
        && crate::record::BYTES_MAX == 60 << 10
);

/// Reads which store this is; `None` if there is none.
///
/// # Errors
/// [`Error::Damaged`] or [`Error::Newer`] if what is there cannot be used.
pub(crate) async fn read(backend: &Backend) -> Result<Option<StoreId>, Error> {
    let path = path();
    let Some(bytes) = backend.read(&path, BYTES_MAX).await? else {
        return Ok(None);
    };
    let head: Head = serde_json::from_slice(&bytes).map_err(|error| Error::damaged(&path, error))?;
    if head.format > FORMAT {
        return Err(Error::Newer { object: path.to_string(), found: head.format, known: FORMAT });
    }
    let Some((json, expected)) = unseal(&bytes) else {
        return Err(Error::damaged(&path, "it does not end in a checksum"));
    };
    let format: FormatWire = serde_json::from_slice(&json).map_err(|error| Error::damaged(&path, error))?;
    if format.format != FORMAT || format.constants != CONSTANTS {
        return Err(Error::damaged(&path, "its constants are not those of format 1"));
    }
    let found = crc32fast::hash(&json);
    if serde_json::to_vec(&format).ok() != Some(json) {
        return Err(Error::damaged(&path, "it is not in its one form"));
    }
    if found != expected {
        let what = format!("its checksum is {found:08x}, expected {expected:08x}");
        return Err(Error::damaged(&path, what));
    }
    StoreId::parse(&format.store).map(Some).map_err(|error| Error::damaged(&path, error))
}

/// Makes a store where there is none, or takes the one that somebody made in the meantime.
///
/// # Errors
/// [`Error::Store`] if the store would not.
pub(crate) async fn create(
    backend: &Backend,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<StoreId, Error> {
    let store = StoreId::new(entropy.draw());
    let format = FormatWire {
        format: FORMAT,
        store: store.to_string(),
        created: clock.now().micros(),
        constants: CONSTANTS,
    };
    let bytes = Bytes::from(seal(serde_json::to_vec(&format).expect("every field has a JSON form")));
    for _ in 0..ATTEMPTS_MAX {
        match backend.create(&path(), bytes.clone()).await {
            Created::Yes => return Ok(store),
            Created::Unknown(error) => return Err(error),
            // "Exists" and then nothing to read: a conflict that passes.
            Created::Exists => {
                if let Some(found) = read(backend).await? {
                    return Ok(found);
                }
            }
        }
    }
    Err(Error::damaged(path(), "it exists and does not"))
}
