//! exp and ln without branches or calls, so that the compiler does several cells of the grid at once: the standard
//! library's are called one number at a time, and are most of what a check costs. Accurate to a few units in the last
//! place (tested against the standard library's), and the same on every machine.

/// ln 2, its high part with enough trailing zeros that a whole multiple below 2^11 is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
/// The rest of ln 2 (1.9082149292705877e-10).
const LN_2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);

/// Adding it leaves a whole number in the low bits of the sum.
const WHOLE: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52
/// A double of 2^52: its low bits count ones.
const ONES: u64 = 0x4330_0000_0000_0000;

/// Below this the result is given as 0 (it would be less than 1e-300).
const SMALLEST: f64 = -690.0;

/// e^x for x <= 0. (Up to 700 it is right as well.)
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let clamped = if x > SMALLEST { x } else { SMALLEST };
    let shifted = clamped * std::f64::consts::LOG2_E + WHOLE;
    let k = shifted - WHOLE;
    // |r| <= ln 2 / 2: Taylor's series to the 13th power leaves less than 1e-17.
    let r = (clamped - k * LN_2_HIGH) - k * LN_2_LOW;
    let r2 = r * r;
    let r4 = r2 * r2;
    let low = (1.0 + r) + r2 * (1.0 / 2.0 + r * (1.0 / 6.0));
    let mid = (1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0 + r * (1.0 / 5_040.0));
    let high = (1.0 / 40_320.0 + r * (1.0 / 362_880.0)) + r2 * (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0));
    let top = 1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0);
    let series = low + r4 * (mid + r4 * (high + r4 * top));
    // The exponent goes straight into the bits.
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x > SMALLEST { series * power } else { 0.0 }
}

/// ln x for a normal x > 0.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    // x = m · 2^e with m within a factor √2 of 1: take away the bits of √½ before the exponent is cut off.
    const ROOT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
    let bits = x.to_bits();
    let above = bits.wrapping_sub(ROOT_HALF);
    // Exponents of both signs as a count from 0, with the magic of `ONES` made a double.
    let counted = (above.wrapping_add(1024 << 52)) >> 52;
    let e = f64::from_bits(ONES | counted) - (f64::from_bits(ONES) + 1024.0);
    let m = f64::from_bits((above & 0x000F_FFFF_FFFF_FFFF).wrapping_add(ROOT_HALF));
    // ln m = 2 artanh s, s <= 0.172: to the 21st power.
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let s8 = s4 * s4;
    let low = (1.0 / 3.0 + s2 * (1.0 / 5.0)) + s4 * (1.0 / 7.0 + s2 * (1.0 / 9.0));
    let high = (1.0 / 11.0 + s2 * (1.0 / 13.0)) + s4 * (1.0 / 15.0 + s2 * (1.0 / 17.0));
    let top = (1.0 / 19.0 + s2 * (1.0 / 21.0)) + s4 * (1.0 / 23.0);
    let series = low + s8 * (high + s8 * top);
    let twice = s + s;
    e * LN_2_HIGH + (twice + (e * LN_2_LOW + twice * s2 * series))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_standard_library() {
        for i in 0..=1_000_000 {
            let x = -689.0 * f64::from(i) / 1e6;
            let (ours, std) = (exp(x), x.exp());
            assert!((ours - std).abs() <= 1e-15 * std, "exp({x}) = {ours}, not {std}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e9), 0.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
    }

    #[test]
    fn ln_agrees_with_the_standard_library() {
        for i in -600_000..=600_000 {
            let x = 10_f64.powf(f64::from(i) / 2000.0);
            let (ours, std) = (ln(x), x.ln());
            assert!((ours - std).abs() <= 1e-15 * std.abs().max(1e-3), "ln({x}) = {ours}, not {std}");
        }
        assert_eq!(ln(1.0), 0.0);
    }
}
