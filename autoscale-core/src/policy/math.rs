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

/// Below this the result stays as it is there: 2e-300.
const SMALLEST: f64 = -690.0;

/// (e^r − 1 − r)/r² for |r| <= ln 2 / 2: coefficients of the polynomial through the Chebyshev nodes, worked out with 60
/// digits. e^r is off by less than 2e-17 with them; Taylor's series would take two more.
const EXP: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_69,
    0.041_666_666_666_624_13,
    0.008_333_333_333_330_062,
    0.001_388_888_891_721_371_7,
    0.000_198_412_698_630_536_18,
    2.480_152_129_595_437_6e-5,
    2.755_726_845_999_706_4e-6,
    2.762_008_844_540_974_6e-7,
    2.510_038_549_551_032e-8,
];

/// (artanh(s)/s − 1)/s² by s², for |s| <= (√2 − 1)/(√2 + 1): likewise, less than 1e-17 off.
const ARTANH: [f64; 7] = [
    0.333_333_333_333_333_5,
    0.199_999_999_999_497_22,
    0.142_857_143_130_016_35,
    0.111_111_055_651_299_39,
    0.090_914_447_278_374_74,
    0.076_658_553_091_053_86,
    0.073_082_927_124_443_11,
];

/// e^x for x <= 0. (Up to 700 it is right as well.)
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let clamped = if x > SMALLEST { x } else { SMALLEST };
    let shifted = clamped * std::f64::consts::LOG2_E + WHOLE;
    let k = shifted - WHOLE;
    let r = (clamped - k * LN_2_HIGH) - k * LN_2_LOW;
    let r2 = r * r;
    let r4 = r2 * r2;
    let low = (EXP[0] + r * EXP[1]) + r2 * (EXP[2] + r * EXP[3]);
    let high = (EXP[4] + r * EXP[5]) + r2 * (EXP[6] + r * EXP[7]);
    let series = low + r4 * (high + r4 * (EXP[8] + r * EXP[9]));
    // The exponent goes straight into the bits.
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    (1.0 + (r + r2 * series)) * power
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
    // ln m = 2 artanh s.
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let low = (ARTANH[0] + s2 * ARTANH[1]) + s4 * (ARTANH[2] + s2 * ARTANH[3]);
    let series = low + s4 * s4 * ((ARTANH[4] + s2 * ARTANH[5]) + s4 * ARTANH[6]);
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
        for x in [-691.0, -1e9, f64::NEG_INFINITY] {
            assert!((0.0..1e-299).contains(&exp(x)));
        }
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
