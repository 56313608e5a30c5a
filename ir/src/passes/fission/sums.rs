//! Sums in the core, in an order that leaves it less to add.

use crate::graph::{Graph, NodeId};
use crate::passes::rewrite::{readers, rebuild, sweep};
use crate::prims::ADD;

use super::parts::{ELEMENTS, Parts};

/// The body with the terms of each sum of the core in another order: those that come before are added to each other first,
/// which is then done for all trips at once. `None` if no sum has two of them beside a term of the core. Of large sums the
/// work counts and not the number of operations: to add in the core, in one walk with what reads the sum, is then less.
/// Sums of integers stay as they are: in another order they might overflow.
///
/// ```text
/// (xₜ + h W) + b   becomes   h W + (xₜ + b)
/// ```
pub(super) fn regrouped(parts: &Parts<'_>) -> Option<Graph> {
    let body = parts.body;
    let readers = readers(body);
    let is_sum = |id: NodeId| {
        parts.is_core(id) && body.is_prim(id, "add") && body.ty(id).is_float() && body.ty(id).size() < ELEMENTS
    };
    let goes_on =
        |sum: NodeId, arg: NodeId| is_sum(arg) && readers[arg.0 as usize] == 1 && body.ty(arg) == body.ty(sum);
    let mut inner = vec![false; body.nodes.len()];
    for (id, node) in body.iter().filter(|(id, _)| is_sum(*id)) {
        node.args.iter().for_each(|&arg| inner[arg.0 as usize] |= goes_on(id, arg));
    }
    let terms = |sum: NodeId| {
        let (mut terms, mut open) = (Vec::new(), vec![sum]);
        while let Some(id) = open.pop() {
            match id == sum || inner[id.0 as usize] {
                true => open.extend(body.node(id).args.iter().rev()),
                false => terms.push(id),
            }
        }
        terms
    };
    let mut changed = false;
    let mut copies: Vec<Option<NodeId>> = vec![None; body.nodes.len()];
    let mut new = rebuild(body, |b, id, op, args| {
        for (arg, copy) in body.node(id).args.iter().zip(args) {
            copies[arg.0 as usize] = Some(*copy);
        }
        let (before, rest): (Vec<NodeId>, Vec<NodeId>) = match is_sum(id) && !inner[id.0 as usize] {
            true => terms(id).into_iter().partition(|&term| parts.is_before(term)),
            false => Default::default(),
        };
        if before.len() < 2 || rest.is_empty() {
            return b.emit(op.clone(), args, body.ty(id).clone());
        }
        changed = true;
        let mut total = |terms: Vec<NodeId>| {
            let copies = terms.iter().map(|term| copies[term.0 as usize].expect("terms are read by sums"));
            copies.reduce(|sum, term| b.prim(&ADD, &[], &[sum, term])).expect("there are terms")
        };
        let (rest, before) = (total(rest), total(before));
        b.prim(&ADD, &[], &[rest, before])
    });
    changed.then(|| {
        sweep(&mut new);
        new
    })
}
