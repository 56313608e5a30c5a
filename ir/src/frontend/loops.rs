//! Loops: `while` and `for` become `loop` nodes over the variables that they carry.
//!
//! The state is, in this order: `$index` of a `for`; `$break` if the body breaks; `$return` and
//! `$value` if it returns; then the variables that the loop assigns, that hold a value before it
//! and that are live at its head. In `while True`, whose body runs at least once, also those that
//! are first assigned inside and live after it.
//!
//! `for t in xs` is `n = iter_len(xs)`, `while $index < n: t = iter_get(xs, $index)`. When a flag
//! is set the test is not evaluated again.

use ruff_python_ast::{Expr, Stmt, StmtFor, StmtWhile};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::graph::{Const, GraphId, NodeId, Op};

use super::context::{Binding, Escape, Lowerer, Place, Reason, Value};
use super::control::{Exit, Part, Seq, Tail};
use super::exits::{BREAK, Exits, INDEX, RETURN, VALUE, assigned, exits, is_true};
use super::scope::for_each_name;
use super::statements::Step;

/// The state that the body of a loop yields.
pub(super) struct LoopTail<'a> {
    pub(super) names: Vec<&'a str>,
    next: Option<Place>,
}

/// A loop around the code at hand.
#[derive(Debug)]
pub(super) struct Around<'a> {
    /// The variables of its state.
    pub(super) names: Vec<&'a str>,
    /// Those that are first assigned inside, and where the loop may be left without them.
    fresh: Vec<(&'a str, Option<TextSize>)>,
}

/// A `for` or a `while`.
struct Repeat<'a> {
    range: TextRange,
    /// Of a `for`.
    target: Option<&'a Expr>,
    /// The test of a `while`, what a `for` runs through.
    source: &'a Expr,
    body: &'a [Stmt],
    orelse: &'a [Stmt],
    endless: bool,
}

/// What a `for` runs through, and how many items that has.
type Items = Option<(Place, Place)>;

impl<'a> Lowerer<'a, '_> {
    /// `while`.
    pub(super) fn while_loop(
        &mut self,
        each: &'a StmtWhile,
        rest: Option<&Seq<'_, 'a>>,
        tail: &mut Tail<'_, 'a>,
    ) -> Step {
        let endless = is_true(&each.test);
        if endless && !exits(&each.body).breaks && !exits(&each.body).returns {
            self.error(each.test.range(), "this loop never ends", "leave it with `break` or `return`");
        }
        let (source, body, orelse) = (&*each.test, &*each.body, &*each.orelse);
        self.repeat(&Repeat { range: each.range, target: None, source, body, orelse, endless }, rest, tail)
    }

    /// `for`.
    pub(super) fn for_loop(&mut self, each: &'a StmtFor, rest: Option<&Seq<'_, 'a>>, tail: &mut Tail<'_, 'a>) -> Step {
        if each.is_async {
            self.error(each.target.range(), "asynchronous loops are not supported", "write a plain `for`");
        }
        let (source, body, orelse) = (&*each.iter, &*each.body, &*each.orelse);
        let target = Some(&*each.target);
        self.repeat(&Repeat { range: each.range, target, source, body, orelse, endless: false }, rest, tail)
    }

    fn repeat(&mut self, each: &Repeat<'a>, rest: Option<&Seq<'_, 'a>>, tail: &mut Tail<'_, 'a>) -> Step {
        let position = each.source.range();
        let items = each.target.map(|_| {
            let items = self.expr_as(each.source, Escape::No);
            let length = self.apply("iter_len", &[items], position);
            ((self.frame.graph, items), (self.frame.graph, length))
        });
        let names = self.state(each);
        let initial: Vec<_> = names.iter().map(|name| self.initial(name, position)).collect();
        let cond = self.loop_cond(each, &names, items);
        let (body, around) = self.loop_body(each, &names, items);
        let node = self.emit(Op::Loop { cond, body }, &initial, position);
        self.bind_state(each, &names, &around, node);
        self.after_loop(each, rest, tail)
    }

    /// The names of a loop's state.
    fn state(&self, each: &Repeat<'a>) -> Vec<&'a str> {
        let left = exits(each.body);
        let mut names = Vec::new();
        names.extend(each.target.map(|_| INDEX));
        names.extend(left.breaks.then_some(BREAK));
        names.extend(left.returns.then_some([RETURN, VALUE]).into_iter().flatten());
        let (at, live) = (each.range.start(), &self.frame.live);
        let (head, after) = (live.head(at), live.after(at));
        for name in loop_names(each) {
            let bound = matches!(self.frame.env.get(name), Some(Binding::Assigned(_)));
            if bound && head.contains(name) || !bound && each.endless && after.contains(name) {
                names.push(name);
            }
        }
        names
    }

    fn initial(&mut self, name: &'a str, range: TextRange) -> NodeId {
        match (name, self.frame.env.get(name).cloned()) {
            (INDEX, _) => self.constant(Const::I64(0), range),
            (BREAK | RETURN, _) => self.constant(Const::Bool(false), range),
            (VALUE, _) | (_, None | Some(Binding::Maybe(_))) => self.constant(Const::Undefined, range),
            (_, Some(Binding::Assigned(value))) => self.mention(&value, self.frame.scope, name, range, Escape::Yes),
        }
    }

    /// Makes a parameter for each name of the state and binds the variables that hold a value.
    fn bind_parameters_of_state(&mut self, names: &[&'a str], range: TextRange) -> Vec<Place> {
        let mut places = Vec::new();
        for &name in names {
            let place = self.param(name, range);
            places.push(place);
            if matches!(self.frame.env.get(name), Some(Binding::Assigned(_))) {
                self.bind(name, Value::Node(place));
            }
        }
        places
    }

    fn loop_cond(&mut self, each: &Repeat<'a>, names: &[&'a str], items: Items) -> GraphId {
        let range = each.source.range();
        self.nested("cond", range, |this| {
            let places = this.bind_parameters_of_state(names, range);
            let index = names.iter().position(|name| *name == INDEX).map(|i| places[i]);
            let mut stop = None;
            for (name, place) in names.iter().zip(&places) {
                if matches!(*name, BREAK | RETURN) {
                    stop = Some(stop.map_or(place.1, |known| this.apply("bitor", &[known, place.1], range)));
                }
            }
            match stop {
                None => this.loop_test(each, index, items),
                Some(stop) if each.endless => this.apply("not", &[stop], range),
                Some(stop) => {
                    let then = this.nested("then", range, |this| this.constant(Const::Bool(false), range));
                    let other = this.nested("else", range, |this| this.loop_test(each, index, items));
                    this.emit(Op::If(then, other), &[stop], range)
                }
            }
        })
    }

    fn loop_test(&mut self, each: &Repeat<'a>, index: Option<Place>, items: Items) -> NodeId {
        let range = each.source.range();
        match (index, items) {
            (Some(index), Some((_, length))) => {
                let (index, length) = (self.reference(index, range), self.reference(length, range));
                self.apply("lt", &[index, length], range)
            }
            _ => self.condition(each.source),
        }
    }

    fn loop_body(&mut self, each: &Repeat<'a>, names: &[&'a str], items: Items) -> (GraphId, Around<'a>) {
        let bound = |name: &str| matches!(self.frame.env.get(name), Some(Binding::Assigned(_)));
        let variables = names.iter().copied().filter(|name| !name.starts_with('$'));
        let fresh = variables.clone().filter(|name| !bound(name)).map(|name| (name, None)).collect();
        let around = Around { names: variables.collect(), fresh };
        self.frame.loops.push(around);
        let graph = self.nested("body", each.range, |this| {
            let range = each.source.range();
            let places = this.bind_parameters_of_state(names, range);
            let mut next = None;
            if let (Some(target), Some((items, _))) = (each.target, items) {
                let index = places[0].1;
                let items = this.reference(items, range);
                let item = this.apply("iter_get", &[items, index], range);
                let one = this.constant(Const::I64(1), range);
                next = Some((this.frame.graph, this.apply("add", &[index, one], range)));
                this.assign_target(target, item);
            }
            let seq = Seq { part: Part::Block(each.body), next: None };
            this.seq(Some(&seq), &mut Tail::Loop(&LoopTail { names: names.to_vec(), next }))
        });
        (graph, self.frame.loops.pop().expect("the loop was pushed above"))
    }

    /// The index of the next turn, at the end of a turn.
    pub(super) fn next_index(&mut self, state: &LoopTail<'a>) -> NodeId {
        let next = state.next.expect("a loop with an index has a next one");
        self.reference(next, TextRange::empty(self.frame.range.end()))
    }

    /// Notes, where a loop is broken, which variables are not assigned there.
    pub(super) fn note_break(&mut self, at: TextSize) {
        let Some(around) = self.frame.loops.last_mut() else { return };
        for (name, missing) in &mut around.fresh {
            if !matches!(self.frame.env.get(*name), Some(Binding::Assigned(_))) {
                *missing = missing.or(Some(at));
            }
        }
    }

    fn bind_state(&mut self, each: &Repeat<'a>, names: &[&'a str], around: &Around<'a>, node: NodeId) {
        let position = each.source.range();
        for name in loop_names(each) {
            if !names.contains(&name) {
                self.bind_maybe(name, Reason::Loop(each.range.start()));
            }
        }
        for (index, &name) in names.iter().enumerate() {
            let missing = around.fresh.iter().find(|(fresh, _)| *fresh == name).and_then(|(_, at)| *at);
            match missing {
                Some(at) => self.bind_maybe(name, Reason::Break(at)),
                None if name == INDEX => {}
                None => {
                    let item = self.emit(Op::Get(index as u32), &[node], position);
                    self.bind_node(name, item);
                }
            }
        }
    }

    fn after_loop(&mut self, each: &Repeat<'a>, rest: Option<&Seq<'_, 'a>>, tail: &mut Tail<'_, 'a>) -> Step {
        let left = exits(each.body);
        if each.endless && !left.breaks {
            return Step::Done(self.finish(Exit::Flagged, tail));
        }
        let part = match (each.orelse, left.breaks) {
            ([], _) => Part::Block(&[]),
            (body, true) => Part::LoopElse { body, at: each.range.start() },
            (body, false) => Part::Block(body),
        };
        if each.orelse.is_empty() {
            self.unbind(BREAK);
        }
        let seq = Seq { part, next: rest };
        let rest = if each.orelse.is_empty() { rest } else { Some(&seq) };
        if left.returns {
            let exits = Exits { returns: true, falls: true, ..Exits::default() };
            return Step::Done(self.guard(exits, each.source.range(), rest, tail));
        }
        if each.orelse.is_empty() { Step::Next } else { Step::Done(self.seq(rest, tail)) }
    }
}

/// The variables that a loop assigns, its target first.
fn loop_names<'a>(each: &Repeat<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let mut names = indexmap::IndexSet::new();
    if let Some(target) = each.target {
        for_each_name(target, &mut |name, _| {
            names.insert(name);
        });
    }
    names.extend(assigned(&[Part::Block(each.body)]));
    names.into_iter()
}
