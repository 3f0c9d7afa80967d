//! Tokens that say where a list or a watch goes on. They carry no authority, cannot be made up, and fit only the
//! request that they came from.
//!
//! A token is the hexadecimal text of a MAC and the position that it vouches for. The MAC is BLAKE3 keyed with the
//! server's key, over the purpose, a digest of the request's other fields, and the position.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use tonic::Status;

use crate::limits::Limits;
use crate::status::{self, Field};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes of the longest position that a token holds.
pub const POSITION_BYTES_MAX: usize = 1024;
/// Bytes of the MAC.
const MAC_BYTES: usize = 32;
/// Characters of the longest token.
const TOKEN_CHARS_MAX: usize = 2 * (MAC_BYTES + POSITION_BYTES_MAX);
/// Items of a page where the client does not say how many it wants.
const PAGE_SIZE_DEFAULT: usize = 100;

/// What tokens are authenticated with: drawn at random once and kept in the state folder, or shared by the servers
/// of a store through a setting.
pub struct TokenKey([u8; KEY_BYTES]);

/// The key itself stays out of logs.
impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenKeyError {
    /// The file could not be read or made. Mend its folder or its permissions.
    #[error("the token key {path} could not be {action}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was done.
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others may read the file: they could make up tokens. Take their rights away, or remove the file.
    #[error("the token key {path} has mode {found:03o}, expected 600: run chmod 600 on it")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        found: u32,
    },
    /// The file holds something else. Remove it: a new one is made, and tokens that are out are refused.
    #[error(
        "the token key {path} does not hold 64 lower-case hexadecimal digits: remove it to have a new one made"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

impl TokenKey {
    /// A key.
    pub const fn new(key: [u8; KEY_BYTES]) -> Self {
        Self(key)
    }

    /// Reads the key of a file; makes the file, readable for its owner alone, if there is none.
    ///
    /// # Errors
    /// [`TokenKeyError`] if it cannot be read or made, or if others may read it.
    pub fn load_or_create(path: &Path) -> Result<Self, TokenKeyError> {
        match File::open(path) {
            Ok(file) => Self::load(path, file),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create(path)?;
                // Whoever came first made it: all use what is there now.
                Self::load(path, File::open(path).map_err(|error| io(path, "read", error))?)
            }
            Err(error) => Err(io(path, "read", error)),
        }
    }

    fn load(path: &Path, file: File) -> Result<Self, TokenKeyError> {
        let failed = |error| io(path, "read", error);
        refuse_open(path, &file.metadata().map_err(failed)?)?;
        let mut text = String::new();
        // A bounded read: a key is short.
        file.take(4 * KEY_BYTES as u64).read_to_string(&mut text).map_err(failed)?;
        let key = from_hex(text.trim_end()).and_then(|key| key.try_into().ok());
        key.map(Self).ok_or_else(|| TokenKeyError::Malformed { path: path.to_owned() })
    }

    /// Makes a token for a position of a request: `purpose` names the method, `request` all fields of the request
    /// that must stay the same.
    ///
    /// # Panics
    /// If the position is longer than [`POSITION_BYTES_MAX`]: positions are the server's own.
    pub fn seal(&self, purpose: &'static str, request: &[u8], position: &[u8]) -> String {
        assert!(position.len() <= POSITION_BYTES_MAX, "a position of {} bytes", position.len());
        let mut token = self.mac(purpose, request, position).to_hex().to_string();
        token.push_str(&to_hex(position));
        token
    }

    /// The position of a page token that this key made for this request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the token was made by another server, for another request, or by nobody.
    pub fn open(&self, purpose: &'static str, request: &[u8], token: &str) -> Result<Vec<u8>, Status> {
        self.open_field(Field("page_token"), purpose, request, token)
    }

    /// As [`Self::open`], for a token that comes in another field.
    ///
    /// # Errors
    /// As [`Self::open`], naming the field.
    pub fn open_field(
        &self,
        field: Field<'_>,
        purpose: &'static str,
        request: &[u8],
        token: &str,
    ) -> Result<Vec<u8>, Status> {
        let bytes = (token.len() <= TOKEN_CHARS_MAX).then(|| from_hex(token)).flatten();
        let position = bytes.and_then(|bytes| {
            let (mac, position) = bytes.split_first_chunk::<MAC_BYTES>()?;
            // Hashes compare in constant time.
            let fits = self.mac(purpose, request, position) == blake3::Hash::from_bytes(*mac);
            fits.then(|| position.to_vec())
        });
        position.ok_or_else(|| {
            status::invalid(
                field,
                "is not a token of this server for this request: repeat the other fields as they were, or start \
                 again without a token",
            )
        })
    }

    fn mac(&self, purpose: &str, request: &[u8], position: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(purpose.len() as u64).to_le_bytes());
        hasher.update(purpose.as_bytes());
        hasher.update(blake3::hash(request).as_bytes());
        hasher.update(position);
        hasher.finalize()
    }
}

/// How many items a page has: what the client asks for, cut to what the limits allow; nought is the default.
///
/// # Errors
/// `INVALID_ARGUMENT` if it is negative.
pub fn page_size(asked: i32, limits: &Limits) -> Result<usize, Status> {
    let asked = usize::try_from(asked).map_err(|_| {
        status::invalid(
            Field("page_size"),
            format_args!("expected 0 for the default, or more; found {asked}"),
        )
    })?;
    let wanted = if asked == 0 { PAGE_SIZE_DEFAULT } else { asked };
    Ok(wanted.min(limits.page_size_max).max(1))
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The bytes of lower-case hexadecimal digits; only one text stands for given bytes.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(nibble(pair[0])? << 4 | nibble(*pair.get(1)?)?)).collect()
}

fn io(path: &Path, action: &'static str, source: std::io::Error) -> TokenKeyError {
    TokenKeyError::Io { path: path.to_owned(), action, source }
}

#[cfg(unix)]
fn refuse_open(path: &Path, file: &std::fs::Metadata) -> Result<(), TokenKeyError> {
    use std::os::unix::fs::PermissionsExt;

    let found = file.permissions().mode() & 0o777;
    if matches!(found & 0o077, 0) {
        Ok(())
    } else {
        Err(TokenKeyError::Open { path: path.to_owned(), found })
    }
}

#[cfg(not(unix))]
fn refuse_open(_: &Path, _: &std::fs::Metadata) -> Result<(), TokenKeyError> {
    Ok(())
}

/// Makes the file of a key unless there is one: whole under a name of its own, then linked.
fn create(path: &Path) -> Result<(), TokenKeyError> {
    let failed = |error| io(path, "made", error);
    let mut random = [0; KEY_BYTES + 8];
    getrandom::fill(&mut random).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
    let text = to_hex(&random);
    let (key, name) = text.split_at(2 * KEY_BYTES);
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!(".{name}"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&staged).and_then(|mut file| {
        file.write_all(key.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        match std::fs::hard_link(&staged, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    });
    std::fs::remove_file(&staged).ok();
    written.map_err(failed)
}

#[cfg(test)]
mod tests;
