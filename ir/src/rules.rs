//! Rewrite laws, one line each.
//!
//! `lhs = rhs` in prefix form: `?x` stands for any operand, a number for a scalar constant (or one
//! stretched to an array), `zero` for a node that is identically zero, `(mul ?x 1)` for a
//! primitive. `add` and `mul` match with their operands in either order. On the right a primitive
//! that takes attributes gets those that lead to the type of the left side (`reshape`,
//! `broadcast_to`). A law applies only if both sides have one type.
//!
//! Laws keep IEEE semantics: NaN, infinities and the sign of zero (so `x + 0` stays, and `x * 0`
//! too). `zero` is not the number: it says that nothing flows, and is neutral exactly.

use std::sync::OnceLock;

/// Every law, in the order in which they are tried.
pub const LAWS: &[&str] = &[
    "(mul ?x 1) = ?x",
    "(div ?x 1) = ?x",
    "(sub ?x 0) = ?x",
    "(mul ?x -1) = (neg ?x)",
    "(neg (neg ?x)) = ?x",
    "(sub ?x (neg ?y)) = (add ?x ?y)",
    "(add ?x (neg ?y)) = (sub ?x ?y)",
    "(mul (neg ?x) (neg ?y)) = (mul ?x ?y)",
    "(abs (neg ?x)) = (abs ?x)",
    "(abs (abs ?x)) = (abs ?x)",
    "(logical_not (logical_not ?x)) = ?x",
    "(reshape (reshape ?x)) = (reshape ?x)",
    "(broadcast_to (broadcast_to ?x)) = (broadcast_to ?x)",
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
    "(add ?x (index_add zero ?i ?v)) = (index_add ?x ?i ?v)",
    "(index_add ?x ?i zero) = ?x",
];

/// One side of a law.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Any operand.
    Any(String),
    /// A scalar constant.
    Number(f64),
    /// Identically zero.
    Zero,
    /// A primitive.
    Prim(String, Vec<Term>),
}

/// A law that has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    /// The text it was read from.
    pub text: &'static str,
    /// What is replaced.
    pub lhs: Term,
    /// By what.
    pub rhs: Term,
}

/// The laws, read once.
pub fn laws() -> &'static [Law] {
    static READ: OnceLock<Vec<Law>> = OnceLock::new();
    READ.get_or_init(|| LAWS.iter().map(|text| read(text)).collect())
}

fn read(text: &'static str) -> Law {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let lhs = term(&mut words);
    assert_eq!(words.next(), Some("="), "a law is `lhs = rhs`: {text}");
    let rhs = term(&mut words);
    assert_eq!(words.next(), None, "a law ends after its right side: {text}");
    Law { text, lhs, rhs }
}

fn term<'t>(words: &mut std::iter::Peekable<impl Iterator<Item = &'t str>>) -> Term {
    match words.next().expect("a term") {
        "(" => {
            let name = words.next().expect("a primitive's name").to_owned();
            assert!(crate::prims::by_name(&name).is_some(), "`{name}` is a primitive");
            let mut args = Vec::new();
            while words.peek() != Some(&")") {
                args.push(term(words));
            }
            words.next();
            Term::Prim(name, args)
        }
        "zero" => Term::Zero,
        word => match word.strip_prefix('?') {
            Some(name) => Term::Any(name.to_owned()),
            None => Term::Number(word.parse().expect("a number")),
        },
    }
}
