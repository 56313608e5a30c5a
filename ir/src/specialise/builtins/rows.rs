//! What only the library and the derivatives use: zeros and rows of cotangents, kinds, refusals.

use crate::specialise::derive::{leaves_of, rebuild};
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::{Elem, Type};

use super::{Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["_zeros_of"], "value, /", |cx, call| cx.zeros_of(call.arg(0))),
    row(&["_tangents"], "primals, tangents, /", |cx, call| cx.tangents(call.arg(0), call.arg(1))),
    row(&["_kind"], "x, /", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        let name = match cx.tensor_of(&x)?.0 {
            Elem::F64 => "float",
            Elem::I64 => "int",
            Elem::Bool => "bool",
        };
        Ok(Val::Str(name.into()))
    }),
    row(&["_known"], "n, /", |cx, call| Ok(Val::Int(cx.known_int(call.arg(0), "this argument")?))),
    row(&["_refuse"], "message, help, /", |cx, call| match (call.arg(0), call.arg(1)) {
        (Val::Str(message), Val::Str(help)) => cx.error_help(&**message, &**help),
        _ => cx.error("a refusal has a message and a help"),
    }),
];

impl Cx<'_> {
    /// Zeros of the form of a value.
    fn zeros_of(&mut self, value: &Val) -> Res<Val> {
        let mut zeros = Vec::new();
        for leaf in leaves_of(value) {
            let ty = self.float_type(&leaf)?;
            let zero = self.node(&Val::Float(0.0))?;
            zeros.push(self.broadcast(zero, ty.shape())?);
        }
        Ok(rebuild(value, &mut zeros.into_iter()))
    }

    /// Rows with their leading axis in the shape of a value.
    pub(in crate::specialise) fn shape_rows(&mut self, rows: &Val, like: &Val) -> Res<Val> {
        let ty: Type = self.float_type(like)?;
        let mut out = Vec::new();
        for row in leaves_of(rows) {
            let (_, shape) = self.tensor_of(&row)?;
            let full: Vec<usize> = ty.shape().iter().chain(&shape[1..]).copied().collect();
            out.push(self.reshaped(&row, &full)?);
        }
        Ok(rebuild(rows, &mut out.into_iter()))
    }
}
