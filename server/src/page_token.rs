//! Tokens that say where a list or a watch goes on. They carry no authority, cannot be made up, and fit only the
//! request that they came from.

/// What tokens are authenticated with: drawn at random once and kept in the state folder, or shared by the servers
/// of a store through a setting.
#[derive(Debug)]
pub struct TokenKey([u8; 32]);

impl TokenKey {
    /// A key.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }
}
