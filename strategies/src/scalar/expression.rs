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
//! [`Active::term`] begins a [`Formula`], operators and functions go on with it. Its type is its form: a [`Binary`] of its
//! operands, a [`Unary`] of its operand. It becomes a statement when it is made an [`Active`]: then the cotangent 1 is
//! pulled back through the expression, which is inlined, and what the tape holds is 12 bytes for each active operand.
//! Operators on numbers make a statement of every operation.
//!
//! Of the four operations of arithmetic and of negation the cotangent is pulled back by the very rules of the primitives
//! ([`pullbacks`]), on a [`Factor`] instead of a node of a graph, so that the compiler sees them. Functions have the partial
//! derivatives that [staging](super::partials) makes of their rules.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, Div, Mul, Neg, Sub};

use adjudicate_ir::prims::pullbacks;

use super::active::{Active, Edge, Real, ScalarTape, power_and_partial, value_and_partials};
use super::partials::Function;

/// A cotangent. Nothing is multiplied by the first two.
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
    #[inline(always)]
    fn number(self) -> T {
        match self {
            Factor::One => T::from(1.0),
            Factor::Minus => T::from(-1.0),
            Factor::Times(x) => x,
        }
    }
}

impl<T: Real> Neg for Factor<T> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        match self {
            Factor::One => Factor::Minus,
            Factor::Minus => Factor::One,
            Factor::Times(x) => Factor::Times(-x),
        }
    }
}

impl<T: Real> Mul<T> for Factor<T> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, by: T) -> Self {
        Factor::Times(match self {
            Factor::One => by,
            Factor::Minus => -by,
            Factor::Times(x) => x * by,
        })
    }
}

impl<T: Real> Div<T> for Factor<T> {
    type Output = Self;
    #[inline(always)]
    fn div(self, by: T) -> Self {
        Factor::Times(self.number() / by)
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
            Some(edge) => *edge = Edge { partial: edge.partial + partial, statement },
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
    /// The cotangents of both operands, where the value is `y`.
    fn pull<T: Real>(a: T, b: T, y: T, dy: Factor<T>) -> [Factor<T>; 2];
}

macro_rules! operations {
    ($($Name:ident $about:literal $op:tt |$a:pat_param, $b:pat_param, $y:pat_param, $dy:pat_param| $pulled:expr;)*) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Debug)]
        pub struct $Name;

        impl Operation for $Name {
            #[inline(always)]
            fn value<T: Real>(a: T, b: T) -> T {
                a $op b
            }

            #[inline(always)]
            fn pull<T: Real>($a: T, $b: T, $y: T, $dy: Factor<T>) -> [Factor<T>; 2] {
                $pulled
            }
        }
    )*};
}
operations! {
    Sum "A sum." + |_, _, _, dy| pullbacks::sum(dy);
    Difference "A difference." - |_, _, _, dy| pullbacks::difference(dy);
    Product "A product." * |a, b, _, dy| pullbacks::product(a, b, dy);
    Quotient "A quotient." / |_, b, y, dy| pullbacks::quotient(b, y, dy);
}

/// An operation on two expressions.
#[derive(Clone, Copy)]
pub struct Binary<O, A, B, T> {
    a: A,
    b: B,
    value: T,
    of: PhantomData<O>,
}

impl<O: Operation, A, B, T: Real> Binary<O, A, B, T> {
    #[inline(always)]
    pub(super) fn new<'t>(a: A, b: B) -> Self
    where
        A: Expression<'t, T>,
        B: Expression<'t, T>,
    {
        Binary { a, b, value: O::value(a.number(), b.number()), of: PhantomData }
    }
}

impl<'t, O: Operation, A: Expression<'t, T>, B: Expression<'t, T>, T: Real> Expression<'t, T> for Binary<O, A, B, T> {
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
        let [a, b] = O::pull(self.a.number(), self.b.number(), self.value, cotangent);
        self.a.put(a, sink);
        self.b.put(b, sink);
    }
}

/// An expression negated.
#[derive(Clone, Copy)]
pub struct Negation<A, T> {
    a: A,
    value: T,
}

impl<A, T: Real> Negation<A, T> {
    #[inline(always)]
    pub(super) fn new<'t>(a: A) -> Self
    where
        A: Expression<'t, T>,
    {
        Negation { a, value: -a.number() }
    }
}

impl<'t, A: Expression<'t, T>, T: Real> Expression<'t, T> for Negation<A, T> {
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
        self.a.put(pullbacks::negation(cotangent), sink);
    }
}

/// A function of an expression.
#[derive(Clone, Copy)]
pub struct Unary<A, T> {
    a: A,
    value: T,
    partial: T,
}

impl<A, T: Real> Unary<A, T> {
    #[inline]
    pub(super) fn new<'t>(function: &Function, a: A) -> Self
    where
        A: Expression<'t, T>,
    {
        let (value, [partial]) = value_and_partials(function, [a.number()]);
        Unary { a, value, partial }
    }

    #[inline]
    pub(super) fn power<'t>(n: i32, a: A) -> Self
    where
        A: Expression<'t, T>,
    {
        let (value, partial) = power_and_partial(a.number(), n);
        Unary { a, value, partial }
    }
}

impl<'t, A: Expression<'t, T>, T: Real> Expression<'t, T> for Unary<A, T> {
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
        self.a.put(cotangent * self.partial, sink);
    }
}

/// A function of two expressions.
#[derive(Clone, Copy)]
pub struct Bivariate<A, B, T> {
    a: A,
    b: B,
    value: T,
    partials: [T; 2],
}

impl<A, B, T: Real> Bivariate<A, B, T> {
    #[inline]
    pub(super) fn new<'t>(function: &Function, a: A, b: B) -> Self
    where
        A: Expression<'t, T>,
        B: Expression<'t, T>,
    {
        let (value, partials) = value_and_partials(function, [a.number(), b.number()]);
        Bivariate { a, b, value, partials }
    }
}

impl<'t, A: Expression<'t, T>, B: Expression<'t, T>, T: Real> Expression<'t, T> for Bivariate<A, B, T> {
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
        let [a, b] = self.partials;
        self.a.put(cotangent * a, sink);
        self.b.put(cotangent * b, sink);
    }
}

/// An expression of some form, which operators and functions go on with.
#[derive(Clone, Copy)]
pub struct Formula<'t, E, T: Real> {
    pub(super) form: E,
    of: PhantomData<(&'t (), T)>,
}

impl<'t, E: Expression<'t, T>, T: Real> Formula<'t, E, T> {
    #[inline(always)]
    pub(super) fn new(form: E) -> Self {
        Formula { form, of: PhantomData }
    }

    /// To an integer power.
    #[must_use]
    pub fn powi(self, n: i32) -> Formula<'t, Unary<E, T>, T> {
        Formula::new(Unary::power(n, self.form))
    }

    /// 1 divided by this.
    #[must_use]
    pub fn recip(self) -> Formula<'t, Binary<Quotient, Number<T>, E, T>, T> {
        1.0 / self
    }

    /// `√(x² + y²)`, as [`Real::hypot`].
    #[must_use]
    pub fn hypot<R: Term<'t, T>>(self, other: R) -> Formula<'t, impl Expression<'t, T>, T> {
        let other = Formula::new(other.expression());
        (self * self + other * other).sqrt()
    }
}

/// Makes it a statement.
impl<'t, E: Expression<'t, T>, T: Real> From<Formula<'t, E, T>> for Active<'t, T> {
    #[inline(always)]
    fn from(formula: Formula<'t, E, T>) -> Self {
        Active::record(&formula.form)
    }
}

impl<'t, E: Expression<'t, T>, T: Real> fmt::Debug for Formula<'t, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.form.number().fmt(f)
    }
}

/// What can be an operand of an operation.
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

impl<'t, E: Expression<'t, T>, T: Real> Term<'t, T> for Formula<'t, E, T> {
    type Expression = E;
    #[inline(always)]
    fn expression(self) -> E {
        self.form
    }
}

impl<'t, E: Expression<'t, T>, T: Real> Neg for Formula<'t, E, T> {
    type Output = Formula<'t, Negation<E, T>, T>;
    #[inline(always)]
    fn neg(self) -> Self::Output {
        Formula::new(Negation::new(self.form))
    }
}

/// Operators, with the formula on the left and on the right of other operands.
macro_rules! operators {
    ($($Trait:ident $method:ident $Operation:ident)*) => {$(
        impl<'t, E: Expression<'t, T>, R: Term<'t, T>, T: Real> $Trait<R> for Formula<'t, E, T> {
            type Output = Formula<'t, Binary<$Operation, E, R::Expression, T>, T>;
            #[inline(always)]
            fn $method(self, other: R) -> Self::Output {
                Formula::new(Binary::new(self.form, other.expression()))
            }
        }
        impl<'t, E: Expression<'t, T>, T: Real> $Trait<Formula<'t, E, T>> for f64 {
            type Output = Formula<'t, Binary<$Operation, Number<T>, E, T>, T>;
            #[inline(always)]
            fn $method(self, other: Formula<'t, E, T>) -> Self::Output {
                Formula::new(Binary::new(self.expression(), other.form))
            }
        }
        impl<'t, E: Expression<'t, T>, T: Real> $Trait<Formula<'t, E, T>> for Active<'t, T> {
            type Output = Formula<'t, Binary<$Operation, Active<'t, T>, E, T>, T>;
            #[inline(always)]
            fn $method(self, other: Formula<'t, E, T>) -> Self::Output {
                Formula::new(Binary::new(self, other.form))
            }
        }
    )*};
}
operators! { Add add Sum Sub sub Difference Mul mul Product Div div Quotient }

#[cfg(test)]
mod tests {
    use super::super::partials::{Partials, Source, of_floats};
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
            for (found, source) in O::pull(a, b, y, Factor::One).into_iter().zip(&staged.of) {
                let source = source.expect("sensitivity passes");
                let wanted = Partials::bits(source, &bits, y.to_bits(), &steps);
                assert_eq!(found.number().to_bits(), wanted, "{} {a} {b}", def.name);
            }
        }
    }

    #[test]
    fn pulling_a_factor_back_is_staging_to_the_bit() {
        check::<Sum>(&prims::ADD);
        check::<Difference>(&prims::SUB);
        check::<Product>(&prims::MUL);
        check::<Quotient>(&prims::DIV);
        let negation = of_floats(&prims::NEG, &[], 1);
        let of = &negation.partials().expect("partials").of;
        assert_eq!(of.as_slice(), [Some(Source::Const(pullbacks::negation(Factor::<f64>::One).number()))]);
    }
}
