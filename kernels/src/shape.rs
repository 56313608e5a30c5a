//! Shapes: a small inline list of lengths, NumPy's broadcasting rule, and the plan that turns a broadcast into runs.
//!
//! Notation: a shape is read outermost axis first; arrays are row-major, so the last axis is contiguous.

use smallvec::SmallVec;

/// One number for each axis, without an allocation for the ranks that occur.
pub(crate) type Axes<T = usize> = SmallVec<[T; 6]>;

/// Whether two shapes are equal.
#[inline]
pub(crate) fn same(a: &[usize], b: &[usize]) -> bool {
    // Not by `==`, which calls a function for what is one or two numbers.
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x == y)
}

/// The number of elements of a shape.
#[inline]
pub(crate) fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// The shape two shapes broadcast to, or `None` if they do not (NumPy's rule: align at the last axis; lengths are equal or
/// one of them is 1).
pub fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    broadcast(a, b).map(|shape| shape.to_vec())
}

pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Axes> {
    let rank = a.len().max(b.len());
    let at = |s: &[usize], axis: usize| (axis + s.len()).checked_sub(rank).map_or(1, |i| s[i]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

pub(crate) fn broadcast_or_panic(a: &[usize], b: &[usize]) -> Axes {
    broadcast(a, b).unwrap_or_else(|| panic!("shapes {a:?} and {b:?} do not broadcast"))
}

/// Row-major element strides of `shape` seen as `target`: 0 along every axis it is repeated over.
fn strides_within(shape: &[usize], target: &[usize]) -> Axes {
    let mut strides = Axes::from_elem(0, target.len());
    let mut step = 1;
    for (i, &length) in shape.iter().enumerate().rev() {
        if length != 1 {
            strides[i + target.len() - shape.len()] = step;
        }
        step *= length;
    }
    strides
}

/// How `N` operands are read to fill a row-major result: an odometer of outer axes around an inner run, along which every
/// operand has stride 0 or 1. Neighbouring axes that all operands cross alike are merged, so runs are as long as they can be.
pub(crate) struct Plan<const N: usize> {
    /// Outer axes, innermost last: length and stride of each operand.
    outer: Axes<(usize, [usize; N])>,
    /// Length of a run.
    pub(crate) run: usize,
    /// Whether each operand advances along a run.
    pub(crate) advances: [bool; N],
}

impl<const N: usize> Plan<N> {
    pub(crate) fn new(target: &[usize], operands: [&[usize]; N]) -> Self {
        let strides = operands.map(|shape| strides_within(shape, target));
        let mut axes: Axes<(usize, [usize; N])> = Axes::new();
        for (axis, &length) in target.iter().enumerate() {
            if length == 1 {
                continue;
            }
            let step: [usize; N] = std::array::from_fn(|k| strides[k][axis]);
            match axes.last_mut() {
                Some((n, s)) if (0..N).all(|k| s[k] == step[k] * length) => (*n, *s) = (*n * length, step),
                _ => axes.push((length, step)),
            }
        }
        let (run, step) = axes.pop().unwrap_or((1, [0; N]));
        Self { outer: axes, run, advances: step.map(|s| s != 0) }
    }

    /// Calls `visit` with the operands' start offsets for each run, in result order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut([usize; N])) {
        let runs: usize = self.outer.iter().map(|axis| axis.0).product();
        if self.run == 0 {
            return;
        }
        let mut at = [0; N];
        let mut position = Axes::<usize>::from_elem(0, self.outer.len());
        for _ in 0..runs {
            visit(at);
            for (p, (length, step)) in position.iter_mut().zip(&self.outer).rev() {
                *p += 1;
                if *p < *length {
                    (0..N).for_each(|k| at[k] += step[k]);
                    break;
                }
                *p = 0;
                (0..N).for_each(|k| at[k] -= step[k] * (length - 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        for (a, b, expected) in [
            (&[][..], &[][..], Some(vec![])),
            (&[3], &[], Some(vec![3])),
            (&[2, 1], &[3], Some(vec![2, 3])),
            (&[0, 1], &[4], Some(vec![0, 4])),
            (&[1], &[0], Some(vec![0])),
            (&[2], &[3], None),
            (&[0], &[2], None),
        ] {
            assert_eq!(broadcast_shape(a, b), expected, "{a:?} {b:?}");
        }
    }

    #[test]
    fn runs_are_merged() {
        let plan = Plan::new(&[2, 3, 4], [&[2, 3, 4], &[3, 4]]);
        assert_eq!((plan.run, plan.advances, plan.outer.len()), (12, [true, true], 1));
        let plan = Plan::new(&[2, 3, 4], [&[2, 3, 4], &[2, 1, 1]]);
        assert_eq!((plan.run, plan.advances), (12, [true, false]));
        let mut starts = vec![];
        plan.for_each(|at| starts.push(at));
        assert_eq!(starts, [[0, 0], [12, 1]]);
    }
}
