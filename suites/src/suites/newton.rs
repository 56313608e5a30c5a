//! `newton`: an orbit fitted to positions, through a loop whose number of trips depends on data.
//!
//! At time t, Kepler's equation E − e sin E = M with M = φ + ρt gives the eccentric anomaly E by
//! Newton's method, until no anomaly moves by more than a tolerance. The position is
//! X = a(cos E − e), Y = aq sin E with q = √(1 − e²), and the loss is half the mean of
//! (X − x)² + (Y − y)². The extent is the number of positions.
//!
//! The baseline differentiates the equation, not the iteration (implicit function theorem). With
//! s = 1/(1 − e cos E), ∂E/∂M = s and ∂E/∂e = s sin E; with u = (X − x)/n, v = (Y − y)/n and
//! g = s a(v q cos E − u sin E), the derivatives by a, e, φ and ρ are Σ u(cos E − e) + v q sin E,
//! Σ g sin E − a(u + v e/q sin E), Σ g and Σ gt.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::ops::Reduce;
use adjudicate_kernels::reduce::reduce;
use adjudicate_kernels::{Array, Binary, Unary, binary, binary_assign, binary_assign_right, unary, unary_assign};

use super::buffers::{array, dot, sum};
use super::{Handwritten, Size, Suite};
use crate::random::Random;

/// Newton's method stops when no step is larger; as in the model.
const TOLERANCE: f64 = 1e-9;

/// Semi-major axis, eccentricity, mean anomaly at time zero and its rate, of the orbit observed.
const TRUTH: [f64; 4] = [1.5, 0.4, 0.3, 0.9];

pub(super) const NEWTON: Suite = Suite {
    name: "newton",
    about: "orbit fitted to noisy positions, with Kepler's equation solved by Newton's method",
    file: "newton.py",
    source: include_str!("newton.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp, Ask::Hessian],
    wrt: &[0],
    sizes: &[
        Size { name: "32-one-by-one", entry: "loss_one_by_one", extents: &[32] },
        Size { name: "32", entry: "loss", extents: &[32] },
        Size { name: "512", entry: "loss", extents: &[512] },
        Size { name: "8192", entry: "loss", extents: &[8192] },
    ],
    inputs,
    handwritten,
};

/// A guess near the truth, and positions over three revolutions or so with noise.
fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let &[count] = size.extents else { panic!("a number of positions") };
    let guess = TRUTH.iter().map(|x| x + random.uniform(0.1)).collect();
    let times: Vec<f64> = (0..count).map(|i| 20.0 * i as f64 / count as f64 + random.uniform(0.01)).collect();
    let [a, e, phase, rate] = TRUTH;
    let anomalies = solve(&Array::from_vec(&[count], times.iter().map(|t| phase + rate * t).collect()), e);
    let flattening = (1.0 - e * e).sqrt();
    let mut noisy = |f: &dyn Fn(f64) -> f64| {
        Array::from_vec(&[count], anomalies.as_slice().iter().map(|x| f(*x) + random.uniform(0.05)).collect())
    };
    let xs = noisy(&|anomaly| a * (anomaly.cos() - e));
    let ys = noisy(&|anomaly| a * flattening * anomaly.sin());
    let times = Array::from_vec(&[count], times);
    vec![Datum::Array(Array::from_vec(&[4], guess)), Datum::Array(times), Datum::Array(xs), Datum::Array(ys)]
}

fn handwritten(ask: Ask, _: &Size) -> Option<Handwritten> {
    match ask {
        Ask::Value => Some(Box::new(|args| {
            let fit = Fit::new(args);
            vec![Value::f64(0.5 * (dot(&fit.dx, &fit.dx) + dot(&fit.dy, &fit.dy)) / fit.dx.len() as f64)]
        })),
        Ask::Gradient => Some(Box::new(|args| vec![Value::array(Fit::new(args).gradient(array(&args[1])))])),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

/// E from M.
fn solve(mean: &Array<f64>, e: f64) -> Array<f64> {
    let mut anomaly = times(&unary(Unary::Sin, mean), e);
    binary_assign(Binary::Add, &mut anomaly, mean.into());
    loop {
        let mut step = times(&unary(Unary::Sin, &anomaly), -e);
        binary_assign(Binary::Add, &mut step, (&anomaly).into());
        binary_assign(Binary::Sub, &mut step, mean.into());
        binary_assign(Binary::Div, &mut step, (&slope(&unary(Unary::Cos, &anomaly), e)).into());
        binary_assign(Binary::Sub, &mut anomaly, (&step).into());
        unary_assign(Unary::Abs, &mut step);
        let largest = reduce(Reduce::Max, &step, &[0]).expect("there are positions").item();
        // As in the model, what is not larger stops the iteration: NaN, too.
        if largest.is_nan() || largest <= TOLERANCE {
            return anomaly;
        }
    }
}

/// 1 − e cos E.
fn slope(cos: &Array<f64>, e: f64) -> Array<f64> {
    let mut slope = times(cos, -e);
    binary_assign(Binary::Add, &mut slope, 1.0.into());
    slope
}

fn times(x: &Array<f64>, factor: f64) -> Array<f64> {
    binary(Binary::Mul, x.into(), factor.into())
}

/// Anomalies and residuals of an orbit.
struct Fit {
    axis: f64,
    e: f64,
    /// q = √(1 − e²).
    flattening: f64,
    cos: Array<f64>,
    sin: Array<f64>,
    dx: Array<f64>,
    dy: Array<f64>,
}

impl Fit {
    fn new(args: &[Value]) -> Self {
        let &[axis, e, phase, rate] = array(&args[0]).as_slice() else { panic!("an orbit has four elements") };
        let mut mean = times(array(&args[1]), rate);
        binary_assign(Binary::Add, &mut mean, phase.into());
        let anomaly = solve(&mean, e);
        let flattening = (1.0 - e * e).sqrt();
        let (cos, sin) = (unary(Unary::Cos, &anomaly), unary(Unary::Sin, &anomaly));
        let mut dx = binary(Binary::Sub, (&cos).into(), e.into());
        binary_assign(Binary::Mul, &mut dx, axis.into());
        binary_assign(Binary::Sub, &mut dx, array(&args[2]).into());
        let mut dy = times(&sin, axis * flattening);
        binary_assign(Binary::Sub, &mut dy, array(&args[3]).into());
        Self { axis, e, flattening, cos, sin, dx, dy }
    }

    fn gradient(&self, at: &Array<f64>) -> Array<f64> {
        let Self { axis, e, flattening, cos, sin, dx, dy } = self;
        let mut g = binary(Binary::Mul, dy.into(), cos.into());
        binary_assign(Binary::Mul, &mut g, (*flattening).into());
        let mut pull = binary(Binary::Mul, dx.into(), sin.into());
        binary_assign_right(Binary::Sub, (&g).into(), &mut pull);
        binary_assign(Binary::Mul, &mut pull, (*axis).into());
        binary_assign(Binary::Div, &mut pull, (&slope(cos, *e)).into());
        let g = pull;
        let (total, up) = (sum(dx, 0).item(), dot(dy, sin));
        let slopes = [
            dot(dx, cos) - e * total + flattening * up,
            dot(&g, sin) - axis * (total + e / flattening * up),
            sum(&g, 0).item(),
            dot(&g, at),
        ];
        Array::from_vec(&[4], slopes.iter().map(|s| s / dx.len() as f64).collect())
    }
}
