//! Functions inside functions: paths to them, and how deeply those of one code are nested.

use crate::graph::GraphId;
use crate::types::Type;

use super::value::{Abs, Func, Val};

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    /// The code of the function whose part it is; `None` for items and for functions of the
    /// language itself.
    code: Option<GraphId>,
    item: usize,
}

/// The way from a value to one of its parts.
pub(super) type Path = Vec<Step>;

pub(super) fn step(code: Option<GraphId>, item: usize) -> Step {
    Step { code, item }
}

/// The graph of a function of the program.
pub(super) fn code_of<V>(f: &Func<V>) -> Option<GraphId> {
    match f {
        Func::Graph { graph, .. } => Some(*graph),
        _ => None,
    }
}

/// The value with the functions in it replaced that `new` says, outermost first.
pub(super) fn rewrite(abs: &Abs, path: &mut Path, new: &mut dyn FnMut(&Path, &Abs) -> Option<Abs>) -> Abs {
    let items = |items: &[Abs], path: &mut Path, new: &mut dyn FnMut(&Path, &Abs) -> Option<Abs>| {
        let part = |(i, abs)| inside(abs, step(None, i), path, new);
        items.iter().enumerate().map(part).collect::<Vec<_>>()
    };
    match abs {
        Abs::Func(_) | Abs::Choice(_) | Abs::Dyn(..) => {
            if let Some(other) = new(path, abs) {
                return other;
            }
            match abs {
                Abs::Func(f) => Abs::Func(rewrite_parts(f, path, new)),
                Abs::Choice(options) => Abs::Choice(options.iter().map(|f| rewrite_parts(f, path, new)).collect()),
                other => other.clone(),
            }
        }
        Abs::Slice(all) => Abs::Slice(items(all, path, new)),
        Abs::Tuple(all) => Abs::Tuple(items(all, path, new)),
        Abs::Record(ty, all) => Abs::Record(ty.clone(), items(all, path, new)),
        Abs::Range(all) => Abs::Range(items(all, path, new)),
        Abs::Zip(all) => Abs::Zip(items(all, path, new)),
        other => other.clone(),
    }
}

fn rewrite_parts(f: &Func<Abs>, path: &mut Path, new: &mut dyn FnMut(&Path, &Abs) -> Option<Abs>) -> Func<Abs> {
    let code = code_of(f);
    let part = |(i, abs)| inside(abs, step(code, i), path, new);
    f.rebuild(f.parts().into_iter().enumerate().map(part).collect())
}

fn inside(abs: &Abs, step: Step, path: &mut Path, new: &mut dyn FnMut(&Path, &Abs) -> Option<Abs>) -> Abs {
    path.push(step);
    let made = rewrite(abs, path, new);
    path.pop();
    made
}

/// How much there is of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Functions captured in one another.
    pub(super) depth: usize,
    /// Parts in all.
    pub(super) size: usize,
}

impl Abs {
    /// The parts of a structure or function, in order.
    pub(super) fn parts(&self) -> Vec<&Abs> {
        match self {
            Abs::Slice(items) | Abs::Tuple(items) | Abs::Record(_, items) | Abs::Range(items) | Abs::Zip(items) => {
                items.iter().collect()
            }
            Abs::Func(f) => f.parts(),
            Abs::Choice(options) => options.iter().flat_map(Func::parts).collect(),
            Abs::Bottom
            | Abs::Undefined
            | Abs::Leaf(_)
            | Abs::Int(_)
            | Abs::Bool(_)
            | Abs::Str(_)
            | Abs::None
            | Abs::Ellipsis
            | Abs::Dyn(..) => Vec::new(),
        }
    }

    /// How much there is of this.
    pub(super) fn extent(&self) -> Extent {
        let inner = self
            .parts()
            .into_iter()
            .map(Abs::extent)
            .fold(Extent::default(), |a, b| Extent { depth: a.depth.max(b.depth), size: a.size + b.size });
        let function = matches!(self, Abs::Func(_) | Abs::Choice(_));
        Extent { depth: inner.depth + usize::from(function), size: inner.size + 1 }
    }

    /// The outermost function that is captured in functions of its own code more than `limit` deep.
    pub(super) fn nested(&self, limit: usize) -> Option<(Path, &Func<Abs>)> {
        self.nested_below(limit, &mut Path::new())
    }

    fn nested_below(&self, limit: usize, path: &mut Path) -> Option<(Path, &Func<Abs>)> {
        let options: &[Func<Abs>] = match self {
            Abs::Func(f) => std::slice::from_ref(f),
            Abs::Choice(options) => options,
            _ => &[],
        };
        for f in options {
            if f.parts().into_iter().map(|part| part.chain(f)).max().unwrap_or(0) > limit {
                return Some((path.clone(), f));
            }
        }
        let of_options = options.iter().flat_map(|f| {
            let code = code_of(f);
            f.parts().into_iter().enumerate().map(move |(i, part)| (step(code, i), part))
        });
        let of_items = self.parts().into_iter().enumerate().map(|(i, part)| (step(None, i), part));
        let all: Vec<_> = if options.is_empty() { of_items.collect() } else { of_options.collect() };
        all.into_iter().find_map(|(step, part)| {
            path.push(step);
            let found = part.nested_below(limit, path);
            path.pop();
            found
        })
    }

    /// The most functions of the code of `f` on one way into this.
    fn chain(&self, f: &Func<Abs>) -> usize {
        let own = match self {
            Abs::Func(g) => g.same_code(f),
            Abs::Choice(options) => options.iter().any(|g| g.same_code(f)),
            _ => false,
        };
        usize::from(own) + self.parts().into_iter().map(|part| part.chain(f)).max().unwrap_or(0)
    }

    /// The value without the numbers that happen to be known.
    pub(super) fn forget(&self) -> Abs {
        let all = |items: &[Abs]| items.iter().map(Abs::forget).collect::<Vec<_>>();
        let func = |f: &Func<Abs>| f.rebuild(f.parts().into_iter().map(Abs::forget).collect());
        match self {
            Abs::Int(_) => Abs::Leaf(Type::i64()),
            Abs::Bool(_) => Abs::Leaf(Type::bool()),
            Abs::Slice(items) => Abs::Slice(all(items)),
            Abs::Tuple(items) => Abs::Tuple(all(items)),
            Abs::Record(ty, items) => Abs::Record(ty.clone(), all(items)),
            Abs::Range(items) => Abs::Range(all(items)),
            Abs::Zip(items) => Abs::Zip(all(items)),
            Abs::Func(f) => Abs::Func(func(f)),
            Abs::Choice(options) => Abs::Choice(options.iter().map(func).collect()),
            other => other.clone(),
        }
    }
}

impl Val {
    /// Whether there are at most `left` parts; takes off what there is.
    pub(super) fn within(&self, left: &mut usize) -> bool {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        match self {
            Val::Slice(parts) | Val::Range(parts) => parts.iter().all(|v| v.within(left)),
            Val::Tuple(items) | Val::Record(_, items) | Val::Zip(items) => items.iter().all(|v| v.within(left)),
            Val::Func(f) => f.parts().into_iter().all(|v| v.within(left)),
            Val::Choice(_, options) => options.iter().flat_map(Func::parts).all(|v| v.within(left)),
            Val::Bottom
            | Val::Undefined
            | Val::Leaf(_)
            | Val::Float(_)
            | Val::Int(_)
            | Val::Bool(_)
            | Val::Str(_)
            | Val::None
            | Val::Ellipsis
            | Val::Dyn(..) => true,
        }
    }
}
