//! Which parts of a value have the axis of the lanes.

use crate::types::Type;

/// Which tensors of a value have the axis. Function values never count: see
/// [`Functions`](super::solve::Functions).
///
/// Masks have one form: items that are all alike are stated as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mask {
    /// None.
    None,
    /// All.
    All,
    /// Of a tuple, item by item; of a stack, for its items.
    Items(Vec<Mask>),
}

impl Mask {
    /// From those of the items.
    pub fn items(items: Vec<Mask>) -> Mask {
        if items.iter().all(|m| *m == Mask::None) {
            Mask::None
        } else if items.iter().all(|m| *m == Mask::All) {
            Mask::All
        } else {
            Mask::Items(items)
        }
    }

    /// Everything that can have it in a value of a type.
    pub fn full(ty: &Type) -> Mask {
        match ty {
            Type::Tensor(..) | Type::Env => Mask::All,
            Type::Tuple(items) => Mask::items(items.iter().map(Mask::full).collect()),
            Type::Stack(item) => Mask::items(vec![Mask::full(item)]),
            Type::Fn(_) | Type::Unknown => Mask::None,
        }
    }

    /// Of an item of a tuple. The items of a stack have one mask, that of item 0.
    #[must_use]
    pub fn item(&self, index: usize) -> Mask {
        match self {
            Mask::None | Mask::All => self.clone(),
            Mask::Items(items) => items[index].clone(),
        }
    }

    /// What either has.
    #[must_use]
    pub fn join(&self, other: &Mask) -> Mask {
        match (self, other) {
            (Mask::None, mask) | (mask, Mask::None) => mask.clone(),
            (Mask::All, _) | (_, Mask::All) => Mask::All,
            (Mask::Items(a), Mask::Items(b)) => Mask::items(a.iter().zip(b).map(|(a, b)| a.join(b)).collect()),
        }
    }

    /// Whether anything has the axis.
    pub fn any(&self) -> bool {
        *self != Mask::None
    }
}
