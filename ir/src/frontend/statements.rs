//! Statements: assignment, `return` and the rest; each rebinds variables or ends its sequence.

use indexmap::IndexSet;
use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtAssign, StmtAugAssign, StmtIf, StmtReturn};
use ruff_text_size::{Ranged, TextRange};

use crate::graph::{Const, NodeId, Op};

use super::context::{Escape, Lowerer};
use super::control::{Choice, Exit, Part, Seq, Tail};
use super::exits::assigned_by;
use super::expressions::operator;
use super::reject;
use super::scope::{MODULE, bound_name, is_main_guard};

/// What lowering a statement came to.
pub(super) enum Step {
    /// The next statement follows.
    Next,
    /// The sequence has ended with this result.
    Done(NodeId),
}

impl<'a> Lowerer<'a, '_> {
    /// A statement, given what follows it in its sequence.
    pub(super) fn statement(&mut self, stmt: &'a Stmt, rest: Option<&Seq<'_, 'a>>, tail: &mut Tail<'_, 'a>) -> Step {
        match stmt {
            Stmt::Return(ret) => return self.return_statement(ret, tail),
            Stmt::Break(_) | Stmt::Continue(_) if self.frame.loops.is_empty() => {
                self.error(stmt.range(), "this is not inside a loop", "");
            }
            Stmt::Break(_) => {
                self.note_break(stmt.start());
                return Step::Done(self.finish(Exit::Break, tail));
            }
            Stmt::Continue(_) => return Step::Done(self.finish(Exit::Continue, tail)),
            Stmt::If(_) if self.frame.scope == MODULE && is_main_guard(stmt) => {}
            Stmt::If(branch) => return self.if_statement(branch, rest, tail),
            Stmt::While(each) => return self.while_loop(each, rest, tail),
            Stmt::For(each) => return self.for_loop(each, rest, tail),
            Stmt::FunctionDef(def) => self.def(def),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Assign(assign) => self.assign(assign),
            Stmt::AugAssign(assign) => self.augmented(assign),
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => self.assign_value(&assign.target, value),
                None if assign.target.is_name_expr() => {}
                None => self.reject_target(&assign.target),
            },
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Pass(_) => {}
            Stmt::Assert(assert) => {
                let test = self.condition(&assert.test);
                self.apply("assert", &[test], assert.range);
            }
            Stmt::Expr(expr) => self.expression_statement(&expr.value),
            Stmt::Delete(_)
            | Stmt::TypeAlias(_)
            | Stmt::With(_)
            | Stmt::Match(_)
            | Stmt::Raise(_)
            | Stmt::Try(_)
            | Stmt::Global(_)
            | Stmt::Nonlocal(_)
            | Stmt::IpyEscapeCommand(_) => self.reject_statement(stmt),
        }
        Step::Next
    }

    fn return_statement(&mut self, ret: &'a StmtReturn, tail: &mut Tail<'_, 'a>) -> Step {
        if self.frame.scope == MODULE {
            self.error(ret.range, "`return` outside a function", "");
            return Step::Next;
        }
        let value = match &ret.value {
            Some(value) => self.expr_as(value, Escape::Returned),
            None => {
                let message = "this `return` has no value";
                self.error(ret.range, message, "a function must return a value: there are no side effects");
                self.poison(ret.range)
            }
        };
        Step::Done(self.finish(Exit::Return(value), tail))
    }

    fn if_statement(&mut self, branch: &'a StmtIf, rest: Option<&Seq<'_, 'a>>, tail: &mut Tail<'_, 'a>) -> Step {
        let at = branch.range.start();
        let choice = Choice {
            test: self.condition(&branch.test),
            position: branch.test.range(),
            then: Part::Block(&branch.body),
            other: Part::Clauses { clauses: &branch.elif_else_clauses, at },
            at,
        };
        self.conditional(&choice, rest, tail)
    }

    fn expression_statement(&mut self, expr: &'a Expr) {
        if expr.is_string_literal_expr() || expr.is_ellipsis_literal_expr() {
            return;
        }
        if expr.is_named_expr() {
            self.expr(expr);
            return;
        }
        self.frame.rejected |= expr.is_yield_expr() || expr.is_yield_from_expr();
        let (message, help) = reject::effect(expr);
        self.error(expr.range(), message, help);
    }

    fn reject_statement(&mut self, stmt: &'a Stmt) {
        self.frame.rejected |= matches!(stmt, Stmt::With(_) | Stmt::Match(_) | Stmt::Raise(_) | Stmt::Try(_));
        let (message, help) = reject::statement(stmt);
        self.error(reject::head(stmt), message, help);
        let mut names = IndexSet::new();
        assigned_by(stmt, &mut names);
        Imports(&mut names).visit_stmt(stmt);
        for name in names {
            let value = self.poison(stmt.range());
            self.bind_node(name, value);
        }
    }

    // Assignment.

    fn assign(&mut self, assign: &'a StmtAssign) {
        if let [target] = assign.targets.as_slice() {
            return self.assign_value(target, &assign.value);
        }
        let value = self.expr(&assign.value);
        assign.targets.iter().for_each(|target| self.assign_target(target, value));
    }

    fn assign_value(&mut self, target: &'a Expr, value: &'a Expr) {
        match (target, value) {
            (Expr::Name(name), Expr::Lambda(lambda)) => {
                let function = self.lambda_function(lambda);
                self.bind_function(name.id.as_str(), function, name.range);
            }
            (Expr::Name(name), Expr::Call(call)) => match self.named_tuple_call(call) {
                Some(function) => self.bind(name.id.as_str(), function),
                None => {
                    let value = self.expr(value);
                    self.assign_target(target, value);
                }
            },
            _ => match (items(target), items(value)) {
                (Some(targets), Some(values)) if plain(targets) && plain(values) && targets.len() == values.len() => {
                    let values: Vec<_> = values.iter().map(|value| self.expr(value)).collect();
                    targets.iter().zip(values).for_each(|(target, value)| self.assign_target(target, value));
                }
                _ => {
                    let value = self.expr(value);
                    self.assign_target(target, value);
                }
            },
        }
    }

    /// Binds the names of a target to a value.
    pub(super) fn assign_target(&mut self, target: &'a Expr, value: NodeId) {
        match target {
            Expr::Name(name) => self.bind_node(name.id.as_str(), value),
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, value, tuple.range),
            Expr::List(list) => self.unpack(&list.elts, value, list.range),
            _ => self.reject_target(target),
        }
    }

    fn unpack(&mut self, targets: &'a [Expr], value: NodeId, range: TextRange) {
        if let Some(star) = targets.iter().position(Expr::is_starred_expr) {
            return self.unpack_starred(targets, star, value, range);
        }
        let count = self.constant(Const::I64(targets.len() as i64), range);
        let items = self.apply("unpack", &[value, count], range);
        for (index, target) in targets.iter().enumerate() {
            let item = self.emit(Op::Get(index as u32), &[items], target.range());
            self.assign_target(target, item);
        }
    }

    /// `a, *b, c = value`: items from both ends by index, the middle by a slice.
    fn unpack_starred(&mut self, targets: &'a [Expr], star: usize, value: NodeId, range: TextRange) {
        let behind = targets.len() - star - 1;
        for (position, target) in targets.iter().enumerate() {
            let (target, index) = match target {
                Expr::Starred(starred) if position == star => {
                    let start = self.constant(Const::I64(star as i64), range);
                    let stop = if behind == 0 { Const::None } else { Const::I64(-(behind as i64)) };
                    let stop = self.constant(stop, range);
                    let step = self.constant(Const::None, range);
                    (&*starred.value, self.apply("slice", &[start, stop, step], range))
                }
                _ => {
                    let from = if position < star { 0 } else { targets.len() as i64 };
                    (target, self.constant(Const::I64(position as i64 - from), range))
                }
            };
            let item = self.apply("getitem", &[value, index], target.range());
            self.assign_target(target, item);
        }
    }

    fn augmented(&mut self, assign: &'a StmtAugAssign) {
        let Expr::Name(name) = &*assign.target else { return self.reject_target(&assign.target) };
        let mut current = self.name(name, Escape::Yes);
        if self.scopes.shared.contains(&assign.range) {
            let written = format!("{0} = {0} {1} …", name.id, assign.op.as_str());
            let written = self.constant(Const::Str(written.into()), assign.range);
            current = self.apply("rebind", &[current, written], assign.range);
        }
        let value = self.expr(&assign.value);
        let result = self.apply(operator(assign.op), &[current, value], assign.range);
        self.bind_node(name.id.as_str(), result);
    }

    fn reject_target(&mut self, target: &'a Expr) {
        let (message, help) = reject::target(target);
        self.error(target.range(), message, help);
    }
}

/// The names that imports inside a statement bind.
struct Imports<'n, 'a>(&'n mut IndexSet<&'a str>);

impl<'a> Visitor<'a> for Imports<'_, 'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => self.0.extend(import.names.iter().map(bound_name)),
            Stmt::ImportFrom(import) => self.0.extend(import.names.iter().map(bound_name)),
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ => walk_stmt(self, stmt),
        }
    }
}

fn items(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Tuple(tuple) => Some(&tuple.elts),
        Expr::List(list) => Some(&list.elts),
        _ => None,
    }
}

fn plain(items: &[Expr]) -> bool {
    !items.iter().any(Expr::is_starred_expr)
}
