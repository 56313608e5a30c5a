//! Branches and loops.
//!
//! A branch whose condition is known is evaluated in place. Otherwise both branches become graphs,
//! and the value is what holds of both results. A loop is a graph for its condition and one for
//! its body; the types of its state are found by iteration. It is unrolled where something in it
//! needs a number that changes from trip to trip, or where its state changes type.

use crate::graph::{GraphId, NodeId, Op};
use crate::span::Diagnostic;
use crate::types::Type;

use super::classes::Site;
use super::instance::{FnCx, Frame, close_result, result_type};
use super::origin::{Origin, Source};
use super::value::{Abs, Clash, Leaf, Val};
use super::{Cx, Res, Stop};

/// Trips of a loop that is unrolled.
const MAX_UNROLLED: usize = 20_000;
/// Attempts at the types of a loop's state.
const MAX_ROUNDS: usize = 60;

/// Functions captured in functions in the state of a loop before it is unrolled.
const MAX_LOOP_NESTING: usize = 6;
/// Trips for which a loop in which functions grow is unrolled.
const MAX_GROWING: usize = 40;

impl Cx<'_> {
    /// The value of `then` or of `other`, as `cond` says; `sides` are their graphs, if they are two of the source.
    pub(super) fn branch(
        &mut self,
        cond: &Val,
        sides: Option<(GraphId, GraphId)>,
        then: impl FnOnce(&mut Self) -> Res<Val>,
        other: impl FnOnce(&mut Self) -> Res<Val>,
    ) -> Res<Val> {
        let leaf = match cond {
            Val::Bottom => return Ok(Val::Bottom),
            Val::Bool(true) => return then(self),
            Val::Bool(false) => return other(self),
            Val::Leaf(leaf) if leaf.ty == Type::bool() => leaf.clone(),
            value => return self.error(format!("a condition must be a boolean, not {}", value.abs())),
        };
        let span = self.span;
        let (a, then_frame) = self.in_frame("then", &leaf.origin, then)?;
        self.set_span(span);
        let (b, other_frame) = self.in_frame("else", &leaf.origin, other)?;
        self.set_span(span);
        self.check_extent(&a)?;
        self.check_extent(&b)?;
        // A function that captures what is not known yet is not known yet: the other side is all there is.
        let (a, b) = match (a.has_bottom(), b.has_bottom()) {
            (true, false) => (Val::Bottom, b),
            (false, true) => (a, Val::Bottom),
            _ => (a, b),
        };
        let abs = match self.join(&a.abs(), &b.abs())? {
            Ok(abs) => abs,
            Err(clash) => return self.branch_clash(&leaf, sides, &clash),
        };
        if abs == Abs::Bottom {
            return Ok(Val::Bottom);
        }
        let (a, then_frame) = self.leaves_in(then_frame, &a, &abs)?;
        let (b, other_frame) = self.leaves_in(other_frame, &b, &abs)?;
        self.emit_if(&leaf, &abs, (a, then_frame), (b, other_frame))
    }

    /// Makes the condition known in the next attempt, or says how the branches differ.
    fn branch_clash<T>(&mut self, cond: &Leaf, sides: Option<(GraphId, GraphId)>, clash: &Clash) -> Res<T> {
        let help = "both must have one type and shape, unless the condition is known beforehand";
        let returned = sides.and_then(|(then, other)| Some((self.returning(then)?, self.src.graph(other))));
        let why = match returned {
            Some((function, after)) => {
                let message = format!("`{function}` returns {} in this block and {} after it", clash.left, clash.right);
                let at = after.node(after.ret).span;
                Diagnostic::new(self.span, message).help(help).note(at, "the value after it")
            }
            None => {
                let message = format!("the branches give {} and {}", clash.left, clash.right);
                Diagnostic::new(self.span, message).help(help)
            }
        };
        self.known_or(&cond.origin, why)
    }

    /// The function that a branch returns from with the value that a block before it has found.
    fn returning(&self, then: GraphId) -> Option<&str> {
        let graph = self.src.graph(then);
        let ends = !matches!(graph.node(graph.ret).op, Op::Tuple);
        graph.name.strip_suffix(".leave").filter(|_| ends)
    }

    /// Runs `make` in a frame of its own; `under` is what decides whether a run comes there.
    fn in_frame(&mut self, name: &str, under: &Origin, make: impl FnOnce(&mut Self) -> Res<Val>) -> Res<(Val, Frame)> {
        self.push_frame(name, self.span, Some(under.clone()));
        let value = make(self)?;
        Ok((value, self.pop_frame()))
    }

    /// What decides whether a run comes here, of that which could be made known; nothing if every run does.
    pub(super) fn under(&self) -> Option<Origin> {
        let frames = self.functions.iter().flat_map(|function| &function.frames);
        let mut under = frames.filter_map(|frame| frame.under.as_ref()).peekable();
        under.peek()?;
        let sources = under.filter_map(|origin| match origin {
            Origin::From(sources) => Some(sources.iter().cloned()),
            Origin::Data => None,
        });
        Some(Origin::From(sources.flatten().collect::<Vec<_>>().into()))
    }

    /// The leaves of a value made in a frame that has been left.
    fn leaves_in(&mut self, frame: Frame, value: &Val, abs: &Abs) -> Res<(Vec<(NodeId, Origin)>, Frame)> {
        self.function().frames.push(frame);
        let leaves = self.flatten(value, abs)?;
        Ok((leaves, self.pop_frame()))
    }

    fn emit_if(
        &mut self,
        cond: &Leaf,
        abs: &Abs,
        (then_leaves, then): (Vec<(NodeId, Origin)>, Frame),
        (other_leaves, other): (Vec<(NodeId, Origin)>, Frame),
    ) -> Res<Val> {
        let mut inputs: Vec<NodeId> = then.imports.iter().map(|(outer, _)| *outer).collect();
        inputs.extend(other.imports.iter().map(|(outer, _)| *outer));
        inputs.sort();
        inputs.dedup();
        let origin = |i: usize| cond.origin.and(&then_leaves[i].1).and(&other_leaves[i].1);
        let origins: Vec<Origin> = (0..then_leaves.len()).map(origin).collect();
        let nodes = |leaves: &[(NodeId, Origin)]| leaves.iter().map(|(n, _)| *n).collect::<Vec<_>>();
        let then = self.finish_part(then, &inputs, &[], |b| close_result(b, &nodes(&then_leaves)));
        let other = self.finish_part(other, &inputs, &[], |b| close_result(b, &nodes(&other_leaves)));
        let mut types = Vec::new();
        abs.leaves(&mut types);
        let args: Vec<NodeId> = std::iter::once(self.here(cond)).chain(inputs).collect();
        let node = self.builder().emit(Op::If(then, other), &args, result_type(&types));
        let nodes = self.result_nodes(node, types.len());
        Ok(self.reify_with(abs, &nodes, &origins))
    }

    /// Ends the graph of a branch or of part of a loop: parameters for `state` come first, then
    /// one for each of `inputs`, whether it is used or not.
    fn finish_part(
        &mut self,
        mut frame: Frame,
        inputs: &[NodeId],
        state: &[NodeId],
        ret: impl FnOnce(&mut crate::builder::Builder) -> NodeId,
    ) -> GraphId {
        let mut params = state.to_vec();
        for &outer in inputs {
            let known = frame.imports.iter().find(|(o, _)| *o == outer).map(|(_, inner)| *inner);
            params.push(match known {
                Some(inner) => inner,
                None => {
                    let ty = self.builder().ty(outer).clone();
                    frame.builder.param(ty)
                }
            });
        }
        let ret = ret(&mut frame.builder);
        let mut graph = frame.builder.finish(ret);
        for (i, &param) in params.iter().enumerate() {
            graph.nodes[param.0 as usize].op = Op::Param(i as u32);
        }
        graph.params = params;
        self.out.add(graph)
    }

    /// A loop of the source: the tuple of its final state.
    pub(super) fn eval_loop(
        &mut self,
        site: (GraphId, NodeId),
        cond: GraphId,
        body: GraphId,
        init: Vec<Val>,
    ) -> Res<Val> {
        if init.iter().any(Val::has_bottom) {
            return Ok(Val::Bottom);
        }
        let source = Source::Loop { graph: site.0, node: site.1 };
        if self.marks.sources.contains_key(&source) && !self.marks.rolled.contains(&source) {
            return self.unroll(&source, cond, body, init);
        }
        for value in &init {
            self.check_extent(value)?;
        }
        let state = init.iter().enumerate();
        let mut state: Vec<Abs> = state.map(|(i, v)| self.marks.classes.widen(&state_site(site, i), v.abs())).collect();
        self.introduce(&init, &state)?;
        let span = self.span;
        for round in 0..MAX_ROUNDS {
            self.set_span(span);
            let (again, cond_frame, cond_params) = self.loop_part("cond", &source, cond, &state)?;
            match again {
                Val::Bottom => return Ok(Val::Bottom),
                Val::Bool(false) if round == 0 => return Ok(Val::tuple(init)),
                _ => {}
            }
            if round == 0 && self.forget_changing(site, &mut state) {
                continue;
            }
            self.set_span(span);
            let (next, body_frame, body_params) = self.loop_part("body", &source, body, &state)?;
            let next = match next {
                Val::Tuple(next) if !next.iter().any(Val::has_bottom) => next,
                // Nothing is known yet of a trip, which calls what is being typed; but there may be none.
                _ => return Ok(if matches!(again, Val::Bool(true)) { Val::Bottom } else { Val::tuple(init) }),
            };
            self.set_span(span);
            let joined = self.join_state(site, body, &state, &next)?;
            if joined != state {
                self.note_changing(site, &state, &joined);
                state = joined;
                continue;
            }
            let (again, cond_frame) = self.leaves_in(cond_frame, &again, &Abs::Leaf(Type::bool()))?;
            let (next, body_frame) = self.leaves_in(body_frame, &Val::Tuple(next), &Abs::Tuple(state.clone()))?;
            let parts = ((again, cond_frame, cond_params), (next, body_frame, body_params));
            return self.emit_loop(&source, &init, state, parts);
        }
        self.error_help(
            format!("the types of the variables of this loop of `{}` do not settle", self.active_name()),
            "let each variable keep its type and its shape from trip to trip",
        )
    }

    /// Remembers which variables of a loop were known numbers before and are not after a trip.
    fn note_changing(&mut self, (graph, node): (GraphId, NodeId), before: &[Abs], after: &[Abs]) {
        let is_known = |abs: &Abs| matches!(abs, Abs::Int(_) | Abs::Bool(_));
        let changed = before.iter().zip(after).enumerate().filter(|(_, (old, new))| is_known(old) && !is_known(new));
        let trips = self.function().trips.clone();
        let changing = changed.map(|(i, (_, new))| ((graph, node, i, trips.clone()), new.clone()));
        self.function().changing.extend(changing);
    }

    /// Takes variables of a loop for what they turned out to be where the function met it before. A loop in a loop is met again
    /// with every round of the outer one: were each to begin with what is known, the rounds would double with every level.
    fn forget_changing(&mut self, (graph, node): (GraphId, NodeId), state: &mut [Abs]) -> bool {
        let FnCx { changing, trips, .. } = self.function();
        let mut forgotten = false;
        for (i, abs) in state.iter_mut().enumerate().filter(|(_, abs)| matches!(abs, Abs::Int(_) | Abs::Bool(_))) {
            if let Some(known) = changing.get(&(graph, node, i, trips.clone())) {
                *abs = known.clone();
                forgotten = true;
            }
        }
        forgotten
    }

    /// Condition or body on an abstract state, in a frame of its own.
    fn loop_part(
        &mut self,
        name: &str,
        source: &Source,
        graph: GraphId,
        state: &[Abs],
    ) -> Res<(Val, Frame, Vec<NodeId>)> {
        let mut params = Vec::new();
        let (value, frame) = self.in_frame(name, &Origin::one(source.clone()), |cx| {
            let mut next = |cx: &mut Self, ty: &Type| {
                let node = cx.builder().param(ty.clone());
                params.push(node);
                let origin = if ty.is_float() { Origin::Data } else { Origin::one(source.clone()) };
                cx.leaf(node, origin)
            };
            let values: Vec<Val> = state.iter().map(|abs| cx.reify(abs, &mut next)).collect();
            cx.bind_params(graph, values);
            cx.eval_graph(graph)
        })?;
        Ok((value, frame, params))
    }

    fn bind_params(&mut self, graph: GraphId, values: Vec<Val>) {
        let params = self.src.graph(graph).params.clone();
        for (param, value) in params.into_iter().zip(values) {
            self.function().env.insert((graph, param), value);
        }
    }

    /// The state that holds before every trip; a clash makes the loop unroll.
    fn join_state(&mut self, site: (GraphId, NodeId), body: GraphId, state: &[Abs], next: &[Val]) -> Res<Vec<Abs>> {
        let source = &Source::Loop { graph: site.0, node: site.1 };
        let mut joined = Vec::new();
        for (i, (old, new)) in state.iter().zip(next).enumerate() {
            self.check_extent(new)?;
            let new = self.marks.classes.widen(&state_site(site, i), new.abs());
            match self.join(old, &new)? {
                Ok(abs) if abs.extent().depth <= MAX_LOOP_NESTING => joined.push(abs),
                Ok(abs) if self.marks.rolled.contains(source) => {
                    self.check_nesting(state_site(site, i), &abs, 1)?;
                    joined.push(abs);
                }
                Ok(_) => {
                    self.marks.growing.insert(source.clone());
                    return self.mark_loop(source, "a function made in this loop captures another of its kind");
                }
                Err(clash) => {
                    let names = &self.src.graph(body).signature.names;
                    let message = match names.get(i).map_or("a variable", |n| &**n) {
                        "$value" => {
                            format!("this loop returns {} in one trip and {} in another", clash.left, clash.right)
                        }
                        name => format!("`{name}` is {} before this loop and {} after a trip", clash.left, clash.right),
                    };
                    return self.mark_loop(source, &message);
                }
            }
        }
        Ok(joined)
    }

    fn mark_loop<T>(&mut self, source: &Source, why: &str) -> Res<T> {
        let why = Diagnostic::new(self.span, why)
            .help("give it one type and shape from the start, or loop over something of known length");
        self.marks.sources.insert(source.clone(), Some(why));
        Err(Stop::Restart)
    }

    /// Keeps a loop in which functions grow; they are then known only at run time.
    fn roll<T>(&mut self, source: &Source) -> Res<T> {
        self.marks.rolled.insert(source.clone());
        Err(Stop::Restart)
    }

    fn unroll(&mut self, source: &Source, cond: GraphId, body: GraphId, init: Vec<Val>) -> Res<Val> {
        self.function().trips.push(0);
        let state = self.unroll_trips(source, cond, body, init)?;
        self.function().trips.pop();
        Ok(state)
    }

    fn unroll_trips(&mut self, source: &Source, cond: GraphId, body: GraphId, init: Vec<Val>) -> Res<Val> {
        let (span, mut state) = (self.span, init);
        let growing = self.marks.growing.contains(source);
        for trip in 0..MAX_UNROLLED {
            self.bind_params(cond, state.clone());
            let again = self.eval_graph(cond)?;
            self.set_span(span);
            if growing && trip == MAX_GROWING && !matches!(again, Val::Bool(false)) {
                return self.roll(source);
            }
            match again {
                Val::Bool(false) => return Ok(Val::tuple(state)),
                Val::Bool(true) => {}
                Val::Bottom => return Ok(Val::Bottom),
                Val::Leaf(leaf) => {
                    let why = self.marks.sources.get(source).cloned().flatten();
                    return match (self.need_known(&leaf.origin, "the number of trips of this loop"), why) {
                        (Err(Stop::Error(_)), _) if growing => self.roll(source),
                        (Err(Stop::Error(_)), Some(why)) => Err(Stop::Error(Box::new(why))),
                        (result, _) => result,
                    };
                }
                other => return self.error(format!("a condition must be a boolean, not {}", other.abs())),
            }
            self.bind_params(body, state);
            let Val::Tuple(next) = self.eval_graph(body)? else { return Ok(Val::Bottom) };
            state = next.to_vec();
            *self.function().trips.last_mut().expect("it was pushed") += 1;
            self.set_span(span);
        }
        self.error_help(
            format!("this loop of `{}` would be unrolled more than {MAX_UNROLLED} times", self.active_name()),
            "let no shape and no function depend on what the loop changes, or make fewer trips",
        )
    }

    #[expect(clippy::type_complexity, reason = "leaves, frame and parameters of the two parts")]
    fn emit_loop(
        &mut self,
        source: &Source,
        init: &[Val],
        state: Vec<Abs>,
        ((again, cond, cond_params), (next, body, body_params)): (
            (Vec<(NodeId, Origin)>, Frame, Vec<NodeId>),
            (Vec<(NodeId, Origin)>, Frame, Vec<NodeId>),
        ),
    ) -> Res<Val> {
        let mut inputs: Vec<NodeId> = cond.imports.iter().chain(&body.imports).map(|(outer, _)| *outer).collect();
        inputs.sort();
        inputs.dedup();
        let abs = Abs::Tuple(state);
        let init = self.flatten(&Val::tuple(init.to_vec()), &abs)?;
        let mut types = Vec::new();
        abs.leaves(&mut types);
        let next: Vec<NodeId> = next.into_iter().map(|(node, _)| node).collect();
        let cond = self.finish_part(cond, &inputs, &cond_params, |_| again[0].0);
        let body = self.finish_part(body, &inputs, &body_params, |b| b.tuple(&next));
        let args: Vec<NodeId> = init.iter().map(|(node, _)| *node).chain(inputs).collect();
        let node = self.builder().emit(Op::Loop { cond, body }, &args, Type::tuple(types.clone()));
        let nodes: Vec<NodeId> = (0..types.len()).map(|i| self.builder().get(node, i)).collect();
        let origin = |ty: &Type| if ty.is_float() { Origin::Data } else { Origin::one(source.clone()) };
        let origins: Vec<Origin> = types.iter().map(origin).collect();
        Ok(self.reify_with(&abs, &nodes, &origins))
    }
}

/// A variable of a loop as a place where functions cross.
fn state_site((graph, node): (GraphId, NodeId), index: usize) -> Site {
    Site::State { graph, node, index }
}
