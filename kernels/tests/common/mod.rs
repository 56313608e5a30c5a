//! What several tests of kernels need.

use adjudicate_kernels::layout::SliceSpec;

/// What Python's `start:stop:step` means on an axis of `size` elements (`slice.indices`).
pub(crate) fn python_slice(start: Option<isize>, stop: Option<isize>, step: Option<isize>, size: usize) -> SliceSpec {
    let step = step.unwrap_or(1);
    let size = size as isize;
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let resolve = |bound: isize| (if bound < 0 { bound.saturating_add(size) } else { bound }).clamp(low, high);
    let (first, last) = if step > 0 { (low, high) } else { (high, low) };
    SliceSpec { start: start.map_or(first, resolve), stop: stop.map_or(last, resolve), step }
}
