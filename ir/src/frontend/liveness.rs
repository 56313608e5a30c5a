//! Liveness: which variables of a scope may still be read after a statement.
//!
//! Only live variables become results of a lowered `if` and state of a lowered loop, so that a
//! temporary may have another type in each branch. The analysis walks blocks backwards. A loop is
//! solved without iteration: what its body reads before writing does not depend on what is live
//! after it, so `head = test ∪ after ∪ exposed(body)`.

use std::collections::BTreeSet;
use std::rc::Rc;

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprLambda, Parameters, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustc_hash::FxHashMap;

use super::scope::{Code, ScopeId, Scopes, for_each_name, is_main_guard};

/// A set of variable names.
pub(super) type Names<'a> = BTreeSet<&'a str>;

/// The live variables around the compound statements of one scope, by where the statement starts.
#[derive(Debug, Default)]
pub(super) struct Liveness<'a> {
    /// After an `if` or a loop.
    after: FxHashMap<TextSize, Rc<Names<'a>>>,
    /// Where a loop tests whether to go on.
    head: FxHashMap<TextSize, Rc<Names<'a>>>,
}

impl<'a> Liveness<'a> {
    /// Analyses the body of a scope. At the end of the module all its names are live.
    pub(super) fn of(scopes: &Scopes<'a>, scope: ScopeId, body: &'a [Stmt]) -> Self {
        let code = &scopes.get(scope);
        let at_end = match code.code {
            Code::Module => code.bindings.keys().copied().collect(),
            Code::Def(_) | Code::Lambda(_) | Code::Element(..) => Names::new(),
        };
        let mut walk = Walk { scopes, scope, exposed: FxHashMap::default(), found: Liveness::default(), record: true };
        walk.block(body, at_end, &Targets::default());
        walk.found
    }

    /// What is live after the statement that starts at `at`.
    pub(super) fn after(&self, at: TextSize) -> Rc<Names<'a>> {
        self.after.get(&at).cloned().unwrap_or_default()
    }

    /// What is live at the head of the loop that starts at `at`.
    pub(super) fn head(&self, at: TextSize) -> Rc<Names<'a>> {
        self.head.get(&at).cloned().unwrap_or_default()
    }
}

/// What is live where `break` and `continue` lead.
#[derive(Clone, Default)]
struct Targets<'a> {
    after: Rc<Names<'a>>,
    head: Rc<Names<'a>>,
}

#[derive(Clone, Copy)]
struct LoopParts<'a> {
    at: TextSize,
    target: Option<&'a Expr>,
    test: Option<&'a Expr>,
    body: &'a [Stmt],
}

struct Walk<'s, 'a> {
    scopes: &'s Scopes<'a>,
    scope: ScopeId,
    exposed: FxHashMap<TextSize, Rc<Names<'a>>>,
    found: Liveness<'a>,
    record: bool,
}

impl<'a> Walk<'_, 'a> {
    fn block(&mut self, body: &'a [Stmt], mut live: Names<'a>, targets: &Targets<'a>) -> Names<'a> {
        for stmt in body.iter().rev() {
            live = self.statement(stmt, live, targets);
        }
        live
    }

    fn statement(&mut self, stmt: &'a Stmt, mut live: Names<'a>, targets: &Targets<'a>) -> Names<'a> {
        match stmt {
            Stmt::Return(ret) => {
                live.clear();
                ret.value.iter().for_each(|value| self.read(value, &mut live));
            }
            Stmt::Break(_) => live = (*targets.after).clone(),
            Stmt::Continue(_) => live = (*targets.head).clone(),
            Stmt::If(_) if self.scope == super::scope::MODULE && is_main_guard(stmt) => {}
            Stmt::If(branch) => {
                self.note_after(stmt, &live);
                let mut all = self.block(&branch.body, live.clone(), targets);
                if branch.elif_else_clauses.last().is_none_or(|clause| clause.test.is_some()) {
                    all.extend(live.iter().copied());
                }
                for clause in &branch.elif_else_clauses {
                    let inner = self.block(&clause.body, live.clone(), targets);
                    all.extend(inner);
                    clause.test.iter().for_each(|test| self.read(test, &mut all));
                }
                self.read(&branch.test, &mut all);
                live = all;
            }
            Stmt::While(each) => {
                self.note_after(stmt, &live);
                let parts = LoopParts { at: stmt.start(), target: None, test: Some(&each.test), body: &each.body };
                live = self.repeat(parts, &each.orelse, live, targets);
            }
            Stmt::For(each) => {
                self.note_after(stmt, &live);
                let parts = LoopParts { at: stmt.start(), target: Some(&each.target), test: None, body: &each.body };
                live = self.repeat(parts, &each.orelse, live, targets);
                self.read(&each.iter, &mut live);
            }
            _ => self.simple(stmt, &mut live),
        }
        live
    }

    fn note_after(&mut self, stmt: &Stmt, live: &Names<'a>) {
        if self.record {
            self.found.after.insert(stmt.start(), Rc::new(live.clone()));
        }
    }

    fn repeat(
        &mut self,
        parts: LoopParts<'a>,
        orelse: &'a [Stmt],
        after: Names<'a>,
        targets: &Targets<'a>,
    ) -> Names<'a> {
        let mut head = self.block(orelse, after.clone(), targets);
        head.extend(after.iter().copied());
        parts.test.iter().for_each(|test| self.read(test, &mut head));
        head.extend(self.exposed(parts).iter().copied());
        if self.record {
            let shared = Rc::new(head.clone());
            self.found.head.insert(parts.at, shared.clone());
            self.block(parts.body, head.clone(), &Targets { after: Rc::new(after), head: shared });
        }
        head
    }

    /// What a loop's body reads before it writes it.
    fn exposed(&mut self, parts: LoopParts<'a>) -> Rc<Names<'a>> {
        if let Some(known) = self.exposed.get(&parts.at) {
            return known.clone();
        }
        let record = std::mem::replace(&mut self.record, false);
        let mut names = self.block(parts.body, Names::new(), &Targets::default());
        self.record = record;
        parts.target.iter().for_each(|target| kill(target, &mut names));
        let names = Rc::new(names);
        self.exposed.insert(parts.at, names.clone());
        names
    }

    fn simple(&mut self, stmt: &'a Stmt, live: &mut Names<'a>) {
        match stmt {
            Stmt::Assign(assign) => {
                assign.targets.iter().for_each(|target| kill(target, live));
                self.read_assigned(&assign.targets[0], &assign.value, live);
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    kill(&assign.target, live);
                    self.read_assigned(&assign.target, value, live);
                }
            }
            Stmt::AugAssign(assign) => {
                for_each_name(&assign.target, &mut |name, _| {
                    live.insert(name);
                });
                self.read(&assign.value, live);
            }
            Stmt::FunctionDef(def) => {
                live.remove(def.name.as_str());
                self.read_defaults(&def.parameters, live);
                if !def.decorator_list.is_empty() {
                    self.captured(def.range, live);
                }
                def.decorator_list.iter().for_each(|d| self.read(&d.expression, live));
            }
            Stmt::ClassDef(class) => {
                live.remove(class.name.as_str());
                for stmt in &class.body {
                    if let Stmt::AnnAssign(field) = stmt {
                        field.value.iter().for_each(|value| self.read(value, live));
                    }
                }
            }
            Stmt::Assert(assert) => self.read(&assert.test, live),
            Stmt::Expr(expr) => self.read(&expr.value, live),
            _ => {}
        }
    }

    /// Reads an assigned value; `name = lambda …` captures at each mention of the name instead.
    fn read_assigned(&mut self, target: &Expr, value: &'a Expr, live: &mut Names<'a>) {
        match (target, value) {
            (Expr::Name(_), Expr::Lambda(lambda)) => self.read_lambda_defaults(lambda, live),
            _ => self.read(value, live),
        }
    }

    fn read_lambda_defaults(&mut self, lambda: &'a ExprLambda, live: &mut Names<'a>) {
        if let Some(parameters) = &lambda.parameters {
            self.read_defaults(parameters, live);
        }
    }

    fn read_defaults(&mut self, parameters: &'a Parameters, live: &mut Names<'a>) {
        for default in parameters.iter_non_variadic_params().filter_map(|p| p.default()) {
            self.read(default, live);
        }
    }

    fn read(&mut self, expr: &'a Expr, live: &mut Names<'a>) {
        Reads { walk: self, live }.visit_expr(expr);
    }

    fn captured(&mut self, function: TextRange, live: &mut Names<'a>) {
        self.add_captures(self.scopes.at(function), live);
    }

    fn add_captures(&self, function: ScopeId, live: &mut Names<'a>) {
        let captures = self.scopes.get(function).captures.iter();
        live.extend(captures.filter(|(owner, _)| *owner == self.scope).map(|(_, name)| *name));
    }
}

fn kill<'a>(target: &'a Expr, live: &mut Names<'a>) {
    for_each_name(target, &mut |name, _| {
        live.remove(name);
    });
}

struct Reads<'w, 's, 'a> {
    walk: &'w mut Walk<'s, 'a>,
    live: &'w mut Names<'a>,
}

impl<'a> Visitor<'a> for Reads<'_, '_, 'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                self.live.insert(name.id.as_str());
                let functions = &self.walk.scopes.get(self.walk.scope).functions;
                for &function in functions.get(name.id.as_str()).into_iter().flatten() {
                    self.walk.add_captures(function, self.live);
                }
            }
            Expr::Lambda(lambda) => {
                self.walk.captured(lambda.range, self.live);
                self.walk.read_lambda_defaults(lambda, self.live);
            }
            Expr::ListComp(c) => self.comprehension(c.range, &c.generators),
            Expr::SetComp(c) => self.comprehension(c.range, &c.generators),
            Expr::DictComp(c) => self.comprehension(c.range, &c.generators),
            Expr::Generator(c) => self.comprehension(c.range, &c.generators),
            _ => walk_expr(self, expr),
        }
    }
}

impl<'a> Reads<'_, '_, 'a> {
    fn comprehension(&mut self, range: TextRange, generators: &'a [ruff_python_ast::Comprehension]) {
        self.walk.captured(range, self.live);
        if let Some(generator) = generators.first() {
            self.visit_expr(&generator.iter);
        }
    }
}
