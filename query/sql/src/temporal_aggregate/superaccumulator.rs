//! A sum of floats to which values are added, and from which they are taken away, without any error.
//!
//! This is the long fixed-point accumulator of U. Kulisch and W. L. Miranker ("The arithmetic of the digital
//! computer: a new approach", SIAM Review 28(1), 1986, section 4) in the carry-save form of R. M. Neal's small
//! superaccumulator ("Fast exact summation using small and large superaccumulators", arXiv:1505.05571, 2015,
//! section 2): a fixed-point number over the whole range of `f64`, cut into digits of base 2^32 that are kept in
//! signed 64 bits, so that a carry has to be handed on only once in 2^30 operations.
//!
//! Invariant: the value is the sum of `digits[i] * 2^(32 i - 1074)`, whatever was added before, in any order.

use super::rounding::{Digits, nearest, quotient};

/// Bits of a digit.
const RADIX_BITS: u32 = 32;
/// The weight of the lowest bit, as a power of two: that of the smallest subnormal `f64`.
const LOWEST: i32 = -1074;
/// Enough for 2^64 times the greatest finite `f64` (2,162 bits), and a digit for the sign.
const DIGITS: usize = 69;
/// After so many operations the carries are handed on: a digit changes by less than 2^32 at each, so it stays
/// below 2^62 and a further carry can't overflow it.
const OPERATIONS_BETWEEN_CARRIES: u32 = 1 << 29;

/// An exact sum of finite `f64`; NaN and the infinities are counted apart.
#[derive(Clone, Debug)]
pub(super) struct Superaccumulator {
    digits: [i64; DIGITS],
    /// The digits from `low` to `high` (exclusive) may differ from zero, no others.
    low: usize,
    high: usize,
    operations: u32,
    nan: u64,
    positive_infinity: u64,
    negative_infinity: u64,
}

impl Default for Superaccumulator {
    fn default() -> Self {
        Self {
            digits: [0; DIGITS],
            low: DIGITS,
            high: 0,
            operations: 0,
            nan: 0,
            positive_infinity: 0,
            negative_infinity: 0,
        }
    }
}

impl Superaccumulator {
    /// Adds a value.
    pub(super) fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.accumulate(value, value.is_sign_negative());
        } else {
            *self.special(value) += 1;
        }
    }

    /// Takes away a value that was added before.
    pub(super) fn subtract(&mut self, value: f64) {
        if value.is_finite() {
            self.accumulate(value, value.is_sign_positive());
        } else {
            *self.special(value) -= 1;
        }
    }

    /// The sum, rounded once to the nearest `f64` (ties to even). A sum past the range of `f64` is an infinity,
    /// as IEEE 754 has it; zero is never negative; a NaN, or infinities of both signs, make NaN.
    pub(super) fn sum(&self) -> f64 {
        self.of_specials().unwrap_or_else(|| {
            let (digits, negative) = self.magnitude();
            nearest(&digits, false, negative)
        })
    }

    /// The sum divided by `count`, rounded once: also where the sum itself is past the range of `f64`.
    pub(super) fn average(&self, count: u64) -> f64 {
        self.of_specials().unwrap_or_else(|| {
            let (digits, negative) = self.magnitude();
            quotient(&digits, count, negative)
        })
    }

    fn special(&mut self, value: f64) -> &mut u64 {
        if value.is_nan() {
            &mut self.nan
        } else if value.is_sign_positive() {
            &mut self.positive_infinity
        } else {
            &mut self.negative_infinity
        }
    }

    fn of_specials(&self) -> Option<f64> {
        match (self.nan, self.positive_infinity, self.negative_infinity) {
            (0, 0, 0) => None,
            (0, _, 0) => Some(f64::INFINITY),
            (0, 0, _) => Some(f64::NEG_INFINITY),
            _ => Some(f64::NAN),
        }
    }

    fn accumulate(&mut self, value: f64, negative: bool) {
        let bits = value.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        let exponent = (bits >> 52) & 0x7ff;
        // The value is `mantissa * 2^(place + LOWEST)`; a subnormal has the least place and no hidden bit.
        let (mantissa, place) =
            if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
        if mantissa == 0 {
            return;
        }
        if self.operations == OPERATIONS_BETWEEN_CARRIES {
            self.carry();
        }
        self.operations += 1;
        let shifted = u128::from(mantissa) << (place % u64::from(RADIX_BITS));
        let first = usize::try_from(place / u64::from(RADIX_BITS)).unwrap_or(DIGITS - 3);
        for (i, digit) in self.digits[first..first + 3].iter_mut().enumerate() {
            let part = digit_of(shifted >> (RADIX_BITS as usize * i));
            *digit += if negative { -part } else { part };
        }
        self.low = self.low.min(first);
        self.high = self.high.max(first + 3);
    }

    /// Hands the carries on; the value stays the same.
    fn carry(&mut self) {
        for i in self.low..DIGITS - 1 {
            let carry = self.digits[i] >> RADIX_BITS;
            self.digits[i] -= carry << RADIX_BITS;
            self.digits[i + 1] += carry;
        }
        self.high = DIGITS;
        self.operations = 0;
    }

    /// The absolute value as digits without a sign, and whether the value is negative.
    fn magnitude(&self) -> (Digits, bool) {
        let mut digits = Digits::starting_at(LOWEST + 32 * i32::try_from(self.low).unwrap_or(0));
        let mut carry = 0;
        for digit in self.digits.iter().take(self.high).skip(self.low) {
            let value = digit + carry;
            digits.push(u32_of(value));
            carry = value >> RADIX_BITS;
        }
        let negative = carry < 0;
        digits.push(u32_of(carry));
        digits.push(u32_of(carry >> RADIX_BITS));
        if negative {
            digits.negate();
        }
        (digits, negative)
    }
}

/// The low 32 bits, as a digit.
fn digit_of(value: u128) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is asked for")]
    i64::from(value as u32)
}

/// The low 32 bits of a number in two's complement.
fn u32_of(value: i64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the low bits are what is asked for"
    )]
    {
        value as u32
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "what is rounded once is one float and no other")]

    use super::*;

    fn sum_of(values: &[f64]) -> f64 {
        let mut sum = Superaccumulator::default();
        for value in values {
            sum.add(*value);
        }
        sum.sum()
    }

    #[test]
    fn a_sum_is_rounded_once() {
        let tiny = f64::from_bits(1);
        for (values, expected) in [
            (vec![], 0.0),
            (vec![1e308, 1.0, -1e308], 1.0),
            (vec![1e308, 1e308, -1e308], 1e308),
            (vec![f64::MAX, f64::MAX], f64::INFINITY),
            (vec![-f64::MAX, -f64::MAX], f64::NEG_INFINITY),
            (vec![f64::MAX, tiny], f64::MAX),
            (vec![f64::MAX, 2_f64.powi(970), tiny], f64::INFINITY),
            (vec![tiny, tiny, -tiny], tiny),
            (vec![f64::MIN_POSITIVE, -tiny], f64::MIN_POSITIVE - tiny),
            (vec![-1e-300, 1e300, -1e300], -1e-300),
            // Halfway between two floats goes to the even one, a bit beyond to the next.
            (vec![9_007_199_254_740_992.0, 1.0], 9_007_199_254_740_992.0),
            (vec![9_007_199_254_740_992.0, 1.0, 1e-300], 9_007_199_254_740_994.0),
            (vec![9_007_199_254_740_994.0, 1.0], 9_007_199_254_740_996.0),
            (vec![-9_007_199_254_740_992.0, -1.0, -1e-300], -9_007_199_254_740_994.0),
            (vec![0.1, 0.2, -0.3], 2.775_557_561_562_891_4e-17),
            (vec![f64::INFINITY, 1.0], f64::INFINITY),
            (vec![f64::NEG_INFINITY, f64::MAX], f64::NEG_INFINITY),
        ] {
            assert_eq!(sum_of(&values), expected, "{values:?}");
        }
        assert!(sum_of(&[f64::NAN, 1.0]).is_nan());
        assert!(sum_of(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert_eq!(sum_of(&[-0.0]).to_bits(), 0, "zero is never negative");
    }

    #[test]
    fn what_is_taken_away_leaves_no_trace() {
        let mut sum = Superaccumulator::default();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e-308, 0.1] {
            sum.add(value);
        }
        for value in [1e308, f64::NAN, f64::NEG_INFINITY, -1e-308, f64::INFINITY] {
            sum.subtract(value);
        }
        assert_eq!(sum.sum(), 0.1);
    }

    #[test]
    fn an_average_is_rounded_once_and_its_sum_may_be_out_of_range() {
        let average = |values: &[f64], count| {
            let mut sum = Superaccumulator::default();
            for value in values {
                sum.add(*value);
            }
            sum.average(count)
        };
        assert_eq!(average(&[f64::MAX, f64::MAX, f64::MAX], 3), f64::MAX);
        assert_eq!(average(&[1.0, 1.0, -1.0], 3), 1.0 / 3.0);
        assert_eq!(average(&[f64::from_bits(3)], 2), f64::from_bits(2));
        assert_eq!(average(&[f64::from_bits(1)], 2), 0.0);
        assert_eq!(average(&[-5.0, 0.5], u64::MAX), -4.5 / 18_446_744_073_709_551_615.0);
    }

    #[test]
    fn carries_keep_the_value() {
        let great = 1.5 * 2_f64.powi(600);
        let small = -1.25 * 2_f64.powi(-600);
        let mut sum = Superaccumulator::default();
        for _ in 0..4 {
            sum.add(great);
            sum.add(small);
            sum.carry();
        }
        assert_eq!(sum.sum(), 4.0 * great);
        (0..4).for_each(|_| sum.subtract(great));
        assert_eq!(sum.sum(), 4.0 * small);
        sum.carry();
        assert_eq!(sum.sum(), 4.0 * small);
        (0..4).for_each(|_| sum.subtract(small));
        assert_eq!(sum.sum(), 0.0);
    }

    /// The correctly rounded sum by another way: J. R. Shewchuk's expansions that do not overlap ("Adaptive
    /// precision floating-point arithmetic and fast robust geometric predicates", 1997), with the last step
    /// rounded to even as R. Hettinger's `msum` does.
    fn sum_of_expansion(values: &[f64]) -> f64 {
        let mut partials: Vec<f64> = Vec::new();
        for value in values {
            let mut high = *value;
            partials.retain_mut(|partial| {
                let (big, small) =
                    if high.abs() < partial.abs() { (*partial, high) } else { (high, *partial) };
                high = big + small;
                *partial = small - (high - big);
                *partial != 0.0
            });
            partials.push(high);
        }
        let mut sum = 0.0;
        let mut rest = 0.0;
        while let Some(partial) = partials.pop() {
            let before: f64 = sum;
            sum = before + partial;
            rest = partial - (sum - before);
            if rest != 0.0 {
                break;
            }
        }
        let below = partials.last().copied().unwrap_or(0.0);
        if rest < 0.0 && below < 0.0 || rest > 0.0 && below > 0.0 {
            let double = rest * 2.0;
            let rounded = sum + double;
            if rounded - sum == double {
                sum = rounded;
            }
        }
        sum
    }

    #[test]
    fn sums_of_random_floats_are_rounded_correctly_whatever_came_and_went() {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        for width in [1, 60, 120, 1_900] {
            let (mut sum, mut values) = (Superaccumulator::default(), Vec::new());
            for _ in 0..3_000 {
                if draw(5) < 2 && !values.is_empty() {
                    let gone: f64 = values.swap_remove(usize::try_from(draw(values.len() as u64)).unwrap());
                    sum.subtract(gone);
                } else {
                    let exponent = 1_023 - width / 2 + draw(width);
                    let value = f64::from_bits(draw(2) << 63 | exponent << 52 | draw(1 << 52));
                    values.push(value);
                    sum.add(value);
                }
                assert_eq!(sum.sum(), sum_of_expansion(&values), "width {width}, {} values", values.len());
            }
        }
    }
}
