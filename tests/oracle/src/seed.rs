//! Repeatable chance: one seed gives one history, on every platform.

/// A source of pseudo-random numbers: `SplitMix64` (Steele, Lea and Flood, *Fast
/// splittable pseudorandom number generators*, 2014).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// A source that repeats itself for the same number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, but not including, `bound`.
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        // Multiply and shift: the high half of a 32 by 32 bit product.
        assert!(bound > 0, "nothing lies below 0");
        let product = (self.bits() >> 32) * u64::from(bound);
        u32::try_from(product >> 32).expect("a product of 32 bits each has 32 high bits")
    }

    /// Whether an event of this many chances in a hundred happens.
    pub fn percent(&mut self, chances: u32) -> bool {
        self.below(100) < chances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_numbers() {
        let mut seed = Seed::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        assert_eq!([seed.bits(), seed.bits()], expected);
    }

    #[test]
    fn stays_below_its_bound_and_reaches_all_of_it() {
        let mut seed = Seed::new(7);
        let mut reached = [false; 5];
        for _ in 0..200 {
            reached[usize::try_from(seed.below(5)).unwrap()] = true;
        }
        assert_eq!(reached, [true; 5]);
    }
}
