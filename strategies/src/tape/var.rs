//! The tape as a public interface: models written in Rust with operators.
//!
//! ```
//! use adjudicate_strategies::tape::Tape;
//!
//! let tape = Tape::new();
//! let x = tape.var(0.5);
//! let y = 2.0 * &x * (&x * &x).sin();
//! let dy = tape.gradient(&y, &[&x]).remove(0);
//! let ddy = tape.gradient(&dy, &[&x]).remove(0);
//! let (s, c) = (0.25_f64.sin(), 0.25_f64.cos());
//! assert!((dy.item() - (2.0 * s + 4.0 * 0.25 * c)).abs() < 1e-15);
//! assert!((ddy.item() - (12.0 * 0.5 * c - 8.0 * 0.125 * s)).abs() < 1e-14);
//! ```
//!
//! Operations broadcast as NumPy's do and panic on operands that do not fit. A gradient is recorded
//! like everything else, so that it can be differentiated again; the tape grows until it is
//! dropped or [cleared](Tape::clear).

use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::iter;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use std::rc::Rc;

use adjudicate_ir::exec::{Domain, PrimInstr};
use adjudicate_ir::prims::{self, Args, Attrs, Prim, PrimDef};
use adjudicate_ir::types::{Elem, Type};
use adjudicate_ir::value::{Mark, Value};
use adjudicate_kernels::Array;
use rustc_hash::FxHashMap;

use super::record::Recorder;

/// A shared handle to a tape.
#[derive(Clone)]
pub struct Tape(Rc<RefCell<State>>);

struct State {
    recorder: Recorder,
    /// Applications met so far: each has its staged rules.
    applications: FxHashMap<(Prim, Box<[Type]>), Rc<PrimInstr>>,
    /// How often the tape was cleared.
    age: u32,
}

/// A tensor, and where on the tape it comes from.
///
/// Float scalars compare by value, with each other and with floats. To compare arrays panics, since that is a truth value
/// for each element: an array of them is made by [`Tape::apply`] of a comparison, such as [`prims::LT`], and read by
/// [`prims::SELECT`]. A sum or product over an iterator panics if there are no terms, which say what tape it is on.
#[derive(Clone)]
pub struct Var {
    tape: Tape,
    value: Value,
    age: u32,
}

impl fmt::Debug for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape({} entries)", self.len())
    }
}

impl Default for Tape {
    fn default() -> Self {
        Self::new()
    }
}

impl From<f64> for VarValue {
    fn from(x: f64) -> Self {
        VarValue(Value::f64(x))
    }
}

impl From<Array<f64>> for VarValue {
    fn from(a: Array<f64>) -> Self {
        VarValue(Value::array(a))
    }
}

impl From<Array<i64>> for VarValue {
    fn from(a: Array<i64>) -> Self {
        VarValue(Value::ints(a))
    }
}

impl From<i64> for VarValue {
    fn from(n: i64) -> Self {
        VarValue(Value::I64(n))
    }
}

/// What a constant can be made of: a float or an integer, or an array of them.
#[derive(Clone, Debug)]
pub struct VarValue(Value);

/// What a variable can be made of: a float or an array of floats.
#[derive(Clone, Debug)]
pub struct FloatValue(Value);

impl From<f64> for FloatValue {
    fn from(x: f64) -> Self {
        FloatValue(Value::f64(x))
    }
}

impl From<Array<f64>> for FloatValue {
    fn from(a: Array<f64>) -> Self {
        FloatValue(Value::array(a))
    }
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        // As if inside a derivative: every operation on a variable is recorded.
        let recorder = Recorder { depth: 1, ..Recorder::default() };
        Tape(Rc::new(RefCell::new(State { recorder, applications: FxHashMap::default(), age: 0 })))
    }

    /// A variable: something to differentiate with respect to. Integers have no derivative:
    ///
    /// ```compile_fail
    /// adjudicate_strategies::tape::Tape::new().var(3_i64);
    /// ```
    pub fn var(&self, value: impl Into<FloatValue>) -> Var {
        let state = &mut *self.0.borrow_mut();
        let mark = state.recorder.tape.alias(Mark::NONE);
        Var { tape: self.clone(), value: value.into().0.marked(mark), age: state.age }
    }

    /// A constant: operations on constants alone are not recorded.
    pub fn constant(&self, value: impl Into<VarValue>) -> Var {
        Var { tape: self.clone(), value: value.into().0, age: self.0.borrow().age }
    }

    /// Number of operations recorded, variables included.
    pub fn len(&self) -> usize {
        self.0.borrow().recorder.tape.len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets every operation and keeps the storage. Variables made before cannot be used any more.
    pub fn clear(&self) {
        let state = &mut *self.0.borrow_mut();
        state.recorder.tape.truncate(0);
        state.age += 1;
    }

    /// The cotangents of `xs` for the cotangent 1 of the scalar `y`: variables like any other, that
    /// can be differentiated again.
    ///
    /// # Panics
    /// If `y` is not a float scalar, or an operation meets values that it has no derivative for.
    pub fn gradient(&self, y: &Var, xs: &[&Var]) -> Vec<Var> {
        assert!(matches!(y.value, Value::F64(..)), "the gradient of a scalar was expected");
        xs.iter().for_each(|x| x.check(self));
        y.check(self);
        let state = &mut *self.0.borrow_mut();
        let marks: Vec<Mark> = xs.iter().map(|x| x.value.mark()).collect();
        let seeds = std::iter::once((y.value.mark(), Value::f64(1.0)));
        state.recorder.sweep(0, None, seeds, &marks).unwrap_or_else(|why| panic!("{why}"));
        let cotangent = |x: &&Var| state.recorder.cotangent(0, x.value.mark(), || x.ty());
        let found: Vec<Value> = xs.iter().map(cotangent).collect();
        state.recorder.forget_cotangents();
        let age = state.age;
        found.into_iter().map(|value| Var { tape: self.clone(), value, age }).collect()
    }

    /// Applies any primitive.
    ///
    /// # Panics
    /// If the operands do not fit, or an operand is of another tape.
    pub fn apply(&self, def: &'static PrimDef, attrs: &[i64], operands: &[&Var]) -> Var {
        operands.iter().for_each(|x| x.check(self));
        let values = operands.iter().map(|x| x.value.clone()).collect();
        self.apply_values(def, attrs, values)
    }

    fn apply_values(&self, def: &'static PrimDef, attrs: &[i64], mut values: Vec<Value>) -> Var {
        let state = &mut *self.0.borrow_mut();
        let types: Box<[Type]> = values.iter().map(|v| v.tensor_type().expect("a tensor")).collect();
        let key = (Prim { def, attrs: Attrs::from_slice(attrs) }, types);
        let instr = match state.applications.get(&key) {
            Some(instr) => instr.clone(),
            None => {
                let made = state.recorder.rules.application(def, attrs, &key.1);
                let instr = Rc::new(made.unwrap_or_else(|why| panic!("{}: {why}", def.name)));
                state.applications.insert(key, instr.clone());
                instr
            }
        };
        let result = state.recorder.prim(&instr, &mut Args::new(&mut values));
        let value = result.unwrap_or_else(|why| panic!("{}: {why}", def.name));
        Var { tape: self.clone(), value, age: state.age }
    }
}

impl Var {
    /// The number of a float scalar.
    ///
    /// # Panics
    /// If it is not one.
    pub fn item(&self) -> f64 {
        match self.value {
            Value::F64(x, _) => x,
            ref other => panic!("a float scalar was expected, not {other:?}"),
        }
    }

    /// The value, without its origin.
    pub fn value(&self) -> Value {
        self.value.clone().marked(Mark::NONE)
    }

    /// The type.
    pub fn ty(&self) -> Type {
        self.value.tensor_type().expect("a tensor")
    }

    /// The extents.
    pub fn shape(&self) -> Vec<usize> {
        self.ty().shape().to_vec()
    }

    /// The same value as a constant.
    #[must_use]
    pub fn detached(&self) -> Var {
        Var { value: self.value(), ..self.clone() }
    }

    fn check(&self, tape: &Tape) {
        assert!(Rc::ptr_eq(&self.tape.0, &tape.0), "a variable of another tape");
        assert!(self.age == tape.0.borrow().age, "a variable from before the tape was cleared");
    }

    fn unary(&self, def: &'static PrimDef, attrs: &[i64]) -> Var {
        self.tape.apply(def, attrs, &[self])
    }

    /// To a constant integer power.
    #[must_use]
    pub fn powi(&self, n: i64) -> Var {
        self.unary(&prims::POWI, &[n])
    }

    /// 1 divided by this.
    #[must_use]
    pub fn recip(&self) -> Var {
        1.0 / self
    }

    /// The sum of all elements.
    #[must_use]
    pub fn sum(&self) -> Var {
        self.sum_axes(&(0..self.shape().len()).collect::<Vec<_>>())
    }

    /// The sum over axes, which are removed.
    #[must_use]
    pub fn sum_axes(&self, axes: &[usize]) -> Var {
        self.unary(&prims::SUM, &integers(axes))
    }

    /// The greatest over axes, which are removed.
    #[must_use]
    pub fn max_axes(&self, axes: &[usize]) -> Var {
        self.unary(&prims::MAX, &integers(axes))
    }

    /// The same elements in another shape.
    #[must_use]
    pub fn reshape(&self, shape: &[usize]) -> Var {
        self.unary(&prims::RESHAPE, &integers(shape))
    }

    /// Repeated to a shape by the rules of broadcasting.
    #[must_use]
    pub fn broadcast_to(&self, shape: &[usize]) -> Var {
        self.unary(&prims::BROADCAST_TO, &integers(shape))
    }

    /// The axes in another order: axis i of the result is axis `order[i]` of this.
    #[must_use]
    pub fn transpose(&self, order: &[usize]) -> Var {
        self.unary(&prims::TRANSPOSE, &integers(order))
    }

    /// The product of two matrices.
    #[must_use]
    pub fn matmul(&self, other: &Var) -> Var {
        self.tape.apply(&prims::MATMUL, &[0, 0], &[self, other])
    }

    /// `self[i]` on the leading axis.
    #[must_use]
    pub fn index(&self, i: i64) -> Var {
        self.tape.apply(&prims::INDEX, &[], &[self, &self.tape.constant(i)])
    }

    /// Whether this is a tensor of floats.
    pub fn is_float(&self) -> bool {
        matches!(self.ty(), Type::Tensor(Elem::F64, _))
    }
}

/// What a function of two takes beside a variable: another one, or a float, which is a constant.
pub trait Operand {
    /// As a variable.
    fn on(self, tape: &Tape) -> Var;
}

impl Operand for Var {
    fn on(self, _tape: &Tape) -> Var {
        self
    }
}

impl Operand for &Var {
    fn on(self, _tape: &Tape) -> Var {
        self.clone()
    }
}

impl Operand for f64 {
    fn on(self, tape: &Tape) -> Var {
        tape.constant(self)
    }
}

fn integers(list: &[usize]) -> Vec<i64> {
    list.iter().map(|&n| n as i64).collect()
}

macro_rules! functions {
    ($($name:ident $PRIM:ident $about:literal;)*) => {
        impl Var {$(
            #[doc = $about]
            #[must_use]
            pub fn $name(&self) -> Var {
                self.unary(&prims::$PRIM, &[])
            }
        )*}
    };
}
functions! {
    exp EXP "e to the power of this.";
    expm1 EXPM1 "`exp(x) - 1`, accurate near 0.";
    ln LOG "The natural logarithm.";
    ln_1p LOG1P "`ln(1 + x)`, accurate near 0.";
    sqrt SQRT "The square root.";
    cbrt CBRT "The cube root.";
    sin SIN "The sine.";
    cos COS "The cosine.";
    tan TAN "The tangent.";
    asin ARCSIN "The inverse sine.";
    acos ARCCOS "The inverse cosine.";
    atan ARCTAN "The inverse tangent.";
    sinh SINH "The hyperbolic sine.";
    cosh COSH "The hyperbolic cosine.";
    tanh TANH "The hyperbolic tangent.";
    sigmoid SIGMOID "The logistic function.";
    abs ABS "The absolute value.";
}

macro_rules! functions_of_two {
    ($($name:ident $PRIM:ident $about:literal;)*) => {
        impl Var {$(
            #[doc = $about]
            #[must_use]
            pub fn $name(&self, other: impl Operand) -> Var {
                self.tape.apply(&prims::$PRIM, &[], &[self, &other.on(&self.tape)])
            }
        )*}
    };
}
functions_of_two! {
    powf POW "To a power.";
    max MAXIMUM "The greater, NaN if either is. Of equal numbers each has half the sensitivity.";
    min MINIMUM "The lesser, NaN if either is. Of equal numbers each has half the sensitivity.";
    atan2 ARCTAN2 "The angle of the point (`other`, `self`) from the x axis.";
}

macro_rules! operators {
    ($($Trait:ident $method:ident $Assign:ident $assign:ident $PRIM:ident)*) => {$(
        impl $Trait<&Var> for &Var {
            type Output = Var;
            fn $method(self, other: &Var) -> Var {
                self.tape.apply(&prims::$PRIM, &[], &[self, other])
            }
        }
        impl $Trait<Var> for &Var {
            type Output = Var;
            fn $method(self, other: Var) -> Var {
                self.$method(&other)
            }
        }
        impl $Trait<&Var> for Var {
            type Output = Var;
            fn $method(self, other: &Var) -> Var {
                (&self).$method(other)
            }
        }
        impl $Trait for Var {
            type Output = Var;
            fn $method(self, other: Var) -> Var {
                (&self).$method(&other)
            }
        }
        impl $Trait<f64> for &Var {
            type Output = Var;
            fn $method(self, other: f64) -> Var {
                self.$method(&self.tape.constant(other))
            }
        }
        impl $Trait<f64> for Var {
            type Output = Var;
            fn $method(self, other: f64) -> Var {
                (&self).$method(other)
            }
        }
        impl $Trait<&Var> for f64 {
            type Output = Var;
            fn $method(self, other: &Var) -> Var {
                (&other.tape.constant(self)).$method(other)
            }
        }
        impl $Trait<Var> for f64 {
            type Output = Var;
            fn $method(self, other: Var) -> Var {
                self.$method(&other)
            }
        }
        impl<R> $Assign<R> for Var
        where
            for<'a> &'a Var: $Trait<R, Output = Var>,
        {
            fn $assign(&mut self, other: R) {
                *self = (&*self).$method(other);
            }
        }
    )*};
}
operators! {
    Add add AddAssign add_assign ADD
    Sub sub SubAssign sub_assign SUB
    Mul mul MulAssign mul_assign MUL
    Div div DivAssign div_assign DIV
}

/// Over iterators. Terms say on which tape the result is, so that there must be one.
macro_rules! folds {
    ($($Trait:ident $method:ident $op:tt)*) => {$(
        impl iter::$Trait for Var {
            fn $method<I: Iterator<Item = Var>>(terms: I) -> Var {
                terms.reduce(|a, b| a $op b).expect("a term, for its tape")
            }
        }
        impl<'a> iter::$Trait<&'a Var> for Var {
            fn $method<I: Iterator<Item = &'a Var>>(terms: I) -> Var {
                terms.cloned().$method()
            }
        }
    )*};
}
folds! { Sum sum + Product product * }

/// Comparisons of scalars, by value.
macro_rules! comparisons {
    ($($A:ty, $B:ty, |$a:ident, $b:ident| $left:expr, $right:expr;)*) => {$(
        impl PartialEq<$B> for $A {
            fn eq(&self, other: &$B) -> bool {
                let ($a, $b) = (self, other);
                $left == $right
            }
        }
        impl PartialOrd<$B> for $A {
            fn partial_cmp(&self, other: &$B) -> Option<Ordering> {
                let ($a, $b) = (self, other);
                $left.partial_cmp(&$right)
            }
        }
    )*};
}
comparisons! {
    Var, Var, |a, b| a.item(), b.item();
    Var, f64, |a, b| a.item(), *b;
    f64, Var, |a, b| *a, b.item();
}

impl Neg for &Var {
    type Output = Var;
    fn neg(self) -> Var {
        self.unary(&prims::NEG, &[])
    }
}

impl Neg for Var {
    type Output = Var;
    fn neg(self) -> Var {
        -&self
    }
}
