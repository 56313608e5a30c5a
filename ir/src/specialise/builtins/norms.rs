//! Norms: which one `ord` names is decided here, what it computes is said in the library.

use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["np.linalg.norm"], "x, ord=, axis=, keepdims=", norm),
    row(&["np.linalg.vector_norm"], "x, /, *, axis=, keepdims=, ord=", |cx, call| {
        let x = cx.checked_array(call.arg(0))?;
        cx.vector_norm(&x, call.get(3), call.get(1), call.get(2))
    }),
    row(&["np.linalg.matrix_norm"], "x, /, *, keepdims=, ord=", |cx, call| {
        let x = cx.checked_array(call.arg(0))?;
        cx.matrix_norm(&x, call.get(2), [-2, -1], call.get(1))
    }),
];

/// Of one axis the norm of vectors, of two that of matrices; without `ord`, of all elements.
fn norm(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.checked_array(call.arg(0))?;
    let rank = cx.tensor_of(&x)?.1.len();
    let (ord, axis, keepdims) = (call.get(1), call.get(2), call.get(3));
    if ord.is_none() && axis.is_none() {
        return cx.vector_norm(&x, None, None, keepdims);
    }
    let axes = cx.axes(axis, rank)?;
    match axes[..] {
        [one] => cx.vector_norm(&x, ord, Some(&Val::Int(one as i64)), keepdims),
        [row, column] => cx.matrix_norm(&x, ord, [row as i64, column as i64], keepdims),
        _ => cx.error_help("a norm is one of vectors or of matrices", "name one axis or two with `axis`"),
    }
}

impl Cx<'_> {
    /// The name of a known order; "power" for others.
    fn order(&mut self, ord: Option<&Val>, default: &'static str) -> Res<&'static str> {
        Ok(match ord {
            None => default,
            Some(Val::Str(name)) if &**name == "fro" => "fro",
            Some(Val::Float(x)) if *x == f64::INFINITY => "inf",
            Some(Val::Float(x)) if *x == f64::NEG_INFINITY => "-inf",
            Some(Val::Float(x)) if [0.0, 1.0, -1.0, 2.0].contains(x) => {
                return self.order(Some(&Val::Int(*x as i64)), default);
            }
            Some(Val::Float(_)) => "power",
            Some(Val::Str(_)) => {
                let help = "\"fro\" and numbers are; singular values are not computed";
                return self.error_help("a norm of this order is not supported", help);
            }
            Some(ord) => match self.known_int(ord, "the order of a norm")? {
                0 => "0",
                1 => "1",
                -1 => "-1",
                2 => "2",
                _ => "power",
            },
        })
    }

    fn vector_norm(&mut self, x: &Val, ord: Option<&Val>, axis: Option<&Val>, keepdims: Option<&Val>) -> Res<Val> {
        let mut kind = self.order(ord, "2")?;
        match kind {
            "fro" => return self.error_help("the Frobenius norm is one of matrices", "leave `ord` out"),
            "-1" => kind = "power",
            _ => {}
        }
        let p =
            ord.map_or(Ok(Val::Float(2.0)), |p| if kind == "power" { self.floats_of(p) } else { Ok(Val::Float(2.0)) })?;
        let axis = axis.cloned().unwrap_or(Val::None);
        self.library_norm("_vector_norm", vec![x.clone(), Val::Str(kind.into()), p, axis], keepdims)
    }

    fn matrix_norm(&mut self, x: &Val, ord: Option<&Val>, axes: [i64; 2], keepdims: Option<&Val>) -> Res<Val> {
        let kind = self.order(ord, "fro")?;
        if !["fro", "1", "-1", "inf", "-inf"].contains(&kind) {
            let help = "\"fro\", 1, -1, np.inf and -np.inf are; singular values are not computed";
            return self.error_help("a matrix norm of this order is not supported", help);
        }
        let [row, column] = axes.map(Val::Int);
        self.library_norm("_matrix_norm", vec![x.clone(), Val::Str(kind.into()), row, column], keepdims)
    }

    fn library_norm(&mut self, name: &str, mut args: Vec<Val>, keepdims: Option<&Val>) -> Res<Val> {
        args.push(Val::Bool(keepdims.map_or(Ok(false), |k| self.known_bool(k, "`keepdims`"))?));
        self.call_builtin(name, args, Vec::new())
    }
}
