//! `z += v` where another name may have what `z` holds: allowed for what cannot be changed.

use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};

use super::{Call, Row, row};

pub(super) const ROWS: &[Row] = &[row(&["rebind"], "value, instead, /", rebind)];

/// The value before the update; the second argument is what to write instead.
fn rebind(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let what = match call.arg(0) {
        Val::Leaf(leaf) if !leaf.ty.shape().is_empty() => "array",
        Val::Tuple(_) => "list",
        other => return Ok(other.clone()),
    };
    let Val::Str(instead) = call.arg(1) else { return cx.error("the text of an update is known") };
    cx.error_help(
        format!("this changes the {what} in place, and something else may hold it too"),
        format!("write `{instead}`, which makes a new {what}"),
    )
}
