//! The Merkle tree of RFC 9162, section 2.1: over the records of the log with
//! SHA-256, and, in the same shape, over row groups with BLAKE3.
//!
//! An auditor who trusts nobody checks inclusion and consistency with
//! [`verify_inclusion`] and [`verify_consistency`], which need hashes alone.

use sha2::{Digest, Sha256};

/// A hash in a tree.
pub type Hash = [u8; 32];

/// How leaves and nodes of a tree are hashed.
pub trait TreeHash {
    /// The root of a tree without leaves.
    fn empty() -> Hash;
    /// The hash of a leaf's bytes.
    fn leaf(bytes: &[u8]) -> Hash;
    /// The hash of an inner node.
    fn node(left: &Hash, right: &Hash) -> Hash;
}

/// SHA-256 with the prefixes of RFC 9162: the log.
#[derive(Clone, Copy, Debug)]
pub struct LogHash;

impl TreeHash for LogHash {
    fn empty() -> Hash {
        Sha256::digest([]).into()
    }

    fn leaf(bytes: &[u8]) -> Hash {
        Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
    }

    fn node(left: &Hash, right: &Hash) -> Hash {
        Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
    }
}

/// BLAKE3 with the same prefixes: content roots.
#[derive(Clone, Copy, Debug)]
pub struct ContentHash;

impl TreeHash for ContentHash {
    fn empty() -> Hash {
        blake3::hash(&[]).into()
    }

    fn leaf(bytes: &[u8]) -> Hash {
        blake3::Hasher::new().update(&[0]).update(bytes).finalize().into()
    }

    fn node(left: &Hash, right: &Hash) -> Hash {
        blake3::Hasher::new().update(&[1]).update(left).update(right).finalize().into()
    }
}

/// What must be kept to add leaves and to know the root: one hash for each bit
/// that is set in the number of leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of perfect subtrees, the largest first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Takes a frontier apart that was kept; `None` if the parts do not fit together.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the perfect subtrees, the largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Adds a leaf by its hash.
    ///
    /// # Panics
    /// Never: there is a peak for each bit of the size.
    pub fn push<H: TreeHash>(&mut self, leaf: Hash) {
        let mut node = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            let left = self.peaks.pop().expect("there is a peak for each bit of the size");
            node = H::node(&left, &node);
            size >>= 1;
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root over all leaves.
    pub fn root<H: TreeHash>(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return H::empty();
        };
        peaks.fold(*last, |right, left| H::node(left, &right))
    }
}

/// The root over some leaf hashes.
pub fn root<H: TreeHash>(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push::<H>(*leaf);
    }
    frontier.root::<H>()
}

/// The largest power of two below `size`, which is at least 2.
fn split(size: usize) -> usize {
    1 << (usize::BITS - 1 - (size - 1).leading_zeros())
}

/// The path of RFC 9162, section 2.1.3.1, for the leaf at a place; `None` if there is no such leaf.
pub fn inclusion_path<H: TreeHash>(leaves: &[Hash], place: usize) -> Option<Vec<Hash>> {
    if place >= leaves.len() {
        return None;
    }
    let (mut from, mut size, mut path) = (0, leaves.len(), Vec::new());
    while size > 1 {
        let half = split(size);
        if place < from + half {
            path.push(root::<H>(&leaves[from + half..from + size]));
            size = half;
        } else {
            path.push(root::<H>(&leaves[from..from + half]));
            from += half;
            size -= half;
        }
    }
    path.reverse();
    Some(path)
}

/// Whether a path proves that a leaf stands at a place of a tree (RFC 9162, section 2.1.3.2).
pub fn verify_inclusion<H: TreeHash>(leaf: Hash, place: u64, size: u64, path: &[Hash], tree: &Hash) -> bool {
    if place >= size {
        return false;
    }
    let (mut first, mut last, mut node) = (place, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if first & 1 == 1 || first == last {
            node = H::node(sibling, &node);
            while first & 1 == 0 && first != 0 {
                first >>= 1;
                last >>= 1;
            }
        } else {
            node = H::node(&node, sibling);
        }
        first >>= 1;
        last >>= 1;
    }
    last == 0 && node == *tree
}

/// The proof of RFC 9162, section 2.1.4.1, that the first `older` leaves are a prefix; `None` if there
/// are not that many, or none.
pub fn consistency_path<H: TreeHash>(leaves: &[Hash], older: usize) -> Option<Vec<Hash>> {
    if older == 0 || older > leaves.len() {
        return None;
    }
    let (mut from, mut size, mut wanted, mut whole, mut path) = (0, leaves.len(), older, true, Vec::new());
    while wanted < size {
        let half = split(size);
        if wanted <= half {
            path.push(root::<H>(&leaves[from + half..from + size]));
            size = half;
        } else {
            path.push(root::<H>(&leaves[from..from + half]));
            from += half;
            size -= half;
            wanted -= half;
            whole = false;
        }
    }
    if !whole {
        path.push(root::<H>(&leaves[from..from + size]));
    }
    path.reverse();
    Some(path)
}

/// Whether a path proves that one tree is a prefix of another (RFC 9162, section 2.1.4.2).
pub fn verify_consistency<H: TreeHash>(
    (older_size, older): (u64, &Hash),
    (newer_size, newer): (u64, &Hash),
    path: &[Hash],
) -> bool {
    if older_size == newer_size {
        return path.is_empty() && older == newer && older_size > 0;
    }
    if older_size == 0 || older_size > newer_size {
        return false;
    }
    let first = older_size.is_power_of_two().then_some(older);
    let mut hashes = first.into_iter().chain(path);
    let Some(start) = hashes.next() else {
        return false;
    };
    let (mut place, mut last) = (older_size - 1, newer_size - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut before, mut after) = (*start, *start);
    for sibling in hashes {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            before = H::node(sibling, &before);
            after = H::node(sibling, &after);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            after = H::node(&after, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && before == *older && after == *newer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|leaf| LogHash::leaf(&leaf.to_le_bytes())).collect()
    }

    /// The definition of RFC 9162, section 2.1.1, word for word.
    fn naive(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => LogHash::empty(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                LogHash::node(&naive(left), &naive(right))
            }
        }
    }

    #[test]
    fn published_vectors() {
        // From the reference tests of Certificate Transparency: the empty tree, one empty leaf, and eight leaves.
        let inputs = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let unhex = |text: &str| -> Vec<u8> {
            (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
        };
        let leaves: Vec<_> = inputs.iter().map(|input| LogHash::leaf(&unhex(input))).collect();
        let hex = |hash: Hash| crate::identity::RecordHash::new(hash).to_string();
        assert_eq!(
            hex(root::<LogHash>(&[])),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex(root::<LogHash>(&leaves[..1])),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            hex(root::<LogHash>(&leaves)),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }

    #[test]
    fn roots_and_proofs_agree_with_the_definition() {
        for size in 0..40 {
            let leaves = leaves(size);
            let tree = root::<LogHash>(&leaves);
            assert_eq!(tree, naive(&leaves), "{size}");
            for place in 0..size {
                let path = inclusion_path::<LogHash>(&leaves, usize::try_from(place).unwrap()).unwrap();
                let leaf = leaves[usize::try_from(place).unwrap()];
                assert!(verify_inclusion::<LogHash>(leaf, place, size, &path, &tree), "{place} of {size}");
                assert!(!verify_inclusion::<LogHash>(LogHash::leaf(b"x"), place, size, &path, &tree));
                assert!(!verify_inclusion::<LogHash>(leaf, place + 1, size, &path, &tree));
            }
            for older in 1..=size {
                let before = naive(&leaves[..usize::try_from(older).unwrap()]);
                let path = consistency_path::<LogHash>(&leaves, usize::try_from(older).unwrap()).unwrap();
                assert!(
                    verify_consistency::<LogHash>((older, &before), (size, &tree), &path),
                    "{older} of {size}"
                );
                if !path.is_empty() {
                    let mut forged = path.clone();
                    forged[0][0] ^= 1;
                    assert!(!verify_consistency::<LogHash>((older, &before), (size, &tree), &forged));
                    assert!(!verify_consistency::<LogHash>((older, &before), (size, &tree), &path[1..]));
                }
            }
        }
    }

    #[test]
    fn a_frontier_is_kept_and_taken_up_again() {
        let mut frontier = Frontier::default();
        for leaf in leaves(11) {
            frontier.push::<LogHash>(leaf);
        }
        let kept = Frontier::from_parts(frontier.size(), frontier.peaks().to_vec());
        assert_eq!(kept, Some(frontier.clone()));
        assert_eq!(Frontier::from_parts(12, frontier.peaks().to_vec()), None);
    }
}
