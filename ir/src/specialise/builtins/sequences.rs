//! Tuples, ranges and what walks over them; attributes and methods.

use std::rc::Rc;
use std::sync::Arc;

use crate::graph::Const;
use crate::prims;
use crate::specialise::origin::Origin;
use crate::specialise::value::{Func, Val};
use crate::specialise::{Cx, Res};

use super::{Entry, Named};

/// Methods of arrays: functions of NumPy with the array in front.
const METHODS: &[&str] = &[
    "sum",
    "mean",
    "max",
    "min",
    "prod",
    "argmax",
    "argmin",
    "reshape",
    "transpose",
    "dot",
    "ravel",
    "flatten",
    "cumsum",
    "any",
    "all",
    "std",
    "var",
    "clip",
    "squeeze",
    "swapaxes",
    "take",
    "copy",
    "astype",
    "item",
    "repeat",
    "trace",
    "diagonal",
];

pub(super) fn find(name: &str) -> Option<Entry> {
    let entry: Entry = match name {
        "len" => |cx, _, args, _| cx.length(&args[0]),
        "iter_len" => |cx, _, args, _| cx.length(&args[0]),
        "iter_get" => |cx, _, args, _| cx.element(&args[0], &args[1]),
        "range" => range,
        "enumerate" => enumerate,
        "zip" => |_, _, args, _| Ok(Val::Zip(Rc::new(args))),
        "map" | "map_items" => map_items,
        "reversed" => reversed,
        "tuple" | "list" => |cx, _, args, _| match args.first() {
            None => Ok(Val::tuple(Vec::new())),
            Some(xs) => Ok(Val::tuple(cx.elements(xs, "the length of what becomes a tuple")?)),
        },
        "unpack" => unpack,
        "concat_tuples" => |cx, _, args, _| {
            let mut all = Vec::new();
            for arg in &args {
                all.extend(cx.elements(arg, "the number of arguments")?);
            }
            Ok(Val::tuple(all))
        },
        "apply_star" => |cx, _, args, named| {
            let all = cx.elements(&args[1], "the number of arguments")?;
            cx.call(&args[0], all, named)
        },
        "partial" => |_, _, mut args, _| {
            let function = args.remove(0);
            Ok(Val::func(Func::Partial { function: Box::new(function), args }))
        },
        "in" => membership,
        "getattr" => |cx, _, args, _| match &args[1] {
            Val::Str(name) => cx.attribute(&args[0], name),
            _ => cx.error("an attribute has a name"),
        },
        "max" | "min" | "amax" | "amin" => extremum,
        _ => return None,
    };
    Some(entry)
}

fn range(cx: &mut Cx<'_>, _: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    let parts = match &args[..] {
        [stop] => [Val::Int(0), stop.clone(), Val::Int(1)],
        [start, stop] => [start.clone(), stop.clone(), Val::Int(1)],
        [start, stop, step] => [start.clone(), stop.clone(), step.clone()],
        _ => return cx.error("`range` takes 1 to 3 arguments"),
    };
    for part in &parts {
        let (elem, shape) = cx.tensor_of(part)?;
        if elem == crate::types::Elem::F64 || !shape.is_empty() {
            return cx.error(format!("`range` takes integers, not {}", part.abs()));
        }
    }
    if parts[2] == Val::Int(0) {
        return cx.error("the step of a range must not be zero");
    }
    Ok(Val::Range(Rc::new(parts)))
}

fn enumerate(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
    let [xs, start] = cx.bind_builtin(name, ["iterable", "start"], args, named)?;
    let xs = cx.required(name, "iterable", xs)?;
    let start = start.unwrap_or(Val::Int(0));
    let length = cx.length(&xs)?;
    let stop = cx.call_builtin("add", vec![start.clone(), length], Vec::new())?;
    let range = Val::Range(Rc::new([start, stop, Val::Int(1)]));
    Ok(Val::Zip(Rc::new(vec![range, xs])))
}

fn map_items(cx: &mut Cx<'_>, name: &str, mut args: Vec<Val>, _: Named) -> Res<Val> {
    if args.len() < 2 {
        return cx.error(format!("`{name}` takes a function and a sequence"));
    }
    let function = args.remove(0);
    let walked = if args.len() == 1 { args.remove(0) } else { Val::Zip(Rc::new(args)) };
    let spread = matches!(walked, Val::Zip(_)) && name == "map";
    let mut out = Vec::new();
    for item in cx.elements(&walked, "the length of what is mapped")? {
        let args = match &item {
            Val::Tuple(items) if spread => items.to_vec(),
            _ => vec![item],
        };
        out.push(cx.call(&function, args, Vec::new())?);
    }
    Ok(Val::tuple(out))
}

fn reversed(cx: &mut Cx<'_>, _: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    if let Val::Range(parts) = &args[0] {
        let n = cx.length(&args[0])?;
        let last = cx.call_builtin("sub", vec![n.clone(), Val::Int(1)], Vec::new())?;
        let start = cx.element(&args[0], &last)?;
        let step = cx.call_builtin("neg", vec![parts[2].clone()], Vec::new())?;
        let stop = cx.call_builtin("mul", vec![step.clone(), n], Vec::new())?;
        let stop = cx.call_builtin("add", vec![start.clone(), stop], Vec::new())?;
        return Ok(Val::Range(Rc::new([start, stop, step])));
    }
    let mut items = cx.elements(&args[0], "the length of what is reversed")?;
    items.reverse();
    Ok(Val::tuple(items))
}

fn unpack(cx: &mut Cx<'_>, _: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    let Val::Int(wanted) = args[1] else { return cx.error("a number of targets is known") };
    let items = cx.elements(&args[0], "the number of items taken apart")?;
    if items.len() as i64 != wanted {
        return cx.error(format!("{} values are taken apart into {wanted} names", items.len()));
    }
    Ok(Val::tuple(items))
}

fn membership(cx: &mut Cx<'_>, _: &str, args: Vec<Val>, _: Named) -> Res<Val> {
    let Val::Tuple(items) = &args[1] else {
        return cx.error_help("`in` looks into tuples of known values only", "write a loop with `==`");
    };
    let mut any = Val::Bool(false);
    for item in items.iter() {
        let equal = cx.call_builtin("eq", vec![args[0].clone(), item.clone()], Vec::new())?;
        any = match (&any, &equal) {
            (Val::Bool(true), _) | (_, Val::Bool(true)) => Val::Bool(true),
            (Val::Bool(false), other) | (other, Val::Bool(false)) => other.clone(),
            _ => cx.logic(&prims::LOGICAL_OR, &[any, equal])?,
        };
    }
    Ok(any)
}

/// Python's `max`/`min` of several numbers or of a sequence, and NumPy's of an array.
fn extremum(cx: &mut Cx<'_>, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
    let pair = if name.ends_with("max") { "maximum" } else { "minimum" };
    let several = match &args[..] {
        [Val::Tuple(items)] if named.is_empty() && items.iter().all(|v| v.is_scalar()) => items.to_vec(),
        [a, b, ..] if named.is_empty() && !matches!(b, Val::None) && a.is_scalar() && !name.starts_with('a') => {
            args.clone()
        }
        _ => return super::arrays::reduce(cx, name, args, named),
    };
    let mut several = several.into_iter();
    let Some(mut best) = several.next() else { return cx.error(format!("`{name}` of nothing")) };
    for item in several {
        best = cx.call_builtin(pair, vec![best, item], Vec::new())?;
    }
    Ok(best)
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        matches!((self, other), (Val::Int(a), Val::Int(b)) if a == b) || matches!((self, other), (Val::None, Val::None))
    }
}

impl Val {
    fn is_scalar(&self) -> bool {
        match self {
            Val::Float(_) | Val::Int(_) | Val::Bool(_) => true,
            Val::Leaf(leaf) => leaf.ty.as_tensor().is_some_and(|(_, s)| s.is_empty()),
            _ => false,
        }
    }
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
                        Some(m) => self.call_builtin("minimum", vec![m, n], Vec::new())?,
                    });
                }
                Ok(shortest.unwrap_or(Val::Int(0)))
            }
            Val::Bottom => Ok(Val::Bottom),
            other => self.error(format!("{} cannot be walked over", other.abs())),
        }
    }

    fn range_length(&mut self, [start, stop, step]: &[Val; 3]) -> Res<Val> {
        let step = self.known_int(step, "the step of a range")?;
        let (from, to) = if step > 0 { (start, stop) } else { (stop, start) };
        let span = self.call_builtin("sub", vec![to.clone(), from.clone()], Vec::new())?;
        let up = self.call_builtin("add", vec![span, Val::Int(step.abs() - 1)], Vec::new())?;
        let trips = self.call_builtin("floordiv", vec![up, Val::Int(step.abs())], Vec::new())?;
        self.call_builtin("maximum", vec![trips, Val::Int(0)], Vec::new())
    }

    /// The element that a walk meets at a position.
    pub(in crate::specialise) fn element(&mut self, xs: &Val, i: &Val) -> Res<Val> {
        match xs {
            Val::Tuple(items) | Val::Record(_, items) => {
                let i = self.known_int(i, "the position in a tuple")?;
                match usize::try_from(i).ok().and_then(|i| items.get(i)) {
                    Some(item) => Ok(item.clone()),
                    None => self.error(format!("a tuple of {} items has no item {i}", items.len())),
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
        if let Val::Tuple(items) | Val::Record(_, items) = xs {
            return Ok(items.to_vec());
        }
        let n = self.length(xs)?;
        let n = self.known_int(&n, what)?;
        (0..n).map(|i| self.element(xs, &Val::Int(i))).collect()
    }

    fn attribute(&mut self, object: &Val, name: &Arc<str>) -> Res<Val> {
        if let Val::Record(ty, items) = object {
            if let Some(i) = ty.fields.iter().position(|f| f == name) {
                return Ok(items[i].clone());
            }
            if !matches!(&**name, "_replace" | "_asdict" | "keys" | "values" | "items") {
                let known = ty.fields.join(", ");
                return self.error_help(format!("`{}` has no field `{name}`", ty.name), format!("it has {known}"));
            }
        }
        if matches!(object, Val::Leaf(_) | Val::Float(_) | Val::Int(_)) {
            let (_, shape) = self.tensor_of(object)?;
            match &**name {
                "shape" => return Ok(Val::tuple(shape.iter().map(|&n| Val::Int(n as i64)).collect())),
                "ndim" => return Ok(Val::Int(shape.len() as i64)),
                "size" => return Ok(Val::Int(shape.iter().product::<usize>() as i64)),
                "T" => return self.call_builtin("np.transpose", vec![object.clone()], Vec::new()),
                "dtype" => return Ok(Val::None),
                _ => {}
            }
        }
        match object {
            Val::Func(_) => self.error(format!("a function has no attribute `{name}`")),
            Val::Bottom => Ok(Val::Bottom),
            Val::Record(..) => Ok(Val::func(Func::Method(name.clone(), Box::new(object.clone())))),
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
            return match name {
                "_replace" => {
                    let mut items = items.to_vec();
                    for (key, value) in named {
                        match ty.fields.iter().position(|f| *f == key) {
                            Some(i) => items[i] = value,
                            None => return self.error(format!("`{}` has no field `{key}`", ty.name)),
                        }
                    }
                    Ok(Val::Record(ty.clone(), Rc::new(items)))
                }
                "keys" => Ok(Val::tuple(ty.fields.iter().map(|f| Val::Str(f.clone())).collect())),
                "values" => Ok(Val::tuple(items.to_vec())),
                "items" => {
                    let pair = |(f, v): (&Arc<str>, &Val)| Val::tuple(vec![Val::Str(f.clone()), v.clone()]);
                    Ok(Val::tuple(ty.fields.iter().zip(items.iter()).map(pair).collect()))
                }
                _ => self.error(format!("`{}` has no method `{name}`", ty.name)),
            };
        }
        match name {
            "copy" | "item" => return Ok(object.clone()),
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
        super::arrays::stack(self, &items, 0)
    }

    pub(in crate::specialise) fn constant(&mut self, value: Const) -> Val {
        let node = self.builder().constant(value);
        self.leaf(node, Origin::Data)
    }
}
