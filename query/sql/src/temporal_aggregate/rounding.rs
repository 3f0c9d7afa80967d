//! An exact number becomes a float, rounded once: to the nearest, and of two equally near ones to the even
//! (IEEE 754-2019, section 4.3.1, roundTiesToEven).

/// A whole number without a sign in digits of base 2^32, the lowest first, times a power of two.
#[derive(Clone, Debug)]
pub(super) struct Digits {
    values: [u32; Self::CAPACITY],
    len: usize,
    /// The weight of the lowest bit, as a power of two.
    exponent: i32,
}

impl Digits {
    /// What the widest accumulator has (71 digits) and a quotient adds to it (4), rounded up.
    const CAPACITY: usize = 80;
    const BITS: usize = 32;

    /// No digits yet; the first one pushed weighs `2^exponent`.
    pub(super) const fn starting_at(exponent: i32) -> Self {
        Self { values: [0; Self::CAPACITY], len: 0, exponent }
    }

    /// The digits of a whole number.
    pub(super) fn of(value: u128) -> Self {
        let mut digits = Self::starting_at(0);
        for i in 0..4 {
            #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is asked for")]
            digits.push((value >> (Self::BITS * i)) as u32);
        }
        digits
    }

    /// Appends the next higher digit.
    pub(super) fn push(&mut self, digit: u32) {
        self.values[self.len] = digit;
        self.len += 1;
    }

    /// Takes the digits as a number in two's complement and makes it its negative.
    pub(super) fn negate(&mut self) {
        let mut carry = true;
        for digit in &mut self.values[..self.len] {
            (*digit, carry) = (!*digit).overflowing_add(u32::from(carry));
        }
    }

    /// The number of bits without leading zeros.
    fn bit_length(&self) -> usize {
        let highest = self.values[..self.len].iter().rposition(|digit| *digit != 0);
        highest.map_or(0, |i| Self::BITS * (i + 1) - self.values[i].leading_zeros() as usize)
    }

    /// Bits `from` to `from + 64`, those past the end being zero.
    fn window(&self, from: usize) -> u64 {
        let (first, shift) = (from / Self::BITS, from % Self::BITS);
        let digit = |i: usize| u128::from(self.values.get(first + i).copied().unwrap_or(0));
        let wide = digit(0) | digit(1) << 32 | digit(2) << 64;
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is asked for")]
        {
            (wide >> shift) as u64
        }
    }

    /// Whether any bit below `end` is set.
    fn any_below(&self, end: usize) -> bool {
        let (whole, rest) = (end / Self::BITS, end % Self::BITS);
        let part = self.values.get(whole).is_some_and(|digit| digit & ((1 << rest) - 1) != 0);
        part || self.values[..whole.min(self.len)].iter().any(|digit| *digit != 0)
    }
}

/// The float nearest to a number. `sticky`: the number is a little greater than its digits say.
pub(super) fn nearest(number: &Digits, sticky: bool, negative: bool) -> f64 {
    let length = number.bit_length();
    if length == 0 {
        return 0.0;
    }
    let signed = |bits: u64| f64::from_bits(bits | u64::from(negative) << 63);
    let top = number.exponent + i32::try_from(length).unwrap_or(i32::MAX) - 1;
    if top > 1023 {
        return signed(f64::INFINITY.to_bits());
    }
    // The weight of the float's last bit, and the number of bits below it.
    let last = (top - 52).max(-1074);
    let mantissa = match usize::try_from(last - number.exponent) {
        Ok(0) => number.window(0),
        Ok(dropped) => {
            let kept = number.window(dropped);
            let half = number.window(dropped - 1) & 1 == 1;
            let more = sticky || number.any_below(dropped - 1);
            kept + u64::from(half && (more || kept & 1 == 1))
        }
        Err(_) => number.window(0) << (number.exponent - last),
    };
    // A mantissa that was rounded up to the next power of two carries into the exponent by itself, as does a
    // subnormal that became normal, and the greatest float that became an infinity.
    let biased = u64::try_from(last + 1074).unwrap_or(0);
    signed((biased << 52) + mantissa)
}

/// The float nearest to a number divided by `count`, which is not zero.
pub(super) fn quotient(number: &Digits, count: u64, negative: bool) -> f64 {
    // Four digits below the point: 128 bits, of which a divisor of 64 bits leaves more than a mantissa holds.
    const BELOW: usize = 4;
    let divisor = u128::from(count);
    let mut digits = Digits::starting_at(number.exponent - 32 * 4);
    digits.len = number.len + BELOW;
    let mut remainder = 0;
    for i in (0..digits.len).rev() {
        let digit = i.checked_sub(BELOW).map_or(0, |i| number.values[i]);
        let value = remainder << 32 | u128::from(digit);
        (digits.values[i], remainder) =
            if let (Ok(value), Ok(divisor)) = (u64::try_from(value), u64::try_from(divisor)) {
                (digit_of((value / divisor).into()), u128::from(value % divisor))
            } else {
                (digit_of(value / divisor), value % divisor)
            };
    }
    nearest(&digits, remainder != 0, negative)
}

/// A digit of a quotient: below 2^32, as each remainder is below the divisor.
fn digit_of(value: u128) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "what is rounded once is one float and no other")]

    use super::*;

    #[test]
    fn whole_numbers_are_divided_as_if_by_hand_and_rounded_once() {
        for (value, count) in [(0, 7), (1, 3), (2, 3), (10, 4), (1 << 53, 3), (123_456_789, 1_000)] {
            #[expect(
                clippy::cast_precision_loss,
                reason = "these are exact, so the float quotient is the oracle"
            )]
            let expected = value as f64 / count as f64;
            assert_eq!(quotient(&Digits::of(value), count, false), expected, "{value} / {count}");
            assert_eq!(quotient(&Digits::of(value), count, true), -expected, "-{value} / {count}");
        }
        // 2^64 + 1 is no float, a third of 3 * (2^53 + 1) is halfway between two.
        assert_eq!(quotient(&Digits::of((1 << 64) + 1), 1, false), 18_446_744_073_709_551_616.0);
        assert_eq!(quotient(&Digits::of(3 * ((1 << 53) + 1)), 3, false), 9_007_199_254_740_992.0);
        assert_eq!(quotient(&Digits::of(3 * ((1 << 53) + 1) + 1), 3, false), 9_007_199_254_740_994.0);
        assert_eq!(quotient(&Digits::of(u128::MAX), u64::MAX, false), 18_446_744_073_709_551_616.0);
    }
}
