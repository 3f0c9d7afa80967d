//! Where the messages of a request begin and end: each has a prefix of a flag and its length.

/// The prefix: whether the message is compressed, and its length in 32 bits.
const PREFIX: usize = 5;

/// How far the messages of a request have come.
#[derive(Debug, Default)]
pub(super) struct Framing {
    prefix: [u8; PREFIX],
    prefix_bytes: usize,
    /// What is missing of a message whose prefix is complete.
    missing: usize,
    /// What has come of it.
    begun: usize,
}

impl Framing {
    /// Goes over what has come. Says how many bytes of a message are there that is not complete.
    pub(super) fn take(&mut self, mut data: &[u8]) -> usize {
        while let Some((first, rest)) = data.split_first() {
            if self.prefix_bytes < PREFIX {
                self.prefix[self.prefix_bytes] = *first;
                self.prefix_bytes += 1;
                self.begun += 1;
                data = rest;
                let [_, length @ ..] = self.prefix;
                self.missing = u32::from_be_bytes(length) as usize;
            } else {
                let taken = self.missing.min(data.len());
                self.missing -= taken;
                self.begun += taken;
                data = &data[taken..];
            }
            if self.prefix_bytes == PREFIX && self.missing == 0 {
                *self = Self::default();
            }
        }
        self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_incomplete_is_counted() {
        let two = [&[0, 0, 0, 0, 3][..], b"abc", &[0, 0, 0, 0, 0], &[0, 0, 0, 1, 4], &[7; 260]].concat();
        let mut whole = Framing::default();
        assert_eq!(whole.take(&two), 0);
        let mut pieces = Framing::default();
        let found: Vec<usize> = two.iter().map(|byte| pieces.take(&[*byte])).collect();
        assert_eq!(found[..8], [1, 2, 3, 4, 5, 6, 7, 0]);
        assert_eq!(found[8..13], [1, 2, 3, 4, 0]);
        assert_eq!((found[17], found[276], found[277]), (5, 264, 0));
        assert_eq!(Framing::default().take(&two[..270]), 257);
    }
}
