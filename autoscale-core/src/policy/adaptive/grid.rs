//! The grid that the belief is spread over: what each cell stands for, one number a cell, and how these numbers spread
//! as time passes. Rows are kinds of app (A, b), columns are loads: the inner loops run along a row.

use std::ops::{Deref, DerefMut};

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Response time that no dyno can cure, ms.
const INCURABLE_MS: [f64; 6] = [40.0, 80.0, 150.0, 280.0, 1200.0, 3000.0];
/// Dyno time that a request needs, ms.
pub(super) const WORK_MS: [f64; 4] = [15.0, 40.0, 100.0, 220.0];
/// An A above this is an incident, not the app as it is.
const INCIDENT_MS: f64 = 500.0;
/// How much less likely an incident is than an app as it is, before anything is seen.
const INCIDENT_WEIGHT: f64 = 0.02;

/// Kinds of app: each A with each b.
pub(super) const ROWS: usize = INCURABLE_MS.len() * WORK_MS.len();
/// Loads.
pub(super) const LOADS: usize = 84;
/// The first row of an incident.
pub(super) const FIRST_INCIDENT: usize = 4 * WORK_MS.len();

/// Loads lie this far apart: ln 1.08.
const STEP: f64 = 0.076_961_041_136_128_4;
/// Drift of the load per square root of a minute, as a logarithm.
const DRIFT: f64 = 0.05;
/// Probability of a jump in a minute.
const JUMP: f64 = 0.01;
/// A jump goes up by 0 to 15 cells, each as likely: to 3.2 times the load.
const JUMP_CELLS: usize = 16;

/// One number for each load.
pub(super) type Row = [f64; LOADS];

/// The loads, in dynos: 0.1 · 1.08^k, to 60.
pub(super) const DYNOS: Row = {
    let mut loads = [0.1; LOADS];
    let mut k = 1;
    while k < LOADS {
        loads[k] = loads[k - 1] * 1.08;
        k += 1;
    }
    loads
};

/// Their natural logarithms.
pub(super) const LN_DYNOS: Row = {
    let mut logs = [0.0; LOADS];
    let mut k = 0;
    while k < LOADS {
        logs[k] = k as f64 * STEP - std::f64::consts::LN_10;
        k += 1;
    }
    logs
};

/// A of a row, ms.
pub(super) const fn incurable_ms(row: usize) -> f64 {
    INCURABLE_MS[row / WORK_MS.len()]
}

/// b of a row, ms.
pub(super) const fn work_ms(row: usize) -> f64 {
    WORK_MS[row % WORK_MS.len()]
}

/// How likely each kind of app is before anything is seen; sums to 1.
pub(super) const PRIOR: [f64; ROWS] = {
    let mut weights = [1.0; ROWS];
    let mut sum = 0.0;
    let mut row = 0;
    while row < ROWS {
        if incurable_ms(row) > INCIDENT_MS {
            weights[row] = INCIDENT_WEIGHT;
        }
        sum += weights[row];
        row += 1;
    }
    row = 0;
    while row < ROWS {
        weights[row] /= sum;
        row += 1;
    }
    weights
};

/// One number for each cell.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Grid(Box<[Row; ROWS]>);

impl Grid {
    /// Each cell 0.
    pub(super) fn zero() -> Self {
        Self(Box::new([[0.0; LOADS]; ROWS]))
    }

    /// The prior: any load is as likely as any other.
    pub(super) fn prior() -> Self {
        let mut grid = Self::zero();
        for (row, weight) in grid.iter_mut().zip(PRIOR) {
            *row = [weight / LOADS as f64; LOADS];
        }
        grid
    }

    /// Takes over another's numbers.
    pub(super) fn copy_from(&mut self, other: &Self) {
        *self.0 = *other.0;
    }

    /// Sums over the kinds of app: one number a load.
    pub(super) fn by_load(&self) -> Row {
        let mut sums = [0.0; LOADS];
        for row in self.iter() {
            add(&mut sums, row);
        }
        sums
    }

    /// Is every number finite and not below zero?
    pub(super) fn is_sound(&self) -> bool {
        self.iter().flatten().all(|v| v.is_finite() && *v >= 0.0)
    }

    /// Is it a distribution?
    pub(super) fn is_distribution(&self) -> bool {
        self.is_sound() && (self.iter().map(sum).sum::<f64>() - 1.0).abs() < 1e-9
    }
}

impl Deref for Grid {
    type Target = [Row; ROWS];
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Grid {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Serialize for Grid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut cells = serializer.serialize_tuple(ROWS * LOADS)?;
        for cell in self.iter().flatten() {
            cells.serialize_element(cell)?;
        }
        cells.end()
    }
}

impl<'de> Deserialize<'de> for Grid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cells;
        impl<'de> Visitor<'de> for Cells {
            type Value = Grid;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{} numbers", ROWS * LOADS)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Grid, A::Error> {
                let mut grid = Grid::zero();
                for cell in grid.iter_mut().flatten() {
                    *cell = seq.next_element()?.ok_or_else(|| A::Error::custom("too few cells"))?;
                }
                Ok(grid)
            }
        }
        deserializer.deserialize_tuple(ROWS * LOADS, Cells)
    }
}

/// How far the load may have moved over some minutes.
#[derive(Clone, Copy)]
struct Motion {
    /// Share that drifts to each neighbour.
    drift: f64,
    /// Share that jumps.
    jump: f64,
}

impl Motion {
    pub(super) fn over(minutes: f64) -> Self {
        Self { drift: (DRIFT * DRIFT * minutes / (2.0 * STEP * STEP)).min(0.33), jump: (JUMP * minutes).min(0.5) }
    }
}

/// Two rows, cell beside cell (neighbours then lie a whole register apart), with nothing on both sides.
const PAD: usize = 2 * JUMP_CELLS;
const PADDED: usize = PAD + 2 * LOADS + 2;

/// Room to spread rows in.
pub(super) struct Blur {
    motion: Motion,
    cells: [f64; PADDED],
    sums: [[f64; PADDED]; 2],
}

impl Blur {
    pub(super) fn over(minutes: f64) -> Self {
        Self { motion: Motion::over(minutes), cells: [0.0; PADDED], sums: [[0.0; PADDED]; 2] }
    }

    /// Spreads two rows. Drift is turned back at both edges; what would jump beyond the top is lost.
    #[inline]
    pub(super) fn spread(&mut self, rows: [&Row; 2], out: [&mut Row; 2]) {
        let Self { motion, cells, sums: [odd, even] } = self;
        for (k, pair) in cells[PAD..].as_chunks_mut::<2>().0.iter_mut().take(LOADS).enumerate() {
            *pair = [rows[0][k], rows[1][k]];
        }
        // Sums of 2, 4, 8, then 16 cells: no running sum, whose rounding errors would outweigh the small cells.
        doubled::<2>(cells, odd);
        doubled::<4>(odd, even);
        doubled::<8>(even, odd);
        doubled::<16>(odd, even);
        let (stay, drift) = ((1.0 - motion.jump) * (1.0 - 2.0 * motion.drift), (1.0 - motion.jump) * motion.drift);
        let jump = motion.jump / JUMP_CELLS as f64;
        let spread = |i: usize| (stay * cells[i] + drift * (cells[i - 2] + cells[i + 2])) + jump * even[i];
        let [first, second] = out;
        for k in 0..LOADS {
            let i = PAD + 2 * k;
            (first[k], second[k]) = (spread(i), spread(i + 1));
        }
        for (row, out) in rows.into_iter().zip([first, second]) {
            out[0] += drift * row[0];
            out[LOADS - 1] += drift * row[LOADS - 1];
        }
    }

    /// Spreads rows, of which there is an even number.
    pub(super) fn spread_all(&mut self, rows: &[Row], out: &mut [Row]) {
        for ([a, b], [out_a, out_b]) in rows.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
            self.spread([a, b], [out_a, out_b]);
        }
    }
}

/// Each cell and the one `LAG` numbers before it.
#[inline(always)]
fn doubled<const LAG: usize>(cells: &[f64; PADDED], sums: &mut [f64; PADDED]) {
    for k in LAG..PADDED {
        sums[k] = cells[k] + cells[k - LAG];
    }
}

/// Adds a row to another.
#[inline(always)]
pub(super) fn add(sums: &mut Row, row: &Row) {
    for (sum, v) in sums.iter_mut().zip(row) {
        *sum += v;
    }
}

/// Side by side, so that additions need not wait for each other.
const LANES: usize = 4;

/// Sum of a row.
#[inline(always)]
pub(super) fn sum(row: &Row) -> f64 {
    let mut lanes = [0.0; LANES];
    for chunk in row.as_chunks::<LANES>().0 {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += v;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

/// Sum of the products of two rows.
#[inline(always)]
pub(super) fn dot(a: &Row, b: &Row) -> f64 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_powers_of_1_08_up_to_60_dynos() {
        for k in 0..LOADS {
            let expected = 0.1 * 1.08_f64.powi(k as i32);
            assert!((DYNOS[k] / expected - 1.0).abs() < 1e-13);
            assert!((LN_DYNOS[k] - expected.ln()).abs() < 1e-13);
        }
        const { assert!(DYNOS[LOADS - 1] < 60.0 && DYNOS[LOADS - 1] * 1.08 > 60.0) };
    }

    #[test]
    fn the_prior_is_a_distribution_with_incidents_rare() {
        assert!(Grid::prior().is_distribution());
        assert!((PRIOR[0] / PRIOR[FIRST_INCIDENT] - 50.0).abs() < 1e-9);
        assert_eq!((incurable_ms(FIRST_INCIDENT), incurable_ms(FIRST_INCIDENT - 1)), (1200.0, 280.0));
        assert_eq!((work_ms(0), work_ms(ROWS - 1)), (15.0, 220.0));
    }

    fn blurred(motion: Motion, row: &Row) -> Row {
        let (mut out, mut other) = ([0.0; LOADS], [0.0; LOADS]);
        let mut blur = Blur { motion, ..Blur::over(0.0) };
        blur.spread([row, &[1.0; LOADS]], [&mut out, &mut other]);
        let mut again = [0.0; LOADS];
        blur.spread([&[0.0; LOADS], row], [&mut other, &mut again]);
        assert_eq!(out, again);
        out
    }

    #[test]
    fn load_drifts_both_ways_and_jumps_upwards() {
        let mut row = [0.0; LOADS];
        row[40] = 1.0;
        let motion = Motion::over(1.0);
        let out = blurred(motion, &row);
        assert!((sum(&out) - 1.0).abs() < 1e-12);
        assert!((out[39] - 0.99 * motion.drift).abs() < 1e-15, "{}", out[39]);
        assert!((out[41] - out[39] - 0.01 / 16.0).abs() < 1e-15);
        assert_eq!(out[55], 0.01 / 16.0);
        assert_eq!((out[38], out[56]), (0.0, 0.0));
    }

    #[test]
    fn drift_is_turned_back_at_the_edges_and_what_jumps_beyond_the_top_is_lost() {
        let motion = Motion { drift: 0.25, jump: 0.0 };
        let mut row = [0.0; LOADS];
        row[0] = 1.0;
        assert_eq!(blurred(motion, &row)[..3], [0.75, 0.25, 0.0]);
        let mut row = [0.0; LOADS];
        row[LOADS - 1] = 1.0;
        assert_eq!(blurred(motion, &row)[LOADS - 3..], [0.0, 0.25, 0.75]);
        assert_eq!(blurred(Motion { drift: 0.0, jump: 0.5 }, &row)[LOADS - 1], 0.5 + 0.5 / 16.0);
    }
}
