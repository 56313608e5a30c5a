//! What losses of several baselines share: softmax over rows, and the logistic loss.

use adjudicate_kernels::ops::Reduce;
use adjudicate_kernels::reduce::reduce;
use adjudicate_kernels::{Array, Binary, Unary, binary, binary_assign, unary, unary_assign};

use super::buffers::sum;

/// Subtracts the largest of each row, which leaves softmax as it is and keeps it from overflowing.
pub(super) fn centre_rows(z: &mut Array<f64>) {
    let top = reduce(Reduce::Max, z, &[1]).expect("a row has items");
    binary_assign(Binary::Sub, z, (&column(&top)).into());
}

/// The sum over rows of log Σ eᶻ.
pub(super) fn log_normaliser(z: &Array<f64>) -> f64 {
    let mut normalisers = sum(&unary(Unary::Exp, z), 1);
    unary_assign(Unary::Log, &mut normalisers);
    sum(&normalisers, 0).item()
}

/// eᶻ/Σ eᶻ of each row.
pub(super) fn softmax(z: &Array<f64>) -> Array<f64> {
    let mut p = unary(Unary::Exp, z);
    let normalisers = column(&sum(&p, 1));
    binary_assign(Binary::Div, &mut p, (&normalisers).into());
    p
}

/// log(1 + eᶻ) = max(z, 0) + log(1 + e^−|z|), which never overflows.
pub(super) fn softplus(z: &Array<f64>) -> Array<f64> {
    let mut softplus = unary(Unary::Abs, z);
    unary_assign(Unary::Neg, &mut softplus);
    unary_assign(Unary::Exp, &mut softplus);
    unary_assign(Unary::Log1p, &mut softplus);
    let positive = binary(Binary::Maximum, z.into(), 0.0.into());
    binary_assign(Binary::Add, &mut softplus, (&positive).into());
    softplus
}

/// One number per row, as a column.
fn column(x: &Array<f64>) -> Array<f64> {
    x.reshape(&[x.len(), 1])
}
