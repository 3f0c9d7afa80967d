//! The slots of the log: reading them, and finding the newest.
//!
//! Invariants: slots are gapless; the tail is found by probing numbered names,
//! never by a listing; a listing only detects a slot that went missing.

use bytes::Bytes;
use object_store::path::Path;

use crate::backend::Backend;
use crate::error::{Error, reasons};
use crate::identity::{RecordHash, Sequence};
use crate::planted::{Bug, is_planted};
use crate::record::{BYTES_MAX, ReadRecordError, Record, record_hash};

/// The object that holds a record.
pub fn slot_path(sequence: Sequence) -> Path {
    Path::from(format!("log/{:020}", sequence.get()))
}

/// A record as it was read, with its hash.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The record.
    pub record: Record,
    /// Its leaf hash.
    pub hash: RecordHash,
}

/// Reads a slot; `None` if it is free.
///
/// # Errors
/// [`Error::Damaged`] if what is there is not this record.
pub async fn read_slot(backend: &Backend, sequence: Sequence) -> Result<Option<Slot>, Error> {
    let path = slot_path(sequence);
    let Some(bytes) = backend.read(&path, BYTES_MAX as u64).await? else {
        return Ok(None);
    };
    read_record(&path, sequence, &bytes).map(Some)
}

fn read_record(path: &Path, sequence: Sequence, bytes: &Bytes) -> Result<Slot, Error> {
    let record = Record::from_bytes(bytes).map_err(|error| match error {
        ReadRecordError::Newer(found) => {
            Error::Newer { object: path.to_string(), found, known: crate::record::FORMAT }
        }
        other @ (ReadRecordError::TooLong(_)
        | ReadRecordError::Json(_)
        | ReadRecordError::NoChecksum
        | ReadRecordError::Checksum { .. }
        | ReadRecordError::NotCanonical) => Error::damaged(path, reasons(&other)),
    })?;
    if record.sequence != sequence {
        return Err(Error::damaged(path, format_args!("it holds record {}", record.sequence)));
    }
    Ok(Slot { record, hash: record_hash(bytes) })
}

async fn exists(backend: &Backend, sequence: u64) -> Result<bool, Error> {
    Ok(backend.size(&slot_path(Sequence::new(sequence))).await?.is_some())
}

/// How many records there are. `hint` says how many there are at least, or may be wrong.
///
/// # Errors
/// [`Error::MissingRecord`] if a slot is free although a higher one is taken.
pub async fn count_records(backend: &Backend, hint: u64) -> Result<u64, Error> {
    let mut known = if hint > 0 && !exists(backend, hint - 1).await? { 0 } else { hint };
    // Probe forward by doubling, then halve: [known, free) always holds the first free slot.
    let mut step = 1;
    let mut free = loop {
        let probe = known + step - 1;
        if !exists(backend, probe).await? {
            break probe;
        }
        known = probe + 1;
        step *= 2;
    };
    while known < free {
        let middle = known.midpoint(free);
        if exists(backend, middle).await? {
            known = middle + 1;
        } else {
            free = middle;
        }
    }
    refuse_gap(backend, free).await
}

/// Looks for slots above the first free one; if there are any, the free one is missing, unless it
/// has been taken in the meantime.
async fn refuse_gap(backend: &Backend, mut free: u64) -> Result<u64, Error> {
    if is_planted(Bug::SkipsGap) {
        return Ok(free);
    }
    loop {
        let after = slot_path(Sequence::new(free));
        let listed = backend.list_after(&Path::from("log"), &after).await?;
        let number = |path: &Path| path.filename().and_then(|name| name.parse::<u64>().ok());
        let Some(found) = listed.iter().filter_map(|(path, _)| number(path)).filter(|n| *n > free).min()
        else {
            return Ok(free);
        };
        if !exists(backend, free).await? {
            return Err(Error::MissingRecord { missing: free, found });
        }
        while exists(backend, free).await? {
            free += 1;
        }
    }
}
