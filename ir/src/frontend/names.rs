//! The names of the functions of the language: what a model may mention, and what the front end
//! itself emits for operators and statements.
//!
//! Nothing is listed twice: the names are those of the rows of
//! [`builtins`](crate::specialise::builtins) and of the definitions of the library.

use std::sync::LazyLock;

use crate::program::LIBRARY;
use crate::specialise::builtins;

/// Functions that only the front end mentions, for operators and statements.
const OPERATORS: &[&str] = &[
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "matmul",
    "neg",
    "pos",
    "invert",
    "bitand",
    "bitor",
    "bitxor",
    "lshift",
    "rshift",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "not",
    "is",
    "is_not",
    "in",
    "truth",
    "getitem",
    "slice",
    "getattr",
    "unpack",
    "iter_len",
    "iter_get",
    "map_items",
    "flat_items",
    "kept",
    "merged",
    "apply_star",
    "concat_tuples",
    "rebind",
    "assert",
    "index",
];

/// What the names that a model may mention are made of.
static BUILTINS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<&'static str> = builtins::names().filter(|name| !OPERATORS.contains(name)).collect();
    names.extend(library_names().map(|name| &*builtins::public_name(name).leak()));
    names.sort_unstable();
    names
});

/// The names that the library defines.
fn library_names() -> impl Iterator<Item = &'static str> {
    LIBRARY.lines().filter_map(|line| match line.strip_prefix("def ") {
        Some(def) => def.split('(').next(),
        None => line.split_once(" = ").map(|(name, _)| name).filter(|name| !name.starts_with(' ')),
    })
}

/// Functions that a model may mention, sorted. `np.…` stands for NumPy however it is imported.
/// Those with a leading underscore are for the library that is itself written in the language.
pub fn names() -> &'static [&'static str] {
    &BUILTINS
}

/// The builtin of a name as a model writes it, with the module's name in front.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTINS.binary_search(&name).ok().map(|index| BUILTINS[index])
}

/// The members of a module, given the prefix that its builtins have: `np.`.
pub(super) fn with_prefix(prefix: &'static str) -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().filter_map(move |name| name.strip_prefix(prefix))
}

/// The candidate that is most like a name, if any is like it: at most a third of the longer is
/// another. Of two at the same distance it is the one with the same letters in another order.
pub fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let own = letters(name);
    let scored = candidates.map(|c| (strsim::damerau_levenshtein(name, c), letters(c) != own, c));
    let (distance, _, best) = scored.min()?;
    (distance * 3 <= own.len().max(best.chars().count())).then(|| best.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_another_order_are_nearer_than_one_too_many_and_far_names_are_not_suggested() {
        let near = |name| nearest(name, ["tan", "tanh", "sin", "sinh", "branchty"].into_iter());
        assert_eq!(near("tahn").as_deref(), Some("tanh"));
        assert_eq!(near("sinn").as_deref(), Some("sin"));
        assert_eq!(near("nosuch"), None);
    }
}
