//! Derivatives as functions of the language.
//!
//! One operation carries them all: [`Op::Vjp`], the value of a function and the cotangents of its
//! arguments for given cotangents of its result. The gradient seeds it with 1; a Jacobian–vector
//! product is the pullback of the pullback, which is linear (a strategy with a forward mode of its own may
//! know it by that form); Jacobians and Hessians seed it with all unit cotangents at once.

use std::mem;
use std::rc::Rc;
use std::sync::Arc;

use crate::graph::{NodeId, Op, VjpSpec};
use crate::prims;
use crate::program::Ask;
use crate::span::{Span, given, plural};
use crate::types::{Elem, Type};

use super::value::{Abs, Derived, Func, Leaf, Val, Wrt};
use super::{Cx, Res};

/// The cotangent of a result.
#[derive(Clone, Copy)]
pub(super) enum Seed<'v> {
    /// 1, of a float; and what that is for.
    One(Purpose),
    /// This value.
    Given(&'v Val),
    /// All unit cotangents of one leaf at once.
    Units(usize),
}

/// The derivative that a gradient is taken for.
#[derive(Clone, Copy, Default)]
pub(super) enum Purpose {
    #[default]
    Gradient,
    Hessian,
    HessianVectorProduct,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::Gradient => "gradient",
            Purpose::Hessian => "Hessian",
            Purpose::HessianVectorProduct => "Hessian\u{2013}vector product",
        }
    }

    /// What to do where the result is not one float.
    fn instead(self) -> &'static str {
        match self {
            Purpose::Gradient => "ask for the `jacobian`, or sum the result",
            Purpose::Hessian => "sum the result, or write `jacobian(jacobian(f))`",
            Purpose::HessianVectorProduct => "sum the result",
        }
    }
}

impl Seed<'_> {
    fn has_bottom(&self) -> bool {
        matches!(self, Seed::Given(value) if value.has_bottom())
    }
}

impl Cx<'_> {
    /// What a request asks of its function.
    pub(super) fn ask_derivative(&mut self, ask: Ask, wrt: Wrt, function: Val, args: Vec<Val>) -> Res<Val> {
        let derived =
            |kind, function| Val::func(Func::Derived { kind, wrt: wrt.clone(), function: Box::new(function) });
        match ask {
            Ask::Value => self.call(&function, args, Vec::new()),
            Ask::Gradient => {
                let mut f = derived(Derived::Grad, function);
                for _ in 1..self.request.order {
                    f = derived(Derived::Jacobian, f);
                }
                self.call(&f, args, Vec::new())
            }
            Ask::ValueAndGradient => self.call(&derived(Derived::ValueAndGrad, function), args, Vec::new()),
            Ask::Jacobian => self.call(&derived(Derived::Jacobian, function), args, Vec::new()),
            Ask::Hessian => self.call(&derived(Derived::Hessian, function), args, Vec::new()),
            Ask::Hvp => self.call(&derived(Derived::Hvp, function), args, Vec::new()),
            Ask::Jvp => {
                let (args, vectors) = self.split_vectors(None, &wrt, args)?;
                self.push_forward(&wrt, function, args, vectors)
            }
            Ask::Vjp => {
                let (args, cotangent) = self.split_cotangent(args)?;
                Ok(self.vjp(&function, &wrt, args, Seed::Given(&cotangent))?.1)
            }
        }
    }

    /// Arguments and the cotangent of the result, which follows them.
    fn split_cotangent(&mut self, mut args: Vec<Val>) -> Res<(Vec<Val>, Val)> {
        match args.pop() {
            Some(cotangent) if !args.is_empty() => Ok((args, cotangent)),
            _ => self.error_help(
                "a product with a cotangent needs arguments and a cotangent",
                "the cotangent of the result follows the arguments",
            ),
        }
    }

    /// Arguments and the vectors that follow them, one for each of `wrt`; `hvp` is the function whose product it is.
    fn split_vectors(&mut self, hvp: Option<&Val>, wrt: &Wrt, mut args: Vec<Val>) -> Res<(Vec<Val>, Vec<Val>)> {
        let count = wrt.positions().len();
        let parameters = hvp.and_then(|function| self.parameters(function));
        let fits = match &parameters {
            Some(all) => (all.required() + count..=all.names.len() + count).contains(&args.len()),
            None => args.len() >= 2 * count,
        };
        if !fits {
            let message = match parameters {
                Some(all) => {
                    let (least, most) = (all.required() + count, all.names.len() + count);
                    let from = if least < most { format!("{least} to ") } else { String::new() };
                    let takes = plural(most, "argument");
                    format!("`{}` takes {from}{takes}, but {}", product_form(&all, wrt), given(args.len()))
                }
                None => format!(
                    "a product with a vector takes {} or more, but {}",
                    plural(2 * count, "argument"),
                    given(args.len())
                ),
            };
            return self.error_help(message, "one vector for each differentiated argument follows the arguments");
        }
        let vectors = args.split_off(args.len() - count);
        Ok((args, vectors))
    }

    /// The parameters of a function, if they have names.
    fn parameters(&self, function: &Val) -> Option<Parameters> {
        let Val::Func(f) = function else { return None };
        match &**f {
            Func::Graph { graph, defaults, .. } => {
                let table = self.src.graph(*graph);
                // Those given by name only are not among the arguments of a call by position.
                let positional = table.signature.names.len() - table.signature.keyword_only;
                let spans = table.params.iter().map(|&param| table.node(param).span).collect();
                let names = table.signature.names[..positional].to_vec();
                let name = if &*table.name == "lambda" { "f".into() } else { table.name.clone() };
                Some(Parameters {
                    name,
                    span: table.span,
                    names,
                    spans,
                    defaults: defaults.len().saturating_sub(table.signature.keyword_only),
                })
            }
            Func::Derived { function, kind, .. } if *kind != Derived::Hvp => {
                self.parameters(function).map(|inner| Parameters { name: "f".into(), ..inner })
            }
            _ => None,
        }
    }

    /// Calls one of the functions that derivatives are made of.
    pub(super) fn call_derived(&mut self, f: &Func<Val>, args: Vec<Val>) -> Res<Val> {
        match f {
            Func::Derived { kind, wrt, function } => self.call_kind(*kind, wrt, function, args),
            Func::Restricted { function, wrt, args: fixed } => {
                let mut all = fixed.clone();
                for (&i, arg) in wrt.positions().iter().zip(args) {
                    all[i] = arg;
                }
                self.call(function, all, Vec::new())
            }
            Func::Pullback { function, args: at } => {
                let [seed] = &args[..] else { return self.error("a pullback takes one cotangent") };
                let wrt = Wrt::Many((0..at.len()).collect());
                let (_, cotangents) = self.vjp(function, &wrt, at.clone(), Seed::Given(seed))?;
                Ok(cotangents)
            }
            other => panic!("{other:?} is not a derivative"),
        }
    }

    fn call_kind(&mut self, kind: Derived, wrt: &Wrt, function: &Val, args: Vec<Val>) -> Res<Val> {
        let again =
            |kind, function: Val| Val::func(Func::Derived { kind, wrt: wrt.clone(), function: Box::new(function) });
        match kind {
            Derived::Grad => {
                let purpose = mem::take(&mut self.purpose);
                Ok(self.vjp(function, wrt, args, Seed::One(purpose))?.1)
            }
            Derived::ValueAndGrad => {
                let (value, gradient) = self.vjp(function, wrt, args, Seed::One(Purpose::Gradient))?;
                Ok(Val::tuple(vec![value, gradient]))
            }
            Derived::Jacobian => self.jacobian(wrt, function, args),
            Derived::Hessian => {
                let jacobian = again(Derived::Jacobian, again(Derived::Grad, function.clone()));
                self.on_purpose(Purpose::Hessian, |cx| cx.call(&jacobian, args, Vec::new()))
            }
            Derived::Hvp => {
                let (args, vectors) = self.split_vectors(Some(function), wrt, args)?;
                let gradient = again(Derived::Grad, function.clone());
                self.on_purpose(Purpose::HessianVectorProduct, |cx| cx.push_forward(wrt, gradient, args, vectors))
            }
        }
    }

    /// Makes a derivative whose first gradient is for this.
    fn on_purpose(&mut self, purpose: Purpose, make: impl FnOnce(&mut Self) -> Res<Val>) -> Res<Val> {
        self.purpose = purpose;
        let made = make(self);
        self.purpose = Purpose::default();
        made
    }

    /// The tangent of a function of its `wrt` arguments along vectors.
    fn push_forward(&mut self, wrt: &Wrt, function: Val, args: Vec<Val>, vectors: Vec<Val>) -> Res<Val> {
        self.check_positions(wrt, args.len())?;
        if function.has_bottom() || args.iter().chain(&vectors).any(Val::has_bottom) {
            return Ok(Val::Bottom);
        }
        let at: Vec<Val> = wrt.positions().iter().map(|&i| args[i].clone()).collect();
        let mut fitted = Vec::new();
        self.check_arguments(wrt, &function, &args)?;
        for (x, v) in at.iter().zip(&vectors) {
            let form = x.abs();
            let Some(leaves) = self.fitted(&form, v)? else {
                let given = v.abs();
                return self.error(format!("a vector must have the form of its argument: {form}, not {given}"));
            };
            fitted.push(rebuild(x, &mut leaves.into_iter()));
        }
        let function = Val::func(Func::Restricted { function: Box::new(function), wrt: wrt.clone(), args });
        let push = self.library_function("_push_forward")?;
        self.call(&push, vec![function, Val::tuple(at), Val::tuple(fitted)], Vec::new())
    }

    fn library_function(&mut self, name: &str) -> Res<Val> {
        match self.library(name) {
            Some(f) => Ok(f),
            None => self.error(format!("the library has no `{name}`")),
        }
    }

    /// All partial derivatives: for each leaf of the result, for each argument.
    fn jacobian(&mut self, wrt: &Wrt, function: &Val, args: Vec<Val>) -> Res<Val> {
        self.check_positions(wrt, args.len())?;
        self.check_arguments(wrt, function, &args)?;
        let at: Vec<Val> = wrt.positions().iter().map(|&i| args[i].clone()).collect();
        let function = Val::func(Func::Restricted { function: Box::new(function.clone()), wrt: wrt.clone(), args });
        let value = self.call(&function, at.clone(), Vec::new())?;
        if value.has_bottom() {
            return Ok(Val::Bottom);
        }
        if let Some(other) = no_float(&value) {
            let message = format!(
                "the result of a function whose Jacobian is asked for must be a float or an array of floats, not {}",
                other.abs()
            );
            return self.error_help(message, instead_of(&other.abs()).unwrap_or("return floats"));
        }
        let all = Wrt::Many((0..at.len()).collect());
        let mut blocks = Vec::new();
        for (index, leaf) in leaves_of(&value).iter().enumerate() {
            let (_, rows) = self.vjp(&function, &all, at.clone(), Seed::Units(index))?;
            let block = self.shape_rows(&rows, leaf)?;
            blocks.push(match (wrt, &block) {
                (Wrt::One(_), Val::Tuple(items)) => items[0].clone(),
                _ => block,
            });
        }
        Ok(rebuild(&value, &mut blocks.into_iter()))
    }

    fn check_positions(&mut self, wrt: &Wrt, count: usize) -> Res<()> {
        let all = wrt.positions();
        if let Some(i) = all.iter().enumerate().find(|(at, i)| all[..*at].contains(i)) {
            return self.error(format!("argument {} is to be differentiated twice", i.1));
        }
        match wrt.positions().iter().find(|&&i| i >= count) {
            Some(i) => self.error(format!(
                "argument {i} is to be differentiated, but there {} {}, counted from 0",
                if count == 1 { "is" } else { "are" },
                plural(count, "argument")
            )),
            None => Ok(()),
        }
    }

    /// Value and cotangents of the `wrt` arguments.
    pub(super) fn vjp(&mut self, function: &Val, wrt: &Wrt, args: Vec<Val>, seed: Seed<'_>) -> Res<(Val, Val)> {
        self.check_positions(wrt, args.len())?;
        let bottom = (Val::Bottom, Val::Bottom);
        if args.iter().any(Val::has_bottom) || function.has_bottom() || seed.has_bottom() {
            return Ok(bottom);
        }
        self.check_arguments(wrt, function, &args)?;
        let args = args.into_iter().enumerate();
        let args: Vec<Val> = args
            .map(|(i, v)| if wrt.positions().contains(&i) { self.as_leaves(v) } else { Ok(v) })
            .collect::<Res<_>>()?;
        let f = self.as_copyable(function, args.len())?;
        let (key, leaves) = self.signature(&f, &args)?;
        let instance = self.instance(&key)?;
        if instance.result == Abs::Bottom {
            return Ok(bottom);
        }
        if let Seed::One(purpose) = seed
            && instance.result != Abs::Leaf(Type::f64())
        {
            return self.error_help(
                format!("the {} of a function needs one float as its result, not {}", purpose.name(), instance.result),
                instead_of(&instance.result).unwrap_or(purpose.instead()),
            );
        }
        let (spans, total) = leaf_ranges(&key.function.parts(), &key.args);
        debug_assert_eq!(total, leaves.len(), "a leaf for each of the signature");
        let first = key.function.parts().len();
        let ranges: Vec<_> = wrt.positions().iter().map(|&i| spans[first + i].clone()).collect();
        let wanted: Vec<u32> = ranges.iter().flat_map(Clone::clone).map(|i| i as u32).collect();
        let mut result_types = Vec::new();
        instance.result.leaves(&mut result_types);
        let mut operands = leaves.clone();
        let (seeds, count) = self.seeds(&seed, &instance.result, &result_types)?;
        operands.extend(seeds);
        let spec = VjpSpec { graph: instance.graph, wrt: wanted.clone().into(), seeds: count };
        let mut types = result_types.clone();
        types.extend(wanted.iter().map(|&i| spec.cotangent(self.builder().ty(leaves[i as usize]))));
        let node = self.builder().emit(Op::Vjp(spec), &operands, Type::tuple(types.clone()));
        let nodes: Vec<NodeId> = (0..types.len()).map(|i| self.builder().get(node, i)).collect();
        let value = self.reify_with(&instance.result, &nodes[..result_types.len()], &instance.origins);
        let mut at = result_types.len();
        let mut cotangents = Vec::new();
        for &i in wrt.positions() {
            let mut count = Vec::new();
            key.args[i].leaves(&mut count);
            let part = &nodes[at..at + count.len()];
            // With several seeds, of another shape than the argument.
            let mut next = part.iter();
            cotangents.push(self.reify(&key.args[i], &mut |cx, _| {
                cx.leaf(*next.next().expect("a cotangent for each leaf"), super::Origin::Data)
            }));
            at += count.len();
        }
        let cotangents = match wrt {
            Wrt::One(_) => cotangents.remove(0),
            Wrt::Many(_) => Val::tuple(cotangents),
        };
        Ok((value, cotangents))
    }

    /// A function as something a copy can be made of; one of several becomes its own caller.
    pub(super) fn as_copyable(&mut self, function: &Val, arity: usize) -> Res<Func<Val>> {
        match function {
            Val::Func(f) => match &**f {
                Func::Graph { graph, captures, defaults } => {
                    let names = self.src.graph(*graph).signature.names.len();
                    if arity + defaults.len() < names || arity > names {
                        self.bind_arity(*graph, arity)?;
                    }
                    if arity < names {
                        return Ok(Func::Partial { function: Box::new(function.clone()), args: Vec::new() });
                    }
                    Ok(Func::Graph { graph: *graph, captures: captures.clone(), defaults: Vec::new() })
                }
                other => Ok(other.clone()),
            },
            Val::Choice(..) | Val::Dyn(..) => {
                Ok(Func::Partial { function: Box::new(function.clone()), args: Vec::new() })
            }
            other => self.error(format!("{} cannot be differentiated", other.abs())),
        }
    }

    fn bind_arity(&mut self, graph: crate::graph::GraphId, arity: usize) -> Res<()> {
        let table = self.src.graph(graph);
        let message =
            format!("`{}` takes {}, but {}", table.name, plural(table.signature.names.len(), "argument"), given(arity));
        self.error(message)
    }

    /// Cotangents of the float leaves of a result, and how many of each there are at once.
    fn seeds(&mut self, seed: &Seed<'_>, result: &Abs, types: &[Type]) -> Res<(Vec<NodeId>, Option<usize>)> {
        let seed = match seed {
            Seed::One(_) => return Ok((vec![self.node(&Val::Float(1.0))?], None)),
            Seed::Units(index) => return self.units(*index, types),
            Seed::Given(seed) => seed,
        };
        let Some(leaves) = self.fitted(result, seed)? else {
            let given = seed.abs();
            return self.error(format!("a cotangent must have the form of the result: {result}, not {given}"));
        };
        Ok((leaves.iter().map(|leaf| self.node(leaf)).collect::<Res<_>>()?, None))
    }

    /// Tangents, which must have the form of the primals.
    pub(super) fn tangents(&mut self, primals: &Val, tangents: &Val) -> Res<Val> {
        let form = primals.abs();
        let all = leaves_of(primals).len();
        let Some(leaves) = self.fitted(&form, tangents)?.filter(|leaves| leaves.len() == all) else {
            let given = tangents.abs();
            return self.error(format!("tangents must have the form of the primals: {form}, not {given}"));
        };
        Ok(rebuild(primals, &mut leaves.into_iter()))
    }

    /// The floats of a tangent or cotangent of a value of this form, in the order of the form, fields by their names;
    /// nothing if its structure, its names or a shape is another.
    fn fitted(&mut self, form: &Abs, vector: &Val) -> Res<Option<Vec<Val>>> {
        let pairs: Vec<(&Abs, &Val)> = match (form, vector) {
            (Abs::Tuple(items), Val::Tuple(given)) if items.len() == given.len() => {
                items.iter().zip(given.iter()).collect()
            }
            (Abs::Record(ty, items), Val::Record(other, given))
                if ty.name == other.name && items.len() == given.len() =>
            {
                let place = |name| other.fields.iter().position(|field| field == name);
                let Some(places) = ty.fields.iter().map(place).collect::<Option<Vec<_>>>() else { return Ok(None) };
                items.iter().zip(places.into_iter().map(|i| &given[i])).collect()
            }
            (Abs::Leaf(ty), Val::Float(_) | Val::Int(_) | Val::Leaf(_)) if ty.is_float() => {
                let given = vector.abs().leaf_type();
                let number = given.as_tensor().is_some_and(|(elem, shape)| elem != Elem::Bool && shape == ty.shape());
                if !number {
                    return Ok(None);
                }
                let node = self.cast(vector, Elem::F64)?;
                return Ok(Some(vec![self.leaf(node, super::Origin::Data)]));
            }
            (Abs::Leaf(ty), _) if ty.is_float() => return Ok(None),
            // What has no sensitivity has no tangent.
            (Abs::Leaf(_) | Abs::Int(_) | Abs::Bool(_) | Abs::Str(_) | Abs::None, _) => return Ok(Some(Vec::new())),
            _ => return Ok(None),
        };
        let mut all = Vec::new();
        for (form, vector) in pairs {
            let Some(leaves) = self.fitted(form, vector)? else { return Ok(None) };
            all.extend(leaves);
        }
        Ok(Some(all))
    }

    /// The unit cotangents of one float leaf of a result, zeros for the others.
    fn units(&mut self, index: usize, types: &[Type]) -> Res<(Vec<NodeId>, Option<usize>)> {
        let floats: Vec<&Type> = types.iter().filter(|ty| ty.is_float()).collect();
        let count = floats[index].size();
        for ty in &floats {
            self.check_elements(&[&[count], ty.shape()].concat())?;
        }
        let builder = self.builder();
        let seed = |(i, ty): (usize, &&Type)| {
            let shape = ty.shape();
            if i != index {
                return builder.zero(Type::tensor(Elem::F64, &[&[count], shape].concat()));
            }
            let attrs: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
            builder.prim(&prims::UNITS, &attrs, &[])
        };
        Ok((floats.iter().enumerate().map(seed).collect(), Some(count)))
    }

    /// All numbers of the arguments to differentiate must be floats.
    fn check_arguments(&mut self, wrt: &Wrt, function: &Val, args: &[Val]) -> Res<()> {
        for &i in wrt.positions() {
            let Some(other) = no_float(&args[i]) else { continue };
            let parameters = self.parameters(function).filter(|all| i < all.names.len());
            let name = parameters.as_ref().map_or(String::new(), |all| format!(" (`{}`)", all.names[i]));
            let message = format!(
                "argument {i}{name} is to be differentiated and must be a float or an array of floats, not {}",
                other.abs()
            );
            let or = "name other arguments to differentiate";
            let help = match (other, self.known_integer(other)) {
                (_, Some(n)) => format!("pass a float, such as `{n}.0`, or {or}"),
                (Val::Leaf(leaf), None) if leaf.ty.as_tensor().is_some_and(|(elem, _)| elem == Elem::I64) => {
                    format!("make floats of it by `* 1.0`, or {or}")
                }
                _ => or.to_owned(),
            };
            if let Some(all) = parameters.filter(|all| all.span == self.span) {
                self.span = all.spans[i];
            }
            return self.error_help(message, help);
        }
        Ok(())
    }

    /// The integer that is known here, or stands in the arguments of the request.
    fn known_integer(&self, value: &Val) -> Option<i64> {
        match value {
            Val::Int(n) => Some(*n),
            Val::Leaf(Leaf { origin: super::Origin::From(sources), .. }) => match sources[..] {
                [super::Source::Entry(k)] => self.request.integers.get(k).copied(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Known floats as nodes, so that they can be differentiated.
    fn as_leaves(&mut self, value: Val) -> Res<Val> {
        Ok(match value {
            Val::Float(_) => {
                let node = self.node(&value)?;
                self.leaf(node, super::Origin::Data)
            }
            Val::Tuple(items) => Val::tuple(items.iter().map(|v| self.as_leaves(v.clone())).collect::<Res<_>>()?),
            Val::Record(ty, items) => {
                let items = items.iter().map(|v| self.as_leaves(v.clone())).collect::<Res<_>>()?;
                Val::Record(ty, Rc::new(items))
            }
            other => other,
        })
    }

    /// `grad(f, argnums)` and its like: a function again.
    pub(super) fn derive(&mut self, kind: Derived, call: &super::builtins::Call) -> Res<Val> {
        let function = call.arg(0).clone();
        if !matches!(function, Val::Func(_) | Val::Choice(..) | Val::Dyn(..) | Val::Bottom) {
            return self.error(format!("{} cannot be differentiated", function.abs()));
        }
        let wrt = match call.get(1) {
            None => Wrt::One(0),
            Some(Val::Tuple(items)) => {
                let at = items.iter().map(|v| self.position(v)).collect::<Res<_>>()?;
                Wrt::Many(at)
            }
            Some(one) => Wrt::One(self.position(one)?),
        };
        if matches!(function, Val::Bottom) {
            return Ok(Val::Bottom);
        }
        Ok(Val::func(Func::Derived { kind, wrt, function: Box::new(function) }))
    }

    fn position(&mut self, value: &Val) -> Res<usize> {
        let n = self.known_int(value, "a position of an argument")?;
        match usize::try_from(n) {
            Ok(n) => Ok(n),
            Err(_) => self.error("positions of arguments are counted from 0"),
        }
    }
}

/// The parameters of a function of the program.
struct Parameters {
    /// The name of the function.
    name: Arc<str>,
    /// Where the function is.
    span: Span,
    names: Vec<Arc<str>>,
    /// Where each parameter is.
    spans: Vec<Span>,
    /// How many have defaults.
    defaults: usize,
}

impl Parameters {
    fn required(&self) -> usize {
        self.names.len().saturating_sub(self.defaults)
    }
}

/// How a Hessian–vector product is called.
fn product_form(of: &Parameters, wrt: &Wrt) -> String {
    let (which, vectors) = match wrt {
        Wrt::One(0) => (String::new(), vec!["v".to_owned()]),
        Wrt::One(i) => (format!(", {i}"), vec!["v".to_owned()]),
        Wrt::Many(all) => {
            let positions: Vec<String> = all.iter().map(ToString::to_string).collect();
            let comma = if all.len() == 1 { "," } else { "" };
            (format!(", ({}{comma})", positions.join(", ")), all.iter().map(|i| format!("v{i}")).collect())
        }
    };
    let arguments: Vec<&str> = of.names.iter().map(|name| &**name).chain(vectors.iter().map(String::as_str)).collect();
    format!("hvp({}{which})({})", of.name, arguments.join(", "))
}

/// What in a value is neither a float nor an array of floats.
fn no_float(value: &Val) -> Option<&Val> {
    match value {
        Val::Float(_) | Val::Bottom => None,
        Val::Leaf(leaf) if leaf.ty.is_float() => None,
        Val::Tuple(items) | Val::Record(_, items) => items.iter().find_map(no_float),
        other => Some(other),
    }
}

/// What to do about a result in which something has no derivative of any kind.
fn instead_of(result: &Abs) -> Option<&'static str> {
    match result {
        Abs::Func(_) | Abs::Choice(_) | Abs::Dyn(..) => Some("call the function, and return what it gives"),
        Abs::None => Some("return a float"),
        Abs::Leaf(ty) if ty.is_float() => None,
        Abs::Leaf(_) | Abs::Int(_) | Abs::Bool(_) | Abs::Str(_) => Some("return floats: only they have derivatives"),
        Abs::Tuple(items) | Abs::Record(_, items) => items.iter().find_map(instead_of),
        _ => None,
    }
}

/// The numbers of a value, in order.
pub(super) fn leaves_of(value: &Val) -> Vec<Val> {
    match value {
        Val::Tuple(items) | Val::Record(_, items) => items.iter().flat_map(leaves_of).collect(),
        Val::None | Val::Str(_) | Val::Undefined => Vec::new(),
        leaf => vec![leaf.clone()],
    }
}

/// The structure of a value around other leaves.
pub(super) fn rebuild(like: &Val, leaves: &mut impl Iterator<Item = Val>) -> Val {
    match like {
        Val::Tuple(items) => Val::tuple(items.iter().map(|v| rebuild(v, leaves)).collect()),
        Val::Record(ty, items) => Val::Record(ty.clone(), Rc::new(items.iter().map(|v| rebuild(v, leaves)).collect())),
        Val::None | Val::Str(_) | Val::Undefined => like.clone(),
        _ => leaves.next().expect("a leaf for each of the structure"),
    }
}

/// Where the leaves of each input lie among all.
fn leaf_ranges(captures: &[&Abs], args: &[Abs]) -> (Vec<std::ops::Range<usize>>, usize) {
    let mut at = 0;
    let mut ranges = Vec::new();
    for abs in captures.iter().copied().chain(args) {
        let mut types = Vec::new();
        abs.leaves(&mut types);
        ranges.push(at..at + types.len());
        at += types.len();
    }
    (ranges, at)
}
