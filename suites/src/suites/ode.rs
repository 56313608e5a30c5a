//! `ode`: a differential equation integrated by Runge and Kutta's method, in float scalars alone.
//!
//! x′ = x(a − by), y′ = y(dx − c), from (x, y) at time 0 in `steps` steps of length h; the loss is half the squared distance of
//! the end to what was observed, differentiated by the start and by a, b, c, d. The extent is the number of steps, of a
//! hundredth each.
//!
//! One step evaluates the slope k at four points p, p₁ = z and pₛ₊₁ = z + wₛ kₛ with w = h/2, h/2, h, and adds
//! h/6 (k₁ + 2k₂ + 2k₃ + k₄) to z = (x, y). Backwards, from the cotangent λ of its end, κ₄ = h/6 λ and
//! κₛ = (h/3 or h/6) λ + wₛ J(pₛ₊₁)ᵀκₛ₊₁; the start has λ + Σ J(pₛ)ᵀκₛ, and a parameter gains Σ (∂k/∂θ)(pₛ)·κₛ
//! (W. W. Hager, "Runge-Kutta methods in optimal control and the transformed adjoint system", Numer. Math. 87, 2000).

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;

use super::buffers::{integer, scalar};
use super::{Handwritten, Size, Suite};
use crate::random::Random;

/// Start, and the parameters a, b, c, d.
const TRUTH: [f64; 6] = [1.0, 0.5, 2.0, 1.2, 1.0, 0.9];

/// Time for one step.
const STEP: f64 = 0.01;

pub(super) const ODE: Suite = Suite {
    name: "ode",
    about: "start and parameters of an ordinary differential equation, all floats scalars",
    file: "ode.py",
    source: include_str!("ode.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0, 1, 2, 3, 4, 5],
    sizes: &[
        Size { name: "10", entry: "loss", extents: &[10] },
        Size { name: "100", entry: "loss", extents: &[100] },
        Size { name: "1000", entry: "loss", extents: &[1000] },
    ],
    inputs,
    handwritten,
};

/// A guess near the truth, and what is seen at the end.
fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    let &[steps] = size.extents else { panic!("a number of steps") };
    let guess = TRUTH.map(|truth| truth * (1.0 + random.uniform(0.05)));
    let mut truth = Orbit { h: STEP, ..Orbit::default() };
    truth.run(TRUTH, steps);
    let observed = truth.end.map(|z| z + random.uniform(0.01));
    let floats = guess.into_iter().chain(observed).chain([STEP * steps as f64]);
    floats.map(Datum::F64).chain([Datum::I64(steps as i64)]).collect()
}

fn handwritten(ask: Ask, _: &Size) -> Option<Handwritten> {
    let mut orbit = Orbit::default();
    match ask {
        Ask::Value => Some(Box::new(move |args| {
            let [dx, dy] = orbit.misses(args);
            vec![Value::f64(0.5 * (dx * dx + dy * dy))]
        })),
        Ask::Gradient => Some(Box::new(move |args| {
            let misses = orbit.misses(args);
            orbit.pull(misses).map(Value::f64).to_vec()
        })),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Hvp | Ask::Jacobian | Ask::Hessian => None,
    }
}

type Pair = [f64; 2];

/// z + tk.
fn along(z: Pair, t: f64, k: Pair) -> Pair {
    [z[0] + t * k[0], z[1] + t * k[1]]
}

#[derive(Default)]
struct Orbit {
    /// a, b, c, d.
    rates: [f64; 4],
    h: f64,
    /// By step, the points at which the slope was evaluated.
    points: Vec<[Pair; 4]>,
    end: Pair,
}

impl Orbit {
    /// How far from what was observed the arguments lead.
    fn misses(&mut self, args: &[Value]) -> Pair {
        let steps = integer(&args[9]);
        self.h = scalar(&args[8]) / steps as f64;
        self.run(std::array::from_fn(|i| scalar(&args[i])), steps as usize);
        along(self.end, -1.0, [scalar(&args[6]), scalar(&args[7])])
    }

    fn run(&mut self, [x, y, rates @ ..]: [f64; 6], steps: usize) {
        (self.rates, self.end) = (rates, [x, y]);
        self.points.clear();
        let h = self.h;
        for _ in 0..steps {
            let z = self.end;
            let k1 = self.slope(z);
            let p2 = along(z, 0.5 * h, k1);
            let k2 = self.slope(p2);
            let p3 = along(z, 0.5 * h, k2);
            let k3 = self.slope(p3);
            let p4 = along(z, h, k3);
            let k4 = self.slope(p4);
            self.points.push([z, p2, p3, p4]);
            self.end = along(z, h / 6.0, along(along(k1, 2.0, k2), 1.0, along(k4, 2.0, k3)));
        }
    }

    fn slope(&self, [x, y]: Pair) -> Pair {
        let [a, b, c, d] = self.rates;
        [x * (a - b * y), y * (d * x - c)]
    }

    /// The cotangents of start and parameters.
    fn pull(&self, end: Pair) -> [f64; 6] {
        let ([a, b, c, d], h) = (self.rates, self.h);
        let (mut at, mut rates) = (end, [0.0; 4]);
        // J(p)ᵀκ.
        let mut back = |[x, y]: Pair, [u, v]: Pair| -> Pair {
            let gains = [u * x, -u * x * y, -v * y, v * x * y];
            rates.iter_mut().zip(gains).for_each(|(rate, gain)| *rate += gain);
            [u * (a - b * y) + v * d * y, v * (d * x - c) - u * b * x]
        };
        for [p1, p2, p3, p4] in self.points.iter().rev() {
            let third = along([0.0; 2], h / 3.0, at);
            let g4 = back(*p4, along([0.0; 2], h / 6.0, at));
            let g3 = back(*p3, along(third, h, g4));
            let g2 = back(*p2, along(third, 0.5 * h, g3));
            let g1 = back(*p1, along(along([0.0; 2], h / 6.0, at), 0.5 * h, g2));
            at = along(along(at, 1.0, g1), 1.0, along(along(g2, 1.0, g3), 1.0, g4));
        }
        let ([x, y], [a, b, c, d]) = (at, rates);
        [x, y, a, b, c, d]
    }
}
