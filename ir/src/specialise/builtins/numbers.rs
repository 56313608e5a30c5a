//! Arithmetic and comparison, with NumPy's promotion: booleans to integers to floats. What is known
//! stays known.

use crate::graph::NodeId;
use crate::prims::{self, PrimDef, whole};
use crate::specialise::origin::Origin;
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::{Elem, Type};

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["add", "np.add"], "x1, x2, /", arithmetic),
    row(&["sub", "np.subtract"], "x1, x2, /", arithmetic),
    row(&["mul", "np.multiply"], "x1, x2, /", arithmetic),
    row(&["floordiv", "np.floor_divide"], "x1, x2, /", arithmetic),
    row(&["mod", "np.mod", "np.remainder"], "x1, x2, /", arithmetic),
    row(&["np.maximum"], "x1, x2, /", arithmetic),
    row(&["np.minimum"], "x1, x2, /", arithmetic),
    row(&["truediv", "np.divide", "np.true_divide"], "x1, x2, /", |cx, call| match cx.of_tuples(call) {
        Some(refused) => refused,
        None => cx.quotient(call.arg(0), call.arg(1)),
    }),
    row(&["pow"], "base, exp", |cx, call| {
        if let Some(refused) = cx.of_tuples(call) {
            return refused;
        }
        let base = cx.as_array(call.arg(0))?;
        let is_number = cx.tensor_of(&base)?.1.is_empty();
        if is_number { cx.power_of(&base, call.arg(1)) } else { cx.root_or_power(&base, call.arg(1)) }
    }),
    row(&["np.power", "np.pow"], "x1, x2, /", whole_power),
    row(&["np.float_power", "math.pow"], "x1, x2, /", |cx, call| {
        let (base, exponent) = (cx.floats_of(call.arg(0))?, cx.floats_of(call.arg(1))?);
        cx.power_of(&base, &exponent)
    }),
    row(&["lt", "np.less"], "x1, x2, /", comparison),
    row(&["le", "np.less_equal"], "x1, x2, /", comparison),
    row(&["gt", "np.greater"], "x1, x2, /", comparison),
    row(&["ge", "np.greater_equal"], "x1, x2, /", comparison),
    row(&["eq", "np.equal"], "x1, x2, /", comparison),
    row(&["ne", "np.not_equal"], "x1, x2, /", comparison),
    row(&["neg", "np.negative"], "x, /", keeps_element),
    row(&["np.sign"], "x, /", keeps_element),
    row(&["abs", "np.abs", "np.absolute"], "x, /", keeps_element),
    row(&["pos", "np.positive"], "x, /", |cx, call| {
        let x = cx.as_array(call.arg(0))?;
        match cx.tensor_of(&x)? {
            (Elem::Bool, shape) if !shape.is_empty() => cx.error("`+` of an array of booleans is not defined"),
            (Elem::Bool, _) => cx.integer(&x),
            _ => Ok(x),
        }
    }),
    row(&["divmod", "np.divmod"], "x1, x2, /", |cx, call| {
        let operands = [call.arg(0).clone(), call.arg(1).clone()];
        let names = if call.name.contains('.') { ["np.floor_divide", "np.mod"] } else { ["floordiv", "mod"] };
        Ok(Val::tuple(vec![cx.builtin(names[0], &operands)?, cx.builtin(names[1], &operands)?]))
    }),
];

fn arithmetic(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let (name, a, b) = (call.op, call.arg(0), call.arg(1));
    if let Some(joined) = cx.of_tuples(call) {
        return joined;
    }
    if let Some(known) = fold(name, a, b) {
        return known.or_else(|why| cx.error(why));
    }
    let def = match name {
        "add" => &prims::ADD,
        "sub" => &prims::SUB,
        "mul" => &prims::MUL,
        "floordiv" => &prims::FLOORDIV,
        "mod" => &prims::MOD,
        "maximum" => &prims::MAXIMUM,
        _ => &prims::MINIMUM,
    };
    cx.arithmetic(def, a, b)
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
            "sub" => x.checked_sub(y),
            "mul" => x.checked_mul(y),
            "floordiv" if y == 0 => return Some(Err("integer division by zero".to_owned())),
            "mod" if y == 0 => return Some(Err("integer division by zero".to_owned())),
            "floordiv" => x.checked_div_euclid(y).map(|_| x.div_euclid(y) - i64::from(y < 0 && x.rem_euclid(y) != 0)),
            "mod" => x.checked_rem_euclid(y).map(|r| if r != 0 && y < 0 { r + y } else { r }),
            "maximum" => Some(x.max(y)),
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
        "sub" => x - y,
        "mul" => x * y,
        _ => return None,
    };
    Some(Ok(Val::Float(value)))
}

/// `np.power`, which refuses negative powers of integers.
fn whole_power(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    if let (Val::Int(_) | Val::Bool(_), Val::Int(n)) = (call.arg(0), call.arg(1))
        && *n < 0
    {
        return cx.error_help("an integer to a negative integer power is not an integer", "write a float as the base");
    }
    cx.root_or_power(call.arg(0), call.arg(1))
}

fn comparison(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let (name, a, b) = (call.op, call.arg(0), call.arg(1));
    let known = match (a, b) {
        (Val::Int(_) | Val::Bool(_) | Val::Float(_), Val::Int(_) | Val::Bool(_) | Val::Float(_)) => {
            let float = |v: &Val| match v {
                Val::Int(n) => *n as f64,
                Val::Bool(b) => f64::from(u8::from(*b)),
                Val::Float(x) => *x,
                _ => unreachable!("matched above"),
            };
            match (a, b) {
                (Val::Int(x), Val::Int(y)) => Some(decide(name, x, y)),
                _ => Some(decide(name, &float(a), &float(b))),
            }
        }
        (Val::Str(x), Val::Str(y)) => Some(decide(name, x, y)),
        (Val::None, _) | (_, Val::None) | (Val::Str(_), _) | (_, Val::Str(_)) => match name {
            "eq" => Some(matches!((a, b), (Val::None, Val::None))),
            "ne" => Some(!matches!((a, b), (Val::None, Val::None))),
            _ => None,
        },
        (Val::Tuple(x), Val::Tuple(y)) if !call.name.contains('.') => return cx.compare_tuples(name, x, y),
        _ => None,
    };
    if let Some(known) = known {
        return Ok(Val::Bool(known));
    }
    let def = match name {
        "lt" => &prims::LT,
        "le" => &prims::LE,
        "gt" => &prims::GT,
        "ge" => &prims::GE,
        "eq" => &prims::EQ,
        _ => &prims::NE,
    };
    cx.promoted(def, a, b, Elem::I64)
}

fn decide<T: PartialOrd>(name: &str, a: &T, b: &T) -> bool {
    match name {
        "lt" => a < b,
        "le" => a <= b,
        "gt" => a > b,
        "ge" => a >= b,
        "eq" => a == b,
        _ => a != b,
    }
}

fn keeps_element(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let x = cx.as_array(call.arg(0))?;
    let (mut elem, shape) = cx.tensor_of(&x)?;
    let known = match (call.op, &x) {
        ("neg", Val::Int(n)) => Some(n.checked_neg()),
        ("abs", Val::Int(n)) => Some(n.checked_abs()),
        ("neg", Val::Float(v)) => return Ok(Val::Float(-v)),
        ("abs", Val::Float(v)) => return Ok(Val::Float(v.abs())),
        _ => None,
    };
    if let Some(known) = known {
        return known.map_or_else(|| cx.error("the result does not fit 64 bits"), |n| Ok(Val::Int(n)));
    }
    if elem == Elem::Bool {
        match call.op {
            "abs" if !shape.is_empty() => return Ok(x),
            _ if call.op == "sign" || !shape.is_empty() => {
                return cx.error_help(
                    format!("`{}` of booleans is not defined", call.name),
                    "write `~` for the opposite, or convert with `astype(int)`",
                );
            }
            _ => elem = Elem::I64,
        }
    }
    let def = match call.op {
        "neg" => &prims::NEG,
        "sign" => &prims::SIGN,
        _ => &prims::ABS,
    };
    let node = cx.cast(&x, elem)?;
    let node = cx.prim(def, &[], &[node])?;
    Ok(cx.leaf(node, Cx::origin_of(&x)))
}

impl Cx<'_> {
    /// Sums and multiples of tuples, which Python joins; other operators have no meaning for two, nor for one
    /// and a number.
    fn of_tuples(&mut self, call: &Call) -> Option<Res<Val>> {
        let (name, a, b) = (call.op, call.arg(0), call.arg(1));
        if call.name.contains('.') {
            return None;
        }
        let is_number = |v: &Val| matches!(v, Val::Int(_) | Val::Float(_) | Val::Bool(_));
        match (name, a, b) {
            ("add", Val::Tuple(x), Val::Tuple(y)) => {
                let all = x.iter().chain(y.iter()).cloned().collect::<Vec<_>>();
                Some(self.check_items(all.len()).map(|()| Val::tuple(all)))
            }
            ("mul", Val::Tuple(x), Val::Int(n)) | ("mul", Val::Int(n), Val::Tuple(x)) => {
                let count = x.len().saturating_mul(usize::try_from(*n).unwrap_or(0));
                let repeated = |()| Val::tuple(x.iter().cycle().take(count).cloned().collect());
                Some(self.check_items(count).map(repeated))
            }
            ("mul", tuple @ Val::Tuple(_), Val::Leaf(n)) | ("mul", Val::Leaf(n), tuple @ Val::Tuple(_))
                if n.ty == Type::i64() =>
            {
                let count = self.known_int(&Val::Leaf(n.clone()), "how often a tuple is repeated");
                Some(count.and_then(|count| self.builtin("mul", &[tuple.clone(), Val::Int(count)])))
            }
            (_, Val::Tuple(_), Val::Tuple(_)) => Some(self.undefined(name, a, b)),
            // A number that is not known may be one of NumPy, and the library's functions take lists for arrays.
            (_, Val::Tuple(_), n) | (_, n, Val::Tuple(_)) if is_number(n) && self.span.file != self.library_file() => {
                Some(self.undefined(name, a, b))
            }
            _ => None,
        }
    }

    fn undefined<T>(&self, name: &str, a: &Val, b: &Val) -> Res<T> {
        let message = format!("`{name}` of {} and {} is not defined", a.abs(), b.abs());
        self.error_help(message, "make arrays of them with np.array")
    }

    /// Arithmetic of two numbers; of two booleans it is logical, as NumPy has it for arrays.
    fn arithmetic(&mut self, def: &'static PrimDef, a: &Val, b: &Val) -> Res<Val> {
        let (a, b) = (self.as_array(a)?, self.as_array(b)?);
        let ((ea, sa), (eb, sb)) = (self.tensor_of(&a)?, self.tensor_of(&b)?);
        if (ea, eb) != (Elem::Bool, Elem::Bool) || sa.is_empty() && sb.is_empty() {
            return self.promoted(def, &a, &b, Elem::I64);
        }
        let def = match def.name {
            "add" | "maximum" => &prims::LOGICAL_OR,
            "mul" | "minimum" => &prims::LOGICAL_AND,
            name => {
                let message = format!("`{name}` of arrays of booleans is not defined");
                return self.error_help(message, "convert them with `astype(int)`, or use np.logical_xor");
            }
        };
        self.logic(def, &[a, b])
    }

    /// A scalar as an integer; floats are cut off.
    pub(super) fn integer(&mut self, x: &Val) -> Res<Val> {
        match x {
            Val::Int(_) => Ok(x.clone()),
            Val::Bool(b) => Ok(Val::Int(i64::from(*b))),
            Val::Float(v) if !v.is_finite() => self.error(format!("{v} is not an integer")),
            Val::Float(v) => whole(*v).or_else(|why| self.error(why)).map(Val::Int),
            x => {
                let (_, shape) = self.tensor_of(x)?;
                if !shape.is_empty() {
                    return self.error_help("an array is not one number", "write `x.astype(int)` for every element");
                }
                let node = self.cast(x, Elem::I64)?;
                Ok(self.leaf(node, Self::origin_of(x)))
            }
        }
    }

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

    /// `a / b`, of floats.
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
        let (other, _) = self.tensor_of(exponent)?;
        let least = if elem == Elem::F64 || other == Elem::F64 { Elem::F64 } else { Elem::I64 };
        self.promoted(&prims::POW, &base, exponent, least)
    }

    /// The same with NumPy's short cut: `np.power`, and `**` of an array, take the square root for 0.5, which differs from the
    /// power at -0.0 and at -inf.
    fn root_or_power(&mut self, base: &Val, exponent: &Val) -> Res<Val> {
        let base = self.as_array(base)?;
        let is_root = matches!(exponent, Val::Float(x) if *x == 0.5) && self.tensor_of(&base)?.0 == Elem::F64;
        if !is_root {
            return self.power_of(&base, exponent);
        }
        let node = self.node(&base)?;
        self.float_prim(&prims::SQRT, &[], &[node])
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
            let item = self.builtin("eq", &[x.clone(), y.clone()])?;
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
