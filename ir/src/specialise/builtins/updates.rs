//! `z += v` where another name may have what `z` holds: allowed for what cannot be changed.

use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};

use super::{Entry, Named};

pub(super) fn find(name: &str) -> Option<Entry> {
    (name == "rebind").then_some(rebind as Entry)
}

/// The value before the update; the second argument is what to write instead.
fn rebind(cx: &mut Cx<'_>, _: &str, mut args: Vec<Val>, _: Named) -> Res<Val> {
    let what = match &args[0] {
        Val::Leaf(leaf) if !leaf.ty.shape().is_empty() => "array",
        Val::Tuple(_) => "list",
        _ => return Ok(args.remove(0)),
    };
    let Val::Str(instead) = &args[1] else { return cx.error("the text of an update is known") };
    cx.error_help(
        format!("this changes the {what} in place, and something else may hold it too"),
        format!("write `{instead}`, which makes a new {what}"),
    )
}
