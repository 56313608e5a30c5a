//! `np.einsum` and `np.tensordot`, lowered to products of matrices.
//!
//! An operand is an array with a label for each axis. Two operands are contracted by summing what
//! neither the result nor a later operand needs, bringing each to the order batch, own, shared (one)
//! and batch, shared, own (the other), and multiplying stacks of matrices. Several operands are
//! contracted from left to right.

use crate::span::{given, plural};
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::Call;

/// An array and the labels of its axes, no two equal.
#[derive(Clone)]
struct Labelled {
    array: Val,
    labels: Vec<u32>,
}

pub(super) fn einsum(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let Val::Str(text) = call.arg(0) else {
        return cx
            .error_help("the subscripts of `np.einsum` must be a string", "write `np.einsum(\"ij,jk->ik\", a, b)`");
    };
    let mut ranks = Vec::new();
    for array in call.rest() {
        let array = cx.checked_array(array)?;
        ranks.push(cx.tensor_of(&array)?.1.len());
    }
    let (inputs, output) = subscripts(cx, text, &ranks)?;
    let mut operands = Vec::new();
    for (labels, array) in inputs.iter().zip(call.rest()) {
        let array = cx.checked_array(array)?;
        operands.push(cx.labelled(&array, labels)?);
    }
    if let Some(&lost) = output.iter().find(|l| !inputs.iter().flatten().any(|i| i == *l)) {
        let label = char::from_u32(lost).unwrap_or('?');
        return cx.error(format!("the label `{label}` of the result is not one of an operand"));
    }
    let mut operands = operands.into_iter();
    let mut total = operands.next().expect("an operand at least");
    while let Some(next) = operands.next() {
        let needed: Vec<u32> = output.iter().copied().chain(operands.clone().flat_map(|o| o.labels)).collect();
        total = cx.contract(&total, &next, &needed)?;
    }
    let total = cx.summed(&total, &output)?;
    cx.ordered(&total, &output)
}

/// Labels from here on are of axes that an ellipsis stands for, counted from the last: no letters.
const HIDDEN: u32 = 1 << 16;

/// The labels of a term of subscripts, in which an ellipsis stands for some axes.
fn labels_of(term: &str, axes: usize) -> Vec<u32> {
    let letters = |s: &str| s.chars().map(u32::from).collect::<Vec<_>>();
    match term.split_once("...") {
        Some((before, after)) => {
            [letters(before), (HIDDEN..HIDDEN + axes as u32).rev().collect(), letters(after)].concat()
        }
        None => letters(term),
    }
}

/// The labels of the operands and of the result; without an arrow, the axes of the ellipsis and
/// those that occur once, sorted.
fn subscripts(cx: &mut Cx<'_>, text: &str, ranks: &[usize]) -> Res<(Vec<Vec<u32>>, Vec<u32>)> {
    let plain: String = text.chars().filter(|c| *c != ' ').collect();
    let (left, right) = match plain.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (&*plain, None),
    };
    let known = |s: &str| s.replacen("...", "", 1).chars().all(|c| c.is_ascii_alphabetic());
    let terms: Vec<&str> = left.split(',').collect();
    if !terms.iter().copied().chain(right).all(known) {
        return cx.error_help(
            format!("the subscripts `{text}` are not supported"),
            "subscripts are letters, commas, one `->`, and at most one `...` for each operand",
        );
    }
    if terms.len() != ranks.len() {
        return cx.error(format!("`{text}` names {}, but {}", plural(terms.len(), "operand"), given(ranks.len())));
    }
    let mut inputs = Vec::new();
    let mut widest = 0;
    for (term, &rank) in terms.iter().zip(ranks) {
        let named = term.chars().filter(char::is_ascii_alphabetic).count();
        let axes = if term.contains("...") { rank.saturating_sub(named) } else { 0 };
        widest = widest.max(axes);
        inputs.push(labels_of(term, axes));
    }
    let output = match right {
        Some(term) => labels_of(term, widest),
        None => {
            let mut once: Vec<u32> = inputs.iter().flatten().copied().filter(|&l| l < HIDDEN).collect();
            once.retain(|l| inputs.iter().flatten().filter(|other| *other == l).count() == 1);
            once.sort_unstable();
            [(HIDDEN..HIDDEN + widest as u32).rev().collect(), once].concat()
        }
    };
    if right.is_some_and(|r| !r.contains("...")) && widest > 0 {
        return cx.error_help(format!("the result of `{text}` has no `...`"), "write `...` in the result too");
    }
    if output.iter().enumerate().any(|(i, l)| output[..i].contains(l)) {
        return cx.error(format!("a label occurs twice in the result of `{text}`"));
    }
    Ok((inputs, output))
}

/// `np.tensordot`: sums over pairs of axes, or over the last and the first so many.
pub(super) fn tensordot(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let (a, b) = (cx.checked_array(call.arg(0))?, cx.checked_array(call.arg(1))?);
    let (left, right) = (cx.tensor_of(&a)?.1.len(), cx.tensor_of(&b)?.1.len());
    let (from, to) = match call.get(2) {
        Some(Val::Tuple(pair)) if pair.len() == 2 => (cx.axes(Some(&pair[0]), left)?, cx.axes(Some(&pair[1]), right)?),
        Some(Val::Tuple(_)) => return cx.error("`axes` is a number of axes or a pair: those of each operand"),
        count => {
            let count = count.map_or(Ok(2), |n| cx.extent(n))?;
            if count > left.min(right) {
                return cx.error(format!(
                    "{} cannot be summed over: the operands have {left} and {right}",
                    plural(count, "axis")
                ));
            }
            ((left - count..left).collect(), (0..count).collect())
        }
    };
    if from.len() != to.len() {
        return cx.error("as many axes of the one operand as of the other are summed over");
    }
    let first: Vec<u32> = (0..left as u32).collect();
    let shared = |j: usize| to.iter().position(|&t| t == j).map(|k| from[k] as u32);
    let second: Vec<u32> = (0..right).map(|j| shared(j).unwrap_or((left + j) as u32)).collect();
    let free = |l: &&u32| !(first.contains(l) && second.contains(l));
    let output: Vec<u32> = first.iter().chain(&second).filter(free).copied().collect();
    let (a, b) = (cx.labelled(&a, &first)?, cx.labelled(&b, &second)?);
    let product = cx.contract(&a, &b, &output)?;
    cx.ordered(&product, &output)
}

impl Cx<'_> {
    /// An operand with its labels; of axes with one label the diagonal is taken.
    fn labelled(&mut self, array: &Val, labels: &[u32]) -> Res<Labelled> {
        let (elem, shape) = self.tensor_of(array)?;
        if shape.len() != labels.len() {
            return self.error(format!(
                "an array of {} has {} in the subscripts",
                plural(shape.len(), "axis"),
                plural(labels.len(), "label")
            ));
        }
        if elem == Elem::Bool {
            return self.error_help("products of booleans are not supported", "convert with `astype(int)`");
        }
        let mut found = Labelled { array: array.clone(), labels: labels.to_vec() };
        let twice = |l: &[u32]| (0..l.len()).find_map(|j| l[..j].iter().position(|x| *x == l[j]).map(|i| (i, j)));
        while let Some((i, j)) = twice(&found.labels) {
            let axes = [Val::Int(0), Val::Int(i as i64), Val::Int(j as i64)];
            let (_, shape) = self.tensor_of(&found.array)?;
            if shape[i] != shape[j] {
                return self.error(format!("axes of lengths {} and {} have one label", shape[i], shape[j]));
            }
            let label = found.labels[i];
            let mut args = vec![found.array];
            args.extend(axes);
            found.array = self.builtin("np.diagonal", &args)?;
            found.labels.retain(|l| *l != label);
            found.labels.push(label);
        }
        Ok(found)
    }

    /// An operand without the axes that are not needed.
    fn summed(&mut self, x: &Labelled, needed: &[u32]) -> Res<Labelled> {
        let (kept, lost): (Vec<usize>, Vec<usize>) = (0..x.labels.len()).partition(|&i| needed.contains(&x.labels[i]));
        if lost.is_empty() {
            return Ok(x.clone());
        }
        let axes = Val::tuple(lost.iter().map(|&i| Val::Int(i as i64)).collect());
        let array = self.builtin("np.sum", &[x.array.clone(), axes])?;
        Ok(Labelled { array, labels: kept.iter().map(|&i| x.labels[i]).collect() })
    }

    /// The axes in the order of labels, all of which the operand has.
    fn ordered(&mut self, x: &Labelled, labels: &[u32]) -> Res<Val> {
        let place = |l: &u32| x.labels.iter().position(|own| own == l).expect("a label of the operand");
        let perm: Vec<usize> = labels.iter().map(place).collect();
        self.permuted(&x.array, &perm)
    }

    fn extent_of(&mut self, x: &Labelled, label: u32) -> Res<usize> {
        let i = x.labels.iter().position(|l| *l == label).expect("a label of the operand");
        Ok(self.tensor_of(&x.array)?.1[i])
    }

    /// The product of two operands, summed over what both have and nobody needs.
    fn contract(&mut self, a: &Labelled, b: &Labelled, needed: &[u32]) -> Res<Labelled> {
        let with = |other: &Labelled| needed.iter().chain(&other.labels).copied().collect::<Vec<_>>();
        let (a, b) = (self.summed(a, &with(b))?, self.summed(b, &with(a))?);
        let in_both: Vec<u32> = a.labels.iter().copied().filter(|l| b.labels.contains(l)).collect();
        for &label in &in_both {
            let (m, n) = (self.extent_of(&a, label)?, self.extent_of(&b, label)?);
            if m != n {
                return self.error(format!("axes of lengths {m} and {n} are to be multiplied element by element"));
            }
        }
        let (batch, shared): (Vec<u32>, Vec<u32>) = in_both.iter().partition(|l| needed.contains(l));
        let own = |x: &Labelled| x.labels.iter().copied().filter(|l| !in_both.contains(l)).collect::<Vec<_>>();
        let (rows, columns) = (own(&a), own(&b));
        let left = self.folded(&a, [&batch, &rows, &shared])?;
        let right = self.folded(&b, [&batch, &shared, &columns])?;
        let product = if shared.is_empty() {
            self.builtin("mul", &[left, right])?
        } else {
            self.builtin("matmul", &[left, right])?
        };
        let mut shape = Vec::new();
        for (x, labels) in [(&a, &batch), (&a, &rows), (&b, &columns)] {
            for &label in labels {
                shape.push(self.extent_of(x, label)?);
            }
        }
        let array = self.reshaped(&product, &shape)?;
        Ok(Labelled { array, labels: [batch, rows, columns].concat() })
    }

    /// An operand as a stack of matrices: the batch, and two groups of axes laid end to end.
    fn folded(&mut self, x: &Labelled, groups: [&[u32]; 3]) -> Res<Val> {
        let array = self.ordered(x, &groups.concat())?;
        let mut shape = Vec::new();
        for &label in groups[0] {
            shape.push(self.extent_of(x, label)?);
        }
        for group in &groups[1..] {
            let mut size = 1;
            for &label in *group {
                size *= self.extent_of(x, label)?;
            }
            shape.push(size);
        }
        self.reshaped(&array, &shape)
    }
}
