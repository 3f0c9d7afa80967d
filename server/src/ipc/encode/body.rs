//! The body of a message in the making: large buffers by reference, small ones and padding gathered.

use arrow_array::OffsetSizeTrait;
use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_data::ArrayData;
use arrow_ipc as fb;
use bytes::{Bytes, BytesMut};

use super::{ALIGNMENT, signed};

/// Buffers below this are copied: a part of its own costs more than that, bytes.
const COPIED_BELOW_BYTES: usize = 4 << 10;

/// The body of a message in the making.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Where the buffers lie.
    pub(super) buffers: Vec<fb::Buffer>,
    /// What was laid out, but for what is still gathered.
    pub(super) parts: Vec<Bytes>,
    /// All of it, bytes.
    pub(super) length: usize,
    gathered: BytesMut,
}

/// Memory of an array, for as long as a part of it is on its way.
struct Owner(Buffer);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl Body {
    /// Lays out a buffer that holds nothing.
    pub(super) fn empty(&mut self) {
        self.buffers.push(fb::Buffer::new(signed(self.length), 0));
    }

    /// Lays a buffer out.
    pub(super) fn buffer(&mut self, buffer: &Buffer) {
        self.buffers.push(fb::Buffer::new(signed(self.length), signed(buffer.len())));
        if buffer.len() < COPIED_BELOW_BYTES {
            self.gathered.extend_from_slice(buffer);
        } else {
            self.flush();
            self.parts.push(Bytes::from_owner(Owner(buffer.clone())));
        }
        let padding = buffer.len().next_multiple_of(ALIGNMENT) - buffer.len();
        self.gathered.resize(self.gathered.len() + padding, 0);
        self.length += buffer.len() + padding;
    }

    /// Lays bits out, from the first of a byte on; what is not used of the last byte is zero.
    pub(super) fn bits(&mut self, bits: &BooleanBuffer) {
        let (offset, rows) = (bits.offset(), bits.len());
        if offset.is_multiple_of(8) && rows.is_multiple_of(8) {
            return self.buffer(&bits.inner().slice_with_length(offset / 8, rows / 8));
        }
        let mut packed = bits.sliced()[..rows.div_ceil(8)].to_vec();
        if let (Some(last), used @ 1..) = (packed.last_mut(), rows % 8) {
            *last &= (1 << used) - 1;
        }
        self.buffer(&Buffer::from_vec(packed));
    }

    /// Lays out the offsets of the rows, one more than these, and the bytes between them.
    pub(super) fn texts<O: OffsetSizeTrait>(&mut self, offsets: &[O], data: &ArrayData) {
        let first = offsets.first().copied().unwrap_or_default();
        let last = offsets.last().copied().unwrap_or_default();
        if first == O::default() {
            let (from, length) = (data.offset() * size_of::<O>(), size_of_val(offsets));
            self.buffer(&data.buffers()[0].slice_with_length(from, length));
        } else {
            let from_zero: Vec<O> = offsets.iter().map(|offset| *offset - first).collect();
            self.buffer(&Buffer::from_vec(from_zero));
        }
        let (from, length) = (first.as_usize(), (last - first).as_usize());
        self.buffer(&data.buffers()[1].slice_with_length(from, length));
    }

    /// The body as it is sent.
    pub(super) fn finish(mut self) -> Self {
        self.flush();
        self
    }

    fn flush(&mut self) {
        if !self.gathered.is_empty() {
            self.parts.push(self.gathered.split().freeze());
        }
    }
}
