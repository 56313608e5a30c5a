//! Ownership: which variables surely hold an array or list that nothing else holds.
//!
//! `z += v` changes an array in place in Python, where every other name of that array sees it;
//! here it rebinds `z`. The two agree if `z` *owns* its value: the value was made by an operation
//! that makes a new one, and no other variable, container, argument or function has it since.
//! A variable that surely holds a tuple owns it whoever else has it: tuples cannot be changed.
//! [`Scopes::shared`] has the augmented assignments of variables for which this is not known.
//!
//! Each function is walked in the order of control, with the variables that own their values as
//! state: where paths meet only those that own it on all of them are left, and loops are walked
//! until nothing changes. Functions are pure, so that what a call has been given lives on at most
//! in its result. Variables that inner functions read never own anything.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::{Expr, ExprCall, Operator, Parameters, Stmt, StmtAugAssign};
use ruff_text_size::TextRange;
use rustc_hash::FxHashSet;

use super::escape::Callee;
use super::names;
use super::scope::{Code, ScopeId, Scopes, for_each_name};

/// Functions and methods whose result may be a view of an argument, or the argument itself.
const VIEWS: &[&str] = &[
    "array_split",
    "asarray",
    "ascontiguousarray",
    "astype",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "broadcast_to",
    "diag",
    "diagonal",
    "dsplit",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "hsplit",
    "meshgrid",
    "moveaxis",
    "nan_to_num",
    "partial",
    "permute_dims",
    "ravel",
    "reduce",
    "reshape",
    "rollaxis",
    "rot90",
    "split",
    "squeeze",
    "swapaxes",
    "transpose",
    "vsplit",
];

/// Python's own functions whose result is new.
const MAKERS: &[&str] = &["abs", "all", "any", "bool", "divmod", "float", "int", "len", "pow", "range", "round", "sum"];

/// Why a variable owns its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owned {
    /// Nothing else holds it.
    Alone,
    /// It is a tuple.
    Tuple,
}

/// The variables that own their values; `None` where control does not come.
type State<'a> = Option<BTreeMap<&'a str, Owned>>;

impl<'a> Scopes<'a> {
    /// Fills `shared`. That functions return new values is assumed until shown otherwise.
    pub(super) fn find_shared(&mut self, body: &'a [Stmt]) {
        let mut makes_new = vec![true; self.ids().count()];
        loop {
            let mut shared = FxHashSet::default();
            let mut changed = false;
            for (index, scope) in self.ids().enumerate() {
                let new = Walk::new(self, scope, &makes_new, &mut shared).code(body);
                changed |= std::mem::replace(&mut makes_new[index], new) != new;
            }
            if !changed {
                return self.shared = shared;
            }
        }
    }
}

struct Walk<'s, 'a> {
    scopes: &'s Scopes<'a>,
    scope: ScopeId,
    makes_new: &'s [bool],
    shared: &'s mut FxHashSet<TextRange>,
    /// Variables that inner functions read.
    captured: FxHashSet<&'a str>,
    state: State<'a>,
    /// For each loop around the code at hand, the states at `break` and at `continue`.
    jumps: Vec<[State<'a>; 2]>,
    /// Whether every value returned so far is new.
    new: bool,
}

impl<'s, 'a> Walk<'s, 'a> {
    fn new(
        scopes: &'s Scopes<'a>,
        scope: ScopeId,
        makes_new: &'s [bool],
        shared: &'s mut FxHashSet<TextRange>,
    ) -> Self {
        let inner = scopes.ids().flat_map(|id| &scopes.get(id).captures);
        let captured = inner.filter(|(owner, _)| *owner == scope).map(|(_, name)| *name).collect();
        let state = Some(BTreeMap::new());
        Self { scopes, scope, makes_new, shared, captured, state, jumps: Vec::new(), new: true }
    }

    /// Walks the code of the scope; says whether its result is always new.
    fn code(mut self, body: &'a [Stmt]) -> bool {
        match self.scopes.get(self.scope).code {
            Code::Module => self.block(body),
            Code::Def(def) => self.block(&def.body),
            Code::Lambda(lambda) => self.result(&lambda.body),
            Code::Element(..) => self.new = false,
        }
        self.new
    }

    fn block(&mut self, body: &'a [Stmt]) {
        body.iter().for_each(|stmt| self.statement(stmt));
    }

    fn statement(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Return(ret) => {
                ret.value.iter().for_each(|value| self.result(value));
                self.state = None;
            }
            Stmt::Break(_) => self.jump(0),
            Stmt::Continue(_) => self.jump(1),
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [target] => self.assign(target, &assign.value),
                targets => {
                    self.leak(&assign.value);
                    targets.iter().for_each(|target| self.disown(target));
                }
            },
            Stmt::AnnAssign(assign) => assign.value.iter().for_each(|value| self.assign(&assign.target, value)),
            Stmt::AugAssign(assign) => self.augmented(assign),
            Stmt::FunctionDef(def) => {
                self.defaults(&def.parameters);
                self.forget(def.name.as_str());
            }
            Stmt::If(branch) => {
                let mut end = None;
                let mut open = true;
                let before = self.state.clone();
                self.block(&branch.body);
                meet(&mut end, std::mem::replace(&mut self.state, before.clone()));
                for clause in &branch.elif_else_clauses {
                    open &= clause.test.is_some();
                    self.block(&clause.body);
                    meet(&mut end, std::mem::replace(&mut self.state, before.clone()));
                }
                self.state = end;
                if open {
                    meet(&mut self.state, before);
                }
            }
            Stmt::While(each) => self.repeat(None, &each.body, &each.orelse),
            Stmt::For(each) => {
                self.leak(&each.iter);
                self.repeat(Some(&each.target), &each.body, &each.orelse);
            }
            _ => {}
        }
    }

    fn jump(&mut self, kind: usize) {
        let state = self.state.take();
        if let Some(around) = self.jumps.last_mut() {
            meet(&mut around[kind], state);
        }
    }

    fn repeat(&mut self, target: Option<&'a Expr>, body: &'a [Stmt], orelse: &'a [Stmt]) {
        let mut head = self.state.clone();
        let broken = loop {
            self.state = head.clone();
            target.iter().for_each(|target| self.disown(target));
            self.jumps.push([None, None]);
            self.block(body);
            let [broken, continued] = self.jumps.pop().expect("the loop was pushed above");
            let mut next = head.clone();
            meet(&mut next, self.state.take());
            meet(&mut next, continued);
            if next == head {
                break broken;
            }
            head = next;
        };
        self.state = head;
        target.iter().for_each(|target| self.disown(target));
        self.block(orelse);
        meet(&mut self.state, broken);
    }

    // Variables.

    fn own(&mut self, name: &'a str, owned: Owned) {
        if (owned == Owned::Tuple || !self.captured.contains(name))
            && let Some(state) = &mut self.state
        {
            state.insert(name, owned);
        }
    }

    fn forget(&mut self, name: &str) {
        if let Some(state) = &mut self.state {
            state.remove(name);
        }
    }

    fn disown(&mut self, target: &'a Expr) {
        for_each_name(target, &mut |name, _| self.forget(name));
    }

    fn owns(&self, name: &str) -> bool {
        self.state.as_ref().is_none_or(|state| state.contains_key(name))
    }

    fn owns_tuple(&self, name: &str) -> bool {
        self.state.as_ref().is_none_or(|state| state.get(name) == Some(&Owned::Tuple))
    }

    /// Something else than a variable's own name holds, from now on, what the expression gives.
    fn leak(&mut self, expr: &'a Expr) {
        let mut held = BTreeSet::new();
        self.held(expr, &mut held);
        if let Some(state) = &mut self.state {
            state.retain(|name, owned| *owned == Owned::Tuple || !held.contains(name));
        }
    }

    fn assign(&mut self, target: &'a Expr, value: &'a Expr) {
        if let (Expr::Tuple(targets), Expr::Tuple(values)) = (target, value)
            && targets.len() == values.len()
            && !targets.iter().chain(values).any(Expr::is_starred_expr)
        {
            let owned: Vec<Option<Owned>> = values.iter().map(|value| self.owned(value)).collect();
            values.iter().for_each(|value| self.leak(value));
            for (target, owned) in targets.iter().zip(owned) {
                self.bind(target, owned);
            }
            return;
        }
        let owned = self.owned(value);
        self.leak(value);
        self.bind(target, owned);
    }

    fn bind(&mut self, target: &'a Expr, owned: Option<Owned>) {
        self.disown(target);
        if let (Expr::Name(name), Some(owned)) = (target, owned) {
            self.own(name.id.as_str(), owned);
        }
    }

    /// Why a variable that is given the value of an expression owns it.
    fn owned(&self, value: &'a Expr) -> Option<Owned> {
        if self.is_tuple(value) { Some(Owned::Tuple) } else { self.is_new(value).then_some(Owned::Alone) }
    }

    /// What is not an array or list is new after an augmented assignment, what is one is owned.
    fn augmented(&mut self, assign: &'a StmtAugAssign) {
        let Expr::Name(name) = &*assign.target else { return self.leak(&assign.value) };
        let name = name.id.as_str();
        let is_tuple = assign.op == Operator::Add && self.owns_tuple(name) && self.is_tuple(&assign.value);
        self.leak(&assign.value);
        if !self.owns(name) {
            self.shared.insert(assign.range);
        }
        self.forget(name);
        self.own(name, if is_tuple { Owned::Tuple } else { Owned::Alone });
    }

    fn defaults(&mut self, parameters: &'a Parameters) {
        parameters.iter_non_variadic_params().filter_map(|p| p.default()).for_each(|default| self.leak(default));
    }

    /// A value that the function returns: new if nothing but the result holds it, or a part of it.
    fn result(&mut self, expr: &'a Expr) {
        let owned = expr.as_name_expr().is_some_and(|name| self.owns(name.id.as_str()));
        let mut held = BTreeSet::new();
        self.held(expr, &mut held);
        self.new &= (owned || self.is_new(expr)) && held.iter().all(|name| self.owns(name));
    }

    // Expressions.

    /// Whether an expression always gives a tuple. The sum of a tuple and an array is an array.
    fn is_tuple(&self, expr: &'a Expr) -> bool {
        match expr {
            Expr::Tuple(_) => true,
            Expr::Name(name) => self.owns_tuple(name.id.as_str()),
            Expr::BinOp(binary) if binary.op == Operator::Add => {
                self.is_tuple(&binary.left) && self.is_tuple(&binary.right)
            }
            Expr::If(choice) => self.is_tuple(&choice.body) && self.is_tuple(&choice.orelse),
            Expr::Call(call) => match &*call.func {
                Expr::Name(name) => name.id.as_str() == "tuple" && self.scopes.owner(self.scope, &name.id).is_none(),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether an expression always gives a number, or an array or list that nothing else holds.
    fn is_new(&self, expr: &'a Expr) -> bool {
        match expr {
            Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) | Expr::NoneLiteral(_) | Expr::StringLiteral(_) => true,
            Expr::BinOp(_) | Expr::UnaryOp(_) | Expr::Compare(_) => true,
            Expr::Tuple(_) | Expr::List(_) | Expr::Dict(_) | Expr::ListComp(_) | Expr::DictComp(_) => true,
            Expr::If(choice) => self.is_new(&choice.body) && self.is_new(&choice.orelse),
            Expr::Call(call) => self.makes(call),
            _ => false,
        }
    }

    /// Whether what a call gives is new.
    fn makes(&self, call: &ExprCall) -> bool {
        match &*call.func {
            Expr::Attribute(method) => {
                let name = method.attr.as_str();
                let known = |module: &str| names::builtin(&format!("{module}.{name}")).is_some();
                let known = name == "flatten" || ["np", "np.linalg", "math"].into_iter().any(known);
                known && !VIEWS.contains(&name)
            }
            Expr::Name(name) if self.scopes.owner(self.scope, &name.id).is_none() => {
                MAKERS.contains(&name.id.as_str()) || matches!(name.id.as_str(), "list" | "tuple")
            }
            function => match self.scopes.callee(self.scope, function) {
                Callee::Known(code) => self.makes_new[self.scopes.index(code)],
                Callee::Consumes | Callee::Holds => false,
            },
        }
    }

    /// Adds the variables whose values the value of an expression may be, or have as a part.
    fn held(&self, expr: &'a Expr, names: &mut BTreeSet<&'a str>) {
        match expr {
            Expr::Name(name) => {
                names.insert(name.id.as_str());
            }
            Expr::BinOp(binary) if matches!(binary.op, Operator::Add | Operator::Mult) => {
                for operand in [&*binary.left, &*binary.right] {
                    if !operand.is_name_expr() && !operand.is_attribute_expr() && !operand.is_subscript_expr() {
                        self.held(operand, names);
                    }
                }
            }
            Expr::BoolOp(chain) => chain.values.iter().for_each(|value| self.held(value, names)),
            Expr::If(choice) => [&choice.body, &choice.orelse].into_iter().for_each(|e| self.held(e, names)),
            Expr::Call(call) => self.held_by_call(call, names),
            Expr::Attribute(attribute) => self.held(&attribute.value, names),
            Expr::Subscript(subscript) => self.held(&subscript.value, names),
            Expr::Starred(starred) => self.held(&starred.value, names),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|item| self.held(item, names)),
            Expr::List(list) => list.elts.iter().for_each(|item| self.held(item, names)),
            Expr::Dict(dict) => dict.items.iter().for_each(|item| self.held(&item.value, names)),
            Expr::ListComp(c) => c.generators.iter().for_each(|g| self.held(&g.iter, names)),
            Expr::DictComp(c) => c.generators.iter().for_each(|g| self.held(&g.iter, names)),
            Expr::Generator(c) => c.generators.iter().for_each(|g| self.held(&g.iter, names)),
            Expr::Lambda(lambda) => {
                let parameters = lambda.parameters.iter().flat_map(|p| p.iter_non_variadic_params());
                parameters.filter_map(|p| p.default()).for_each(|default| self.held(default, names));
            }
            _ => {}
        }
    }

    fn held_by_call(&self, call: &'a ExprCall, names: &mut BTreeSet<&'a str>) {
        let container = call.func.as_name_expr().is_some_and(|f| matches!(f.id.as_str(), "list" | "tuple"));
        if self.makes(call) && !container {
            return;
        }
        self.held(&call.func, names);
        call.arguments.args.iter().for_each(|argument| self.held(argument, names));
        call.arguments.keywords.iter().for_each(|keyword| self.held(&keyword.value, names));
    }
}

/// What is owned where two paths meet.
fn meet<'a>(state: &mut State<'a>, other: State<'a>) {
    *state = match (state.take(), other) {
        (Some(mut a), Some(b)) => {
            a.retain(|name, owned| match b.get(name) {
                Some(other) => {
                    *owned = if other == owned { *other } else { Owned::Alone };
                    true
                }
                None => false,
            });
            Some(a)
        }
        (one, None) | (None, one) => one,
    };
}
