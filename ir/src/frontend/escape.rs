//! Escape: which parameters and captured variables the result of a function may still hold.
//!
//! A function value that is only called, and passed on to functions that only call it, cannot be
//! called later, when a variable that it captures has changed. `Scope::kept` lists the
//! variables for which this is not known: those that stand where a value is returned or assigned.
//! The sets grow to a fixed point over the functions that call each other.

use indexmap::IndexSet;
use ruff_python_ast::{Expr, ExprCall, Parameters, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::imports::TRANSFORMS;
use super::scope::{Code, Element, ScopeId, Scopes, element_of};

/// How a call treats its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    /// Its result holds none of them.
    Consumes,
    /// Its result may hold any of them.
    Holds,
    /// Code that is known.
    Known(ScopeId),
}

impl<'a> Scopes<'a> {
    /// What a call from `scope` calls.
    pub(super) fn callee(&self, scope: ScopeId, function: &Expr) -> Callee {
        match function {
            Expr::Name(name) => {
                let name = name.id.as_str();
                let Some(owner) = self.owner(scope, name) else { return consumer(name) };
                let owner = self.get(owner);
                match (owner.functions.get(name).map(Vec::as_slice), owner.bindings[name].as_slice()) {
                    (Some([code]), [_]) => Callee::Known(*code),
                    _ => Callee::Holds,
                }
            }
            Expr::Attribute(attribute) if attribute.attr.as_str() == "reduce" => Callee::Consumes,
            _ => Callee::Holds,
        }
    }

    /// Whether the result of a callee may hold the argument at a position or of a name.
    pub(super) fn holds(&self, callee: Callee, position: Option<usize>, keyword: Option<&str>) -> bool {
        let code = match callee {
            Callee::Consumes => return false,
            Callee::Holds => return true,
            Callee::Known(code) => code,
        };
        let parameters = self.get(code).code.parameters();
        let at = |position| parameters.and_then(|p: &Parameters| p.iter_non_variadic_params().nth(position));
        let name = keyword.or_else(|| position.and_then(at).map(|p| p.name().as_str()));
        name.is_none_or(|name| self.get(code).kept.contains(&(code, name)))
    }

    /// Fills `kept` of every scope.
    pub(super) fn find_kept(&mut self) {
        let mut grew = true;
        while grew {
            grew = false;
            for scope in self.ids().chain(self.ids().rev()) {
                let kept = Walk { scopes: self, scope, kept: IndexSet::new() }.code();
                grew |= kept.len() > self.get(scope).kept.len();
                self.get_mut(scope).kept = kept;
            }
        }
    }
}

/// Builtins consume functions, but transformations give others that call them.
fn consumer(name: &str) -> Callee {
    let holds = TRANSFORMS.contains(&name) || matches!(name, "partial" | "map" | "tuple" | "list" | "zip" | "_replace");
    if holds { Callee::Holds } else { Callee::Consumes }
}

struct Walk<'s, 'a> {
    scopes: &'s Scopes<'a>,
    scope: ScopeId,
    kept: IndexSet<(ScopeId, &'a str)>,
}

impl<'a> Walk<'_, 'a> {
    fn code(mut self) -> IndexSet<(ScopeId, &'a str)> {
        match self.scopes.get(self.scope).code {
            Code::Module => {}
            Code::Def(def) => self.block(&def.body),
            Code::Lambda(lambda) => self.hold(&lambda.body),
            Code::Element(element) => {
                match element.split().and_then(|(_, inside)| inside.inner_range().map(|r| (r, inside))) {
                    Some((range, inside)) => self.comprehension(range, inside),
                    None => element.parts.into_iter().flatten().for_each(|part| self.hold(part)),
                }
            }
        }
        self.kept
    }

    fn block(&mut self, body: &'a [Stmt]) {
        for stmt in body {
            match stmt {
                Stmt::Return(ret) => ret.value.iter().for_each(|value| self.hold(value)),
                Stmt::Assign(assign) => self.hold(&assign.value),
                Stmt::AnnAssign(assign) => assign.value.iter().for_each(|value| self.hold(value)),
                Stmt::AugAssign(assign) => self.hold(&assign.value),
                Stmt::FunctionDef(def) => {
                    def.decorator_list.iter().for_each(|d| self.hold(&d.expression));
                    if !def.decorator_list.is_empty() {
                        self.hold_captures(self.scopes.at(def.range));
                    }
                    self.defaults(&def.parameters);
                }
                Stmt::If(branch) => {
                    self.block(&branch.body);
                    branch.elif_else_clauses.iter().for_each(|clause| self.block(&clause.body));
                }
                Stmt::While(each) => {
                    self.block(&each.body);
                    self.block(&each.orelse);
                }
                Stmt::For(each) => {
                    self.hold(&each.iter);
                    self.block(&each.body);
                    self.block(&each.orelse);
                }
                _ => {}
            }
        }
    }

    /// An expression whose value is held.
    fn hold(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => self.hold_name(name.id.as_str()),
            Expr::Lambda(lambda) => {
                self.hold_captures(self.scopes.at(lambda.range));
                lambda.parameters.iter().for_each(|p| self.defaults(p));
            }
            Expr::Call(call) => self.call(call),
            Expr::If(choice) => {
                self.hold(&choice.body);
                self.hold(&choice.orelse);
            }
            Expr::BoolOp(chain) => chain.values.iter().for_each(|value| self.hold(value)),
            Expr::BinOp(binary) => {
                self.hold(&binary.left);
                self.hold(&binary.right);
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|item| self.hold(item)),
            Expr::List(list) => list.elts.iter().for_each(|item| self.hold(item)),
            Expr::Dict(dict) => dict.items.iter().for_each(|item| self.hold(&item.value)),
            Expr::Starred(starred) => self.hold(&starred.value),
            Expr::Subscript(subscript) => self.hold(&subscript.value),
            Expr::Attribute(attribute) => self.hold(&attribute.value),
            _ => element_of(expr).into_iter().for_each(|element| self.comprehension(expr.range(), element)),
        }
    }

    fn hold_name(&mut self, name: &'a str) {
        let Some(owner) = self.scopes.owner(self.scope, name) else { return };
        self.kept.insert((owner, name));
        for &function in self.scopes.get(owner).functions.get(name).into_iter().flatten() {
            self.hold_captures(function);
        }
    }

    fn hold_captures(&mut self, function: ScopeId) {
        self.kept.extend(self.scopes.get(function).captures.iter().copied());
    }

    fn defaults(&mut self, parameters: &'a Parameters) {
        for default in parameters.iter_non_variadic_params().filter_map(|p| p.default()) {
            self.hold(default);
        }
    }

    fn comprehension(&mut self, range: TextRange, element: Element<'a>) {
        self.hold_kept(self.scopes.at(range));
        element.generators.iter().take(1).for_each(|generator| self.hold(&generator.iter));
    }

    /// What the result of calling a nested function may hold of the variables around it.
    fn hold_kept(&mut self, function: ScopeId) {
        let kept = &self.scopes.get(function).kept;
        self.kept.extend(kept.iter().filter(|(owner, _)| *owner != function).copied());
    }

    fn call(&mut self, call: &'a ExprCall) {
        let callee = self.scopes.callee(self.scope, &call.func);
        if let Callee::Known(code) = callee {
            self.hold_kept(code);
        }
        let mut starred = false;
        for (position, argument) in call.arguments.args.iter().enumerate() {
            starred |= argument.is_starred_expr();
            if self.scopes.holds(callee, (!starred).then_some(position), None) {
                self.hold(argument);
            }
        }
        for keyword in &call.arguments.keywords {
            if self.scopes.holds(callee, None, keyword.arg.as_ref().map(|name| name.as_str())) {
                self.hold(&keyword.value);
            }
        }
    }
}
