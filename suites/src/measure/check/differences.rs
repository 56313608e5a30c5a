//! The finite oracle: derivatives along directions from values alone.
//!
//! For φ(t) = f(x + t·v), φ'(0) is the fourth-order central difference
//! (8(φ(h) − φ(−h)) − (φ(2h) − φ(−2h))) / 12h, and uᵀHv is the mixed second difference
//! D(h) = (f(+,+) − f(+,−) − f(−,+) + f(−,−)) / 4h² of f(x ± h·u ± h·v), extrapolated to fourth
//! order as (4D(h) − D(2h)) / 3. Steps halve from a large one, and the estimate that differs least
//! from those at the two steps before is kept: truncation shrinks with h while rounding grows, and that is where
//! they meet. Where that is not near enough, steps go on halving: a function may change within less than the smallest of
//! the first ones. The choice does not look at what is checked.
//!
//! An estimate knows what the rounding of the values alone may have made of it, as where a function is straight that is all there
//! is, and how far it is from its neighbours, as values may be worse than rounding makes them: what they come from may be rounded
//! by more than the last place of the result.

use super::FINITE_TOLERANCE;
use super::point::{Direction, Point};
use crate::measure::contestant::Trouble;

/// A function of the point's arguments.
pub type Objective<'f> = dyn FnMut(&[adjudicate_ir::value::Value]) -> Result<f64, Trouble> + 'f;

/// The largest step along a direction of norm 1.
const LARGEST: f64 = 0.25;

/// How many steps are tried at least, each half of the one before.
const STEPS: i32 = 9;

/// How many are tried where those do not tell.
const MOST_STEPS: i32 = 22;

/// A value is taken to be rounded by so many units in its last place.
const UNITS: f64 = 8.0;

/// An estimate may be wrong by so many times what it is from its neighbours.
const DOUBT: f64 = 8.0;

/// What values say of a derivative.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// The derivative.
    pub value: f64,
    /// How much of it may be rounding of the values.
    pub rounding: f64,
    /// By how much it may be wrong otherwise, as estimates at the steps before differ.
    pub doubt: f64,
}

impl Estimate {
    /// Values are not numbers.
    const NONE: Estimate = Estimate { value: f64::NAN, rounding: 0.0, doubt: 0.0 };

    /// From the largest of the values and what their differences were divided by.
    fn new(value: f64, largest: f64, divisor: f64) -> Self {
        Self { value, rounding: UNITS * f64::EPSILON * largest / divisor, doubt: 0.0 }
    }

    /// That of the function times a factor.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let size = factor.abs();
        Self { value: self.value * factor, rounding: self.rounding * size, doubt: self.doubt * size }
    }

    /// Whether an error of this size could be its own.
    pub fn may_be_off_by(&self, error: f64) -> bool {
        error <= self.doubt.max(self.rounding)
    }

    /// Of estimates at steps that halve, the one that differs least from the two before. It may be wrong by as much, or by what
    /// makes those at smaller steps differ: that grows as steps shrink.
    fn steadiest(estimates: &[Estimate]) -> Estimate {
        let apart: Vec<f64> = estimates.windows(2).map(|pair| (pair[1].value - pair[0].value).abs()).collect();
        let near = apart.windows(2).map(|apart| apart[0].max(apart[1])).enumerate();
        let Some((at, near)) = near.min_by(|a, b| a.1.total_cmp(&b.1)) else { return Estimate::NONE };
        let later = apart[at + 2..].iter().take(3).zip(1..).map(|(apart, k)| apart * 0.5_f64.powi(k));
        Estimate { doubt: DOUBT * later.fold(near, f64::max), ..estimates[at + 2] }
    }
}

fn step(k: i32) -> f64 {
    LARGEST * 0.5_f64.powi(k)
}

/// Takes values at steps, largest first, until they tell a derivative.
fn halve<V>(
    mut at: impl FnMut(f64) -> Result<V, Trouble>,
    estimate: impl Fn(&[V]) -> Estimate,
) -> Result<Vec<V>, Trouble> {
    let mut values = Vec::new();
    for k in 0..MOST_STEPS {
        let told = |Estimate { value, rounding, doubt }| doubt <= rounding.max(FINITE_TOLERANCE * f64::abs(value));
        if k >= STEPS && told(estimate(&values)) {
            break;
        }
        values.push(at(step(k))?);
    }
    Ok(values)
}

/// How fast a remainder vanishes.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// The power of the step.
    pub order: f64,
    /// What the derivative is wrong by if that is what remains at the smallest step that tells.
    pub error: f64,
    /// That step.
    step: f64,
}

/// Values along a line: φ(0), and φ(h), φ(−h) for every step h, largest first.
#[derive(Clone, Debug)]
pub struct Line {
    origin: f64,
    sides: Vec<(f64, f64)>,
}

impl Line {
    /// Evaluates the objective along a direction.
    pub fn new(point: &Point, v: &Direction, f: &mut Objective<'_>) -> Result<Self, Trouble> {
        let origin = f(&point.moved(&[]))?;
        let sides = halve(|h| Ok((f(&point.moved(&[(h, v)]))?, f(&point.moved(&[(-h, v)]))?)), slope)?;
        Ok(Self { origin, sides })
    }

    /// φ'(0).
    pub fn slope(&self) -> Estimate {
        slope(&self.sides)
    }

    /// φ''(0).
    pub fn curvature(&self) -> Estimate {
        let plain =
            self.sides.iter().map(|&(right, left)| (right - 2.0 * self.origin + left, right.abs().max(left.abs())));
        extrapolated(plain)
    }

    /// The order at which r(h) = φ(h) − φ(0) − h·slope vanishes: 2 for the right slope, 1 for a
    /// wrong one. `None` if the remainder drowns in rounding from the start: φ is straight. Both
    /// sides are taken together, as √(r(h)² + r(−h)²): on one side alone curvature and third
    /// derivative may cancel.
    pub fn taylor_order(&self, slope: f64) -> Option<Order> {
        let remainder = |k: i32, (right, left): &(f64, f64)| {
            let moved = step(k) * slope;
            (right - self.origin - moved).hypot(left - self.origin + moved)
        };
        let order = self.order((0..).zip(&self.sides).map(|(k, side)| (remainder(k, side), 1.0)))?;
        Some(Order { error: order.error / order.step, ..order })
    }

    /// The order at which |(φ(h) − 2φ(0) + φ(−h))/h² − curvature| vanishes: 2 for the right
    /// curvature, 0 for a wrong one. `None` if it drowns in rounding from the start.
    pub fn curvature_order(&self, curvature: f64) -> Option<Order> {
        let remainder = |k: i32, (right, left): &(f64, f64)| {
            let h = step(k);
            ((right - 2.0 * self.origin + left) / (h * h) - curvature).abs()
        };
        let scaled = (0..).zip(&self.sides).map(|(k, side)| (remainder(k, side), step(k) * step(k)));
        self.order(scaled)
    }

    /// Whether the slopes on both sides stay apart: φ(h) − 2φ(0) + φ(−h) vanishes no faster than h, where it is of order
    /// h² if φ has a derivative that has one.
    pub fn has_kink(&self) -> bool {
        let apart = |(k, (right, left)): (i32, &(f64, f64))| {
            let h = step(k);
            ((right - 2.0 * self.origin + left).abs() / h, h)
        };
        self.order((0..).zip(&self.sides).map(apart)).is_some_and(|order| order.order < 0.5)
    }

    /// The order from the two smallest neighbouring steps whose remainders stand clear of
    /// rounding, which a value's last bits bring divided by the given scale; or from the last of these to the next, if it is
    /// higher: a remainder may vanish all at once, where larger steps go over a kink.
    fn order(&self, remainders: impl Iterator<Item = (f64, f64)>) -> Option<Order> {
        let rounding = 1e4 * f64::EPSILON * self.largest();
        let all: Vec<(f64, f64)> = remainders.collect();
        // Large steps may leave the domain.
        let first = all.iter().position(|(r, _)| !r.is_nan())?;
        let remainders = &all[first..];
        let clear = remainders.iter().take_while(|(r, scale)| *r > rounding / scale).count();
        let last = clear.checked_sub(2)?;
        let orders = remainders.windows(2).map(|pair| (pair[0].0 / pair[1].0).log2());
        let order = orders.skip(last).take(2).fold(f64::NAN, f64::max);
        let k = i32::try_from(first + clear - 1).expect("few steps");
        Some(Order { order, error: remainders[clear - 1].0, step: step(k) })
    }

    /// The largest magnitude of a value.
    fn largest(&self) -> f64 {
        let sides = self.sides.iter().flat_map(|&(right, left)| [right, left]);
        sides.fold(self.origin.abs(), |most, x| most.max(x.abs()))
    }
}

/// The slope in the middle of values on both sides.
fn slope(sides: &[(f64, f64)]) -> Estimate {
    let estimates = sides.windows(2).zip(1..).map(|(pair, k)| {
        let [(far_right, far_left), (right, left)] = pair else { unreachable!("windows of two") };
        let slope = (8.0 * (right - left) - (far_right - far_left)) / (12.0 * step(k));
        let largest = [far_right, far_left, right, left].into_iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        Estimate::new(slope, largest, step(k))
    });
    Estimate::steadiest(&estimates.collect::<Vec<_>>())
}

/// uᵀHv.
pub fn mixed(point: &Point, u: &Direction, v: &Direction, f: &mut Objective<'_>) -> Result<Estimate, Trouble> {
    let mut at = |s: f64, t: f64| f(&point.moved(&[(s, u), (t, v)]));
    let corners = halve(|h| Ok([at(h, h)?, at(h, -h)?, at(-h, h)?, at(-h, -h)?]), curvature)?;
    Ok(curvature(&corners))
}

/// The mixed second derivative in the middle of values at corners.
fn curvature(corners: &[[f64; 4]]) -> Estimate {
    let plain = corners.iter().map(|corners| {
        let [a, b, c, d] = corners;
        let largest = corners.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        ((a - b - c + d) / 4.0, largest)
    });
    extrapolated(plain)
}

/// A second derivative, from h² times it with an error of order h⁴ and the largest of the values, for every step.
fn extrapolated(differences: impl Iterator<Item = (f64, f64)>) -> Estimate {
    let plain: Vec<(f64, f64)> =
        differences.zip(0..).map(|((difference, largest), k)| (difference / (step(k) * step(k)), largest)).collect();
    let estimates = plain.windows(2).zip(1..).map(|(pair, k)| {
        let [(coarse, far), (fine, near)] = pair else { unreachable!("windows of two") };
        Estimate::new((4.0 * fine - coarse) / 3.0, far.max(*near), step(k) * step(k))
    });
    Estimate::steadiest(&estimates.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use adjudicate_ir::datum::Datum;
    use adjudicate_ir::value::Value;

    use super::*;
    use crate::measure::check::point::floats;

    fn objective(args: &[Value]) -> Result<f64, Trouble> {
        let (x, y) = (floats(&args[0])[0], floats(&args[1])[0]);
        Ok((x * y).exp() + x.sin())
    }

    fn point() -> Point {
        Point::new(&[Datum::F64(0.7), Datum::F64(-0.4)], &[0, 1])
    }

    #[test]
    fn slopes_and_mixed_differences_are_close() {
        let (x, y, e) = (0.7_f64, -0.4, (0.7_f64 * -0.4).exp());
        let line = Line::new(&point(), &vec![1.0, 0.0], &mut objective).unwrap();
        assert!((line.slope().value - (y * e + x.cos())).abs() < 1e-9);
        let d = mixed(&point(), &vec![1.0, 0.0], &vec![0.0, 1.0], &mut objective).unwrap();
        assert!((d.value - (e + x * y * e)).abs() < 1e-7);
        assert!(line.slope().rounding < 1e-11 && d.rounding < 1e-8);
    }

    #[test]
    fn orders_tell_right_from_wrong() {
        let (x, y, e) = (0.7_f64, -0.4, (0.7_f64 * -0.4).exp());
        let line = Line::new(&point(), &vec![1.0, 0.0], &mut objective).unwrap();
        let (slope, curvature) = (y * e + x.cos(), y * y * e - x.sin());
        assert!(line.taylor_order(slope).unwrap().order > 1.9);
        assert!(line.taylor_order(slope * 1.001).unwrap().order < 1.9);
        assert!(line.curvature_order(curvature).unwrap().order > 1.9);
        assert!(line.curvature_order(curvature * 1.001).unwrap().order < 1.9);
    }

    #[test]
    fn an_order_survives_where_one_side_cancels() {
        // To the right of 0, −x³ takes away part of x²/205 at the steps that decide: the order there is 1.6.
        let mut f = |args: &[Value]| {
            let x = floats(&args[0])[0];
            Ok(x + x * x * 5.0 / 1024.0 - x * x * x)
        };
        let point = Point::new(&[Datum::F64(0.0), Datum::F64(0.0)], &[0, 1]);
        let line = Line::new(&point, &vec![1.0, 0.0], &mut f).unwrap();
        assert!(line.taylor_order(1.0).unwrap().order > 1.9);
        assert!(line.taylor_order(1.001).unwrap().order < 1.9);
    }

    /// The estimate of the slope at 0 along a function, and the order for a slope.
    fn along(f: fn(f64) -> f64, slope: f64) -> (Estimate, Option<Order>) {
        let mut f = |args: &[Value]| Ok(f(floats(&args[0])[0]));
        let point = Point::new(&[Datum::F64(0.0), Datum::F64(0.0)], &[0, 1]);
        let line = Line::new(&point, &vec![1.0, 0.0], &mut f).unwrap();
        (line.slope(), line.taylor_order(slope))
    }

    #[test]
    fn steps_go_on_halving_where_a_function_changes_within_little() {
        for rate in [1.0, 1e3, 1e5] {
            let mut f = |args: &[Value]| Ok((rate * floats(&args[0])[0] + 1.0).sin());
            let point = Point::new(&[Datum::F64(0.0), Datum::F64(0.0)], &[0, 1]);
            let estimate = Line::new(&point, &vec![1.0, 0.0], &mut f).unwrap().slope();
            let right = rate * 1.0_f64.cos();
            assert!((estimate.value - right).abs() < 1e-6 * right && !estimate.may_be_off_by(1e-5 * right));
        }
    }

    #[test]
    fn a_kink_beside_the_point_hides_nothing() {
        for (f, right) in [(|x: f64| (x - 0.005).max(0.0)) as fn(f64) -> f64, |x| (x - 0.02).max(0.0)].map(|f| (f, 0.0))
        {
            let (estimate, order) = along(f, right);
            assert!(estimate.value == right && !estimate.may_be_off_by(1e-4), "{estimate:?}");
            assert!(order.is_none_or(|order| order.order > 1.9), "{order:?}");
            assert!(along(f, 1.0).1.unwrap().order < 1.9);
        }
        let f = |x: f64| 0.5 * x + (x - 0.005).max(0.0);
        assert!((along(f, 0.5).0.value - 0.5).abs() < 1e-12 && along(f, 1.5).1.unwrap().order < 1.9);
    }

    #[test]
    fn large_steps_may_leave_the_domain() {
        let f = |x: f64| (x + 1e-3).sqrt();
        let right = 0.5 / 1e-3_f64.sqrt();
        assert!((along(f, right).0.value - right).abs() < 1e-5 * right && along(f, right).1.unwrap().order > 1.9);
        assert!(along(f, 0.8 * right).1.unwrap().order < 1.9);
    }

    #[test]
    fn a_remainder_that_vanishes_within_a_kink_has_an_order() {
        let f = |x: f64| (2.0 * x).max(3.0 * x - 0.1);
        assert!(along(f, 2.0).1.unwrap().order > 1.9 && along(f, 2.001).1.unwrap().order < 1.9);
    }

    #[test]
    fn a_kink_is_told_from_a_curve() {
        let kink = |f: fn(f64) -> f64| {
            let mut f = |args: &[Value]| Ok(f(floats(&args[0])[0]));
            let point = Point::new(&[Datum::F64(0.0), Datum::F64(0.0)], &[0, 1]);
            Line::new(&point, &vec![1.0, 0.0], &mut f).unwrap().has_kink()
        };
        assert!(kink(f64::abs) && kink(|x| x.max(0.0) + x.sin()) && kink(|x| x.abs().sqrt()));
        assert!(!kink(f64::exp) && !kink(|x| 3.0 * x) && !kink(|x| x * x * x) && !kink(|x| 1e3 * x * x));
    }

    #[test]
    fn a_straight_line_has_no_order() {
        let mut straight = |args: &[Value]| Ok(2.0 * floats(&args[0])[0]);
        let line = Line::new(&point(), &vec![1.0, 0.0], &mut straight).unwrap();
        assert!(line.taylor_order(2.0).is_none());
    }

    #[test]
    fn what_a_straight_line_seems_to_curve_is_rounding() {
        let mut straight = |args: &[Value]| Ok((floats(&args[0])[0] * 1.7 + 0.1) * 1.7 + floats(&args[1])[0] * 3.3);
        for (x, y) in [(0.5, 0.3), (-1.3, 0.7), (12.1, -0.01), (1e-3, 400.0)] {
            let point = Point::new(&[Datum::F64(x), Datum::F64(y)], &[0, 1]);
            let d = mixed(&point, &vec![0.6, 0.8], &vec![0.8, -0.6], &mut straight).unwrap();
            assert!(d.value.abs() <= d.rounding, "{d:?}");
        }
    }
}
