//! Control flow: sequences of statements become graphs without ever duplicating a continuation.
//!
//! Every sequence ends in a node that its [`Tail`] shapes: the value of the function, the next
//! state of a loop, or the variables that a conditional assigns. An `if` lowers by how its
//! branches leave it ([`Exits`]):
//!
//! | branches | lowering |
//! | --- | --- |
//! | both only fall through | `if(test, T, E)` yields the tuple of the assigned, live variables |
//! | at most one may fall through | the rest goes into that branch; the `if` is the result |
//! | both may fall through, some path does not | as the first, with flags `$return $value $break $continue` among the variables; then `if(flag, leave, rest)` |

use ruff_python_ast::{ElifElseClause, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::graph::{Const, GraphId, NodeId, Op};

use super::context::{Binding, Escape, Lowerer, Reason, Value};
use super::exits::{BREAK, CONTINUE, Exits, INDEX, RETURN, VALUE, assigned, part_exits, statement_exits};
use super::loops::LoopTail;
use super::scope::Code;
use super::statements::Step;

/// A block of statements, or what stands for one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    /// Statements.
    Block(&'a [Stmt]),
    /// The clauses after an `if` that starts at `at`.
    Clauses { clauses: &'a [ElifElseClause], at: TextSize },
    /// The `else` of the loop that starts at `at`: runs unless `$break` is set.
    LoopElse { body: &'a [Stmt], at: TextSize },
}

/// A block and what follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seq<'s, 'a> {
    pub(super) part: Part<'a>,
    pub(super) next: Option<&'s Seq<'s, 'a>>,
}

/// What the end of a sequence yields.
pub(super) enum Tail<'t, 'a> {
    /// The record of all variables.
    Module,
    /// The value returned.
    Function,
    /// The next state of a loop.
    Loop(&'t LoopTail<'a>),
    /// The variables that a conditional assigns.
    Join(JoinTail<'a>),
}

/// The variables that a conditional assigns, and which of them some path leaves unassigned.
pub(super) struct JoinTail<'a> {
    names: Vec<&'a str>,
    missing: Vec<Option<Reason>>,
    test: TextSize,
    holds: bool,
}

/// How a sequence ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Exit {
    Fall,
    Return(NodeId),
    Break,
    Continue,
    /// By one of the flags, which are set already.
    Flagged,
}

impl<'a> Lowerer<'a, '_> {
    /// Lowers a sequence in the graph at hand and returns the node of its result.
    pub(super) fn seq(&mut self, seq: Option<&Seq<'_, 'a>>, tail: &mut Tail<'_, 'a>) -> NodeId {
        let Some(&Seq { part, next }) = seq else { return self.finish(Exit::Fall, tail) };
        match part {
            Part::Block(body) => self.block(body, next, tail),
            Part::Clauses { clauses, at } => match clauses {
                [] => self.seq(next, tail),
                [clause, others @ ..] => {
                    let body = Part::Block(&clause.body);
                    let Some(test) = &clause.test else {
                        return self.seq(Some(&Seq { part: body, next }), tail);
                    };
                    let choice = Choice {
                        test: self.condition(test),
                        position: test.range(),
                        then: body,
                        other: Part::Clauses { clauses: others, at },
                        at,
                    };
                    match self.conditional(&choice, next, tail) {
                        Step::Done(result) => result,
                        Step::Next => self.seq(next, tail),
                    }
                }
            },
            Part::LoopElse { body, at } => {
                let Some(Value::Node(flag)) = self.unbind(BREAK) else {
                    return self.seq(Some(&Seq { part: Part::Block(body), next }), tail);
                };
                let position = TextRange::empty(at);
                let choice = Choice {
                    test: self.reference(flag, position),
                    position,
                    then: Part::Block(&[]),
                    other: Part::Block(body),
                    at,
                };
                match self.conditional(&choice, next, tail) {
                    Step::Done(result) => result,
                    Step::Next => self.seq(next, tail),
                }
            }
        }
    }

    fn block(&mut self, mut body: &'a [Stmt], next: Option<&Seq<'_, 'a>>, tail: &mut Tail<'_, 'a>) -> NodeId {
        while let [stmt, rest @ ..] = body {
            body = rest;
            let seq = Seq { part: Part::Block(rest), next };
            let after = if rest.is_empty() { next } else { Some(&seq) };
            if let [first, ..] = rest
                && !statement_exits(stmt).falls
            {
                self.error(first.range(), "this is never reached", "remove it");
            }
            if let Step::Done(result) = self.statement(stmt, after, tail) {
                return result;
            }
        }
        match next {
            Some(next) => self.seq(Some(next), tail),
            None => self.finish(Exit::Fall, tail),
        }
    }

    /// The result of a sequence that ends here.
    pub(super) fn finish(&mut self, exit: Exit, tail: &mut Tail<'_, 'a>) -> NodeId {
        let range = TextRange::empty(self.frame.range.end());
        match tail {
            Tail::Module => self.module_record(),
            Tail::Function => match exit {
                Exit::Return(value) => value,
                Exit::Flagged => self.slot(VALUE, exit, range),
                Exit::Fall | Exit::Break | Exit::Continue => self.missing_return(),
            },
            Tail::Loop(state) => {
                let mut items = Vec::new();
                for &name in &state.names {
                    items.push(match name {
                        INDEX => self.next_index(state),
                        _ => self.slot(name, exit, range),
                    });
                }
                self.emit(Op::Tuple, &items, range)
            }
            Tail::Join(join) => {
                if matches!(exit, Exit::Fall) {
                    self.note_missing(join);
                }
                let items: Vec<_> = join.names.iter().map(|name| self.slot(name, exit, range)).collect();
                self.emit(Op::Tuple, &items, range)
            }
        }
    }

    /// The value of a variable or flag at the end of a sequence.
    fn slot(&mut self, name: &'a str, exit: Exit, range: TextRange) -> NodeId {
        match (name, exit) {
            (RETURN, Exit::Return(_)) | (BREAK, Exit::Break) | (CONTINUE, Exit::Continue) => {
                self.constant(Const::Bool(true), range)
            }
            (VALUE, Exit::Return(value)) => value,
            _ => match (self.frame.env.get(name).cloned(), name) {
                (Some(Binding::Assigned(value)), _) => self.mention(&value, self.frame.scope, name, range, Escape::Yes),
                (_, RETURN | BREAK | CONTINUE) => self.constant(Const::Bool(false), range),
                _ => self.constant(Const::Undefined, range),
            },
        }
    }

    fn note_missing(&self, join: &mut JoinTail<'a>) {
        for (name, missing) in join.names.iter().zip(&mut join.missing) {
            match self.frame.env.get(name) {
                Some(Binding::Assigned(_)) => {}
                Some(Binding::Maybe(reason)) => *missing = missing.or(Some(*reason)),
                None => *missing = missing.or(Some(Reason::Condition(join.test, !join.holds))),
            }
        }
    }

    fn module_record(&mut self) -> NodeId {
        let range = TextRange::empty(self.frame.range.end());
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for (name, binding) in self.frame.env.clone().iter() {
            match binding {
                Binding::Assigned(value @ (Value::Node(_) | Value::Function(_))) => {
                    fields.push((*name).into());
                    values.push(self.mention(value, self.frame.scope, name, range, Escape::No));
                }
                Binding::Assigned(Value::Member(_)) | Binding::Maybe(_) => {}
            }
        }
        self.record("module", fields, &values, range)
    }

    fn missing_return(&mut self) -> NodeId {
        let (name, range) = (self.frame.name.clone(), self.frame.range);
        let at = match self.scopes.get(self.frame.scope).code {
            Code::Def(def) => def.name.range,
            _ => range,
        };
        if self.frame.rejected {
            return self.poison(at);
        }
        let message = match self.frame.path.last() {
            Some(&(test, holds)) => {
                let verb = if holds { "holds" } else { "does not hold" };
                format!("`{name}` returns nothing when the condition at line {} {verb}", self.line(test))
            }
            None => format!("`{name}` returns nothing when its end is reached"),
        };
        self.error(at, message, "end every path with `return` and a value");
        self.poison(at)
    }

    /// `if`, whatever its test comes from.
    pub(super) fn conditional(
        &mut self,
        choice: &Choice<'a>,
        rest: Option<&Seq<'_, 'a>>,
        tail: &mut Tail<'_, 'a>,
    ) -> Step {
        let (then, other) = (part_exits(choice.then), part_exits(choice.other));
        let exits = then.or(other);
        if exits.only_falls() {
            self.join(choice, exits);
            return Step::Next;
        }
        if then.falls && other.falls {
            self.join(choice, exits);
            return Step::Done(self.guard(exits, choice.position, rest, tail));
        }
        let mut branch = |this: &mut Self, part: Part<'a>, falls: bool, holds: bool| {
            let seq = Seq { part, next: if falls { rest } else { None } };
            let name = if holds { "then" } else { "else" };
            this.nested(name, part_range(part, choice.position), |this| {
                this.frame.path.push((choice.position.start(), holds));
                this.seq(Some(&seq), tail)
            })
        };
        let graphs = (branch(self, choice.then, then.falls, true), branch(self, choice.other, other.falls, false));
        Step::Done(self.emit(Op::If(graphs.0, graphs.1), &[choice.test], choice.position))
    }

    /// A conditional that yields the variables it assigns, and flags for how it was left.
    fn join(&mut self, choice: &Choice<'a>, exits: Exits) {
        let live = self.frame.live.after(choice.at);
        let mut names = exits.flags();
        let leaves = exits.breaks || exits.continues;
        let around = leaves.then(|| self.frame.loops.last()).flatten();
        let kept = |name: &&str| live.contains(name) || around.is_some_and(|l| l.names.contains(name));
        names.extend(assigned(&[choice.then, choice.other]).into_iter().filter(|name| kept(name)));
        let flags = exits.flags().len();
        let missing = vec![None; names.len()];
        let mut tail =
            Tail::Join(JoinTail { names: names.clone(), missing, test: choice.position.start(), holds: true });
        let then = self.join_branch("then", choice.then, choice, &mut tail);
        if let Tail::Join(join) = &mut tail {
            join.holds = false;
        }
        let other = self.join_branch("else", choice.other, choice, &mut tail);
        let node = self.emit(Op::If(then, other), &[choice.test], choice.position);
        let Tail::Join(join) = tail else { unreachable!("the tail was made here") };
        for (index, (name, missing)) in names.into_iter().zip(join.missing).enumerate() {
            match missing {
                Some(reason) if index >= flags => self.bind_maybe(name, reason),
                _ => {
                    let item = self.emit(Op::Get(index as u32), &[node], choice.position);
                    self.bind_node(name, item);
                }
            }
        }
    }

    fn join_branch(&mut self, name: &str, part: Part<'a>, choice: &Choice<'a>, tail: &mut Tail<'_, 'a>) -> GraphId {
        self.nested(name, part_range(part, choice.position), |this| this.seq(Some(&Seq { part, next: None }), tail))
    }

    /// After something that may have set flags: leaves if one is set, else goes on with the rest.
    pub(super) fn guard(
        &mut self,
        exits: Exits,
        range: TextRange,
        rest: Option<&Seq<'_, 'a>>,
        tail: &mut Tail<'_, 'a>,
    ) -> NodeId {
        if rest.is_none() && matches!(tail, Tail::Loop(_) | Tail::Join(_)) {
            return self.finish(Exit::Fall, tail);
        }
        let mut flag = None;
        for name in exits.flags() {
            if name == VALUE {
                continue;
            }
            let this = self.slot(name, Exit::Flagged, range);
            flag = Some(flag.map_or(this, |known| self.apply("bitor", &[known, this], range)));
        }
        let Some(flag) = flag else { return self.seq(rest, tail) };
        let leave = self.nested("leave", range, |this| this.finish(Exit::Flagged, tail));
        let go_on = self.nested("rest", range, |this| {
            exits.flags().into_iter().for_each(|name| {
                this.unbind(name);
            });
            this.seq(rest, tail)
        });
        self.emit(Op::If(leave, go_on), &[flag], range)
    }
}

/// A condition, its branches, and the statement they come from.
pub(super) struct Choice<'a> {
    pub(super) test: NodeId,
    pub(super) position: TextRange,
    pub(super) then: Part<'a>,
    pub(super) other: Part<'a>,
    /// Where the statement starts.
    pub(super) at: TextSize,
}

fn part_range(part: Part<'_>, otherwise: TextRange) -> TextRange {
    let ends = match part {
        Part::Block(body) | Part::LoopElse { body, .. } => {
            body.first().zip(body.last()).map(|(a, b)| (a.range(), b.range()))
        }
        Part::Clauses { clauses, .. } => clauses.first().zip(clauses.last()).map(|(a, b)| (a.range, b.range)),
    };
    ends.map_or(otherwise, |(first, last)| first.cover(last))
}
