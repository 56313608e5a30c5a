//! `cube`: the example of the paper, where a strategy's own cost is all there is.
//!
//! f(x) = Σ xᵢ³, ∂f/∂xᵢ = 3xᵢ², and the Hessian is diagonal: (Hv)ᵢ = 6xᵢvᵢ. The extent is the
//! length of x; there is none for a scalar.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::{Array, Binary, Unary, binary, binary_assign, unary};

use super::buffers::{array, dot, scalar};
use super::{Handwritten, Size, Suite};
use crate::random::Random;

pub(super) const CUBE: Suite = Suite {
    name: "cube",
    about: "x**3 of a scalar, and summed over a vector",
    file: "cube.py",
    source: include_str!("cube.py"),
    asks: &[Ask::Value, Ask::Gradient, Ask::Hvp],
    wrt: &[0],
    sizes: &[
        Size { name: "scalar", entry: "cube", extents: &[] },
        Size { name: "1", entry: "total", extents: &[1] },
        Size { name: "64", entry: "total", extents: &[64] },
        Size { name: "4096", entry: "total", extents: &[4096] },
    ],
    inputs,
    handwritten,
};

fn inputs(size: &Size, mut random: Random) -> Vec<Datum> {
    match size.extents {
        [] => vec![Datum::F64(random.uniform(2.0))],
        shape => vec![Datum::Array(random.array(shape, 2.0))],
    }
}

fn handwritten(ask: Ask, size: &Size) -> Option<Handwritten> {
    let of_scalar = size.extents.is_empty();
    match ask {
        Ask::Value if of_scalar => Some(Box::new(|args| vec![Value::f64(scalar(&args[0]).powi(3))])),
        Ask::Gradient if of_scalar => Some(Box::new(|args| {
            let x = scalar(&args[0]);
            vec![Value::f64(3.0 * x * x)]
        })),
        Ask::Hvp if of_scalar => Some(Box::new(|args| vec![Value::f64(6.0 * scalar(&args[0]) * scalar(&args[1]))])),
        Ask::Value => Some(Box::new(|args| {
            let x = array(&args[0]);
            vec![Value::f64(dot(&unary(Unary::Square, x), x))]
        })),
        Ask::Gradient => Some(Box::new(|args| vec![tripled(unary(Unary::Square, array(&args[0])))])),
        Ask::Hvp => Some(Box::new(|args| {
            let mut product = binary(Binary::Mul, array(&args[0]).into(), array(&args[1]).into());
            binary_assign(Binary::Mul, &mut product, 6.0.into());
            vec![Value::array(product)]
        })),
        Ask::ValueAndGradient | Ask::Jvp | Ask::Vjp | Ask::Jacobian | Ask::Hessian => None,
    }
}

fn tripled(mut x: Array<f64>) -> Value {
    binary_assign(Binary::Mul, &mut x, 3.0.into());
    Value::array(x)
}
