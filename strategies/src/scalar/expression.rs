//! Expression templates: a statement of several operations, recorded as one.
//!
//! ```
//! use adjudicate_strategies::scalar::{Active, ScalarTape};
//!
//! let tape = ScalarTape::new();
//! let (x, y) = (tape.var(2.0), tape.var(3.0));
//! let z: Active = ((y.term() * x - x) * 0.5).sin().into();
//! assert_eq!(tape.len(), 3);
//! let [dx, dy] = tape.gradient(z, [x, y]);
//! assert!((dx - 2.0_f64.cos()).abs() < 1e-15 && (dy - 2.0_f64.cos()).abs() < 1e-15);
//! ```
//!
//! [`Active::term`] begins an expression, operators and functions go on with it. Its type is its form: a [`Binary`] of its
//! operands, a [`Unary`] of its operand. It becomes a statement when it is made an [`Active`]: then the partial derivatives by its active
//! operands are multiplied along the expression, which is inlined, and what the tape holds is 12 bytes for each of those.
//! Operators on numbers make a statement of every operation.
//!
//! Partial derivatives are those of the primitives' rules. Of the four operations of arithmetic what
//! [staging](super::partials) makes of the rules is written down in [`Operation::partials`], so that the compiler sees it;
//! a test compares.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::active::{Active, Edge, Real, ScalarTape};
use super::partials::Function;

/// What a cotangent is multiplied by. The first two need no multiplication.
#[derive(Clone, Copy, Debug)]
pub enum Factor<T> {
    /// 1.
    One,
    /// -1.
    Minus,
    /// Something else.
    Times(T),
}

impl<T: Real> Factor<T> {
    /// The product.
    #[inline(always)]
    fn and(self, other: Factor<T>) -> Factor<T> {
        match (self, other) {
            (Factor::One, f) | (f, Factor::One) => f,
            (Factor::Minus, Factor::Minus) => Factor::One,
            (Factor::Minus, Factor::Times(x)) | (Factor::Times(x), Factor::Minus) => Factor::Times(-x),
            (Factor::Times(x), Factor::Times(y)) => Factor::Times(x * y),
        }
    }

    #[inline(always)]
    fn number(self) -> T {
        match self {
            Factor::One => T::from(1.0),
            Factor::Minus => T::from(-1.0),
            Factor::Times(x) => x,
        }
    }
}

/// Where the active operands of a statement are put.
pub struct Sink<'s, 't, T: Real> {
    pub(super) tape: &'t ScalarTape<T>,
    /// Room for [`Expression::OPERANDS`].
    pub(super) edges: &'s mut [Edge<T>],
    /// How many there are.
    pub(super) len: usize,
}

impl<T: Real> Sink<'_, '_, T> {
    /// An operand that stands in the statement several times has one edge.
    #[inline(always)]
    fn put(&mut self, partial: T, statement: u32) {
        let (edges, room) = self.edges.split_at_mut(self.len);
        match edges.iter_mut().find(|edge| edge.statement == statement) {
            Some(edge) => edge.partial = edge.partial + partial,
            None => {
                room[0] = Edge { partial, statement };
                self.len += 1;
            }
        }
    }
}

/// Part of a statement, or the whole.
pub trait Expression<'t, T: Real>: Copy {
    /// How many operands it has that may be active.
    const OPERANDS: usize;

    /// Its value.
    fn number(&self) -> T;

    /// The tape that an operand is active on; `None` if all are constants.
    fn tape(&self) -> Option<&'t ScalarTape<T>>;

    /// Puts out the active operands, for a cotangent of the expression.
    fn put(&self, cotangent: Factor<T>, sink: &mut Sink<'_, 't, T>);
}

impl<'t, T: Real> Expression<'t, T> for Active<'t, T> {
    const OPERANDS: usize = 1;

    #[inline(always)]
    fn number(&self) -> T {
        self.value
    }

    #[inline(always)]
    fn tape(&self) -> Option<&'t ScalarTape<T>> {
        self.tape
    }

    #[inline(always)]
    fn put(&self, cotangent: Factor<T>, sink: &mut Sink<'_, 't, T>) {
        if let Some(statement) = sink.tape.place(*self) {
            sink.put(cotangent.number(), statement as u32);
        }
    }
}

/// A constant in an expression.
#[derive(Clone, Copy, Debug)]
pub struct Number<T>(T);

impl<'t, T: Real> Expression<'t, T> for Number<T> {
    const OPERANDS: usize = 0;

    #[inline(always)]
    fn number(&self) -> T {
        self.0
    }

    #[inline(always)]
    fn tape(&self) -> Option<&'t ScalarTape<T>> {
        None
    }

    #[inline(always)]
    fn put(&self, _cotangent: Factor<T>, _sink: &mut Sink<'_, 't, T>) {}
}

/// An operation of arithmetic.
pub trait Operation: Copy {
    /// The value.
    fn value<T: Real>(a: T, b: T) -> T;
    /// The partial derivatives by both operands, where the value is `y`.
    fn partials<T: Real>(a: T, b: T, y: T) -> [Factor<T>; 2];
}

macro_rules! operations {
    ($($Name:ident $about:literal $op:tt [$a:pat_param, $b:pat_param, $y:pat_param] $partials:expr;)*) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Debug)]
        pub struct $Name;

        impl Operation for $Name {
            #[inline(always)]
            fn value<T: Real>(a: T, b: T) -> T {
                a $op b
            }

            #[inline(always)]
            fn partials<T: Real>($a: T, $b: T, $y: T) -> [Factor<T>; 2] {
                $partials
            }
        }
    )*};
}
operations! {
    Sum "A sum." + [_, _, _] [Factor::One, Factor::One];
    Difference "A difference." - [_, _, _] [Factor::One, Factor::Minus];
    Product "A product." * [a, b, _] [Factor::Times(b), Factor::Times(a)];
    Quotient "A quotient." / [_, b, y] {
        let da = T::from(1.0) / b;
        [Factor::Times(da), Factor::Times(-(da * y))]
    };
}

/// An operation on two expressions.
#[derive(Clone, Copy)]
pub struct Binary<'t, O, A, B, T: Real> {
    a: A,
    b: B,
    value: T,
    of: PhantomData<(O, &'t ())>,
}

impl<'t, O: Operation, A: Expression<'t, T>, B: Expression<'t, T>, T: Real> Binary<'t, O, A, B, T> {
    #[inline(always)]
    pub(super) fn new(a: A, b: B) -> Self {
        Binary { a, b, value: O::value(a.number(), b.number()), of: PhantomData }
    }
}

impl<'t, O: Operation, A: Expression<'t, T>, B: Expression<'t, T>, T: Real> Expression<'t, T>
    for Binary<'t, O, A, B, T>
{
    const OPERANDS: usize = A::OPERANDS + B::OPERANDS;

    #[inline(always)]
    fn number(&self) -> T {
        self.value
    }

    #[inline(always)]
    fn tape(&self) -> Option<&'t ScalarTape<T>> {
        self.a.tape().or(self.b.tape())
    }

    #[inline(always)]
    fn put(&self, cotangent: Factor<T>, sink: &mut Sink<'_, 't, T>) {
        let [a, b] = O::partials(self.a.number(), self.b.number(), self.value);
        self.a.put(cotangent.and(a), sink);
        self.b.put(cotangent.and(b), sink);
    }
}

/// A function of an expression.
#[derive(Clone, Copy)]
pub struct Unary<'t, A, T: Real> {
    a: A,
    value: T,
    partial: Factor<T>,
    of: PhantomData<&'t ()>,
}

impl<'t, A: Expression<'t, T>, T: Real> Unary<'t, A, T> {
    /// The expression itself.
    #[inline(always)]
    pub(super) fn same(a: A) -> Self {
        Unary { a, value: a.number(), partial: Factor::One, of: PhantomData }
    }

    #[inline]
    pub(super) fn new(function: &Function, a: A) -> Self {
        let (value, partial) = super::active::value_and_partial(function, a.number());
        Unary { a, value, partial: Factor::Times(partial), of: PhantomData }
    }
}

impl<'t, A: Expression<'t, T>, T: Real> Expression<'t, T> for Unary<'t, A, T> {
    const OPERANDS: usize = A::OPERANDS;

    #[inline(always)]
    fn number(&self) -> T {
        self.value
    }

    #[inline(always)]
    fn tape(&self) -> Option<&'t ScalarTape<T>> {
        self.a.tape()
    }

    #[inline(always)]
    fn put(&self, cotangent: Factor<T>, sink: &mut Sink<'_, 't, T>) {
        self.a.put(cotangent.and(self.partial), sink);
    }
}

/// What can be the second operand of an expression.
pub trait Term<'t, T: Real> {
    /// The expression that it is.
    type Expression: Expression<'t, T>;
    /// As an expression.
    fn expression(self) -> Self::Expression;
}

impl<'t, T: Real> Term<'t, T> for Active<'t, T> {
    type Expression = Self;
    #[inline(always)]
    fn expression(self) -> Self {
        self
    }
}

impl<'t, T: Real> Term<'t, T> for f64 {
    type Expression = Number<T>;
    #[inline(always)]
    fn expression(self) -> Number<T> {
        Number(T::from(self))
    }
}

/// One operator, on the left and on the right of other operands.
macro_rules! operator {
    ([$($generics:tt)*] $Self:ty, $Leaf:ty, $Trait:ident $method:ident $Op:ident) => {
        impl<$($generics)*, R: Term<'t, T>> $Trait<R> for $Self {
            type Output = Binary<'t, $Op, $Leaf, R::Expression, T>;
            #[inline(always)]
            fn $method(self, other: R) -> Self::Output {
                Binary::new(self.expression(), other.expression())
            }
        }
        impl<$($generics)*> $Trait<$Self> for f64 {
            type Output = Binary<'t, $Op, Number<T>, $Leaf, T>;
            #[inline(always)]
            fn $method(self, other: $Self) -> Self::Output {
                Binary::new(Number(T::from(self)), other.expression())
            }
        }
    };
}

/// The operators of a form of expression.
macro_rules! operators {
    (term [$($generics:tt)*] $Self:ty, $Leaf:ty, |$x:ident| $leaf:expr) => {
        impl<$($generics)*> Term<'t, T> for $Self {
            type Expression = $Leaf;
            #[inline(always)]
            fn expression(self) -> $Leaf {
                let $x = self;
                $leaf
            }
        }
        impl<$($generics)*> Neg for $Self {
            type Output = Unary<'t, $Leaf, T>;
            #[inline(always)]
            fn neg(self) -> Self::Output {
                let a = self.expression();
                Unary { a, value: -a.number(), partial: Factor::Minus, of: PhantomData }
            }
        }
    };
    ($generics:tt $Self:ty, $Leaf:ty, |$x:ident| $leaf:expr) => {
        operators! { term $generics $Self, $Leaf, |$x| $leaf }
        operator! { $generics $Self, $Leaf, Add add Sum }
        operator! { $generics $Self, $Leaf, Sub sub Difference }
        operator! { $generics $Self, $Leaf, Mul mul Product }
        operator! { $generics $Self, $Leaf, Div div Quotient }
    };
}
operators! {
    ['t, O: Operation, A: Expression<'t, T>, B: Expression<'t, T>, T: Real] Binary<'t, O, A, B, T>,
    Binary<'t, O, A, B, T>, |x| x
}
operators! { ['t, A: Expression<'t, T>, T: Real] Unary<'t, A, T>, Unary<'t, A, T>, |x| x }

/// Makes statements of a form of expression.
macro_rules! statements {
    ([$($generics:tt)*] $Self:ty) => {
        impl<$($generics)*> From<$Self> for Active<'t, T> {
            #[inline(always)]
            fn from(expression: $Self) -> Self {
                Active::record(&expression)
            }
        }
        impl<$($generics)*> fmt::Debug for $Self {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.number().fmt(f)
            }
        }
    };
}
statements! { ['t, O: Operation, A: Expression<'t, T>, B: Expression<'t, T>, T: Real] Binary<'t, O, A, B, T> }
statements! { ['t, A: Expression<'t, T>, T: Real] Unary<'t, A, T> }

#[cfg(test)]
mod tests {
    use super::super::partials::{Partials, of_floats};
    use super::*;
    use adjudicate_ir::prims::{self, PrimDef};
    use smallvec::SmallVec;

    fn check<O: Operation>(def: &'static PrimDef) {
        let function = of_floats(def, &[], 2);
        let staged = function.partials().expect("partials");
        for (a, b) in [(1.5, -0.25), (-0.0, 3.0), (1e300, 1e-10), (f64::INFINITY, 2.0), (0.1, 0.7)] {
            let y = O::value(a, b);
            let bits = [a.to_bits(), b.to_bits()];
            let mut steps = SmallVec::new();
            staged.run(&bits, y.to_bits(), &mut steps);
            for (found, source) in O::partials(a, b, y).into_iter().zip(&staged.of) {
                let source = source.expect("sensitivity passes");
                let wanted = Partials::bits(source, &bits, y.to_bits(), &steps);
                assert_eq!(found.number().to_bits(), wanted, "{} {a} {b}", def.name);
            }
        }
    }

    #[test]
    fn what_is_written_down_is_what_staging_makes_of_the_rules() {
        check::<Sum>(&prims::ADD);
        check::<Difference>(&prims::SUB);
        check::<Product>(&prims::MUL);
        check::<Quotient>(&prims::DIV);
        let negation = of_floats(&prims::NEG, &[], 1);
        let of = &negation.partials().expect("partials").of;
        assert_eq!(of.as_slice(), [Some(super::super::partials::Source::Const(-1.0))]);
    }
}
