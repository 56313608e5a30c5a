//! Calls: contexts of functions being specialised, and their finished copies.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::graph::{GraphId, NodeId, Op};
use crate::span::{Span, given, plural};
use crate::types::Type;

use super::classes::Site;
use super::nesting::code_of;
use super::origin::{Origin, Source};
use super::value::{Abs, Func, Leaf, Val};
use super::{Cx, Res, Stop};

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) function: Func<Abs>,
    pub(super) args: Vec<Abs>,
}

/// The leaves of a result, and what each depends on.
type Leaves = (Vec<NodeId>, Vec<Origin>);

/// A finished copy.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) graph: GraphId,
    pub(super) result: Abs,
    pub(super) origins: Vec<Origin>,
}

/// A copy in progress.
#[derive(Debug)]
pub(super) struct Active {
    key: Key,
    graph: GraphId,
    /// What its result is taken to be.
    assumed: Abs,
    origins: Vec<Origin>,
    /// Whether it has used its own assumed result.
    recursive: bool,
    /// The outermost other copy in progress whose assumed result it has used.
    lowest: usize,
}

/// A graph under construction inside a function: its body, a branch or part of a loop.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) id: u32,
    pub(super) builder: Builder,
    /// Nodes of the enclosing frame with the parameters that stand for them.
    pub(super) imports: Vec<(NodeId, NodeId)>,
    /// What decides whether a run comes here, if that is not known.
    pub(super) under: Option<Origin>,
    /// Nodes of a file's top level already evaluated here.
    pub(super) tops: FxHashMap<(GraphId, NodeId), Val>,
}

/// A function being specialised.
#[derive(Debug)]
pub(super) struct FnCx {
    pub(super) frames: Vec<Frame>,
    pub(super) env: FxHashMap<(GraphId, NodeId), Val>,
    /// Variables of loops that were a known number at first and then turned out to change, each in the trip of the loops that
    /// are unrolled around it: what they are then.
    pub(super) changing: FxHashMap<(GraphId, NodeId, usize, Vec<usize>), Abs>,
    /// In which trip of the loops being unrolled the function is, outermost first.
    pub(super) trips: Vec<usize>,
}

/// Copies in progress at once; a recursion that specialises without end meets it.
const MAX_ACTIVE: usize = 600;
/// Copies in all.
const MAX_INSTANCES: usize = 20_000;
/// Functions captured in functions.
const MAX_NESTING: usize = 40;
/// Attempts at a fixed point before functions nested in its result are widened.
const MAX_NESTED_ROUNDS: usize = 3;
/// Attempts at a fixed point.
const MAX_ROUNDS: usize = 60;

impl Cx<'_> {
    pub(super) fn push_function(&mut self, name: &str, span: Span) {
        self.functions.push(FnCx {
            frames: Vec::new(),
            env: FxHashMap::default(),
            changing: FxHashMap::default(),
            trips: Vec::new(),
        });
        self.push_frame(name, span, None);
    }

    pub(super) fn push_frame(&mut self, name: &str, span: Span, under: Option<Origin>) {
        self.frames_made += 1;
        let frame = Frame {
            id: self.frames_made,
            builder: Builder::new(name, span),
            imports: Vec::new(),
            under,
            tops: FxHashMap::default(),
        };
        self.function().frames.push(frame);
    }

    pub(super) fn pop_frame(&mut self) -> Frame {
        self.function().frames.pop().expect("a frame was pushed")
    }

    pub(super) fn function(&mut self) -> &mut FnCx {
        self.functions.last_mut().expect("a function is being specialised")
    }

    pub(super) fn frame(&mut self) -> &mut Frame {
        self.function().frames.last_mut().expect("a frame is open")
    }

    pub(super) fn builder(&mut self) -> &mut Builder {
        let span = self.span;
        let builder = &mut self.frame().builder;
        builder.span = span;
        builder
    }

    pub(super) fn set_span(&mut self, span: Span) {
        self.span = span;
    }

    /// The value of a node that has been evaluated.
    pub(super) fn env(&mut self, graph: GraphId, node: NodeId) -> Val {
        let known = self.function().env.get(&(graph, node)).cloned();
        known.unwrap_or(Val::Undefined)
    }

    /// Calls a function value.
    pub(super) fn call(&mut self, function: &Val, args: Vec<Val>, named: Vec<(Arc<str>, Val)>) -> Res<Val> {
        match function {
            Val::Bottom => Ok(Val::Bottom),
            Val::Func(f) => self.call_func(f, args, named),
            Val::Choice(tag, options) => self.call_choice(tag, options, 0, &args, &named),
            Val::Dyn(leaf, class) => self.apply(leaf, *class, args, &named),
            other => self.error(format!("{} cannot be called", other.abs())),
        }
    }

    fn call_choice(
        &mut self,
        tag: &Leaf,
        options: &[Func<Val>],
        k: usize,
        args: &[Val],
        named: &[(Arc<str>, Val)],
    ) -> Res<Val> {
        if k + 1 == options.len() {
            return self.call_func(&options[k], args.to_vec(), named.to_vec());
        }
        let cond = self.compare_int(tag, k as i64)?;
        self.branch(
            &cond,
            None,
            |cx| cx.call_func(&options[k], args.to_vec(), named.to_vec()),
            |cx| cx.call_choice(tag, options, k + 1, args, named),
        )
    }

    fn call_func(&mut self, f: &Func<Val>, args: Vec<Val>, named: Vec<(Arc<str>, Val)>) -> Res<Val> {
        match f {
            Func::Graph { graph, defaults, .. } => {
                let args = self.bind(*graph, defaults, args, named)?;
                self.call_copy(f, args)
            }
            Func::Builtin(name) => self.call_builtin(name, args, named),
            Func::Method(name, object) => self.call_method(name, object, args, named),
            Func::Member { function, .. } => self.call(function, args, named),
            Func::Partial { function, args: fixed } => {
                let args = fixed.iter().cloned().chain(args).collect();
                self.call(function, args, named)
            }
            Func::Vmapped { function, axes } => {
                if !named.is_empty() {
                    return self.error("a function made by `vmap` takes its arguments by position");
                }
                self.call_lanes(function, axes, args)
            }
            Func::Derived { .. } | Func::Restricted { .. } | Func::Pullback { .. } => {
                if !named.is_empty() {
                    return self.error("a derivative takes its arguments by position");
                }
                self.call_derived(f, args)
            }
        }
    }

    /// Arguments in the order of parameters, defaults filled in.
    fn bind(&mut self, graph: GraphId, defaults: &[Val], args: Vec<Val>, named: Vec<(Arc<str>, Val)>) -> Res<Vec<Val>> {
        let table = self.src.graph(graph);
        let names = &table.signature.names;
        let name = &table.name;
        let count = args.len();
        let positional = names.len() - table.signature.keyword_only;
        if count > positional {
            let takes = plural(positional, if positional < names.len() { "positional argument" } else { "argument" });
            return self.error(format!("`{name}` takes {takes}, but {}", given(count)));
        }
        let mut bound: Vec<Option<Val>> = args.into_iter().map(Some).collect();
        bound.resize(names.len(), None);
        for (key, value) in named {
            let Some(i) = names.iter().position(|n| *n == key) else {
                return if name.contains('.') {
                    self.no_parameter(name, &key)
                } else {
                    self.error(format!("`{name}` has no parameter `{key}`"))
                };
            };
            if bound[i].replace(value).is_some() {
                return self.error(format!("`{name}` is given `{key}` twice"));
            }
        }
        let first_default = names.len() - defaults.len();
        for (i, slot) in bound.iter_mut().enumerate() {
            if slot.is_none() && i >= first_default {
                *slot = Some(defaults[i - first_default].clone());
            }
        }
        if let Some(i) = bound.iter().position(Option::is_none) {
            let missing = format!("`{name}` is called without its argument `{}`", names[i]);
            let takes = plural(names.len(), "argument");
            return self.error_help(missing, format!("`{name}` takes {takes}: {}", names.join(", ")));
        }
        Ok(bound.into_iter().flatten().collect())
    }

    /// Calls a function through its copy for these arguments.
    pub(super) fn call_copy(&mut self, f: &Func<Val>, args: Vec<Val>) -> Res<Val> {
        if args.iter().any(Val::has_bottom) || f.parts().into_iter().any(Val::has_bottom) {
            return Ok(Val::Bottom);
        }
        let (key, leaves) = self.signature(f, &args)?;
        let instance = self.instance(&key)?;
        if instance.result == Abs::Bottom {
            return Ok(Val::Bottom);
        }
        let mut types = Vec::new();
        instance.result.leaves(&mut types);
        let ty = result_type(&types);
        let node = self.builder().emit(Op::Call(instance.graph), &leaves, ty);
        let nodes = self.result_nodes(node, types.len());
        Ok(self.reify_with(&instance.result, &nodes, &instance.origins))
    }

    /// The signature of a call, and its leaves as nodes of the current frame.
    pub(super) fn signature(&mut self, f: &Func<Val>, args: &[Val]) -> Res<(Key, Vec<NodeId>)> {
        let graph = match f {
            Func::Graph { graph, .. } => Some(*graph),
            _ => None,
        };
        let mut leaves = Vec::new();
        let parts: Vec<Val> = f.parts().into_iter().cloned().collect();
        let captured = match f {
            Func::Graph { captures, .. } => captures.len(),
            _ => parts.len(),
        };
        let mut inputs = Vec::new();
        for (input, value) in parts.iter().take(captured).chain(args).enumerate() {
            let site = match graph {
                Some(graph) => Site::Input { graph, input },
                None => Site::Carried { kind: f.kind(), input },
            };
            self.check_extent(value)?;
            let abs = self.generalise(graph, &site, input, value)?;
            self.check_nesting(site, &abs, MAX_NESTING)?;
            leaves.extend(self.flatten(value, &abs)?.into_iter().map(|(node, _)| node));
            inputs.push(abs);
        }
        let args = inputs.split_off(captured);
        let function = match f {
            Func::Graph { graph, .. } => Func::Graph { graph: *graph, captures: inputs, defaults: Vec::new() },
            other => other.rebuild(inputs),
        };
        Ok((Key { function, args }, leaves))
    }

    /// The abstract value of an input: integers and booleans that no shape needs are forgotten.
    fn generalise(&mut self, graph: Option<GraphId>, site: &Site, input: usize, value: &Val) -> Res<Abs> {
        let mut leaf = 0;
        let form = self.marks.classes.widens(site).then(|| self.marks.classes.widen(site, value.abs()));
        self.generalise_part((graph, input), value, form.as_ref(), &mut leaf)
    }

    /// `form` is the widened form of the value, if its site is widened.
    fn generalise_part(
        &mut self,
        (graph, input): (Option<GraphId>, usize),
        value: &Val,
        form: Option<&Abs>,
        leaf: &mut usize,
    ) -> Res<Abs> {
        if let Some(widened @ Abs::Dyn(..)) = form {
            return Ok(widened.clone());
        }
        let mut forms = form.map(Abs::parts).unwrap_or_default().into_iter();
        let mut all = |cx: &mut Self, items: &[Val]| {
            let part = |v| cx.generalise_part((graph, input), v, forms.next(), leaf);
            items.iter().map(part).collect::<Res<Vec<_>>>()
        };
        Ok(match value {
            Val::Tuple(items) => Abs::Tuple(all(self, items)?),
            Val::Record(ty, items) => Abs::Record(ty.clone(), all(self, items)?),
            Val::Slice(parts) => Abs::Slice(all(self, &parts[..])?),
            Val::Range(parts) => Abs::Range(all(self, &parts[..])?),
            Val::Zip(items) => Abs::Zip(all(self, items)?),
            Val::Func(f) => {
                let parts: Vec<Val> = f.parts().into_iter().cloned().collect();
                Abs::Func(f.rebuild(all(self, &parts)?))
            }
            Val::Choice(_, options) => {
                let mut abs = Vec::new();
                for f in options.iter() {
                    let parts: Vec<Val> = f.parts().into_iter().cloned().collect();
                    abs.push(f.rebuild(all(self, &parts)?));
                }
                Abs::Choice(abs)
            }
            Val::Int(_) | Val::Bool(_) | Val::Leaf(_) | Val::Float(_) => {
                let Some(graph) = graph else { return Ok(value.abs()) };
                let source = Source::Input { graph, input, leaf: *leaf };
                *leaf += 1;
                let fixed = self.marks.sources.contains_key(&source);
                match value {
                    Val::Int(_) if !fixed => Abs::Leaf(Type::i64()),
                    Val::Bool(_) if !fixed => Abs::Leaf(Type::bool()),
                    Val::Leaf(l) if fixed && !l.ty.is_float() => {
                        let origin = l.origin.clone();
                        return match self.marks.sources.get(&source).cloned().flatten() {
                            Some(why) => self.known_or(&origin, why),
                            None => self.need_known(&origin, "a value that a shape or an index depends on"),
                        };
                    }
                    known => known.abs(),
                }
            }
            other => other.abs(),
        })
    }

    /// The copy of a function for a signature, made if there is none.
    pub(super) fn instance(&mut self, key: &Key) -> Res<Instance> {
        if let Some(done) = self.instances.get(key) {
            let done = done.clone();
            if let Some(&(_, lowest)) = self.provisional.iter().find(|(k, _)| k == key) {
                self.depend(lowest);
            }
            return Ok(done);
        }
        if let Some(i) = self.active.iter().position(|a| a.key == *key) {
            self.depend(i);
            let active = &self.active[i];
            return Ok(Instance {
                graph: active.graph,
                result: active.assumed.clone(),
                origins: active.origins.clone(),
            });
        }
        if self.active.len() >= MAX_ACTIVE || self.out.graphs.len() >= MAX_INSTANCES {
            return self.error_help(
                format!("`{}` is specialised without end: each call has a new signature", self.name_of(key)),
                "recursion on ever smaller arrays goes to a depth of 600; beyond, pass an index instead",
            );
        }
        let caller = self.span;
        let asked = self.active.is_empty();
        let made = stacker::maybe_grow(256 << 10, 8 << 20, || self.make(key));
        let made = made.map_err(|stop| at_call(stop, caller, self.library_file(), asked));
        self.span = caller;
        made
    }

    pub(super) fn library_file(&self) -> u16 {
        self.src.graph(self.program.library).span.file
    }

    fn depend(&mut self, on: usize) {
        let own = self.active.len().wrapping_sub(1);
        let Some(top) = self.active.last_mut() else { return };
        if on == own {
            top.recursive = true;
        } else {
            top.lowest = top.lowest.min(on);
        }
    }

    fn make(&mut self, key: &Key) -> Res<Instance> {
        let own = self.active.len();
        let graph = self.out.add(Builder::new(&self.name_of(key), self.span).finish(NodeId(0)));
        self.active.push(Active {
            key: key.clone(),
            graph,
            assumed: Abs::Bottom,
            origins: Vec::new(),
            recursive: false,
            lowest: usize::MAX,
        });
        for round in 0..MAX_ROUNDS {
            let provisional = self.provisional.len();
            (self.active[own].recursive, self.active[own].lowest) = (false, usize::MAX);
            let (result, leaves) = self.body(key)?;
            let active = &mut self.active[own];
            let settled = !active.recursive || result == active.assumed;
            let is_member = matches!(key.function, Func::Member { .. });
            if settled && result == Abs::Bottom && active.lowest == usize::MAX && !is_member {
                return self.error_help(
                    format!("`{}` never returns: every path calls it again", self.name_of(key)),
                    "add a case that returns without calling the function",
                );
            }
            if settled {
                return Ok(self.settle(own, result, leaves));
            }
            if let (Some(graph), true) = (code_of(&key.function), round >= MAX_NESTED_ROUNDS) {
                self.check_nesting(Site::Result(graph), &result, 1)?;
            }
            self.assume(own, result, leaves.1)?;
            for (stale, _) in self.provisional.split_off(provisional) {
                self.instances.remove(&stale);
            }
            self.functions.pop();
        }
        self.error_help(
            format!("the type of `{}` does not settle", self.name_of(key)),
            "let every call of it return the same type and shape",
        )
    }

    /// One attempt at a body; its context stays open, with the leaves of the result.
    fn body(&mut self, key: &Key) -> Res<(Abs, Leaves)> {
        let name = self.name_of(key);
        let source = match &key.function {
            Func::Graph { graph, .. } => Some(*graph),
            _ => None,
        };
        let span = source.map_or(self.span, |g| self.src.graph(g).span);
        self.push_function(&name, span);
        let mut inputs = Vec::new();
        for (input, abs) in key.function.parts().into_iter().chain(&key.args).enumerate() {
            inputs.push(self.reify_input(source, input, abs));
        }
        let result = match &key.function {
            Func::Graph { graph, captures, .. } => {
                let args = inputs.split_off(captures.len());
                for (outer, value) in self.free.of(*graph).to_vec().into_iter().zip(inputs) {
                    self.function().env.insert(outer, value);
                }
                let params = self.src.graph(*graph).params.clone();
                for (param, value) in params.into_iter().zip(args) {
                    self.function().env.insert((*graph, param), value);
                }
                self.eval_graph(*graph)?
            }
            other => {
                let args = inputs.split_off(other.parts().len());
                let f = other.rebuild(inputs);
                self.call_func(&f, args, Vec::new())?
            }
        };
        if let Func::Member { class, .. } = key.function {
            let abs = self.member_result(class, &result)?;
            let leaves = self.flatten(&result, &abs)?.into_iter().unzip();
            return Ok((abs, leaves));
        }
        if result.has_bottom() {
            return Ok((Abs::Bottom, (Vec::new(), Vec::new())));
        }
        self.check_extent(&result)?;
        let abs = match source {
            Some(graph) => self.marks.classes.widen(&Site::Result(graph), result.abs()),
            None => result.abs(),
        };
        let assumed = self.active.last().expect("this copy").assumed.clone();
        let abs = match self.join(&abs, &assumed)? {
            Ok(abs) => abs,
            Err(clash) => {
                let message = format!("`{name}` returns {} on one path and {} on another", clash.left, clash.right);
                return self.error(message);
            }
        };
        let leaves = self.flatten(&result, &abs)?.into_iter().unzip();
        Ok((abs, leaves))
    }

    fn assume(&mut self, own: usize, result: Abs, origins: Vec<Origin>) -> Res<()> {
        let assumed = self.active[own].assumed.clone();
        match self.join(&assumed, &result)? {
            Ok(joined) => {
                self.active[own].assumed = joined;
                self.active[own].origins = origins;
                Ok(())
            }
            Err(clash) => {
                let name = self.name_of(&self.active[own].key.clone());
                self.error(format!("`{name}` returns {} on one path and {} on another", clash.left, clash.right))
            }
        }
    }

    fn settle(&mut self, own: usize, result: Abs, (nodes, origins): Leaves) -> Instance {
        let active = self.active.pop().expect("this copy");
        let mut context = self.functions.pop().expect("this context");
        let mut builder = context.frames.pop().expect("the body").builder;
        let ret = close_result(&mut builder, &nodes);
        self.out.graphs[active.graph.0 as usize] = builder.finish(ret);
        let instance = Instance { graph: active.graph, result, origins };
        self.provisional.retain(|(_, lowest)| *lowest < own);
        if active.lowest < own {
            self.depend(active.lowest);
            self.provisional.push((active.key.clone(), active.lowest));
        }
        self.instances.insert(active.key, instance.clone());
        instance
    }

    fn name_of(&self, key: &Key) -> String {
        self.name_of_function(&key.function)
    }

    /// The function that is being copied.
    pub(super) fn active_name(&self) -> String {
        self.active.last().map_or_else(|| self.request.entry.clone(), |active| self.name_of(&active.key))
    }

    pub(super) fn name_of_function(&self, function: &Func<Abs>) -> String {
        match function {
            Func::Graph { graph, .. } => self.src.graph(*graph).name.to_string(),
            Func::Builtin(name) => (*name).to_owned(),
            Func::Method(name, _) => name.to_string(),
            Func::Member { function, .. } => match &**function {
                Abs::Func(f) => self.name_of_function(f),
                _ => "function".to_owned(),
            },
            other => other.kind().to_owned(),
        }
    }
}

/// The node a graph returns: the leaf itself if there is one, otherwise the tuple of leaves.
pub(super) fn close_result(builder: &mut Builder, leaves: &[NodeId]) -> NodeId {
    match leaves {
        [one] => *one,
        several => builder.tuple(several),
    }
}

/// The type that [`close_result`] returns.
pub(super) fn result_type(leaves: &[Type]) -> Type {
    match leaves {
        [one] => one.clone(),
        several => Type::tuple(several.to_vec()),
    }
}

/// Lets an error inside the library point at the call, and others say where the call was, unless the request is the caller.
fn at_call(stop: Stop, caller: Span, library: u16, asked: bool) -> Stop {
    match stop {
        Stop::Error(mut d) if d.span.file == library && caller.file != library => {
            d.span = caller;
            Stop::Error(d)
        }
        Stop::Error(mut d) if !asked && caller.file != library && d.notes.len() < 3 && d.span != caller => {
            d.notes.push((caller, "called from here".to_owned()));
            Stop::Error(d)
        }
        other => other,
    }
}
