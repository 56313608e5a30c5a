//! Arithmetic and elementary functions, element by element.
//!
//! Operands broadcast as in NumPy. Arithmetic takes floats or integers, both operands the same;
//! elementary functions take floats. In a rule, cotangents have the shape of the result and are
//! then summed to the shapes of the operands. The rules of + − × ÷ stand in [`pullbacks`].
//!
//! Where a function has no derivative:
//!
//! | at | convention |
//! | --- | --- |
//! | `maximum`, `minimum` of equal operands | one half to each; nothing where an operand is NaN |
//! | `abs` at 0 | 0 |
//! | `sign`, `floor`, `ceil`, `floordiv` | 0 everywhere |
//! | `mod` | 1 and `-floordiv(x, y)`, also at the jumps |
//! | `pow` by its exponent | `xʸ log x` where `x > 0`, 0 elsewhere |
//! | `pow` by its base | `y xʸ⁻¹`, 0 at `0⁰` |
//! | `sqrt`, `cbrt`, `log`, `div` at 0 | as IEEE arithmetic has it |

use adjudicate_kernels::{Array, Binary, IntBinary, IntUnary, MAX_POWER, Unary};
use adjudicate_kernels::{
    binary, binary_assign, binary_assign_right, int_binary, int_unary, power, power_array, power_assign, unary,
    unary_assign,
};

use super::support::{ELEMENTWISE, Tensor, attributes, broadcast, common_elem, expect_elem, tensors};
use super::{Args, PrimDef, pullbacks};
use crate::builder::Expr;
use crate::types::{Elem, Type};
use crate::value::Value;

/// A rule that reads as mathematics; none for a function without derivative.
macro_rules! rule {
    () => {
        None
    };
    (|$x:pat_param, $y:pat_param, $dy:pat_param| $dx:expr) => {
        Some(|_, args, $y, $dy| {
            let $x = args[0];
            vec![Some($dx)]
        })
    };
    (|$a:pat_param, $b:pat_param, $y:pat_param, $dy:pat_param| $pulled:expr) => {
        Some(|_, args, $y, $dy| {
            let ($a, $b) = (args[0], args[1]);
            summed(args, $pulled)
        })
    };
}

/// Arithmetic of two operands: `NAME "name" Kernel "about" rule;`.
macro_rules! arithmetic {
    ($($NAME:ident $name:literal $kernel:ident $about:literal
        $(|$a:pat_param, $b:pat_param, $y:pat_param, $dy:pat_param| $pulled:expr)?;)*) => {$(
        #[doc = concat!("`", $name, "`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |_, types| binary_type(types, &[Elem::F64, Elem::I64]),
            eval: |_, args, ty| arithmetic(Binary::$kernel, IntBinary::$kernel, args, ty),
            batch: ELEMENTWISE,
            vjp: rule!($(|$a, $b, $y, $dy| $pulled)?),
        };
    )*};
}
arithmetic! {
    ADD "add" Add "x + y." |_, _, _, dy| pullbacks::sum(dy);
    SUB "sub" Sub "x - y." |_, _, _, dy| pullbacks::difference(dy);
    MUL "mul" Mul "x y." |a, b, _, dy| pullbacks::product(a, b, dy);
    FLOORDIV "floordiv" FloorDiv "x / y rounded down.";
    MOD "mod" Mod "x - y floordiv(x, y), of the sign of y." |a, b, _, dy| [dy, -(dy * a.floordiv(b))];
    MAXIMUM "maximum" Maximum "The greater, NaN if either is." |a, b, _, dy| chosen(a.gt(b), a.lt(b), a.equals(b), dy);
    MINIMUM "minimum" Minimum "The lesser, NaN if either is." |a, b, _, dy| chosen(a.lt(b), a.gt(b), a.equals(b), dy);
    POW "pow" Pow "x to the power y; integers only to powers from 0 up." |a, b, y, dy| pow_rule(a, b, y, dy);
}

/// Functions of two floats, in the same form.
macro_rules! float_binary {
    ($($NAME:ident $name:literal $kernel:ident $about:literal
        |$a:pat_param, $b:pat_param, $y:pat_param, $dy:pat_param| $pulled:expr;)*) => {$(
        #[doc = concat!("`", $name, "`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |_, types| binary_type(types, &[Elem::F64]),
            eval: |_, args, ty| Ok(float_binary(Binary::$kernel, args, ty)),
            batch: ELEMENTWISE,
            vjp: rule!(|$a, $b, $y, $dy| $pulled),
        };
    )*};
}
float_binary! {
    DIV "div" Div "x / y, of floats." |_, b, y, dy| pullbacks::quotient(b, y, dy);
    ARCTAN2 "arctan2" Arctan2 "The angle of the point (y, x) from the x axis, first operand y." |a, b, _, dy| {
        let scaled = dy / (a * a + b * b);
        [scaled * b, -(scaled * a)]
    };
}

/// Functions of one number: `NAME "name" Kernel "about" rule;`.
macro_rules! arithmetic_unary {
    ($($NAME:ident $name:literal $kernel:ident $about:literal
        $(|$x:pat_param, $y:pat_param, $dy:pat_param| $dx:expr)?;)*) => {$(
        #[doc = concat!("`", $name, "`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |_, types| unary_type(types, &[Elem::F64, Elem::I64]),
            eval: |_, args, ty| arithmetic_unary(Unary::$kernel, IntUnary::$kernel, args, ty),
            batch: ELEMENTWISE,
            vjp: rule!($(|$x, $y, $dy| $dx)?),
        };
    )*};
}
arithmetic_unary! {
    NEG "neg" Neg "-x." |_, _, dy| pullbacks::negation(dy);
    ABS "abs" Abs "The absolute value." |x, _, dy| dy * x.sign();
    SIGN "sign" Sign "-1, 0 or 1.";
}

/// Functions of one float, in the same form.
macro_rules! float_unary {
    ($($NAME:ident $name:literal $kernel:ident $about:literal
        $(|$x:pat_param, $y:pat_param, $dy:pat_param| $dx:expr)?;)*) => {$(
        #[doc = concat!("`", $name, "`: ", $about)]
        pub static $NAME: PrimDef = PrimDef {
            name: $name,
            about: $about,
            ty: |_, types| unary_type(types, &[Elem::F64]),
            eval: |_, args, ty| Ok(float_unary(Unary::$kernel, args, ty)),
            batch: ELEMENTWISE,
            vjp: rule!($(|$x, $y, $dy| $dx)?),
        };
    )*};
}
float_unary! {
    EXP "exp" Exp "e to the x." |_, y, dy| dy * y;
    EXPM1 "expm1" Expm1 "exp(x) - 1, accurate near 0." |_, y, dy| dy * (y + 1.0);
    LOG "log" Log "The natural logarithm." |x, _, dy| dy / x;
    LOG1P "log1p" Log1p "log(1 + x), accurate near 0." |x, _, dy| dy / (1.0 + x);
    SQRT "sqrt" Sqrt "The square root." |_, y, dy| 0.5 * dy / y;
    CBRT "cbrt" Cbrt "The cube root." |_, y, dy| dy / (3.0 * (y * y));
    SIN "sin" Sin "The sine." |x, _, dy| dy * x.cos();
    COS "cos" Cos "The cosine." |x, _, dy| -(dy * x.sin());
    TAN "tan" Tan "The tangent." |_, y, dy| dy * (1.0 + y * y);
    ARCSIN "arcsin" Arcsin "The inverse sine." |x, _, dy| dy / (1.0 - x * x).sqrt();
    ARCCOS "arccos" Arccos "The inverse cosine." |x, _, dy| -(dy / (1.0 - x * x).sqrt());
    ARCTAN "arctan" Arctan "The inverse tangent." |x, _, dy| dy / (1.0 + x * x);
    SINH "sinh" Sinh "The hyperbolic sine." |x, _, dy| dy * x.cosh();
    COSH "cosh" Cosh "The hyperbolic cosine." |x, _, dy| dy * x.sinh();
    TANH "tanh" Tanh "The hyperbolic tangent." |_, y, dy| dy * (1.0 - y * y);
    SIGMOID "sigmoid" Sigmoid "1 / (1 + exp(-x)), without overflow." |_, y, dy| dy * (y * (1.0 - y));
    FLOOR "floor" Floor "The largest integer not above x, as a float.";
    CEIL "ceil" Ceil "The smallest integer not below x, as a float.";
}

/// `powi[n]`: x to the constant integer power n, as NumPy's `x**n`.
pub static POWI: PrimDef = PrimDef {
    name: "powi",
    about: "x to the constant integer power n, small ones by multiplication; attribute n.",
    ty: |attrs, types| {
        attributes::<1>(attrs)?;
        unary_type(types, &[Elem::F64])
    },
    eval: |attrs, args, ty| {
        Ok(match attrs[0] {
            -1 => float_unary(Unary::Reciprocal, args, ty),
            1 => args.take(0),
            2 => float_unary(Unary::Square, args, ty),
            n if n.unsigned_abs() <= MAX_POWER as u64 => float_power(n as i32, args, ty),
            n => float_binary(Binary::Pow, &mut Args::new(&mut [args.take(0), Value::f64(n as f64)]), ty),
        })
    },
    batch: ELEMENTWISE,
    vjp: Some(|attrs, args, _, dy| {
        let x = args[0];
        vec![match attrs[0] {
            0 => None,
            1 => Some(dy),
            2 => Some(dy * (2.0 * x)),
            n => Some(dy * (n as f64 * x.powi(n - 1))),
        }]
    }),
};

/// Cotangents of the shape of the result, summed to the shapes of the operands.
fn summed<'b>(args: &[Expr<'b>], pulled: [Expr<'b>; 2]) -> Vec<Option<Expr<'b>>> {
    pulled.iter().zip(args).map(|(d, arg)| Some(d.sum_to(&arg.shape()))).collect()
}

/// Cotangents of a choice between two operands: all to the one that wins, half to each at a tie.
/// Nothing is multiplied by a mask, so an infinite cotangent makes no NaN.
fn chosen<'b>(first: Expr<'b>, second: Expr<'b>, tie: Expr<'b>, dy: Expr<'b>) -> [Expr<'b>; 2] {
    let rest = tie.select(0.5 * dy, dy.lit(0.0));
    [first.select(dy, rest), second.select(dy, rest)]
}

/// `d(xᵖ) = p xᵖ⁻¹ dx + xᵖ log x dp`. At `0⁰` the exponent `p - 1` is replaced by 1, which makes
/// `p xᵖ⁻¹` zero there and at every higher order; the logarithm is taken only of positive bases.
fn pow_rule<'b>(x: Expr<'b>, p: Expr<'b>, y: Expr<'b>, dy: Expr<'b>) -> [Expr<'b>; 2] {
    let (zero, one) = (dy.lit(0.0), dy.lit(1.0));
    let corner = x.equals(zero).and(p.equals(zero));
    let dx = dy * (p * x.pow(corner.select(one, p - 1.0)));
    let positive = x.gt(zero);
    let dp = positive.select(dy * y, zero) * positive.select(x, one).log();
    [dx, dp]
}

fn unary_type(types: &[&Type], allowed: &[Elem]) -> Result<Type, String> {
    let [(elem, shape)] = tensors(types)?;
    expect_elem(elem, allowed)?;
    Ok(Type::tensor(elem, shape))
}

fn binary_type(types: &[&Type], allowed: &[Elem]) -> Result<Type, String> {
    let [(a, a_shape), (b, b_shape)] = tensors(types)?;
    let elem = common_elem(a, b)?;
    expect_elem(elem, allowed)?;
    Ok(Type::tensor(elem, &broadcast(a_shape, b_shape)?))
}

#[inline]
fn arithmetic(op: Binary, int_op: IntBinary, args: &mut Args<'_>, ty: &Type) -> Result<Value, String> {
    match (&args[0], &args[1]) {
        (Value::F64(x, _), Value::F64(y, _)) => Ok(Value::f64(op.eval(*x, *y))),
        (Value::I64(x), Value::I64(y)) => int_op.eval(*x, *y).map(Value::I64).map_err(|e| e.to_string()),
        (Value::Ints(_) | Value::I64(_), _) => {
            let result = int_binary(int_op, i64::arg(&args[0]), i64::arg(&args[1]));
            result.map(Value::ints).map_err(|e| e.to_string())
        }
        _ => Ok(float_arrays(op, args, ty)),
    }
}

#[inline]
fn float_binary(op: Binary, args: &mut Args<'_>, ty: &Type) -> Value {
    match (&args[0], &args[1]) {
        (Value::F64(x, _), Value::F64(y, _)) => Value::f64(op.eval(*x, *y)),
        _ => float_arrays(op, args, ty),
    }
}

/// In place in whichever operand has the result's shape and no other holder, else newly allocated.
fn float_arrays(op: Binary, args: &mut Args<'_>, ty: &Type) -> Value {
    let result: Array<f64> = if let Some(mut a) = args.take_unique(0, ty.shape()) {
        binary_assign(op, &mut a, f64::arg(&args[1]));
        a
    } else if let Some(mut b) = args.take_unique(1, ty.shape()) {
        binary_assign_right(op, f64::arg(&args[0]), &mut b);
        b
    } else {
        binary(op, f64::arg(&args[0]), f64::arg(&args[1]))
    };
    Value::array(result)
}

#[inline]
fn arithmetic_unary(op: Unary, int_op: IntUnary, args: &mut Args<'_>, ty: &Type) -> Result<Value, String> {
    Ok(match &args[0] {
        Value::I64(x) if *x == i64::MIN && int_op != IntUnary::Sign => {
            let name = int_op.name().trim_start_matches("int_");
            return Err(format!("{name} of {x} does not fit a 64-bit integer; use floats"));
        }
        Value::I64(x) => Value::I64(int_op.eval(*x)),
        Value::Ints(a) => Value::ints(int_unary(int_op, a)),
        _ => float_unary(op, args, ty),
    })
}

#[inline]
fn float_power(n: i32, args: &mut Args<'_>, ty: &Type) -> Value {
    if let Value::F64(x, _) = args[0] {
        return Value::f64(power(x, n));
    }
    let Some(mut a) = args.take_unique(0, ty.shape()) else {
        return Value::array(power_array(n, &args.array(0)));
    };
    power_assign(n, &mut a);
    Value::array(a)
}

#[inline]
fn float_unary(op: Unary, args: &mut Args<'_>, ty: &Type) -> Value {
    if let Value::F64(x, _) = args[0] {
        return Value::f64(op.eval(x));
    }
    let Some(mut a) = args.take_unique(0, ty.shape()) else {
        return Value::array(unary(op, &args.array(0)));
    };
    unary_assign(op, &mut a);
    Value::array(a)
}
