//! Damage at rest: what rots, is swapped, goes missing or comes back from an older time.
//!
//! These act on the disk directly. They take no steps, meet no faults, and are durable at once.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;

use crate::error::{Fault, generic};
use crate::store::SimStore;
use crate::trace::StepKind;

impl SimStore {
    /// Starts from objects that are durable already.
    ///
    /// # Errors
    /// When one path is the directory of another.
    pub fn from_image(image: &BTreeMap<String, Vec<u8>>) -> object_store::Result<Self> {
        let store = Self::new();
        store.restore(image)?;
        Ok(store)
    }

    /// Returns all objects with their bytes, as a reader would see them now.
    pub fn image(&self) -> BTreeMap<String, Vec<u8>> {
        let machine = self.lock();
        let objects = machine.disk.list("").into_iter();
        objects
            .filter_map(|(path, _)| {
                let (_, content) = machine.disk.read(&path).ok()?;
                Some((path, content.to_vec()))
            })
            .collect()
    }

    /// Makes the objects equal to an image: puts back what differs, removes what is not in it.
    ///
    /// # Errors
    /// When one path is the directory of another, now or in the image.
    pub fn restore(&self, image: &BTreeMap<String, Vec<u8>>) -> object_store::Result<()> {
        let present = self.image();
        for path in present.keys().filter(|path| !image.contains_key(*path)) {
            self.erase(path)?;
        }
        for (path, bytes) in image {
            if present.get(path) != Some(bytes) {
                self.put_back(path, bytes.clone())?;
            }
        }
        Ok(())
    }

    /// Puts any bytes under a path, for example those of an older version.
    ///
    /// # Errors
    /// When the path is a directory, or goes through an object.
    pub fn put_back(&self, path: &str, bytes: impl Into<Bytes>) -> object_store::Result<()> {
        let placed = self.lock().disk.place(path, bytes.into());
        placed.map_err(|source| Fault::io(StepKind::Write, path, source).into_answer(path))
    }

    /// Removes an object.
    ///
    /// # Errors
    /// When there is none.
    pub fn erase(&self, path: &str) -> object_store::Result<()> {
        let erased = self.lock().disk.erase(path);
        erased.map_err(|source| Fault::io(StepKind::Unlink, path, source).into_answer(path))
    }

    /// Flips one bit of an object: bit `n % 8`, counted from the lowest, of byte `n / 8`. Flipping
    /// it again mends it.
    ///
    /// # Errors
    /// When there is no such object or bit.
    pub fn flip_bit(&self, path: &str, bit: u64) -> object_store::Result<()> {
        let mut bytes = self.peek(path)?;
        let length_bytes = bytes.len();
        let index = usize::try_from(bit / 8).unwrap_or(usize::MAX);
        let Some(byte) = bytes.get_mut(index) else {
            return Err(generic(io::Error::other(format!(
                "{path} has {length_bytes} bytes and no bit {bit}"
            ))));
        };
        *byte ^= 1 << (bit % 8);
        self.put_back(path, bytes)
    }

    /// Cuts an object off after so many bytes. A longer one than it has leaves it as it is.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn truncate(&self, path: &str, length_bytes: u64) -> object_store::Result<()> {
        let mut bytes = self.peek(path)?;
        bytes.truncate(usize::try_from(length_bytes).unwrap_or(usize::MAX));
        self.put_back(path, bytes)
    }

    /// Swaps the bytes of two objects.
    ///
    /// # Errors
    /// When one of them does not exist.
    pub fn swap(&self, left: &str, right: &str) -> object_store::Result<()> {
        let left_bytes = self.peek(left)?;
        let right_bytes = self.peek(right)?;
        self.put_back(left, right_bytes)?;
        self.put_back(right, left_bytes)
    }

    /// Returns the bytes of an object without taking a step.
    ///
    /// # Errors
    /// When there is none.
    pub fn peek(&self, path: &str) -> object_store::Result<Vec<u8>> {
        match self.lock().disk.read(path) {
            Ok((_, content)) => Ok(content.to_vec()),
            Err(source) => Err(Fault::io(StepKind::Read, path, source).into_answer(path)),
        }
    }
}
