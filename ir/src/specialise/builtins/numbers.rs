//! Arithmetic, comparison and elementwise functions, with NumPy's promotion: booleans to integers
//! to floats. What is known stays known.

use std::rc::Rc;

use crate::graph::NodeId;
use crate::prims::{self, PrimDef};
use crate::specialise::origin::Origin;
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::{Entry, Named};

pub(super) fn find(name: &str) -> Option<Entry> {
    let entry: Entry = match name {
        "add" | "sub" | "mul" | "floordiv" | "mod" | "maximum" | "minimum" | "subtract" | "multiply"
        | "floor_divide" | "remainder" | "fmod" | "fmax" | "fmin" => arithmetic,
        "truediv" | "divide" | "true_divide" | "arctan2" | "atan2" => float_binary,
        "pow" | "power" | "float_power" => power,
        "lt" | "le" | "gt" | "ge" | "eq" | "ne" | "less" | "less_equal" | "greater" | "greater_equal" | "equal"
        | "not_equal" => comparison,
        "neg" | "negative" | "abs" | "absolute" | "fabs" | "sign" => keeps_element,
        "pos" | "positive" => |_, _, mut args, _| Ok(args.remove(0)),
        "not" => |cx, _, args, _| {
            let truth = cx.truth(&args[0])?;
            cx.negate(&truth)
        },
        "truth" => |cx, _, args, _| cx.truth(&args[0]),
        "bool" => |cx, _, args, _| cx.truth(&args[0]),
        "is" | "is_not" => identity,
        "logical_and" | "bitand" | "bitwise_and" => |cx, _, a, _| cx.logic(&prims::LOGICAL_AND, &a),
        "logical_or" | "bitor" | "bitwise_or" => |cx, _, a, _| cx.logic(&prims::LOGICAL_OR, &a),
        "logical_xor" | "bitxor" | "bitwise_xor" => |cx, _, a, _| cx.logic(&prims::LOGICAL_XOR, &a),
        "logical_not" | "invert" => |cx, _, a, _| cx.logic(&prims::LOGICAL_NOT, &a),
        "isnan" => |cx, _, a, _| cx.float_test(&prims::ISNAN, &a),
        "isinf" => |cx, _, a, _| cx.float_test(&prims::ISINF, &a),
        "isfinite" => |cx, _, a, _| cx.float_test(&prims::ISFINITE, &a),
        "square" => |cx, _, args, _| cx.power_of(&args[0], &Val::Int(2)),
        "reciprocal" => |cx, _, args, _| cx.quotient(&Val::Float(1.0), &args[0]),
        "float" | "float64" | "asfarray" => |cx, _, args, _| cx.floats_of(&args[0]),
        "int" | "int64" => to_int,
        "divmod" => |cx, _, args, _| {
            let q = arithmetic(cx, "floordiv", args.clone(), Vec::new())?;
            let r = arithmetic(cx, "mod", args, Vec::new())?;
            Ok(Val::tuple(vec![q, r]))
        },
        other if unary(other).is_some() => elementwise,
        _ => return None,
    };
    Some(entry)
}

/// Functions of floats, element by element.
fn unary(name: &str) -> Option<&'static PrimDef> {
    Some(match name {
        "exp" => &prims::EXP,
        "expm1" => &prims::EXPM1,
        "log" => &prims::LOG,
        "log1p" => &prims::LOG1P,
        "sqrt" => &prims::SQRT,
        "sin" => &prims::SIN,
        "cos" => &prims::COS,
        "tan" => &prims::TAN,
        "arcsin" | "asin" => &prims::ARCSIN,
        "arccos" | "acos" => &prims::ARCCOS,
        "arctan" | "atan" => &prims::ARCTAN,
        "sinh" => &prims::SINH,
        "cosh" => &prims::COSH,
        "tanh" => &prims::TANH,
        "floor" => &prims::FLOOR,
        "ceil" => &prims::CEIL,
        _ => return None,
    })
}

fn elementwise(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
    let [x] = cx.bind_builtin(name, ["x"], args, named)?;
    let x = cx.required(name, "x", x)?;
    let x = cx.floats_of(&x)?;
    let node = cx.node(&x)?;
    cx.float_prim(unary(name).expect("a name of the table"), &[], &[node])
}

fn two(cx: &mut Cx<'_>, name: &str, args: Vec<Val>) -> Res<(Val, Val)> {
    match <[Val; 2]>::try_from(args) {
        Ok([a, b]) => Ok((a, b)),
        Err(args) => cx.error(format!("`{name}` takes 2 arguments, but {} are given", args.len())),
    }
}

fn arithmetic(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    let (a, b) = two(cx, name, args)?;
    match (name, &a, &b) {
        ("add", Val::Tuple(x), Val::Tuple(y)) => return Ok(Val::tuple(x.iter().chain(y.iter()).cloned().collect())),
        ("mul", Val::Tuple(x), Val::Int(n)) | ("mul", Val::Int(n), Val::Tuple(x)) => {
            let count = x.len() * usize::try_from(*n).unwrap_or(0);
            return Ok(Val::tuple(x.iter().cycle().take(count).cloned().collect()));
        }
        _ => {}
    }
    if matches!(a, Val::Tuple(_)) && matches!(b, Val::Tuple(_)) {
        return cx.error_help(
            format!("`{name}` of {} and {} is not defined", a.abs(), b.abs()),
            "make arrays of them with np.array",
        );
    }
    if let Some(known) = fold(name, &a, &b) {
        return known.or_else(|why| cx.error(why));
    }
    let def = match name {
        "add" => &prims::ADD,
        "sub" | "subtract" => &prims::SUB,
        "mul" | "multiply" => &prims::MUL,
        "floordiv" | "floor_divide" => &prims::FLOORDIV,
        "mod" | "remainder" | "fmod" => &prims::MOD,
        "maximum" | "fmax" => &prims::MAXIMUM,
        _ => &prims::MINIMUM,
    };
    cx.promoted(def, &a, &b, Elem::I64)
}

/// The result on known numbers: integers exactly, floats as the program would compute them.
fn fold(name: &str, a: &Val, b: &Val) -> Option<Result<Val, String>> {
    let int = |v: &Val| match v {
        Val::Int(n) => Some(*n),
        Val::Bool(b) => Some(i64::from(*b)),
        _ => None,
    };
    if let (Some(x), Some(y)) = (int(a), int(b)) {
        let overflow = || format!("{name} of {x} and {y} does not fit 64 bits");
        let value = match name {
            "add" => x.checked_add(y),
            "sub" | "subtract" => x.checked_sub(y),
            "mul" | "multiply" => x.checked_mul(y),
            "floordiv" | "floor_divide" if y == 0 => return Some(Err("integer division by zero".to_owned())),
            "mod" | "remainder" | "fmod" if y == 0 => return Some(Err("integer division by zero".to_owned())),
            "floordiv" | "floor_divide" => {
                x.checked_div_euclid(y).map(|_| x.div_euclid(y) - i64::from(y < 0 && x.rem_euclid(y) != 0))
            }
            "mod" | "remainder" | "fmod" => x.checked_rem_euclid(y).map(|r| if r != 0 && y < 0 { r + y } else { r }),
            "maximum" | "fmax" => Some(x.max(y)),
            _ => Some(x.min(y)),
        };
        return Some(value.map(Val::Int).ok_or_else(overflow));
    }
    let float = |v: &Val| match v {
        Val::Float(x) => Some(*x),
        v => int(v).map(|n| n as f64),
    };
    let (x, y) = (float(a)?, float(b)?);
    let value = match name {
        "add" => x + y,
        "sub" | "subtract" => x - y,
        "mul" | "multiply" => x * y,
        _ => return None,
    };
    Some(Ok(Val::Float(value)))
}

fn float_binary(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    let (a, b) = two(cx, name, args)?;
    match name {
        "arctan2" | "atan2" => cx.promoted(&prims::ARCTAN2, &a, &b, Elem::F64),
        _ => cx.quotient(&a, &b),
    }
}

fn power(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    let (a, b) = two(cx, name, args)?;
    cx.power_of(&a, &b)
}

fn comparison(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    let (a, b) = two(cx, name, args)?;
    let known = match (&a, &b) {
        (Val::Int(_) | Val::Bool(_) | Val::Float(_), Val::Int(_) | Val::Bool(_) | Val::Float(_)) => {
            let float = |v: &Val| match v {
                Val::Int(n) => *n as f64,
                Val::Bool(b) => f64::from(u8::from(*b)),
                Val::Float(x) => *x,
                _ => unreachable!("matched above"),
            };
            match (&a, &b) {
                (Val::Int(x), Val::Int(y)) => Some(decide(name, x, y)),
                _ => Some(decide(name, &float(&a), &float(&b))),
            }
        }
        (Val::Str(x), Val::Str(y)) => Some(decide(name, x, y)),
        (Val::None, _) | (_, Val::None) | (Val::Str(_), _) | (_, Val::Str(_)) => match name {
            "eq" => Some(matches!((&a, &b), (Val::None, Val::None))),
            "ne" => Some(!matches!((&a, &b), (Val::None, Val::None))),
            _ => None,
        },
        (Val::Tuple(x), Val::Tuple(y)) => return cx.compare_tuples(name, x, y),
        _ => None,
    };
    if let Some(known) = known {
        return Ok(Val::Bool(known));
    }
    let def = match name {
        "lt" | "less" => &prims::LT,
        "le" | "less_equal" => &prims::LE,
        "gt" | "greater" => &prims::GT,
        "ge" | "greater_equal" => &prims::GE,
        "eq" | "equal" => &prims::EQ,
        _ => &prims::NE,
    };
    cx.promoted(def, &a, &b, Elem::I64)
}

fn decide<T: PartialOrd>(name: &str, a: &T, b: &T) -> bool {
    match name {
        "lt" | "less" => a < b,
        "le" | "less_equal" => a <= b,
        "gt" | "greater" => a > b,
        "ge" | "greater_equal" => a >= b,
        "eq" | "equal" => a == b,
        _ => a != b,
    }
}

fn keeps_element(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    let x = cx.as_array(&args[0])?;
    match (name, &x) {
        ("neg" | "negative" | "abs" | "absolute", Val::Int(i64::MIN)) => {
            return cx.error(format!("{name} of {} does not fit 64 bits", i64::MIN));
        }
        ("neg" | "negative", Val::Int(n)) => return Ok(Val::Int(-n)),
        ("neg" | "negative", Val::Float(v)) => return Ok(Val::Float(-v)),
        ("abs" | "absolute", Val::Int(n)) => return Ok(Val::Int(n.abs())),
        _ => {}
    }
    let def = match name {
        "neg" | "negative" => &prims::NEG,
        "sign" => &prims::SIGN,
        _ => &prims::ABS,
    };
    let (elem, _) = cx.tensor_of(&x)?;
    let elem = if elem == Elem::Bool || name == "fabs" { Elem::F64 } else { elem };
    let node = cx.cast(&x, elem)?;
    let node = cx.prim(def, &[], &[node])?;
    Ok(cx.leaf(node, Cx::origin_of(&x)))
}

fn identity(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    let (a, b) = two(cx, name, args)?;
    let same = match (&a, &b) {
        (Val::None, Val::None) => true,
        (Val::None, _) | (_, Val::None) => false,
        (Val::Bool(x), Val::Bool(y)) => x == y,
        _ => return cx.error_help("`is` compares with None, True or False only", "write `==` for values"),
    };
    Ok(Val::Bool(same == (name == "is")))
}

fn to_int(cx: &mut Cx<'_>, _: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    match &args[0] {
        Val::Int(_) => Ok(args[0].clone()),
        Val::Bool(b) => Ok(Val::Int(i64::from(*b))),
        Val::Float(x) => Ok(Val::Int(*x as i64)),
        value => {
            let node = cx.cast(value, Elem::I64)?;
            Ok(cx.leaf(node, Cx::origin_of(value)))
        }
    }
}

impl Cx<'_> {
    /// A binary primitive on operands of one element type: at least `least`.
    pub(in crate::specialise) fn promoted(&mut self, def: &'static PrimDef, a: &Val, b: &Val, least: Elem) -> Res<Val> {
        let (a, b) = (self.as_array(a)?, self.as_array(b)?);
        let (ea, _) = self.tensor_of(&a)?;
        let (eb, _) = self.tensor_of(&b)?;
        let elem = [ea, eb, least].into_iter().max_by_key(|e| rank(*e)).unwrap_or(Elem::F64);
        let origin = Self::origin_of(&a).and(&Self::origin_of(&b));
        let args: [NodeId; 2] = [self.cast(&a, elem)?, self.cast(&b, elem)?];
        let node = self.prim(def, &[], &args)?;
        Ok(self.leaf(node, if elem == Elem::F64 { Origin::Data } else { origin }))
    }

    pub(in crate::specialise) fn quotient(&mut self, a: &Val, b: &Val) -> Res<Val> {
        let (x, y) = (self.floats_of(a)?, self.floats_of(b)?);
        if let (Val::Float(x), Val::Float(y)) = (&x, &y) {
            return Ok(Val::Float(x / y));
        }
        self.promoted(&prims::DIV, &x, &y, Elem::F64)
    }

    /// `base ** exponent`: a known whole exponent is part of the primitive.
    pub(in crate::specialise) fn power_of(&mut self, base: &Val, exponent: &Val) -> Res<Val> {
        let base = self.as_array(base)?;
        let (elem, _) = self.tensor_of(&base)?;
        let whole = match exponent {
            Val::Int(n) => Some(*n),
            Val::Float(x) if elem == Elem::F64 && x.fract() == 0.0 && x.abs() <= 64.0 => Some(*x as i64),
            _ => None,
        };
        match (whole, &base) {
            (Some(n), Val::Int(b)) if n >= 0 => {
                let power = u32::try_from(n).ok().and_then(|n| b.checked_pow(n));
                return match power {
                    Some(value) => Ok(Val::Int(value)),
                    None => self.error(format!("{b} ** {n} does not fit 64 bits")),
                };
            }
            (Some(n), Val::Int(b)) => return Ok(Val::Float((*b as f64).powf(n as f64))),
            (Some(n), _) if elem == Elem::F64 => {
                let node = self.node(&base)?;
                return self.float_prim(&prims::POWI, &[n], &[node]);
            }
            _ => {}
        }
        if elem == Elem::F64 && matches!(exponent, Val::Float(x) if *x == 0.5) {
            let node = self.node(&base)?;
            return self.float_prim(&prims::SQRT, &[], &[node]);
        }
        let (other, _) = self.tensor_of(exponent)?;
        let least = if elem == Elem::F64 || other == Elem::F64 { Elem::F64 } else { Elem::I64 };
        self.promoted(&prims::POW, &base, exponent, least)
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

    fn float_test(&mut self, def: &'static PrimDef, args: &[Val]) -> Res<Val> {
        let x = self.floats_of(&args[0])?;
        let node = self.node(&x)?;
        let node = self.prim(def, &[], &[node])?;
        Ok(self.leaf(node, Origin::Data))
    }

    fn compare_tuples(&mut self, name: &str, a: &[Val], b: &[Val]) -> Res<Val> {
        if !matches!(name, "eq" | "ne") {
            return self.error("tuples are compared with == and != only");
        }
        let mut equal = a.len() == b.len();
        for (x, y) in a.iter().zip(b) {
            if !equal {
                break;
            }
            let item = comparison(self, "eq", vec![x.clone(), y.clone()], Vec::new())?;
            equal = self.known_bool(&item, "the equality of two tuples")?;
        }
        Ok(Val::Bool(equal == (name == "eq")))
    }
}

fn rank(elem: Elem) -> u8 {
    match elem {
        Elem::Bool => 0,
        Elem::I64 => 1,
        Elem::F64 => 2,
    }
}
