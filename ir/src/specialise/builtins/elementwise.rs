//! Elementary functions, logic, and operators on bits, element by element.

use std::rc::Rc;

use crate::prims::{self, PrimDef};
use crate::specialise::origin::Origin;
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["np.exp"], "x, /", |cx, call| cx.unary(&prims::EXP, call)),
    row(&["np.expm1"], "x, /", |cx, call| cx.unary(&prims::EXPM1, call)),
    row(&["np.log"], "x, /", |cx, call| cx.unary(&prims::LOG, call)),
    row(&["np.log1p"], "x, /", |cx, call| cx.unary(&prims::LOG1P, call)),
    row(&["np.sqrt"], "x, /", |cx, call| cx.unary(&prims::SQRT, call)),
    row(&["np.cbrt"], "x, /", |cx, call| cx.unary(&prims::CBRT, call)),
    row(&["np.sin"], "x, /", |cx, call| cx.unary(&prims::SIN, call)),
    row(&["np.cos"], "x, /", |cx, call| cx.unary(&prims::COS, call)),
    row(&["np.tan"], "x, /", |cx, call| cx.unary(&prims::TAN, call)),
    row(&["np.arcsin", "np.asin"], "x, /", |cx, call| cx.unary(&prims::ARCSIN, call)),
    row(&["np.arccos", "np.acos"], "x, /", |cx, call| cx.unary(&prims::ARCCOS, call)),
    row(&["np.arctan", "np.atan"], "x, /", |cx, call| cx.unary(&prims::ARCTAN, call)),
    row(&["np.sinh"], "x, /", |cx, call| cx.unary(&prims::SINH, call)),
    row(&["np.cosh"], "x, /", |cx, call| cx.unary(&prims::COSH, call)),
    row(&["np.tanh"], "x, /", |cx, call| cx.unary(&prims::TANH, call)),
    row(&["math.exp"], "x, /", |cx, call| cx.scalar(&prims::EXP, call)),
    row(&["math.expm1"], "x, /", |cx, call| cx.scalar(&prims::EXPM1, call)),
    row(&["math.log1p"], "x, /", |cx, call| cx.scalar(&prims::LOG1P, call)),
    row(&["math.sqrt"], "x, /", |cx, call| cx.scalar(&prims::SQRT, call)),
    row(&["math.cbrt"], "x, /", |cx, call| cx.scalar(&prims::CBRT, call)),
    row(&["math.sin"], "x, /", |cx, call| cx.scalar(&prims::SIN, call)),
    row(&["math.cos"], "x, /", |cx, call| cx.scalar(&prims::COS, call)),
    row(&["math.tan"], "x, /", |cx, call| cx.scalar(&prims::TAN, call)),
    row(&["math.asin"], "x, /", |cx, call| cx.scalar(&prims::ARCSIN, call)),
    row(&["math.acos"], "x, /", |cx, call| cx.scalar(&prims::ARCCOS, call)),
    row(&["math.atan"], "x, /", |cx, call| cx.scalar(&prims::ARCTAN, call)),
    row(&["math.sinh"], "x, /", |cx, call| cx.scalar(&prims::SINH, call)),
    row(&["math.cosh"], "x, /", |cx, call| cx.scalar(&prims::COSH, call)),
    row(&["math.tanh"], "x, /", |cx, call| cx.scalar(&prims::TANH, call)),
    row(&["math.fabs"], "x, /", |cx, call| cx.scalar(&prims::ABS, call)),
    row(&["np.fabs"], "x, /", |cx, call| cx.unary(&prims::ABS, call)),
    row(&["np.floor"], "x, /", |cx, call| cx.rounded(&prims::FLOOR, call.arg(0))),
    row(&["np.ceil"], "x, /", |cx, call| cx.rounded(&prims::CEIL, call.arg(0))),
    row(&["math.floor"], "x, /", |cx, call| cx.whole_number(&prims::FLOOR, call)),
    row(&["math.ceil"], "x, /", |cx, call| cx.whole_number(&prims::CEIL, call)),
    row(&["math.trunc"], "x, /", |cx, call| cx.integer(call.arg(0))),
    row(&["np.arctan2", "np.atan2"], "x1, x2, /", |cx, call| {
        cx.promoted(&prims::ARCTAN2, call.arg(0), call.arg(1), Elem::F64)
    }),
    row(&["np.isnan"], "x, /", |cx, call| cx.float_test(&prims::ISNAN, call.arg(0))),
    row(&["np.isinf"], "x, /", |cx, call| cx.float_test(&prims::ISINF, call.arg(0))),
    row(&["np.isfinite"], "x, /", |cx, call| cx.float_test(&prims::ISFINITE, call.arg(0))),
    row(&["not"], "x, /", |cx, call| {
        let truth = cx.truth(call.arg(0))?;
        cx.negate(&truth)
    }),
    row(&["truth", "bool", "np.bool_"], "x, /", |cx, call| cx.truth(call.arg(0))),
    row(&["np.logical_and"], "x1, x2, /", |cx, call| cx.logic(&prims::LOGICAL_AND, &call.args())),
    row(&["np.logical_or"], "x1, x2, /", |cx, call| cx.logic(&prims::LOGICAL_OR, &call.args())),
    row(&["np.logical_xor"], "x1, x2, /", |cx, call| cx.logic(&prims::LOGICAL_XOR, &call.args())),
    row(&["np.logical_not"], "x, /", |cx, call| cx.logic(&prims::LOGICAL_NOT, &call.args())),
    row(&["bitand", "np.bitwise_and"], "x1, x2, /", |cx, call| cx.bits(&prims::LOGICAL_AND, |a, b| a & b, call)),
    row(&["bitor", "np.bitwise_or"], "x1, x2, /", |cx, call| cx.bits(&prims::LOGICAL_OR, |a, b| a | b, call)),
    row(&["bitxor", "np.bitwise_xor"], "x1, x2, /", |cx, call| cx.bits(&prims::LOGICAL_XOR, |a, b| a ^ b, call)),
    row(&["invert", "np.invert", "np.bitwise_not"], "x, /", complement),
    row(&["lshift"], "x1, x2, /", shift),
    row(&["rshift"], "x1, x2, /", shift),
    row(&["is"], "x1, x2, /", identity),
    row(&["is_not"], "x1, x2, /", identity),
];

/// `~x`: the opposite of a boolean; of an integer, whose bits are those of a two's complement, `-1 - x`.
fn complement(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.as_array(call.arg(0))?;
    match cx.tensor_of(&x)?.0 {
        Elem::Bool => cx.negate(&x),
        Elem::I64 => cx.builtin("sub", &[Val::Int(-1), x]),
        Elem::F64 => cx.error(format!("`{}` of floats is not defined", call.name)),
    }
}

/// Shifts by a known number of bits, as products and floored quotients.
fn shift(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.as_array(call.arg(0))?;
    if cx.tensor_of(&x)?.0 == Elem::F64 {
        return cx.error("floats have no bits to shift");
    }
    let by = cx.known_int(call.arg(1), "the number of bits to shift by")?;
    if !(0..63).contains(&by) {
        return cx.error(format!("a shift by {by} bits is not possible: from 0 to 62 are"));
    }
    let operator = if call.op == "lshift" { "mul" } else { "floordiv" };
    cx.builtin(operator, &[x, Val::Int(1 << by)])
}

fn identity(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let same = match (call.arg(0), call.arg(1)) {
        (Val::None, Val::None) => true,
        (Val::None, _) | (_, Val::None) => false,
        (Val::Bool(x), Val::Bool(y)) => x == y,
        _ => return cx.error_help("`is` compares with None, True or False only", "write `==` for values"),
    };
    Ok(Val::Bool(same == (call.op == "is")))
}

impl Cx<'_> {
    /// A function of floats.
    fn unary(&mut self, def: &'static PrimDef, call: &Call) -> Res<Val> {
        let x = self.floats_of(call.arg(0))?;
        let node = self.node(&x)?;
        self.float_prim(def, &[], &[node])
    }

    /// A function of the module `math`, which takes one number.
    fn scalar(&mut self, def: &'static PrimDef, call: &Call) -> Res<Val> {
        self.check_number(call.name, call.arg(0))?;
        self.unary(def, call)
    }

    /// Refuses what is not one number.
    pub(super) fn check_number(&mut self, name: &str, x: &Val) -> Res<()> {
        if self.tensor_of(x)?.1.is_empty() {
            return Ok(());
        }
        let help = name.replace("math.", "write `np.") + "`";
        self.error_help(format!("`{name}` takes a number, not an array"), help)
    }

    /// `np.floor` and its like: integers are whole already.
    pub(super) fn rounded(&mut self, def: &'static PrimDef, x: &Val) -> Res<Val> {
        let x = self.as_array(x)?;
        match self.tensor_of(&x)?.0 {
            Elem::F64 => {
                let node = self.node(&x)?;
                self.float_prim(def, &[], &[node])
            }
            Elem::I64 | Elem::Bool => Ok(x),
        }
    }

    /// `math.floor` and its like: an integer.
    fn whole_number(&mut self, def: &'static PrimDef, call: &Call) -> Res<Val> {
        self.check_number(call.name, call.arg(0))?;
        let whole = match call.arg(0) {
            Val::Float(x) => Val::Float(if def.name == "floor" { x.floor() } else { x.ceil() }),
            x => self.rounded(def, x)?,
        };
        self.integer(&whole)
    }

    /// An operator on booleans, or on the bits of known integers.
    fn bits(&mut self, def: &'static PrimDef, known: fn(i64, i64) -> i64, call: &Call) -> Res<Val> {
        let (a, b) = (self.as_array(call.arg(0))?, self.as_array(call.arg(1))?);
        match (&a, &b, self.tensor_of(&a)?.0, self.tensor_of(&b)?.0) {
            (Val::Bool(a), Val::Bool(b), ..) => Ok(Val::Bool(known(i64::from(*a), i64::from(*b)) != 0)),
            (_, _, Elem::Bool, Elem::Bool) => self.logic(def, &[a, b]),
            (_, _, Elem::F64, _) | (_, _, _, Elem::F64) => {
                self.error_help(format!("`{}` of floats is not defined", call.name), "compare the floats first")
            }
            _ => {
                let what = format!("an operand of `{}`", call.name);
                let (a, b) = (self.known_int(&a, &what)?, self.known_int(&b, &what)?);
                Ok(Val::Int(known(a, b)))
            }
        }
    }

    /// A value as a condition.
    pub(in crate::specialise) fn truth(&mut self, value: &Val) -> Res<Val> {
        match value {
            Val::Bool(_) => Ok(value.clone()),
            Val::Int(n) => Ok(Val::Bool(*n != 0)),
            Val::Float(x) => Ok(Val::Bool(*x != 0.0)),
            Val::None => Ok(Val::Bool(false)),
            Val::Tuple(items) => Ok(Val::Bool(!items.is_empty())),
            Val::Str(s) => Ok(Val::Bool(!s.is_empty())),
            Val::Leaf(leaf) if leaf.ty.is_scalar(Elem::Bool) => Ok(value.clone()),
            Val::Leaf(leaf) if leaf.ty.shape().is_empty() => {
                let node = self.cast(value, Elem::Bool)?;
                Ok(self.leaf(node, leaf.origin.clone()))
            }
            Val::Leaf(_) => self.error_help(
                "the truth of an array is not one boolean",
                "use np.any or np.all, or np.where for a choice by element",
            ),
            other => self.error(format!("{} is not a condition", other.abs())),
        }
    }

    fn negate(&mut self, truth: &Val) -> Res<Val> {
        match truth {
            Val::Bool(b) => Ok(Val::Bool(!b)),
            value => self.logic(&prims::LOGICAL_NOT, std::slice::from_ref(value)),
        }
    }

    /// A primitive on booleans.
    pub(in crate::specialise) fn logic(&mut self, def: &'static PrimDef, args: &[Val]) -> Res<Val> {
        let mut nodes = Vec::new();
        let mut origin = Origin::From(Rc::default());
        for arg in args {
            let arg = self.as_array(arg)?;
            origin = origin.and(&Self::origin_of(&arg));
            nodes.push(self.cast(&arg, Elem::Bool)?);
        }
        let node = self.prim(def, &[], &nodes)?;
        Ok(self.leaf(node, origin))
    }

    fn float_test(&mut self, def: &'static PrimDef, x: &Val) -> Res<Val> {
        let x = self.floats_of(x)?;
        let node = self.node(&x)?;
        let node = self.prim(def, &[], &[node])?;
        Ok(self.leaf(node, Origin::Data))
    }
}
