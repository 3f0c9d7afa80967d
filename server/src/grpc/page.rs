//! Pages of lists: so many items, and never more than a message holds.

use prost::Message;

use crate::limits::Limits;

/// A page that is being filled.
#[derive(Debug)]
pub(crate) struct Page<T> {
    items: Vec<T>,
    items_max: usize,
    bytes: usize,
    bytes_max: usize,
}

impl<T: Message> Page<T> {
    /// An empty page of at most so many items.
    pub(crate) fn new(items_max: usize, limits: &Limits) -> Self {
        Self { items: Vec::new(), items_max, bytes: 0, bytes_max: limits.sent_batch_bytes }
    }

    /// Whether the next item goes to the next page. An empty page takes any item.
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= self.items_max || self.bytes >= self.bytes_max
    }

    /// Adds an item.
    pub(crate) fn push(&mut self, item: T) {
        self.bytes += item.encoded_len();
        self.items.push(item);
    }

    /// The items.
    pub(crate) fn into_items(self) -> Vec<T> {
        self.items
    }
}

/// A request without what tells its pages apart, as tokens are bound to it.
pub(crate) fn digested(request: &impl Message) -> Vec<u8> {
    request.encode_to_vec()
}

/// The bytes of a position that a token of ours holds.
///
/// # Errors
/// They have another length: the token is of another version of the server.
pub(crate) fn fixed<const N: usize>(position: &[u8]) -> Result<[u8; N], tonic::Status> {
    position.try_into().map_err(|_| {
        crate::status::invalid(
            crate::status::Field("page_token"),
            "is of another version of the server: start again without a token",
        )
    })
}
