//! Functions of Python itself that take numbers: conversions, `round`, `sum`, `max` and `min`.

use crate::prims;
use crate::span::Diagnostic;
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};
use crate::types::Elem;

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[
    row(&["float", "np.float64", "np.double"], "x=, /", |cx, call| match call.given(0) {
        None => Ok(Val::Float(0.0)),
        Some(x) => cx.float(call, x),
    }),
    row(&["int", "np.int64"], "x=, /", |cx, call| match call.given(0) {
        None => Ok(Val::Int(0)),
        Some(x) => cx.integer(x),
    }),
    row(&["round"], "number, ndigits=", |cx, call| {
        cx.check_number("round", call.arg(0))?;
        match call.get(1) {
            Some(digits) => cx.builtin("np.round", &[call.arg(0).clone(), digits.clone()]),
            None => {
                let whole = cx.builtin("np.round", &[call.arg(0).clone()])?;
                cx.integer(&whole)
            }
        }
    }),
    row(&["assert"], "test, /", asserted),
    row(&["sum"], "iterable, /, start=", sum),
    row(&["max"], "*args", extremum),
    row(&["min"], "*args", extremum),
    row(&["all"], "iterable, /", quantified),
    row(&["any"], "iterable, /", quantified),
];

/// What an `assert` says is checked before the program runs, or refused: there are no exceptions. What does not hold is
/// wrong only if the run comes there.
fn asserted(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let origin = match call.arg(0) {
        Val::Bool(true) => return Ok(Val::None),
        Val::Bool(false) => cx.under(),
        Val::Leaf(leaf) => Some(leaf.origin.clone()),
        other => return cx.error(format!("an `assert` needs a condition, not {}", other.abs())),
    };
    let Some(origin) = origin else { return cx.error("what this `assert` says does not hold") };
    let message = "this `assert` depends on run-time data, and there are no exceptions";
    let help = "leave it out, or return a value that says what went wrong, such as `math.nan`";
    let why = Diagnostic::new(cx.span, message).help(help);
    cx.known_or(&origin, why)
}

/// Python's `sum`: the elements that a walk meets, added to a start.
fn sum(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let start = call.given(1).cloned().unwrap_or(Val::Int(0));
    let xs = call.arg(0);
    if let Val::Leaf(_) = xs {
        cx.length(xs)?;
        let total = cx.builtin("np.sum", &[xs.clone(), Val::Int(0)])?;
        return match start {
            Val::Int(0) => Ok(total),
            start => cx.builtin("add", &[start, total]),
        };
    }
    let mut items = cx.elements(xs, "the length of what is summed")?.into_iter();
    let first = match (&start, items.next()) {
        (_, None) => return Ok(start),
        (Val::Int(0), Some(first)) if !matches!(first, Val::Tuple(_)) => first,
        (_, Some(first)) => cx.builtin("add", &[start, first])?,
    };
    items.try_fold(first, |total, item| cx.builtin("add", &[total, item]))
}

/// Python's `max` and `min`, of several numbers or of those of a sequence: of equal ones the first,
/// and NaN is neither greater nor less.
fn extremum(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let items = match call.rest() {
        [] => return cx.error(format!("`{}` is called without arguments", call.name)),
        [xs] => {
            if let Val::Leaf(leaf) = xs
                && leaf.ty.shape().len() == 1
            {
                return cx.builtin(&format!("np.{}", call.name), std::slice::from_ref(xs));
            }
            cx.elements(xs, "the length of what is compared")?
        }
        several => several.to_vec(),
    };
    let mut items = items.into_iter();
    let Some(mut best) = items.next() else { return cx.error(format!("`{}` of nothing", call.name)) };
    let better = if call.op == "max" { "gt" } else { "lt" };
    cx.check_scalar(call, &best)?;
    for item in items {
        cx.check_scalar(call, &item)?;
        let wins = cx.builtin(better, &[item.clone(), best.clone()])?;
        best = match wins {
            Val::Bool(true) => item,
            Val::Bool(false) => best,
            wins => cx.select(&wins, &item, &best)?,
        };
    }
    Ok(best)
}

/// Python's `all` and `any`.
fn quantified(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    if let Val::Leaf(leaf) = call.arg(0) {
        if leaf.ty.shape().len() != 1 {
            return cx.error_help("the elements of this are not one boolean each", format!("write `np.{}`", call.name));
        }
        return cx.builtin(&format!("np.{}", call.name), &[call.arg(0).clone()]);
    }
    let all = call.op == "all";
    let def = if all { &prims::LOGICAL_AND } else { &prims::LOGICAL_OR };
    let mut result = Val::Bool(all);
    for item in cx.elements(call.arg(0), "the length of what is walked over")? {
        let item = cx.truth(&item)?;
        result = match (result, item) {
            (Val::Bool(known), other) | (other, Val::Bool(known)) if known == all => other,
            (Val::Bool(known), _) | (_, Val::Bool(known)) => Val::Bool(known),
            (one, other) => cx.logic(def, &[one, other])?,
        };
    }
    Ok(result)
}

impl Cx<'_> {
    fn float(&mut self, call: &Call, x: &Val) -> Res<Val> {
        if let Val::Str(text) = x {
            let number = text.trim().parse();
            return number.map(Val::Float).or_else(|_| self.error(format!("{text:?} is not a number")));
        }
        if call.name == "float" {
            let (_, shape) = self.tensor_of(x)?;
            if !shape.is_empty() {
                return self.error_help("an array is not one number", "write `x.astype(float)` for every element");
            }
        }
        self.floats_of(x)
    }

    fn check_scalar(&mut self, call: &Call, x: &Val) -> Res<()> {
        match self.tensor_of(x)? {
            (_, shape) if shape.is_empty() => Ok(()),
            (Elem::F64 | Elem::I64 | Elem::Bool, _) => {
                let help = format!("write `np.{0}` for the {0} of an array, `np.{0}imum` for that of two", call.name);
                self.error_help(format!("`{}` compares numbers, not arrays", call.name), help)
            }
        }
    }
}
