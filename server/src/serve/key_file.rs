//! The file of the key that page and resume tokens are authenticated with: 64 hexadecimal digits, for its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::page_token::TokenKey;

/// A key, bytes.
const KEY_BYTES: usize = 32;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file could not be read or written. Mend its folder's rights, or name another file.
    #[error("cannot read or make the key file {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the machine says.
        source: io::Error,
    },
    /// Others than its owner may read or write the file. Take their rights away, and draw a new key by removing it.
    #[error(
        "the key file {path} has mode {mode:04o}: only its owner may have rights to it, as after chmod 600"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its rights.
        mode: u32,
    },
    /// The file holds something else. Remove it to have a new key made.
    #[error("the key file {path} does not hold 64 hexadecimal digits")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The machine has no randomness to draw a key from.
    #[error("no randomness for a key: {0}")]
    Randomness(getrandom::Error),
}

/// Reads the key of a file, or draws one and makes the file, readable by its owner alone.
///
/// # Errors
/// [`KeyFileError`] says what is wrong with the file.
pub fn read_or_make(path: &Path) -> Result<TokenKey, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    match File::open(path) {
        Ok(file) => read(path, file),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut key = [0; KEY_BYTES];
            getrandom::fill(&mut key).map_err(KeyFileError::Randomness)?;
            match write(path, &key) {
                Ok(()) => Ok(TokenKey::new(key)),
                // Another server of the same file was faster.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    read(path, File::open(path).map_err(failed)?)
                }
                Err(error) => Err(failed(error)),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

fn read(path: &Path, file: File) -> Result<TokenKey, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    refuse_exposed(path, &file)?;
    let mut text = String::new();
    // A little more than a key, so that what is longer shows.
    let longest = 2 * KEY_BYTES as u64 + 3;
    file.take(longest).read_to_string(&mut text).map_err(failed)?;
    let malformed = || KeyFileError::Malformed { path: path.to_owned() };
    let digits = text.trim_end().as_bytes();
    let mut key = [0; KEY_BYTES];
    if digits.len() != 2 * KEY_BYTES {
        return Err(malformed());
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let pair =
            std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
        *byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(malformed)?;
    }
    Ok(TokenKey::new(key))
}

/// Writes beside the file and links it into place, so that nobody ever reads a part of it.
fn write(path: &Path, key: &[u8; KEY_BYTES]) -> io::Result<()> {
    let staged = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&staged)?;
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let linked = writeln!(file, "{digits}")
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(&staged, path));
    std::fs::remove_file(&staged)?;
    linked
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, file: &File) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt;

    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyFileError::Exposed { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path, _: &File) -> Result<(), KeyFileError> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_drawn_once_and_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        read_or_make(&path).unwrap();
        let first = std::fs::read(&path).unwrap();
        read_or_make(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
        assert_eq!(first.len(), 65);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        read_or_make(&path).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read_or_make(&path), Err(KeyFileError::Exposed { .. })), "{mode:o}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        for bad in [String::new(), "0".repeat(63), "0".repeat(66), "+0".repeat(32), "é".repeat(32)] {
            std::fs::write(&path, &bad).unwrap();
            assert!(matches!(read_or_make(&path), Err(KeyFileError::Malformed { .. })), "{bad}");
        }
    }
}
