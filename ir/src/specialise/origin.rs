//! Where a run-time integer or boolean comes from, so that it can be made known where a shape
//! needs it.
//!
//! By default a function is copied once for all integers. Where a shape, a tuple index or the like
//! needs an integer that depends on parameters, those parameters become *static*: the function is
//! then copied once per value. Where it depends on a loop's counter, the loop is unrolled. Both
//! are remembered as marks, and specialisation starts again; marks only grow, so it ends.

use std::rc::Rc;

use crate::graph::{GraphId, NodeId};

/// What can be made known by specialising more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Source {
    /// A leaf of an input of a function: the input is a free variable or parameter, by number.
    Input { graph: GraphId, input: usize, leaf: usize },
    /// The state of a loop: known in each trip if the loop is unrolled.
    Loop { graph: GraphId, node: NodeId },
    /// An integer leaf of the arguments of the entry.
    Entry(usize),
}

/// What a run-time value depends on.
#[derive(Clone, Debug, Default)]
pub(super) enum Origin {
    /// Nothing that could be made known, or something that cannot.
    #[default]
    Data,
    /// It would be known if all of these were.
    From(Rc<Vec<Source>>),
}

impl Origin {
    /// Depends on one source.
    pub(super) fn one(source: Source) -> Origin {
        Origin::From(Rc::new(vec![source]))
    }

    /// Depends on everything that both depend on.
    pub(super) fn and(&self, other: &Origin) -> Origin {
        match (self, other) {
            (Origin::From(a), Origin::From(b)) => {
                let mut all: Vec<_> = a.iter().chain(b.iter()).cloned().collect();
                all.sort();
                all.dedup();
                Origin::From(Rc::new(all))
            }
            (Origin::Data, _) | (_, Origin::Data) => Origin::Data,
        }
    }
}
