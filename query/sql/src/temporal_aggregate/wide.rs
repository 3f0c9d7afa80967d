//! A sum of decimals that can't overflow: of up to 2^64 values of up to 256 bits each.

use datafusion::arrow::datatypes::i256;

/// Two sums side by side: of the values' high halves, with their sign, and of their low halves, without one. The
/// value is `high * 2^128 + low`. Each half has 128 bits, so 2^64 of them fit 256 bits with room to spare.
///
/// Invariant: `low` is the sum of the low halves of the values that are in, so it is never negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide {
    high: i256,
    low: i256,
}

impl Wide {
    pub(super) const ZERO: Self = Self { high: i256::ZERO, low: i256::ZERO };

    /// Adds a value.
    pub(super) const fn add(&mut self, value: i256) {
        let (low, high) = value.to_parts();
        self.high = self.high.wrapping_add(i256::from_i128(high));
        self.low = self.low.wrapping_add(i256::from_parts(low, 0));
    }

    /// Takes away a value that was added before.
    pub(super) const fn subtract(&mut self, value: i256) {
        let (low, high) = value.to_parts();
        self.high = self.high.wrapping_sub(i256::from_i128(high));
        self.low = self.low.wrapping_sub(i256::from_parts(low, 0));
    }

    /// The sum, if it fits 256 bits.
    pub(super) fn sum(self) -> Option<i256> {
        let (high, low) = self.halves();
        Some(i256::from_parts(low, high.to_i128()?))
    }

    /// The sum times `factor` (1 or more) divided by `count` (1 or more), cut off towards zero, if it fits 256
    /// bits; whether the sum itself fits doesn't matter.
    pub(super) fn average(self, factor: i256, count: u64) -> Option<i256> {
        let (high, low) = self.halves();
        let negative = high.is_negative();
        let (high, low) = if negative {
            let borrow = if low == 0 { i256::ZERO } else { i256::ONE };
            (high.wrapping_neg().wrapping_sub(borrow), low.wrapping_neg())
        } else {
            (high, low)
        };
        let divisor = i256::from_i128(count.into());
        let above = high.checked_div(divisor)?;
        let left = high.checked_rem(divisor)?.to_i128()?;
        // Below 2^64 * 2^128, as the remainder is below the divisor; so its quotient is below 2^128.
        let rest = i256::from_parts(low, left);
        let below = rest.checked_div(divisor)?.to_parts().0;
        let left = rest.checked_rem(divisor)?;
        let whole = i256::from_parts(below, above.to_i128()?).checked_mul(factor)?;
        let fraction = left.checked_mul(factor)?.checked_div(divisor)?;
        let magnitude = whole.checked_add(fraction)?;
        Some(if negative { magnitude.wrapping_neg() } else { magnitude })
    }

    /// The value in another form: with a low half of 128 bits.
    fn halves(self) -> (i256, u128) {
        let (low, carry) = self.low.to_parts();
        (self.high.wrapping_add(i256::from_i128(carry)), low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(values: &[i256]) -> Wide {
        let mut sum = Wide::ZERO;
        for value in values {
            sum.add(*value);
        }
        sum
    }

    #[test]
    fn a_sum_that_leaves_256_bits_comes_back() {
        let mut sum = wide(&[i256::MAX, i256::MAX, i256::MIN]);
        assert_eq!(sum.sum(), i256::MAX.checked_sub(i256::ONE));
        sum.add(i256::from_i128(1));
        assert_eq!(sum.sum(), Some(i256::MAX));
        sum.add(i256::ONE);
        assert_eq!(sum.sum(), None);
        sum.subtract(i256::MAX);
        assert_eq!(sum.sum(), Some(i256::ONE));
        assert_eq!(wide(&[i256::MIN, i256::MINUS_ONE]).sum(), None);
        assert_eq!(wide(&[i256::MIN]).sum(), Some(i256::MIN));
    }

    #[test]
    fn an_average_is_cut_off_towards_zero() {
        for (values, factor, expected) in [
            (vec![1, 1], 10, 10),
            (vec![2, 0, 0], 10_000, 6_666),
            (vec![-2, 0, 0], 10_000, -6_666),
            (vec![-1, 0], 1, 0),
            (vec![-3, 0], 1, -1),
            (vec![i128::MIN, i128::MIN, i128::MIN], 1, i128::MIN),
            (vec![i128::MAX, i128::MIN], 10, -5),
        ] {
            let sum = wide(&values.iter().map(|value| i256::from_i128(*value)).collect::<Vec<_>>());
            let average = sum.average(i256::from_i128(factor), values.len() as u64);
            assert_eq!(average, Some(i256::from_i128(expected)), "{values:?}");
        }
        assert_eq!(wide(&[i256::MAX; 3]).average(i256::ONE, 3), Some(i256::MAX));
        assert_eq!(
            wide(&[i256::MIN.wrapping_add(i256::ONE); 3]).average(i256::ONE, 3),
            i256::MAX.checked_neg()
        );
        assert_eq!(wide(&[i256::MAX; 3]).average(i256::from_i128(10), 3), None);
    }
}
