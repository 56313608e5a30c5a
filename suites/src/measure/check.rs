//! Checking: whether results are right, told by oracles that know nothing of the strategies.
//!
//! | reference | what is compared | tolerance |
//! | --- | --- | --- |
//! | `handwritten` | every element, with the derivative written by hand | 1e-10 |
//! | `finite` | inner products along random directions, with differences of values | 1e-5 |
//! | `taylor` | the order at which the Taylor remainder vanishes | at least 1.9 |
//! | a strategy | every element, with what the other strategy gives | 1e-10 (values 1e-12; derivatives by differences 1e-5) |
//!
//! Errors are relative. A strategy that fails against the first three is no reference for the
//! others.

pub mod compare;
pub mod differences;
pub mod point;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_reports::rows::{Check, HANDWRITTEN, Key};
use adjudicate_strategies::{Strategy, find};

use self::compare::{Difference, compare, compare_from};
use self::differences::{Estimate, Line, Objective, Order, mixed};
use self::point::{Direction, Point, dot, flatten, norm, unit};
use super::contestant::Trouble;
use crate::random::Random;

/// Tolerance against what was written by hand.
pub const HANDWRITTEN_TOLERANCE: f64 = 1e-10;
/// Tolerance between the derivatives of strategies.
pub const DERIVATIVE_TOLERANCE: f64 = 1e-10;
/// Tolerance between the values of strategies, which fusion may reorder.
pub const VALUE_TOLERANCE: f64 = 1e-12;
/// Tolerance against finite differences.
pub const FINITE_TOLERANCE: f64 = 1e-5;
/// The least order of a Taylor remainder; 2 but for rounding.
pub const TAYLOR_ORDER: f64 = 1.9;

/// What is said of a check that fails where the slopes on both sides of the arguments differ.
const KINK: &str = "values have a kink at these arguments, so there may be no derivative";

/// What values alone say of the derivatives at a point: slopes along two random directions of norm
/// 1, and the curvature between them.
#[derive(Debug)]
pub struct Oracle {
    point: Point,
    u: Direction,
    v: Direction,
    along_u: Line,
    along_v: Line,
    /// uᵀHv, if a second derivative is asked for.
    mixed: Option<Estimate>,
    /// The norm of the vector of a Hessian–vector or Jacobian–vector product, whose direction v is.
    vector_norm: f64,
}

impl Oracle {
    /// Evaluates the objective around the arguments. The vectors of a product, if the suite asks
    /// for one, give the direction v.
    pub fn new(
        arguments: &[Datum],
        wrt: &[usize],
        vectors: &[Datum],
        second: bool,
        mut random: Random,
        f: &mut Objective<'_>,
    ) -> Result<Self, Trouble> {
        let point = Point::new(arguments, wrt);
        let mut direction = || unit((0..point.dimension()).map(|_| random.uniform(1.0)).collect());
        let u = direction();
        let vector: Direction = flatten(&vectors.iter().flat_map(Datum::leaves).collect::<Vec<_>>());
        let vector_norm = norm(&vector);
        let v = if vector_norm > 0.0 { unit(vector) } else { direction() };
        let along_u = Line::new(&point, &u, f)?;
        let along_v = Line::new(&point, &v, f)?;
        let mixed = if second { Some(mixed(&point, &u, &v, f)?) } else { None };
        Ok(Self { point, u, v, along_u, along_v, mixed, vector_norm })
    }

    /// Compares a result with what the oracle knows.
    pub fn check(&self, key: &Key, ask: Ask, result: &[Value]) -> Vec<Check> {
        let mut checks = self.compare(key, ask, &flatten(result));
        if self.along_u.has_kink() || self.along_v.has_kink() {
            for check in checks.iter_mut().filter(|check| !check.passed) {
                check.reason.get_or_insert_with(|| KINK.to_owned());
            }
        }
        checks
    }

    fn compare(&self, key: &Key, ask: Ask, flat: &[f64]) -> Vec<Check> {
        match ask {
            // The oracle knows no cotangent: strategies are compared with each other.
            Ask::Value | Ask::Vjp => Vec::new(),
            Ask::Gradient | Ask::Jacobian => self.gradient(key, flat),
            Ask::ValueAndGradient => self.gradient(key, flat.get(1..).unwrap_or_default()),
            Ask::Jvp => {
                let expected = self.along_v.slope().times(self.vector_norm);
                finite(key, flat.first().copied().unwrap_or(f64::NAN), expected, 0.0).into_iter().collect()
            }
            Ask::Hvp => {
                let product: Vec<f64> = flat.iter().map(|x| x / self.vector_norm).collect();
                self.curvature(key, &product)
            }
            Ask::Hessian => self.curvature(key, &self.times_v(flat)),
        }
    }

    fn gradient(&self, key: &Key, gradient: &[f64]) -> Vec<Check> {
        if gradient.len() != self.point.dimension() {
            return vec![wrong_size(key, gradient.len(), self.point.dimension())];
        }
        let typical = norm(gradient) / (gradient.len() as f64).sqrt();
        let along = |line: &Line, d: &Direction| {
            let (slope, estimate) = (dot(gradient, d), line.slope());
            let first = finite(key, slope, estimate, typical);
            first.into_iter().chain(taylor(key, line.taylor_order(slope), estimate))
        };
        along(&self.along_u, &self.u).chain(along(&self.along_v, &self.v)).collect()
    }

    fn curvature(&self, key: &Key, product: &[f64]) -> Vec<Check> {
        if product.len() != self.point.dimension() {
            return vec![wrong_size(key, product.len(), self.point.dimension())];
        }
        let typical = norm(product) / (product.len() as f64).sqrt();
        let mut checks = Vec::new();
        checks.extend(self.mixed.and_then(|mixed| finite(key, dot(&self.u, product), mixed, typical)));
        let order = self.along_v.curvature_order(dot(&self.v, product));
        checks.extend(taylor(key, order, self.along_v.curvature()));
        checks
    }

    /// Hv, from the blocks of a Hessian: one for each pair of leaves, rows first.
    fn times_v(&self, hessian: &[f64]) -> Vec<f64> {
        let sizes = self.point.sizes();
        let mut product = vec![0.0; self.point.dimension()];
        let mut blocks = hessian.iter();
        let mut rest = product.as_mut_slice();
        for &rows in &sizes {
            let (here, below) = rest.split_at_mut(rows);
            let mut column = 0;
            for &columns in &sizes {
                let v = &self.v[column..column + columns];
                for out in here.iter_mut() {
                    *out += v.iter().map(|x| blocks.next().unwrap_or(&f64::NAN) * x).sum::<f64>();
                }
                column += columns;
            }
            rest = below;
        }
        product
    }
}

/// Compares a result with the baseline's.
pub fn against_handwritten(key: &Key, result: &[Value], baseline: &[Value]) -> Check {
    elementwise(key, HANDWRITTEN, HANDWRITTEN_TOLERANCE, compare(result, baseline, HANDWRITTEN_TOLERANCE))
}

/// Compares a result with another strategy's.
pub fn against_strategy(key: &Key, ask: Ask, result: &[Value], name: &str, other: &[Value]) -> Check {
    let by_differences = [&key.strategy, name].iter().any(|name| find(name).is_some_and(Strategy::is_oracle));
    match ask {
        Ask::Value => elementwise(key, name, VALUE_TOLERANCE, compare(result, other, VALUE_TOLERANCE)),
        // Differences of values that are of the order of 1 leave rounding where nothing should be.
        _ if by_differences => {
            elementwise(key, name, FINITE_TOLERANCE, compare_from(result, other, FINITE_TOLERANCE, 1.0))
        }
        _ => elementwise(key, name, DERIVATIVE_TOLERANCE, compare(result, other, DERIVATIVE_TOLERANCE)),
    }
}

fn elementwise(key: &Key, reference: &str, tolerance: f64, difference: Difference) -> Check {
    Check {
        largest_relative_error: difference.error,
        first_index: difference.first.map(|i| i as u64),
        passed: difference.is_within(),
        ..row(key, reference, tolerance)
    }
}

/// Compares an inner product with its estimate. The error is relative to the estimate, or to what
/// is typical of such products where this one happens to be small. What may be rounding of the estimate is within the
/// tolerance. An error that the estimate may have itself says nothing.
fn finite(key: &Key, ours: f64, estimate: Estimate, typical: f64) -> Option<Check> {
    let Estimate { value, rounding, .. } = estimate;
    let scale = value.abs().max(typical).max(rounding / FINITE_TOLERANCE);
    let apart = (ours - value).abs();
    let error = if scale == 0.0 { ours.abs() } else { apart / scale };
    let reason = value.is_nan().then(|| "values near the arguments are not a number".to_owned());
    let passed = error <= FINITE_TOLERANCE && reason.is_none();
    (passed || reason.is_some() || !estimate.may_be_off_by(apart)).then(|| Check {
        largest_relative_error: Some(error).filter(|e| e.is_finite() && reason.is_none()),
        passed,
        reason,
        ..row(key, "finite", FINITE_TOLERANCE)
    })
}

/// A remainder without an order is nothing but rounding, and says nothing; nor does one that is no more than what values may be
/// wrong by themselves.
fn taylor(key: &Key, order: Option<Order>, estimate: Estimate) -> Option<Check> {
    let Order { order, error, .. } = order?;
    let passed = order >= TAYLOR_ORDER;
    (passed || !estimate.may_be_off_by(error)).then(|| Check {
        passed,
        remainder_order: Some(order).filter(|o| o.is_finite()),
        ..row(key, "taylor", TAYLOR_ORDER)
    })
}

/// The oracle itself could not be made: nothing is known to be right.
pub fn no_oracle(key: &Key, trouble: &Trouble) -> Check {
    let reason = format!("the value could not be evaluated near the arguments: {}", trouble.reason());
    Check { reason: Some(reason), ..row(key, "finite", FINITE_TOLERANCE) }
}

fn wrong_size(key: &Key, ours: usize, expected: usize) -> Check {
    let reason = format!("the result has {ours} elements where {expected} are expected");
    Check { reason: Some(reason), ..row(key, "finite", FINITE_TOLERANCE) }
}

fn row(key: &Key, reference: &str, tolerance: f64) -> Check {
    Check {
        key: key.clone(),
        reference: reference.to_owned(),
        largest_relative_error: None,
        first_index: None,
        tolerance,
        passed: false,
        remainder_order: None,
        reason: None,
    }
}
