//! Cotangents of nodes while a backward graph is built; in forward mode tangents, which come together in the same way.

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::NodeId;
use adjudicate_ir::types::Type;

/// The cotangent of a node, as far as it has come together.
#[derive(Clone, Debug)]
pub(crate) enum Cotangent {
    /// Nothing has reached the node.
    Zero,
    /// A node of the backward graph.
    Whole(NodeId),
    /// Of a tuple: one for each item.
    Items(Vec<Cotangent>),
}

impl Cotangent {
    /// Whether nothing has reached the node.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Cotangent::Zero => true,
            Cotangent::Whole(_) => false,
            Cotangent::Items(items) => items.iter().all(Cotangent::is_zero),
        }
    }

    /// The cotangent of a tuple of `count` items of which only item `i` has one.
    pub(crate) fn inject(count: usize, i: usize, d: Cotangent) -> Cotangent {
        let mut items = vec![Cotangent::Zero; count];
        items[i] = d;
        Cotangent::Items(items)
    }

    /// The cotangent of an item of a tuple.
    pub(crate) fn item(&self, b: &mut Builder, i: usize) -> Cotangent {
        match self {
            Cotangent::Zero => Cotangent::Zero,
            Cotangent::Whole(d) => Cotangent::Whole(b.get(*d, i)),
            Cotangent::Items(items) => items[i].clone(),
        }
    }

    /// The sum of two cotangents of one node.
    pub(crate) fn plus(self, other: Cotangent, b: &mut Builder) -> Cotangent {
        match (self, other) {
            (Cotangent::Zero, d) | (d, Cotangent::Zero) => d,
            (Cotangent::Whole(x), Cotangent::Whole(y)) => Cotangent::Whole(b.accumulate(x, y)),
            (x, y) => {
                let count = match (&x, &y) {
                    (Cotangent::Items(items), _) | (_, Cotangent::Items(items)) => items.len(),
                    _ => unreachable!("one of them has items"),
                };
                let sum = |i: usize| {
                    let (x, y) = (x.item(b, i), y.item(b, i));
                    x.plus(y, b)
                };
                Cotangent::Items((0..count).map(sum).collect())
            }
        }
    }

    /// The cotangent as one node of a cotangent type, zero where nothing came.
    pub(crate) fn materialise(&self, b: &mut Builder, ty: &Type) -> NodeId {
        match self {
            Cotangent::Zero => b.zero(ty.clone()),
            Cotangent::Whole(d) => *d,
            Cotangent::Items(items) => {
                let types = ty.as_tuple().expect("the cotangent of a tuple is a tuple");
                let nodes: Vec<NodeId> = items.iter().zip(types).map(|(item, ty)| item.materialise(b, ty)).collect();
                b.tuple(&nodes)
            }
        }
    }
}
