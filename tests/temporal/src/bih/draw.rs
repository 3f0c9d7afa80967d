//! Draws: a counter-based generator. What is drawn depends on seed, scenario, name and index alone, so that no draw
//! moves another.

use std::fmt::Write as _;

/// The draws of one scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    seed: u64,
    scenario: u32,
}

impl Draw {
    pub(super) const fn new(seed: u64, scenario: u32) -> Self {
        Self { seed, scenario }
    }

    /// A number from 0 up to, without, `bound`; 0 where `bound` is 0.
    pub(super) fn below(self, name: &str, index: i64, bound: u64) -> u64 {
        let product = u128::from(self.bits(name, index)) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// A number from `least` to `most`, both included.
    pub(super) fn between(self, name: &str, index: i64, least: i64, most: i64) -> i64 {
        let bound = u64::try_from(most - least + 1).unwrap_or(0);
        least + i64::try_from(self.below(name, index, bound)).unwrap_or(0)
    }

    /// A number of days from `least` to `most`, both included.
    pub(super) fn days(self, name: &str, index: i64, least: i32, most: i32) -> i32 {
        i32::try_from(self.between(name, index, least.into(), most.into())).unwrap_or(least)
    }

    /// One of several.
    pub(super) fn choose<'a, T>(self, name: &str, index: i64, of: &'a [T]) -> Option<&'a T> {
        let at = self.below(name, index, u64::try_from(of.len()).unwrap_or(0));
        of.get(usize::try_from(at).unwrap_or(0))
    }

    /// A number from 0 up to, without, 1.
    pub(super) fn unit(self, name: &str, index: i64) -> f64 {
        let bits = u32::try_from(self.bits(name, index) >> 32).unwrap_or(0);
        f64::from(bits) / 4_294_967_296.0
    }

    /// About normal with a deviation of one, in thousandths: twelve uniform numbers, added up.
    pub(super) fn normal_thousandths(self, name: &str) -> i64 {
        (0..12).map(|index| self.between(name, index, 0, 1000)).sum::<i64>() - 6000
    }

    /// Letters and digits.
    pub(super) fn letters(self, name: &str, length: i64) -> String {
        const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ, ";
        (0..length)
            .filter_map(|at| self.choose(name, at, LETTERS))
            .map(|&letter| char::from(letter))
            .collect()
    }

    /// A telephone number by TPC-H's rule: the nation's code, then ten digits.
    pub(super) fn phone(self, name: &str, nation: i64) -> String {
        let mut phone = (nation + 10).to_string();
        for (at, (least, most)) in (0..).zip([(100, 999), (100, 999), (1000, 9999)]) {
            // Writing to a string does not fail.
            write!(phone, "-{}", self.between(name, at, least, most)).ok();
        }
        phone
    }

    fn bits(self, name: &str, index: i64) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(&self.seed.to_le_bytes())
            .update(&self.scenario.to_le_bytes())
            .update(&index.to_le_bytes());
        let hash = hasher.update(name.as_bytes()).finalize();
        let mut bits = [0; 8];
        bits.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_its_names_alone_and_keeps_its_bounds() {
        let draw = Draw::new(7, 1);
        assert_eq!(draw.below("quantity", 3, 50), draw.below("quantity", 3, 50));
        let others = [
            Draw::new(8, 1).bits("quantity", 3),
            Draw::new(7, 2).bits("quantity", 3),
            draw.bits("tax", 3),
            draw.bits("quantity", 4),
        ];
        assert!(others.iter().all(|&other| other != draw.bits("quantity", 3)));
        let drawn: Vec<i64> = (0..2000).map(|index| draw.between("quantity", index, 1, 50)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&1), Some(&50)));
        assert_eq!(draw.phone("phone", 5).len(), "15-123-456-7890".len());
    }
}
