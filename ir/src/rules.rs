//! Rewrite laws, one line each.
//!
//! `lhs = rhs` in prefix form, then perhaps `if` and a [condition](CONDITIONS). In terms:
//!
//! | written | stands for |
//! | --- | --- |
//! | `?x` | any operand |
//! | `1`, `true` | a constant, also one stretched to an array |
//! | `zero`, `zero?z` | a node that is identically zero; one that has a name |
//! | `(mul ?x 1)` | a primitive; those that commute match in either order |
//! | `(transpose[p] ?x)` | on the left: with its attributes, which are called `p` |
//! | `(transpose[compose p q] ?x)` | on the right: with attributes made by a [function](ATTRIBUTES) |
//!
//! On the right `reshape` and `broadcast_to` get the attributes that lead to the type of the left
//! side. A law applies only if both sides have one type.
//!
//! Laws keep IEEE semantics: NaN, infinities and the sign of zero (so `x + 0` stays, and `x * 0`
//! too; `-(x - y)` is not `y - x`, since one of the zeros of equal operands is negative). `zero` is
//! not the number: it says that nothing flows, and is neutral exactly. A product of matrices is the
//! same sum of the same terms however its factors are stored; their order is the kernel's own.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::prims::{self, Attrs, PrimDef};
use crate::types::Type;

/// Every law, in the order in which they are tried.
pub const LAWS: &[&str] = &[
    // neutral elements
    "(mul ?x 1) = ?x",
    "(mul ?x 1) = (broadcast_to ?x)",
    "(div ?x 1) = ?x",
    "(div ?x 1) = (broadcast_to ?x)",
    "(sub ?x 0) = ?x",
    "(powi[n] ?x) = ?x if is_one n",
    "(maximum ?x ?x) = ?x",
    "(minimum ?x ?x) = ?x",
    // signs
    "(mul ?x -1) = (neg ?x)",
    "(neg (neg ?x)) = ?x",
    "(sub ?x (neg ?y)) = (add ?x ?y)",
    "(add ?x (neg ?y)) = (sub ?x ?y)",
    "(mul (neg ?x) (neg ?y)) = (mul ?x ?y)",
    "(mul (neg ?x) ?y) = (neg (mul ?x ?y))",
    "(div (neg ?x) (neg ?y)) = (div ?x ?y)",
    "(div (neg ?x) ?y) = (neg (div ?x ?y))",
    "(div ?x (neg ?y)) = (neg (div ?x ?y))",
    "(abs (neg ?x)) = (abs ?x)",
    "(abs (abs ?x)) = (abs ?x)",
    // truth values and choice
    "(logical_not (logical_not ?x)) = ?x",
    "(logical_and ?x true) = ?x",
    "(logical_or ?x false) = ?x",
    "(logical_and ?x ?x) = ?x",
    "(logical_or ?x ?x) = ?x",
    "(select true ?x ?y) = ?x",
    "(select false ?x ?y) = ?y",
    "(select ?m ?x ?x) = ?x",
    "(select (logical_not ?m) ?x ?y) = (select ?m ?y ?x)",
    "(select ?m (select ?m ?x ?y) ?z) = (select ?m ?x ?z)",
    "(select ?m ?x (select ?m ?y ?z)) = (select ?m ?x ?z)",
    // layout
    "(reshape ?x) = ?x",
    "(broadcast_to ?x) = ?x",
    "(transpose[p] ?x) = ?x if keeps_order p",
    "(sum[a] ?x) = ?x if is_empty a",
    "(reshape (reshape ?x)) = (reshape ?x)",
    "(broadcast_to (broadcast_to ?x)) = (broadcast_to ?x)",
    "(reshape (broadcast_to ?x)) = (broadcast_to ?x) if is_scalar ?x",
    "(transpose[p] (broadcast_to ?x)) = (broadcast_to ?x) if is_scalar ?x",
    "(transpose[p] (transpose[q] ?x)) = (transpose[compose p q] ?x)",
    "(transpose[p] ?x) = (reshape ?x) if moves_units p ?x",
    "(slice[s] (unslice[u] ?x)) = ?x if is_same_slice s u",
    // broadcasting is part of elementwise operations
    "(add (broadcast_to ?x) ?y) = (add ?x ?y)",
    "(mul (broadcast_to ?x) ?y) = (mul ?x ?y)",
    "(sub (broadcast_to ?x) ?y) = (sub ?x ?y)",
    "(sub ?x (broadcast_to ?y)) = (sub ?x ?y)",
    "(div (broadcast_to ?x) ?y) = (div ?x ?y)",
    "(div ?x (broadcast_to ?y)) = (div ?x ?y)",
    "(select ?m (broadcast_to ?x) ?y) = (select ?m ?x ?y)",
    "(select ?m ?x (broadcast_to ?y)) = (select ?m ?x ?y)",
    "(add (broadcast_to ?x) (broadcast_to ?y)) = (broadcast_to (add ?x ?y))",
    "(mul (broadcast_to ?x) (broadcast_to ?y)) = (broadcast_to (mul ?x ?y))",
    "(sub (broadcast_to ?x) (broadcast_to ?y)) = (broadcast_to (sub ?x ?y))",
    "(div (broadcast_to ?x) (broadcast_to ?y)) = (broadcast_to (div ?x ?y))",
    "(neg (broadcast_to ?x)) = (broadcast_to (neg ?x))",
    // products
    "(matmul[f] (transpose[p] ?x) ?y) = (matmul[flip_left f] ?x ?y) if swaps_last p",
    "(matmul[f] ?x (transpose[p] ?y)) = (matmul[flip_right f] ?x ?y) if swaps_last p",
    "(transpose[p] (matmul[f] ?x ?y)) = (matmul[exchange f] ?y ?x) if swaps_last p",
    "(gemm_add[f] ?x ?y zero) = (matmul[f] ?x ?y)",
    // the seeds of a Jacobian: the rows of a matrix, as they are
    "(matmul[f] (units[e]) ?x) = ?x if are_rows f e ?x",
    "(matmul[f] (units[e]) ?x) = (transpose[swap f] ?x) if are_columns f e ?x",
    // nothing flows
    "(add ?x zero) = ?x",
    "(sub ?x zero) = ?x",
    "(sub zero ?x) = (neg ?x)",
    "(mul ?x zero) = zero",
    "(div zero ?x) = zero",
    "(neg zero) = zero",
    "(reshape zero) = zero",
    "(transpose zero) = zero",
    "(broadcast_to zero) = zero",
    "(sum zero) = zero",
    "(cumsum zero) = zero",
    "(slice zero) = zero",
    "(unslice zero) = zero",
    "(index zero ?i) = zero",
    "(gather zero ?i) = zero",
    "(matmul zero ?x) = zero",
    "(matmul ?x zero) = zero",
    "(select ?m zero zero) = zero",
    "(stack_add ?x zero) = ?x",
    "(stack_add zero ?x) = ?x",
    "(env_add ?x zero) = ?x",
    "(env_add zero ?x) = ?x",
    // in place
    "(add ?x (index_add zero?z ?i ?v)) = (index_add ?x ?i ?v) if is_alike ?x ?z",
    "(index_add ?x ?i zero) = ?x",
];

/// What a law asks of attributes, and of types of operands, beyond its form.
pub type Condition = fn(&[&Attrs], &[&Type]) -> bool;

/// Conditions, by name.
pub const CONDITIONS: &[(&str, Condition)] = &[
    ("is_one", |a, _| a[0][..] == [1]),
    ("is_empty", |a, _| a[0].is_empty()),
    ("is_alike", |_, types| types[0] == types[1]),
    ("is_scalar", |_, types| types[0].shape().is_empty()),
    ("keeps_order", |a, _| a[0].is_sorted()),
    ("moves_units", |a, types| moves_units(a[0], types[0].shape())),
    ("swaps_last", |a, _| swaps_last(a[0])),
    ("are_rows", |a, types| takes_units(a[1], types[0]) && a[0][1] == 0),
    ("are_columns", |a, types| takes_units(a[1], types[0]) && a[0][1] == 1),
    ("is_same_slice", |a, _| a[0][..] == a[1][1 + a[1][0] as usize..]),
];

/// Attributes made from those of the left side.
pub type Attributes = fn(&[&Attrs]) -> Attrs;

/// Functions of attributes, by name.
pub const ATTRIBUTES: &[(&str, Attributes)] = &[
    ("compose", |a| a[0].iter().map(|&i| a[1][i as usize]).collect()),
    ("flip_left", |f| Attrs::from_slice(&[1 - f[0][0], f[0][1]])),
    ("flip_right", |f| Attrs::from_slice(&[f[0][0], 1 - f[0][1]])),
    ("swap", |_| Attrs::from_slice(&[1, 0])),
    // (a b)ᵀ = bᵀ aᵀ
    ("exchange", |f| Attrs::from_slice(&[1 - f[0][1], 1 - f[0][0]])),
];

/// Whether units of these extents are a matrix, by which another is multiplied.
fn takes_units(extents: &[i64], matrix: &Type) -> bool {
    extents.len() == 1 && matrix.shape().len() == 2
}

/// Whether a permutation leaves all axes in order but those of length 1.
fn moves_units(order: &[i64], shape: &[usize]) -> bool {
    order.iter().filter(|&&axis| shape[axis as usize] != 1).is_sorted()
}

/// Whether a permutation exchanges the last two axes and no others.
fn swaps_last(order: &[i64]) -> bool {
    let n = order.len() as i64;
    n >= 2 && order[..order.len() - 2].is_sorted() && order[order.len() - 2..] == [n - 1, n - 2]
}

/// One side of a law.
#[derive(Clone, Debug)]
pub enum Term {
    /// Any operand.
    Any(&'static str),
    /// A constant of floats.
    Number(f64),
    /// A constant of truth values.
    Truth(bool),
    /// Identically zero, perhaps with a name.
    Zero(Option<&'static str>),
    /// A primitive.
    Prim {
        /// Which.
        def: &'static PrimDef,
        /// On the left the name of the attributes, on the right how they are made; empty if not said.
        attrs: Vec<&'static str>,
        /// Its operands.
        args: Vec<Term>,
    },
}

/// A law that has been read.
#[derive(Debug)]
pub struct Law {
    /// The text it was read from.
    pub text: &'static str,
    /// What is replaced.
    pub lhs: Term,
    /// By what.
    pub rhs: Term,
    /// A condition, and the names of what it is asked of.
    pub condition: Option<(Condition, Vec<&'static str>)>,
}

/// The laws, read once.
pub fn laws() -> &'static [Law] {
    static READ: OnceLock<Vec<Law>> = OnceLock::new();
    READ.get_or_init(|| LAWS.iter().map(|text| read(text)).collect())
}

/// The laws whose left side is this primitive, in order.
pub(crate) fn laws_of(def: &'static PrimDef) -> &'static [&'static Law] {
    static BY_NAME: OnceLock<FxHashMap<&'static str, Vec<&'static Law>>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        let mut by_name: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for law in laws() {
            if let Term::Prim { def, .. } = law.lhs {
                by_name.entry(def.name).or_default().push(law);
            }
        }
        by_name
    });
    by_name.get(def.name).map_or(&[], Vec::as_slice)
}

/// The function of attributes of a name.
pub(crate) fn attributes(name: &str) -> Option<Attributes> {
    ATTRIBUTES.iter().find(|(n, _)| *n == name).map(|(_, f)| *f)
}

type Words = std::iter::Peekable<std::vec::IntoIter<&'static str>>;

fn read(text: &'static str) -> Law {
    let mut words = split(text).into_iter().peekable();
    let lhs = term(&mut words);
    assert_eq!(words.next(), Some("="), "a law is `lhs = rhs`: {text}");
    let rhs = term(&mut words);
    let condition = words.next().map(|word| {
        assert_eq!(word, "if", "a law ends after its right side: {text}");
        let name = words.next().expect("a condition");
        let (_, condition) = CONDITIONS.iter().find(|(n, _)| *n == name).expect("a condition");
        (*condition, words.by_ref().collect())
    });
    Law { text, lhs, rhs, condition }
}

/// Words, and brackets by themselves.
fn split(text: &'static str) -> Vec<&'static str> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(at) = rest.find(['(', ')', '[', ']']) {
            words.extend([&rest[..at], &rest[at..=at]].into_iter().filter(|w| !w.is_empty()));
            rest = &rest[at + 1..];
        }
        words.extend(Some(rest).filter(|w| !w.is_empty()));
    }
    words
}

fn term(words: &mut Words) -> Term {
    match words.next().expect("a term") {
        "(" => application(words),
        "zero" => Term::Zero(None),
        "true" => Term::Truth(true),
        "false" => Term::Truth(false),
        word => match word.find('?') {
            Some(0) => Term::Any(word),
            Some(at) => Term::Zero(Some(&word[at..])),
            None => Term::Number(word.parse().expect("a number")),
        },
    }
}

fn application(words: &mut Words) -> Term {
    let name = words.next().expect("a primitive's name");
    let def = prims::by_name(name).unwrap_or_else(|| panic!("`{name}` is no primitive"));
    let mut attrs = Vec::new();
    if words.next_if_eq(&"[").is_some() {
        attrs.extend(std::iter::from_fn(|| words.next_if(|w| *w != "]")));
        words.next();
    }
    let mut args = Vec::new();
    while words.next_if_eq(&")").is_none() {
        args.push(term(words));
    }
    Term::Prim { def, attrs, args }
}
