//! The finite oracle: derivatives along directions from values alone.
//!
//! For φ(t) = f(x + t·v), φ'(0) is the fourth-order central difference
//! (8(φ(h) − φ(−h)) − (φ(2h) − φ(−2h))) / 12h, and uᵀHv is the mixed second difference
//! D(h) = (f(+,+) − f(+,−) − f(−,+) + f(−,−)) / 4h² of f(x ± h·u ± h·v), extrapolated to fourth
//! order as (4D(h) − D(2h)) / 3. Steps halve from a large one, and the estimate that differs least
//! from its predecessor is kept: truncation shrinks with h while rounding grows, and that is where
//! they meet. The choice does not look at what is checked. An estimate knows what the rounding of the values alone may
//! have made of it: where a function is straight that is all there is.

use super::point::{Direction, Point};
use crate::measure::contestant::Trouble;

/// A function of the point's arguments.
pub type Objective<'f> = dyn FnMut(&[adjudicate_ir::value::Value]) -> Result<f64, Trouble> + 'f;

/// The largest step along a direction of norm 1.
const LARGEST: f64 = 0.25;

/// How many steps are tried, each half of the one before.
const STEPS: i32 = 9;

/// A value is taken to be rounded by so many units in its last place.
const UNITS: f64 = 8.0;

/// What values say of a derivative.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// The derivative.
    pub value: f64,
    /// How much of it may be rounding of the values.
    pub rounding: f64,
}

impl Estimate {
    /// From the largest of the values and what their differences were divided by.
    fn new(value: f64, largest: f64, divisor: f64) -> Self {
        Self { value, rounding: UNITS * f64::EPSILON * largest / divisor }
    }

    /// That of the function times a factor.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, rounding: self.rounding * factor.abs() }
    }
}

fn step(k: i32) -> f64 {
    LARGEST * 0.5_f64.powi(k)
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
        let mut sides = Vec::new();
        for k in 0..STEPS {
            let h = step(k);
            sides.push((f(&point.moved(&[(h, v)]))?, f(&point.moved(&[(-h, v)]))?));
        }
        Ok(Self { origin, sides })
    }

    /// φ'(0).
    pub fn slope(&self) -> Estimate {
        let estimates = self.sides.windows(2).zip(1..).map(|(pair, k)| {
            let [(far_right, far_left), (right, left)] = pair else { unreachable!("windows of two") };
            let slope = (8.0 * (right - left) - (far_right - far_left)) / (12.0 * step(k));
            let largest = [far_right, far_left, right, left].into_iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            Estimate::new(slope, largest, step(k))
        });
        steadiest(&estimates.collect::<Vec<_>>())
    }

    /// The order at which r(h) = φ(h) − φ(0) − h·slope vanishes: 2 for the right slope, 1 for a
    /// wrong one. `None` if the remainder drowns in rounding from the start: φ is straight. Both
    /// sides are taken together, as √(r(h)² + r(−h)²): on one side alone curvature and third
    /// derivative may cancel.
    pub fn taylor_order(&self, slope: f64) -> Option<f64> {
        let remainder = |k: i32, (right, left): &(f64, f64)| {
            let moved = step(k) * slope;
            (right - self.origin - moved).hypot(left - self.origin + moved)
        };
        self.order((0..).zip(&self.sides).map(|(k, side)| (remainder(k, side), 1.0)))
    }

    /// The order at which |(φ(h) − 2φ(0) + φ(−h))/h² − curvature| vanishes: 2 for the right
    /// curvature, 0 for a wrong one. `None` if it drowns in rounding from the start.
    pub fn curvature_order(&self, curvature: f64) -> Option<f64> {
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
        self.order((0..).zip(&self.sides).map(apart)).is_some_and(|order| order < 0.5)
    }

    /// The order from the two smallest neighbouring steps whose remainders stand clear of
    /// rounding, which a value's last bits bring divided by the given scale.
    fn order(&self, remainders: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
        let clear = |(r, scale): &(f64, f64)| *r > 1e4 * f64::EPSILON * self.origin.abs().max(1e-3) / scale;
        let clear: Vec<f64> = remainders.take_while(clear).map(|(r, _)| r).collect();
        match clear.as_slice() {
            [.., larger, smaller] => Some((larger / smaller).log2()),
            _ => None,
        }
    }
}

/// uᵀHv.
pub fn mixed(point: &Point, u: &Direction, v: &Direction, f: &mut Objective<'_>) -> Result<Estimate, Trouble> {
    let mut plain = Vec::new();
    for k in 0..STEPS {
        let h = step(k);
        let mut at = |s: f64, t: f64| f(&point.moved(&[(s * h, u), (t * h, v)]));
        let corners = [at(1.0, 1.0)?, at(1.0, -1.0)?, at(-1.0, 1.0)?, at(-1.0, -1.0)?];
        let largest = corners.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let [a, b, c, d] = corners;
        plain.push(((a - b - c + d) / (4.0 * h * h), largest));
    }
    let extrapolated = plain.windows(2).zip(1..).map(|(pair, k)| {
        let [(coarse, far), (fine, near)] = pair else { unreachable!("windows of two") };
        Estimate::new((4.0 * fine - coarse) / 3.0, far.max(*near), step(k) * step(k))
    });
    Ok(steadiest(&extrapolated.collect::<Vec<_>>()))
}

/// The estimate that differs least from its predecessor.
fn steadiest(estimates: &[Estimate]) -> Estimate {
    let pairs = estimates.windows(2).map(|pair| ((pair[1].value - pair[0].value).abs(), pair[1]));
    let steadiest = pairs.min_by(|a, b| a.0.total_cmp(&b.0));
    steadiest.map_or(Estimate { value: f64::NAN, rounding: 0.0 }, |(_, estimate)| estimate)
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
        assert!(line.taylor_order(slope).unwrap() > 1.9);
        assert!(line.taylor_order(slope * 1.001).unwrap() < 1.9);
        assert!(line.curvature_order(curvature).unwrap() > 1.9);
        assert!(line.curvature_order(curvature * 1.001).unwrap() < 1.9);
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
        assert!(line.taylor_order(1.0).unwrap() > 1.9);
        assert!(line.taylor_order(1.001).unwrap() < 1.9);
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
        assert_eq!(line.taylor_order(2.0), None);
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
