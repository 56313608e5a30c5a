//! Differentials of nodes while a graph is built: cotangents in reverse mode, tangents in forward mode. Both come
//! together in the same way.

use adjudicate_ir::builder::Builder;
use adjudicate_ir::graph::NodeId;
use adjudicate_ir::types::Type;

/// The cotangent or tangent of a node, as far as it has come together.
#[derive(Clone, Debug)]
pub(crate) enum Differential {
    /// Nothing has reached the node.
    Zero,
    /// A node of the graph that is built.
    Whole(NodeId),
    /// Of a tuple: one for each item.
    Items(Vec<Differential>),
}

impl Differential {
    /// Whether nothing has reached the node.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Differential::Zero => true,
            Differential::Whole(_) => false,
            Differential::Items(items) => items.iter().all(Differential::is_zero),
        }
    }

    /// The differential of a tuple of `count` items of which only item `i` has one.
    pub(crate) fn inject(count: usize, i: usize, d: Differential) -> Differential {
        let mut items = vec![Differential::Zero; count];
        items[i] = d;
        Differential::Items(items)
    }

    /// The differential of an item of a tuple.
    pub(crate) fn item(&self, b: &mut Builder, i: usize) -> Differential {
        match self {
            Differential::Zero => Differential::Zero,
            Differential::Whole(d) => Differential::Whole(b.get(*d, i)),
            Differential::Items(items) => items[i].clone(),
        }
    }

    /// The sum of two differentials of one node.
    pub(crate) fn plus(self, other: Differential, b: &mut Builder) -> Differential {
        match (self, other) {
            (Differential::Zero, d) | (d, Differential::Zero) => d,
            (Differential::Whole(x), Differential::Whole(y)) => Differential::Whole(b.accumulate(x, y)),
            (x, y) => {
                let count = match (&x, &y) {
                    (Differential::Items(items), _) | (_, Differential::Items(items)) => items.len(),
                    _ => unreachable!("one of them has items"),
                };
                let sum = |i: usize| {
                    let (x, y) = (x.item(b, i), y.item(b, i));
                    x.plus(y, b)
                };
                Differential::Items((0..count).map(sum).collect())
            }
        }
    }

    /// The differential as one node of its type, zero where nothing came.
    pub(crate) fn materialise(&self, b: &mut Builder, ty: &Type) -> NodeId {
        match self {
            Differential::Zero => b.zero(ty.clone()),
            Differential::Whole(d) => *d,
            Differential::Items(items) => {
                let types = ty.as_tuple().expect("the differential of a tuple is a tuple");
                let nodes: Vec<NodeId> = items.iter().zip(types).map(|(item, ty)| item.materialise(b, ty)).collect();
                b.tuple(&nodes)
            }
        }
    }
}
