//! Twins: cells of one suite, size and function whose strategies ran one program.
//!
//! They were measured in the same rounds of the same processes and do the same, so what their times differ by is noise: a
//! measurement of A against A within the run, which says from where on a difference between other cells means anything.

use std::fmt;

use indexmap::IndexMap;
use serde::Serialize;

use crate::derive::finished_ns;
use crate::format::percent;
use crate::view::{View, group_of};

/// By how much the times of twins differ, over all pairs of a run: the longer over the shorter median, less 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Twins {
    /// How many pairs there are.
    pub pairs: usize,
    /// The median over pairs.
    pub typical: f64,
    /// The 95th percentile.
    pub floor: f64,
    /// The largest.
    pub largest: f64,
}

impl Twins {
    /// The twins of a run; `None` if there are none.
    #[must_use]
    pub fn of(view: &View) -> Option<Self> {
        let mut programs: IndexMap<_, Vec<f64>> = IndexMap::new();
        for cell in &view.run.cells {
            if let (Some(program), Some(ns)) = (&cell.program, finished_ns(cell)) {
                programs.entry((group_of(cell), &cell.key.size, program)).or_default().push(ns);
            }
        }
        let mut apart: Vec<f64> = programs.values().flat_map(|times| differences(times)).collect();
        apart.sort_by(f64::total_cmp);
        let largest = *apart.last()?;
        let at = |share: f64| apart[(apart.len() as f64 * share) as usize];
        Some(Self { pairs: apart.len(), typical: at(0.5), floor: at(0.95), largest })
    }
}

/// By how much any two of some times differ.
fn differences(times: &[f64]) -> impl Iterator<Item = f64> {
    let apart = |a: f64, b: f64| (a / b).max(b / a) - 1.0;
    (1..times.len()).flat_map(move |n| times[..n].iter().map(move |&other| apart(times[n], other)))
}

impl fmt::Display for Twins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pairs, typical, floor, largest } = *self;
        let [typical, floor, largest] = [typical, floor, largest].map(percent);
        match pairs {
            1 => f.write_str("1 pair of cells ran one program: ")?,
            _ => write!(f, "{pairs} pairs of cells ran one program each: ")?,
        }
        write!(f, "their times are apart by {typical} (median), {floor} (95th percentile), {largest} (largest)")
    }
}
