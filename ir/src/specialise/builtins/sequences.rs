//! Tuples, ranges and what walks over them; attributes and methods of arrays.

use std::rc::Rc;
use std::sync::Arc;

use crate::graph::Const;
use crate::prims;
use crate::span::plural;
use crate::specialise::origin::Origin;
use crate::specialise::value::{Func, Val};
use crate::specialise::{Cx, Res, Stop};

use super::records::{is_dict, keys};
use super::{Call, Named, Row, row};

/// Methods of arrays: the functions of NumPy of these names, and `flatten` and `item`.
const METHODS: &[&str] = &[
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "astype",
    "clip",
    "copy",
    "cumprod",
    "cumsum",
    "diagonal",
    "dot",
    "flatten",
    "item",
    "max",
    "mean",
    "min",
    "prod",
    "ravel",
    "repeat",
    "reshape",
    "round",
    "squeeze",
    "std",
    "sum",
    "swapaxes",
    "take",
    "trace",
    "transpose",
    "var",
];

pub(super) const ROWS: &[Row] = &[
    row(&["len", "iter_len"], "obj, /", |cx, call| cx.length(call.arg(0))),
    row(&["iter_get"], "xs, i, /", |cx, call| cx.element(call.arg(0), call.arg(1))),
    row(&["range"], "start, stop=, step=, /", range),
    row(&["enumerate"], "iterable, start=", enumerate),
    row(&["zip"], "*iterables", |cx, call| {
        for xs in call.rest() {
            cx.length(xs)?;
        }
        Ok(Val::Zip(Rc::new(call.rest().to_vec())))
    }),
    row(&["map", "map_items"], "function, iterable, /, *iterables", map_items),
    row(&["flat_items"], "function, iterable, /", |cx, call| {
        let mut all = Vec::new();
        for part in cx.elements(call.arg(1), "the length of what is mapped")? {
            let part = cx.call(call.arg(0), vec![part], Vec::new())?;
            all.extend(cx.elements(&part, "the length of what is mapped")?);
            cx.check_items(all.len())?;
        }
        Ok(Val::tuple(all))
    }),
    row(&["kept"], "test, /", kept),
    row(&["reversed"], "sequence, /", reversed),
    row(&["tuple", "list"], "iterable=, /", |cx, call| match call.given(0) {
        None => Ok(Val::tuple(Vec::new())),
        Some(xs) => Ok(Val::tuple(cx.elements(xs, "the length of what becomes a tuple")?)),
    }),
    row(&["unpack"], "xs, count, /", unpack),
    row(&["concat_tuples"], "*parts", |cx, call| {
        let mut all = Vec::new();
        for part in call.rest() {
            all.extend(cx.elements(part, "the number of arguments")?);
        }
        cx.check_items(all.len())?;
        Ok(Val::tuple(all))
    }),
    row(&["in"], "x, xs, /", membership),
    row(&["getattr"], "object, name, /", |cx, call| match call.arg(1) {
        Val::Str(name) => cx.attribute(call.arg(0), &name.clone()),
        _ => cx.error("an attribute has a name"),
    }),
];

/// Whether an item of a comprehension is kept: the number of those that are must be known.
fn kept(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    match cx.known_bool(call.arg(0), "which items a comprehension keeps") {
        Ok(kept) => Ok(Val::Bool(kept)),
        Err(Stop::Error(mut error)) => {
            error.help = Some("lengths are static: choose values with `a if c else b` or np.where".to_owned());
            Err(Stop::Error(error))
        }
        Err(Stop::Restart) => Err(Stop::Restart),
    }
}

/// Calls that pass on arguments of their own, keyword arguments too.
pub(super) fn call_forwarding(cx: &mut Cx<'_>, name: &str, args: &[Val], named: &Named) -> Option<Res<Val>> {
    match (name, args) {
        ("apply_star", [function, spread]) => {
            let all = cx.elements(spread, "the number of arguments");
            Some(all.and_then(|all| cx.call(function, all, named.clone())))
        }
        ("functools.partial", [function, fixed @ ..]) if named.is_empty() => {
            let partial = Func::Partial { function: Box::new(function.clone()), args: fixed.to_vec() };
            Some(Ok(Val::func(partial)))
        }
        ("functools.partial", _) => Some(cx.error_help(
            "`functools.partial` takes a function and arguments by position",
            "write `lambda x: f(x, name=value)`",
        )),
        _ => None,
    }
}

fn range(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let step = call.get(2).cloned().unwrap_or(Val::Int(1));
    let parts = match call.get(1) {
        None => [Val::Int(0), call.arg(0).clone(), step],
        Some(stop) => [call.arg(0).clone(), stop.clone(), step],
    };
    for part in &parts {
        let (elem, shape) = cx.tensor_of(part)?;
        if elem == crate::types::Elem::F64 || !shape.is_empty() {
            return cx.error(format!("`range` takes integers, not {}", part.abs()));
        }
    }
    if matches!(parts[2], Val::Int(0)) {
        return cx.error("the step of a range must not be zero");
    }
    Ok(Val::Range(Rc::new(parts)))
}

fn enumerate(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let start = call.get(1).cloned().unwrap_or(Val::Int(0));
    let length = cx.length(call.arg(0))?;
    let stop = cx.builtin("add", &[start.clone(), length])?;
    let range = cx.builtin("range", &[start, stop])?;
    Ok(Val::Zip(Rc::new(vec![range, call.arg(0).clone()])))
}

fn map_items(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let function = call.arg(0);
    let walked = if call.rest().is_empty() {
        call.arg(1).clone()
    } else {
        Val::Zip(Rc::new(std::iter::once(call.arg(1)).chain(call.rest()).cloned().collect()))
    };
    let spread = !call.rest().is_empty();
    let mut out = Vec::new();
    for item in cx.elements(&walked, "the length of what is mapped")? {
        let args = match &item {
            Val::Tuple(items) if spread => items.to_vec(),
            _ => vec![item],
        };
        out.push(cx.call(function, args, Vec::new())?);
    }
    Ok(Val::tuple(out))
}

fn reversed(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let xs = call.arg(0);
    if let Val::Range(parts) = xs {
        let n = cx.length(xs)?;
        let last = cx.builtin("sub", &[n.clone(), Val::Int(1)])?;
        let start = cx.element(xs, &last)?;
        let step = cx.builtin("neg", &[parts[2].clone()])?;
        let stop = cx.builtin("mul", &[step.clone(), n])?;
        let stop = cx.builtin("add", &[start.clone(), stop])?;
        return Ok(Val::Range(Rc::new([start, stop, step])));
    }
    let mut items = cx.elements(xs, "the length of what is reversed")?;
    items.reverse();
    Ok(Val::tuple(items))
}

fn unpack(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let Val::Int(wanted) = *call.arg(1) else { return cx.error("a number of targets is known") };
    let items = cx.elements(call.arg(0), "the number of items taken apart")?;
    if items.len() as i64 != wanted {
        let (found, into) = (plural(items.len(), "value"), plural(wanted.unsigned_abs() as usize, "name"));
        let verb = if items.len() == 1 { "is" } else { "are" };
        return cx.error(format!("{found} {verb} taken apart into {into}"));
    }
    Ok(Val::tuple(items))
}

fn membership(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let items = match call.arg(1) {
        Val::Record(ty, _) if is_dict(ty) => keys(ty),
        other => other.clone(),
    };
    let Val::Tuple(items) = items else {
        return cx.error_help("`in` looks into tuples of known values only", "write a loop with `==`");
    };
    let mut any = Val::Bool(false);
    for item in items.iter() {
        let equal = cx.builtin("eq", &[call.arg(0).clone(), item.clone()])?;
        any = match (&any, &equal) {
            (Val::Bool(true), _) | (_, Val::Bool(true)) => Val::Bool(true),
            (Val::Bool(false), other) | (other, Val::Bool(false)) => other.clone(),
            _ => cx.logic(&prims::LOGICAL_OR, &[any, equal])?,
        };
    }
    Ok(any)
}

impl Cx<'_> {
    /// How many elements a walk over a value meets.
    pub(in crate::specialise) fn length(&mut self, xs: &Val) -> Res<Val> {
        match xs {
            Val::Tuple(items) | Val::Record(_, items) => Ok(Val::Int(items.len() as i64)),
            Val::Leaf(leaf) => match leaf.ty.as_tensor() {
                Some((_, [n, ..])) => Ok(Val::Int(*n as i64)),
                _ => self.error("a number has no length and cannot be walked over"),
            },
            Val::Range(parts) => self.range_length(&parts.clone()),
            Val::Zip(walked) => {
                let mut shortest: Option<Val> = None;
                for xs in walked.iter() {
                    let n = self.length(xs)?;
                    shortest = Some(match shortest {
                        None => n,
                        Some(m) => self.call_builtin("np.minimum", vec![m, n], Vec::new())?,
                    });
                }
                Ok(shortest.unwrap_or(Val::Int(0)))
            }
            Val::Bottom => Ok(Val::Bottom),
            other => self.error(format!("{} cannot be walked over", other.abs())),
        }
    }

    fn range_length(&mut self, [start, stop, step]: &[Val; 3]) -> Res<Val> {
        let step = self.known_int(step, "the step of a range")?.max(-i64::MAX);
        let (from, to) = if step > 0 { (start, stop) } else { (stop, start) };
        let span = self.call_builtin("sub", vec![to.clone(), from.clone()], Vec::new())?;
        let up = self.call_builtin("add", vec![span, Val::Int(step.abs() - 1)], Vec::new())?;
        let trips = self.call_builtin("floordiv", vec![up, Val::Int(step.abs())], Vec::new())?;
        self.call_builtin("np.maximum", vec![trips, Val::Int(0)], Vec::new())
    }

    /// The element that a walk meets at a position.
    pub(in crate::specialise) fn element(&mut self, xs: &Val, i: &Val) -> Res<Val> {
        match xs {
            Val::Record(ty, _) if is_dict(ty) => self.element(&keys(ty), i),
            Val::Tuple(items) | Val::Record(_, items) => {
                let i = self.known_int(i, "the position in a tuple")?;
                match usize::try_from(i).ok().and_then(|i| items.get(i)) {
                    Some(item) => Ok(item.clone()),
                    None => self.error(format!("a tuple of {} has no item {i}", plural(items.len(), "item"))),
                }
            }
            Val::Range(parts) => {
                let offset = self.call_builtin("mul", vec![i.clone(), parts[2].clone()], Vec::new())?;
                self.call_builtin("add", vec![parts[0].clone(), offset], Vec::new())
            }
            Val::Zip(walked) => {
                let items = walked.iter().map(|xs| self.element(xs, i)).collect::<Res<_>>()?;
                Ok(Val::tuple(items))
            }
            Val::Leaf(_) => {
                let (array, at) = (self.node(xs)?, self.node(i)?);
                let node = self.prim(&prims::INDEX, &[], &[array, at])?;
                let origin = Self::origin_of(xs).and(&Self::origin_of(i));
                Ok(self.leaf(node, origin))
            }
            Val::Bottom => Ok(Val::Bottom),
            other => self.error(format!("{} cannot be walked over", other.abs())),
        }
    }

    /// All elements that a walk meets; their number must be known.
    pub(in crate::specialise) fn elements(&mut self, xs: &Val, what: &str) -> Res<Vec<Val>> {
        match xs {
            Val::Record(ty, _) if is_dict(ty) => return self.elements(&keys(ty), what),
            Val::Tuple(items) | Val::Record(_, items) => return Ok(items.to_vec()),
            _ => {}
        }
        let n = self.length(xs)?;
        let n = self.known_int(&n, what)?;
        self.check_items(usize::try_from(n).unwrap_or(usize::MAX))?;
        (0..n).map(|i| self.element(xs, &Val::Int(i))).collect()
    }

    fn attribute(&mut self, object: &Val, name: &Arc<str>) -> Res<Val> {
        if let Val::Record(ty, items) = object {
            return self.field(ty, items, name);
        }
        if matches!(object, Val::Leaf(_) | Val::Float(_) | Val::Int(_)) {
            let (_, shape) = self.tensor_of(object)?;
            match &**name {
                "shape" => return Ok(Val::tuple(shape.iter().map(|&n| Val::Int(n as i64)).collect())),
                "ndim" => return Ok(Val::Int(shape.len() as i64)),
                "size" => return Ok(Val::Int(shape.iter().product::<usize>() as i64)),
                "T" => return self.call_builtin("np.transpose", vec![object.clone()], Vec::new()),
                "mT" => return self.builtin("np.swapaxes", &[object.clone(), Val::Int(-1), Val::Int(-2)]),
                _ => {}
            }
        }
        match object {
            Val::Func(_) => self.error(format!("a function has no attribute `{name}`")),
            Val::Bottom => Ok(Val::Bottom),
            _ if !METHODS.contains(&&**name) => {
                let near = crate::frontend::names::nearest(name, METHODS.iter().copied());
                let help =
                    near.map_or("write it with functions of `np`".to_owned(), |n| format!("did you mean `{n}`?"));
                self.error_help(format!("{} has no attribute `{name}` here", object.abs()), help)
            }
            _ => Ok(Val::func(Func::Method(name.clone(), Box::new(object.clone())))),
        }
    }

    /// Calls a method.
    pub(in crate::specialise) fn call_method(
        &mut self,
        name: &str,
        object: &Val,
        mut args: Vec<Val>,
        named: Named,
    ) -> Res<Val> {
        if let Val::Record(ty, items) = object {
            return self.record_method(name, ty, items, &args, named);
        }
        if !METHODS.contains(&name) || !matches!(object, Val::Leaf(_) | Val::Float(_) | Val::Int(_) | Val::Bool(_)) {
            return self.error(format!("{} has no method `{name}`", object.abs()));
        }
        match name {
            "flatten" => return self.call_builtin("np.ravel", vec![object.clone()], named),
            "item" if args.is_empty() && named.is_empty() => return self.reshaped(object, &[]),
            "item" => return self.error_help("`item` takes no arguments here", "index the array"),
            "reshape" | "transpose" if args.len() > 1 => args = vec![Val::tuple(args)],
            _ => {}
        }
        args.insert(0, object.clone());
        self.call_builtin(&format!("np.{name}"), args, named)
    }

    /// A tuple of numbers or arrays as an array; everything else as it is.
    pub(in crate::specialise) fn as_array(&mut self, value: &Val) -> Res<Val> {
        let Val::Tuple(items) = value else { return Ok(value.clone()) };
        let items = items.iter().map(|v| self.as_array(v)).collect::<Res<Vec<_>>>()?;
        if items.is_empty() {
            return Ok(self.constant(Const::Array(adjudicate_kernels::Array::zeros(&[0]))));
        }
        super::shaping::stack(self, &items, 0)
    }

    pub(in crate::specialise) fn constant(&mut self, value: Const) -> Val {
        let node = self.builder().constant(value);
        self.leaf(node, Origin::Data)
    }
}
