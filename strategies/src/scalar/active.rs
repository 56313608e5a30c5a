//! The tape of scalar statements as a public interface: numbers with operators.
//!
//! ```
//! use adjudicate_strategies::scalar::{Active, Real, ScalarTape};
//!
//! fn f<T: Real>(x: T, y: T) -> T {
//!     (x * y).sin() + x * 2.0
//! }
//!
//! let tape = ScalarTape::new();
//! let (x, y) = (tape.var(0.5), tape.var(2.0));
//! let [dx, dy] = tape.gradient(f(x, y), [x, y]);
//! assert!((dx - 2.0 * 1.0_f64.cos() - 2.0).abs() < 1e-15 && (dy - 0.5 * 1.0_f64.cos()).abs() < 1e-15);
//!
//! // Second order: numbers on the inner tape are active on the outer one.
//! let (outer, inner) = (ScalarTape::new(), ScalarTape::nested());
//! let x = outer.var(0.5);
//! let (a, b) = (inner.var(x), inner.var(Active::from(2.0)));
//! let [da] = inner.gradient(f(a, b), [a]);
//! let [dda] = outer.gradient(da, [x]);
//! assert!((dda + 4.0 * 1.0_f64.sin()).abs() < 1e-15);
//! ```

use std::array;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::fmt;
use std::hint::black_box;
use std::iter;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use std::sync::LazyLock;

use adjudicate_ir::prims;
use smallvec::SmallVec;

use super::expression::{
    Binary, Bivariate, Difference, Expression, Factor, Formula, Negation, Product, Quotient, Sink, Sum, Term, Unary,
};
use super::partials::{Function, Partials, Source, of_floats};

/// The functions of one number, as methods and as statics that stage their partials once.
macro_rules! unary {
    ($($name:ident $PRIM:ident $about:literal;)*) => {
        $(static $PRIM: LazyLock<Function> = LazyLock::new(|| of_floats(&prims::$PRIM, &[], 1));)*
        macro_rules! functions_of_one {
            () => {$(
                #[doc = $about]
                #[must_use]
                fn $name(self) -> Self {
                    Self::apply(&$PRIM, &[Item::Number(self)]).number()
                }
            )*};
        }
        impl<'t, E: Expression<'t, T>, T: Real> Formula<'t, E, T> {$(
            #[doc = $about]
            #[must_use]
            pub fn $name(self) -> Formula<'t, Unary<E, T>, T> {
                Formula::new(Unary::new(&$PRIM, self.form))
            }
        )*}
    };
}
unary! {
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

/// The functions of two numbers, likewise.
macro_rules! binary {
    ($($name:ident $PRIM:ident $about:literal;)*) => {
        $(static $PRIM: LazyLock<Function> = LazyLock::new(|| of_floats(&prims::$PRIM, &[], 2));)*
        macro_rules! functions_of_two {
            () => {$(
                #[doc = $about]
                #[must_use]
                fn $name(self, other: impl Into<Self>) -> Self {
                    Self::apply(&$PRIM, &[Item::Number(self), Item::Number(other.into())]).number()
                }
            )*};
        }
        impl<'t, E: Expression<'t, T>, T: Real> Formula<'t, E, T> {$(
            #[doc = $about]
            #[must_use]
            pub fn $name<R: Term<'t, T>>(self, other: R) -> Formula<'t, Bivariate<E, R::Expression, T>, T> {
                Formula::new(Bivariate::new(&$PRIM, self.form, other.expression()))
            }
        )*}
    };
}
binary! {
    powf POW "To a power.";
    max MAXIMUM "The greater, NaN if either is. Of equal numbers each has half the sensitivity.";
    min MINIMUM "The lesser, NaN if either is. Of equal numbers each has half the sensitivity.";
    atan2 ARCTAN2 "The angle of the point (`other`, `self`) from the x axis.";
}

/// A number that functions can be applied to: a float, or a number that is active on a tape. Comparisons are by value.
pub trait Real:
    Copy
    + fmt::Debug
    + PartialOrd
    + PartialOrd<f64>
    + From<f64>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + AddAssign<f64>
    + SubAssign<f64>
    + MulAssign<f64>
    + DivAssign<f64>
    + iter::Sum
    + iter::Product
{
    /// The float that it is.
    fn value(self) -> f64;

    /// Whether this is a cotangent to which nothing was added.
    #[doc(hidden)]
    fn is_nothing(self) -> bool;

    /// Adds a contribution to a cotangent; if `copied`, `copy` is the same cotangent, and remains it.
    #[doc(hidden)]
    fn contribute(self, to: &mut Self, copied: bool, copy: &mut Self);

    /// Applies a function of floats. What is not a float is given as bits.
    #[doc(hidden)]
    fn apply(function: &Function, args: &[Item<Self>]) -> Item<Self>;

    /// To an integer power.
    #[must_use]
    fn powi(self, n: i32) -> Self {
        match small_power(n) {
            Some(function) => Self::apply(function, &[Item::Number(self)]).number(),
            None => self.powf(f64::from(n)),
        }
    }

    /// 1 divided by this.
    #[must_use]
    fn recip(self) -> Self {
        Self::from(1.0) / self
    }

    /// `√(x² + y²)`: infinite where the squares are. Where both are 0 it has no derivative, which is NaN.
    #[must_use]
    fn hypot(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        (self * self + other * other).sqrt()
    }
    functions_of_one!();
    functions_of_two!();
}

/// Powers from its negative to it have functions of their own.
const SMALL_POWER: i64 = 8;

static POWERS: LazyLock<Vec<Function>> =
    LazyLock::new(|| (-SMALL_POWER..=SMALL_POWER).map(|n| of_floats(&prims::POWI, &[n], 1)).collect());

/// The function that a small power has.
#[inline]
fn small_power(n: i32) -> Option<&'static Function> {
    usize::try_from(i64::from(n) + SMALL_POWER).ok().and_then(|at| POWERS.get(at))
}

/// A number, or the bits of another scalar.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub enum Item<T> {
    /// A number.
    Number(T),
    /// A truth value or an integer.
    Bits(u64),
}

impl<T: Real> Item<T> {
    #[inline]
    fn bits(self) -> u64 {
        match self {
            Item::Number(x) => x.value().to_bits(),
            Item::Bits(bits) => bits,
        }
    }

    #[inline]
    fn number(self) -> T {
        match self {
            Item::Number(x) => x,
            Item::Bits(bits) => panic!("a number was expected, not {bits}"),
        }
    }
}

/// A cotangent to which nothing was added: -0.0, to which any number can be added exactly.
pub(super) const NOTHING: f64 = -0.0;

impl Real for f64 {
    #[inline]
    fn value(self) -> f64 {
        self
    }

    #[inline(always)]
    fn is_nothing(self) -> bool {
        self.to_bits() == NOTHING.to_bits()
    }

    #[inline(always)]
    fn contribute(self, to: &mut f64, copied: bool, copy: &mut f64) {
        *to += self;
        // Which cotangent it is depends on data: without a branch, as that would be foretold wrongly.
        let all = u64::from(copied).wrapping_neg();
        *copy += f64::from_bits(self.to_bits() & all | NOTHING.to_bits() & !all);
    }

    #[inline]
    fn apply(function: &Function, args: &[Item<f64>]) -> Item<f64> {
        let bits = function.eval(|i| args[i].bits());
        if function.is_float { Item::Number(f64::from_bits(bits)) } else { Item::Bits(bits) }
    }
}

/// An active operand: for floats 12 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
pub(super) struct Edge<T> {
    pub(super) partial: T,
    pub(super) statement: u32,
}

const _: () = assert!(size_of::<Edge<f64>>() == 12);

/// The reverse sweep over statements, by the number of their edges: every cotangent is multiplied by the partials and added to
/// the cotangents of the operands.
///
/// Often a statement's operand is the one before, whose cotangent is read next. It would wait for what was just added to reach
/// the cache, a third of the time of a sweep; so it is kept aside as well.
#[inline]
pub(super) fn sweep<T: Real>(counts: &[u8], edges: &[Edge<T>], cotangents: &mut [T]) {
    let cotangents = &mut cotangents[..counts.len()];
    let mut rest = edges;
    let Some(mut next) = cotangents.last().copied() else { return };
    for (at, &count) in counts.iter().enumerate().rev() {
        let (others, own) = rest.split_at(rest.len() - usize::from(count));
        rest = others;
        let cotangent = next;
        let before = at.wrapping_sub(1);
        next = cotangents.get(before).copied().unwrap_or(cotangent);
        if cotangent.is_nothing() {
            continue;
        }
        for &Edge { partial, statement } in own {
            let statement = statement as usize;
            (cotangent * partial).contribute(&mut cotangents[statement], statement == before, &mut next);
        }
    }
}

/// What a tape holds. Behind what is in use is room, for a statement at least if there are any.
struct Store<T> {
    /// By statement: the number of its edges.
    counts: Vec<u8>,
    edges: Vec<Edge<T>>,
    /// How many statements and edges are in use.
    statements: usize,
    used: usize,
    /// Cotangents by statement of the last sweep.
    cotangents: Vec<T>,
}

/// A statement has no more edges.
const MOST_EDGES: usize = u8::MAX as usize;
/// The least room that is made for statements, and for edges.
const ROOM: usize = 256;

impl<T: Real> Store<T> {
    /// Makes room for a statement and so many edges. A number goes through the call that does: held over a call it would be
    /// held in memory, and what is computed with it next would wait for that.
    #[inline(always)]
    fn with_room(&mut self, edges: usize, number: T) -> T {
        let enough = self.statements < self.counts.len() && self.used + edges <= self.edges.len();
        if enough { number } else { self.grow(edges, number) }
    }

    /// An eighth more than is in use, so that little memory is touched in vain. The compiler must not see that the number remains
    /// what it is: it would not take it from the call then.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, edges: usize, number: T) -> T {
        let statements = self.statements + self.statements / 8 + ROOM;
        self.counts.resize(self.counts.len().max(statements), 0);
        let room = self.used + self.used / 8 + edges + ROOM;
        self.edges.resize(self.edges.len().max(room), Edge { partial: T::from(0.0), statement: 0 });
        black_box(number)
    }
}

/// A tape of statements on numbers: floats, or numbers that are active on another tape.
pub struct ScalarTape<T: Real = f64> {
    store: RefCell<Store<T>>,
    /// How often the tape was cleared.
    age: Cell<u32>,
}

/// A number that is active on a tape, or a constant.
#[derive(Clone, Copy)]
pub struct Active<'t, T: Real = f64> {
    pub(super) value: T,
    /// `None` for a constant.
    pub(super) tape: Option<&'t ScalarTape<T>>,
    statement: u32,
    age: u32,
}

impl<T: Real> fmt::Debug for ScalarTape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScalarTape({} statements)", self.len())
    }
}

impl<T: Real> fmt::Debug for Active<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: Real> Default for ScalarTape<T> {
    fn default() -> Self {
        Self::nested()
    }
}

impl ScalarTape {
    /// An empty tape of statements on floats.
    pub fn new() -> Self {
        Self::nested()
    }
}

impl<T: Real> ScalarTape<T> {
    /// An empty tape, of statements on numbers that may be active on another one.
    pub fn nested() -> Self {
        let store = Store { counts: Vec::new(), edges: Vec::new(), statements: 0, used: 0, cotangents: Vec::new() };
        Self { store: RefCell::new(store), age: Cell::new(0) }
    }

    /// A variable: something to differentiate with respect to.
    pub fn var(&self, value: T) -> Active<'_, T> {
        let store = &mut *self.store.borrow_mut();
        let value = store.with_room(MOST_EDGES, value);
        self.state(value, store, 0)
    }

    /// Number of statements, variables included.
    pub fn len(&self) -> usize {
        self.store.borrow().statements
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of what is recorded.
    pub fn bytes(&self) -> usize {
        let store = self.store.borrow();
        store.statements + store.used * size_of::<Edge<T>>()
    }

    /// Forgets every statement and keeps the storage. Numbers made before cannot be used any more.
    pub fn clear(&self) {
        let mut store = self.store.borrow_mut();
        (store.statements, store.used) = (0, 0);
        self.age.set(self.age.get() + 1);
    }

    /// The cotangents of `xs` for the cotangent 1 of `y`.
    ///
    /// # Panics
    /// If one of them is of another tape, or from before this one was cleared.
    pub fn gradient<const N: usize>(&self, y: Active<'_, T>, xs: [Active<'_, T>; N]) -> [T; N] {
        self.sweep(y);
        xs.map(|x| self.cotangent(x))
    }

    /// As [`ScalarTape::gradient`], for any number of variables.
    ///
    /// # Panics
    /// As there.
    pub fn gradient_of(&self, y: Active<'_, T>, xs: &[Active<'_, T>]) -> Vec<T> {
        self.sweep(y);
        xs.iter().map(|x| self.cotangent(*x)).collect()
    }

    fn cotangent(&self, x: Active<'_, T>) -> T {
        let found = self.place(x).and_then(|at| self.store.borrow().cotangents.get(at).copied());
        found.filter(|x| !x.is_nothing()).unwrap_or_else(|| T::from(0.0))
    }

    /// The statement of a number; `None` for a constant.
    #[inline(always)]
    pub(super) fn place(&self, x: Active<'_, T>) -> Option<usize> {
        let tape = x.tape?;
        assert!(std::ptr::eq(tape, self), "a number of another tape");
        assert!(x.age == self.age.get(), "a number from before the tape was cleared");
        Some(x.statement as usize)
    }

    /// Finds the cotangents of all statements up to that of `y`.
    fn sweep(&self, y: Active<'_, T>) {
        let Store { counts, edges, statements, used, cotangents } = &mut *self.store.borrow_mut();
        cotangents.clear();
        let Some(last) = self.place(y) else { return };
        cotangents.resize(last + 1, T::from(NOTHING));
        cotangents[last] = T::from(1.0);
        let later: usize = counts[last + 1..*statements].iter().map(|&n| usize::from(n)).sum();
        sweep(&counts[..=last], &edges[..*used - later], cotangents);
    }

    /// Adds a statement whose edges are there already, and makes room for the next.
    #[inline]
    fn state(&self, value: T, store: &mut Store<T>, edges: usize) -> Active<'_, T> {
        let statement = u32::try_from(store.statements).expect("fewer than 2³² statements on a tape");
        store.counts[store.statements] = u8::try_from(edges).expect("at most 255 active operands in a statement");
        store.statements += 1;
        store.used += edges;
        let value = store.with_room(MOST_EDGES, value);
        Active { value, tape: Some(self), statement, age: self.age.get() }
    }
}

impl<T: Real> From<f64> for Active<'_, T> {
    fn from(value: f64) -> Self {
        Self { value: T::from(value), tape: None, statement: 0, age: 0 }
    }
}

impl<'t, T: Real> Active<'t, T> {
    /// The number, as a number below this tape.
    pub fn below(self) -> T {
        self.value
    }

    /// The number as the first part of an [expression](super::expression).
    #[inline(always)]
    pub fn term(self) -> Formula<'t, Self, T> {
        Formula::new(self)
    }

    /// Makes an expression a statement.
    ///
    /// # Panics
    /// If operands are active on several tapes, or there are more than 255 of them.
    #[inline(always)]
    pub(super) fn record<E: Expression<'t, T>>(expression: &E) -> Self {
        let value = expression.number();
        let Some(tape) = expression.tape() else { return Self { value, tape: None, statement: 0, age: 0 } };
        let store = &mut *tape.store.borrow_mut();
        if E::OPERANDS > MOST_EDGES {
            store.with_room(E::OPERANDS, value);
        }
        let mut sink = Sink { tape, edges: &mut store.edges[store.used..][..E::OPERANDS], len: 0 };
        expression.put(Factor::One, &mut sink);
        let edges = sink.len;
        tape.state(value, store, edges)
    }

    /// Records a function whose value is known.
    #[inline]
    fn statement(function: &Function, args: &[Item<Self>], value: T) -> Self {
        let active = |arg: &Item<Self>| match arg {
            Item::Number(x) => x.tape,
            Item::Bits(_) => None,
        };
        let Some(tape) = args.iter().find_map(active) else {
            return Self { value, tape: None, statement: 0, age: 0 };
        };
        let partials = function.partials().unwrap_or_else(|why| panic!("{why}"));
        let below = |arg: &Item<Self>| match *arg {
            Item::Number(x) => Item::Number(x.value),
            Item::Bits(bits) => Item::Bits(bits),
        };
        let lowered: SmallVec<[Item<T>; 3]> = args.iter().map(below).collect();
        let steps = run_steps(partials, &lowered, value);
        let store = &mut *tape.store.borrow_mut();
        let mut edges = 0;
        for (arg, source) in args.iter().zip(&partials.of) {
            let (Item::Number(x), Some(source)) = (arg, source) else { continue };
            if let Some(statement) = tape.place(*x) {
                store.edges[store.used + edges] =
                    Edge { partial: find(*source, &lowered, value, &steps).number(), statement: statement as u32 };
                edges += 1;
            }
        }
        tape.state(value, store, edges)
    }
}

/// What a source is.
#[inline]
fn find<T: Real>(source: Source, args: &[Item<T>], value: T, steps: &[Item<T>]) -> Item<T> {
    match source {
        Source::Const(x) => Item::Number(T::from(x)),
        Source::Bits(bits) => Item::Bits(bits),
        Source::Arg(i) => args[usize::from(i)],
        Source::Result => Item::Number(value),
        Source::Step(i) => steps[usize::from(i)],
    }
}

/// The steps on the way to partial derivatives.
#[inline]
fn run_steps<T: Real>(partials: &Partials, args: &[Item<T>], value: T) -> SmallVec<[Item<T>; 8]> {
    let mut steps = SmallVec::new();
    for step in &partials.steps {
        let args: SmallVec<[Item<T>; 3]> = step.args.iter().map(|&s| find(s, args, value, &steps)).collect();
        steps.push(T::apply(&step.function, &args));
    }
    steps
}

/// A function of numbers, and its partial derivatives.
#[inline]
pub(super) fn value_and_partials<T: Real, const N: usize>(function: &Function, numbers: [T; N]) -> (T, [T; N]) {
    let args = numbers.map(Item::Number);
    let value = T::apply(function, &args).number();
    let partials = function.partials().unwrap_or_else(|why| panic!("{why}"));
    let steps = run_steps(partials, &args, value);
    let partial = |source: Source| find(source, &args, value, &steps).number();
    (value, array::from_fn(|i| partials.of[i].map_or_else(|| T::from(0.0), partial)))
}

/// An integer power, and its partial derivative.
#[inline]
pub(super) fn power_and_partial<T: Real>(x: T, n: i32) -> (T, T) {
    match small_power(n) {
        Some(function) => {
            let (value, [partial]) = value_and_partials(function, [x]);
            (value, partial)
        }
        None => {
            let (value, [partial, _]) = value_and_partials(&POW, [x, T::from(f64::from(n))]);
            (value, partial)
        }
    }
}

impl<T: Real> Real for Active<'_, T> {
    #[inline]
    fn value(self) -> f64 {
        self.value.value()
    }

    #[inline]
    fn is_nothing(self) -> bool {
        self.tape.is_none() && self.value.is_nothing()
    }

    #[inline]
    fn contribute(self, to: &mut Self, copied: bool, copy: &mut Self) {
        *to = if to.is_nothing() { self } else { *to + self };
        if copied {
            *copy = *to;
        }
    }

    fn apply(function: &Function, args: &[Item<Self>]) -> Item<Self> {
        let below = |arg: &Item<Self>| match arg {
            Item::Number(x) => Item::Number(x.value),
            Item::Bits(bits) => Item::Bits(*bits),
        };
        let lowered: SmallVec<[Item<T>; 3]> = args.iter().map(below).collect();
        match T::apply(function, &lowered) {
            Item::Number(value) => Item::Number(Self::statement(function, args, value)),
            Item::Bits(bits) => Item::Bits(bits),
        }
    }
}

impl<T: Real> Neg for Active<'_, T> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self::record(&Negation::new(self))
    }
}

macro_rules! operators {
    ($($Trait:ident $method:ident $Assign:ident $assign:ident $Operation:ident)*) => {$(
        impl<'t, T: Real> $Trait for Active<'t, T> {
            type Output = Self;
            #[inline]
            fn $method(self, other: Self) -> Self {
                Self::record(&Binary::<$Operation, _, _, _>::new(self, other))
            }
        }
        impl<'t, T: Real> $Trait<f64> for Active<'t, T> {
            type Output = Self;
            #[inline]
            fn $method(self, other: f64) -> Self {
                self.$method(Self::from(other))
            }
        }
        impl<'t, T: Real> $Trait<Active<'t, T>> for f64 {
            type Output = Active<'t, T>;
            #[inline]
            fn $method(self, other: Active<'t, T>) -> Active<'t, T> {
                Active::from(self).$method(other)
            }
        }
        impl<'t, T: Real, R: Term<'t, T>> $Assign<R> for Active<'t, T> {
            #[inline]
            fn $assign(&mut self, other: R) {
                *self = Self::record(&Binary::<$Operation, _, _, _>::new(*self, other.expression()));
            }
        }
    )*};
}
operators! {
    Add add AddAssign add_assign Sum
    Sub sub SubAssign sub_assign Difference
    Mul mul MulAssign mul_assign Product
    Div div DivAssign div_assign Quotient
}

/// Over iterators; of no terms what is neutral.
macro_rules! folds {
    ($($Trait:ident $method:ident $neutral:literal $op:tt)*) => {$(
        impl<T: Real> iter::$Trait for Active<'_, T> {
            fn $method<I: Iterator<Item = Self>>(terms: I) -> Self {
                terms.reduce(|a, b| a $op b).unwrap_or_else(|| Self::from($neutral))
            }
        }
        impl<'a, 't: 'a, T: Real + 'a> iter::$Trait<&'a Active<'t, T>> for Active<'t, T> {
            fn $method<I: Iterator<Item = &'a Self>>(terms: I) -> Self {
                terms.copied().$method()
            }
        }
    )*};
}
folds! { Sum sum 0.0 + Product product 1.0 * }

/// Comparisons, by value.
macro_rules! comparisons {
    ($($A:ty, $B:ty;)*) => {$(
        impl<T: Real> PartialEq<$B> for $A {
            #[inline]
            fn eq(&self, other: &$B) -> bool {
                Real::value(*self) == Real::value(*other)
            }
        }
        impl<T: Real> PartialOrd<$B> for $A {
            #[inline]
            fn partial_cmp(&self, other: &$B) -> Option<Ordering> {
                Real::value(*self).partial_cmp(&Real::value(*other))
            }
        }
    )*};
}
comparisons! {
    Active<'_, T>, Active<'_, T>;
    Active<'_, T>, f64;
    f64, Active<'_, T>;
}
