//! Functions and calls: `def`, `lambda`, classes of plain fields, defaults, decorators, stars.
//!
//! | Python | node |
//! | --- | --- |
//! | mention of a function | `fn @g(defaults…)` |
//! | `f(a, k=b)` | `apply[k](f, a, b)` |
//! | `f(a, *b)` | `apply(apply_star, f, apply(concat_tuples, tuple(a), b))` |
//! | `@d def f` | `f = apply(d, fn @f)` |
//! | `class P(NamedTuple)` | `fn @P(defaults…)`, a graph that returns `record P(params…)` |

use std::rc::Rc;
use std::sync::Arc;

use ruff_python_ast::{Arguments, Expr, ExprCall, ExprLambda, Parameters, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::{Ranged, TextRange};

use crate::graph::{Keywords, NodeId, Op};

use super::context::{Escape, Frame, Function, FunctionCode, Job, Lowerer, Place, Value};
use super::control::{Part, Seq, Tail};
use super::escape::Callee;
use super::imports::Member;
use super::liveness::Liveness;
use super::reject;
use super::scope::{Code, ScopeId};

impl<'a> Lowerer<'a, '_> {
    // Function values.

    /// A function value made where its code stands.
    pub(super) fn close(&mut self, scope: ScopeId, defaults: &[Place], range: TextRange, escape: Escape) -> NodeId {
        self.close_from(scope, self.frame.scope, defaults, range, escape)
    }

    /// A function value of code that stands in `owner`.
    pub(super) fn close_from(
        &mut self,
        scope: ScopeId,
        owner: ScopeId,
        defaults: &[Place],
        range: TextRange,
        escape: Escape,
    ) -> NodeId {
        self.check_rebinding(scope, range, escape);
        let surroundings = self.surroundings(owner, range);
        let graph = self.instance(scope, surroundings);
        let defaults: Vec<_> = defaults.iter().map(|&place| self.reference(place, range)).collect();
        self.module.graphs[graph.0 as usize].signature.defaults = defaults.len();
        self.emit(Op::Fn(graph), &defaults, range)
    }

    /// A lambda as an expression.
    pub(super) fn lambda(&mut self, lambda: &'a ExprLambda, escape: Escape) -> NodeId {
        let function = self.lambda_function(lambda);
        self.close(self.scopes.at(lambda.range), &function.defaults, lambda.range, escape)
    }

    /// A lambda as what a name is bound to.
    pub(super) fn lambda_function(&mut self, lambda: &'a ExprLambda) -> Function {
        let defaults = lambda.parameters.as_ref().map(|p| self.parameters(p)).unwrap_or_default();
        Function { code: FunctionCode::Scope(self.scopes.at(lambda.range)), defaults }
    }

    /// `def`: binds a name to a function, or to what its decorators make of it.
    pub(super) fn def(&mut self, def: &'a StmtFunctionDef) {
        if def.is_async {
            self.error(def.name.range, "asynchronous functions are not supported", "write a plain `def`");
        }
        let name = def.name.as_str();
        let decorators: Vec<_> = def.decorator_list.iter().map(|d| self.expr_as(&d.expression, Escape::No)).collect();
        let defaults = self.parameters(&def.parameters);
        let scope = self.scopes.at(def.range);
        if decorators.is_empty() {
            let function = Function { code: FunctionCode::Scope(scope), defaults };
            return self.bind_function(name, function, def.name.range);
        }
        let mut value = self.close(scope, &defaults, def.name.range, Escape::Yes);
        for (decorator, node) in def.decorator_list.iter().zip(decorators).rev() {
            value = self.call(node, &[value], Keywords::new(), decorator.range);
        }
        self.bind_node(name, value);
    }

    /// Checks parameters and evaluates their defaults.
    fn parameters(&mut self, parameters: &'a Parameters) -> Rc<[Place]> {
        for (star, extra) in [("*", &parameters.vararg), ("**", &parameters.kwarg)] {
            if let Some(extra) = extra {
                let message = format!("`{star}{}` collects arguments, which is not supported", extra.name);
                self.error(extra.range, message, "name each parameter, or take a tuple");
            }
        }
        let mut defaults = Vec::new();
        for parameter in parameters.iter_non_variadic_params() {
            let name = parameter.name().as_str();
            match parameter.default() {
                Some(default) => {
                    let value = self.expr(default);
                    defaults.push((self.frame.graph, value));
                }
                None if !defaults.is_empty() => {
                    let message = format!("`{name}` has no default but follows a parameter that has one");
                    self.error(parameter.range, message, "put the parameters with defaults last");
                }
                None => {}
            }
        }
        defaults.into()
    }

    /// A name for people, and the extent, of a function.
    pub(super) fn describe(&self, scope: ScopeId) -> (Rc<str>, TextRange) {
        match self.scopes.get(scope).code {
            Code::Module => ("module".into(), self.frame.range),
            Code::Def(def) => (def.name.as_str().into(), def.range),
            Code::Lambda(lambda) => ("lambda".into(), lambda.range),
            Code::Element(element) => ("element".into(), element.range()),
        }
    }

    // Bodies.

    /// Lowers the bodies in the queue, and those that they mention.
    pub(super) fn bodies(&mut self) {
        while let Some(job) = self.queue.pop_front() {
            self.body(job);
            if self.too_large() {
                self.queue.clear();
                let message = "the program is too large: its functions are lowered for too many different captures";
                self.error(TextRange::empty(0.into()), message, "pass what changes as an argument");
            }
        }
    }

    fn body(&mut self, job: Job<'a>) {
        let Job { graph, scope, surroundings } = job;
        let code = self.scopes.get(scope).code;
        let (name, range) = self.describe(scope);
        self.frame = Frame {
            scope,
            name,
            range,
            env: Rc::default(),
            surroundings: Some(surroundings),
            graph,
            root: graph,
            live: self.liveness(scope, code),
            path: Vec::new(),
            loops: Vec::new(),
            rejected: false,
        };
        let ret = match code {
            Code::Module => unreachable!("the module is not a function"),
            Code::Def(def) => {
                self.bind_parameters(&def.parameters);
                let seq = Seq { part: Part::Block(&def.body), next: None };
                self.seq(Some(&seq), &mut Tail::Function)
            }
            Code::Lambda(lambda) => {
                lambda.parameters.iter().for_each(|p| self.bind_parameters(p));
                self.expr_as(&lambda.body, Escape::Returned)
            }
            Code::Element(element) => self.element(element),
        };
        self.graph().ret = ret;
    }

    fn liveness(&mut self, scope: ScopeId, code: Code<'a>) -> Rc<Liveness<'a>> {
        let Code::Def(def) = code else { return Rc::default() };
        let scopes = self.scopes;
        let new = || Rc::new(Liveness::of(scopes, scope, &def.body));
        self.lives.entry(scope).or_insert_with(new).clone()
    }

    fn bind_parameters(&mut self, parameters: &'a Parameters) {
        self.graph().signature.keyword_only = parameters.kwonlyargs.len();
        for parameter in parameters {
            let name = parameter.name();
            let place = self.param(name.as_str(), name.range);
            self.bind(name.as_str(), Value::Node(place));
        }
    }

    // Calls.

    /// A call.
    pub(super) fn call_expression(&mut self, call: &'a ExprCall, escape: Escape) -> NodeId {
        let range = call.range();
        if self.is_unbound(&call.func, "dict") {
            return self.dict_call(call);
        }
        let callee = self.scopes.callee(self.frame.scope, &call.func);
        let function = self.expr_as(&call.func, Escape::No);
        let arguments = &call.arguments;
        let starred = arguments.args.iter().any(Expr::is_starred_expr);
        let mut args = Vec::new();
        if starred {
            args.push(function);
            let escape = self.argument_escape(callee, None, None, escape);
            args.push(match &*arguments.args {
                [Expr::Starred(only)] => self.expr(&only.value),
                items => self.display(items, arguments.range, escape),
            });
        } else {
            for (position, arg) in arguments.args.iter().enumerate() {
                let escape = self.argument_escape(callee, Some(position), None, escape);
                args.push(self.expr_as(arg, escape));
            }
        }
        let keywords = self.keywords(arguments, callee, escape, &mut args);
        if starred {
            let apply_star = self.emit(Op::Builtin("apply_star"), &[], range);
            return self.call(apply_star, &args, keywords, range);
        }
        self.call(function, &args, keywords, range)
    }

    fn keywords(
        &mut self,
        arguments: &'a Arguments,
        callee: Callee,
        escape: Escape,
        args: &mut Vec<NodeId>,
    ) -> Keywords {
        let mut keywords = Keywords::new();
        for keyword in &arguments.keywords {
            let Some(name) = &keyword.arg else {
                let message = "`**` in a call is not supported";
                self.error(keyword.range, message, "write each keyword argument: `name=value`");
                continue;
            };
            if keywords.iter().any(|known| **known == *name.as_str()) {
                self.error(keyword.range, format!("the argument `{name}` is given twice"), "");
                continue;
            }
            let escape = self.argument_escape(callee, None, Some(name.as_str()), escape);
            args.push(self.expr_as(&keyword.value, escape));
            keywords.push(name.as_str().into());
        }
        keywords
    }

    /// How long an argument lives, given how long the result of the call does.
    fn argument_escape(
        &self,
        callee: Callee,
        position: Option<usize>,
        keyword: Option<&str>,
        result: Escape,
    ) -> Escape {
        if self.scopes.holds(callee, position, keyword) { result } else { Escape::No }
    }

    /// Whether an expression is a name that nothing binds.
    fn is_unbound(&self, expr: &Expr, name: &str) -> bool {
        let Expr::Name(found) = expr else { return false };
        found.id.as_str() == name && self.scopes.owner(self.frame.scope, name).is_none()
    }

    fn dict_call(&mut self, call: &'a ExprCall) -> NodeId {
        let range = call.range();
        let mut parts: Vec<NodeId> = call.arguments.args.iter().map(|pairs| self.expr(pairs)).collect();
        let mut values = Vec::new();
        let fields = self.keywords(&call.arguments, Callee::Holds, Escape::Yes, &mut values);
        if parts.is_empty() {
            return self.record("dict", fields.to_vec(), &values, range);
        }
        let mut dict = self.apply("dict", &parts, range);
        if !fields.is_empty() {
            parts = vec![dict, self.record("dict", fields.to_vec(), &values, range)];
            dict = self.apply("merged", &parts, range);
        }
        dict
    }

    // Classes.

    /// A class of plain fields binds its name to the function that makes its records.
    pub(super) fn class(&mut self, class: &'a StmtClassDef) {
        let known = self.is_record_class(class);
        let mut fields: Vec<Arc<str>> = Vec::new();
        let mut defaults: Vec<Place> = Vec::new();
        for stmt in &class.body {
            match stmt {
                Stmt::AnnAssign(field) if field.target.is_name_expr() => {
                    let name = field.target.as_name_expr().map_or("", |n| n.id.as_str());
                    if fields.iter().any(|known| **known == *name) {
                        self.error(field.range, format!("the field `{name}` occurs twice"), "");
                        continue;
                    }
                    fields.push(name.into());
                    match &field.value {
                        Some(value) => {
                            let value = self.expr(value);
                            defaults.push((self.frame.graph, value));
                        }
                        None if !defaults.is_empty() => {
                            let message = format!("`{name}` has no default but follows a field that has one");
                            self.error(field.range, message, "put the fields with defaults last");
                        }
                        None => {}
                    }
                }
                Stmt::Pass(_) => {}
                Stmt::Expr(text) if text.value.is_string_literal_expr() => {}
                other if known => {
                    let (message, help) = reject::class_item(other);
                    self.error(reject::head(other), message, help);
                }
                _ => {}
            }
        }
        let function = self.constructor(class.name.as_str(), fields, defaults, class.range);
        self.bind(class.name.as_str(), function);
    }

    /// Whether a class is a `NamedTuple` or a frozen dataclass; reports it if not.
    fn is_record_class(&mut self, class: &'a StmtClassDef) -> bool {
        let name = class.name.as_str();
        let help = format!("write `class {name}(NamedTuple):` with annotated fields only");
        let mut known = false;
        for decorator in &class.decorator_list {
            let (marker, arguments) = match &decorator.expression {
                Expr::Call(call) => (&*call.func, Some(&call.arguments)),
                marker => (marker, None),
            };
            if !matches!(self.imported(marker), Some((Member::Dataclass, _))) {
                self.error(decorator.range, "this decorator of a class is not supported", help.as_str());
                return false;
            }
            let frozen = arguments.and_then(|a| a.find_keyword("frozen"));
            if !frozen.is_some_and(|k| k.value.as_boolean_literal_expr().is_some_and(|b| b.value)) {
                let message = format!("the dataclass `{name}` can be changed after it is made");
                self.error(decorator.range, message, "write `@dataclass(frozen=True)`");
                return false;
            }
            known = true;
        }
        for base in class.bases() {
            if !matches!(self.imported(base), Some((Member::NamedTuple, _))) {
                self.error(base.range(), "this base class is not supported", help.as_str());
                return false;
            }
            known = true;
        }
        if !known {
            self.error(class.name.range, format!("the class `{name}` is not a plain record"), help);
        }
        known
    }

    /// `P = namedtuple("P", "a b")`, if the call is one.
    pub(super) fn named_tuple_call(&mut self, call: &'a ExprCall) -> Option<Value> {
        let Some((Member::NamedTupleFunction, _)) = self.imported(&call.func) else { return None };
        let text = |e: &'a Expr| e.as_string_literal_expr().map(|s| s.value.to_str());
        let parts: Option<(&str, Vec<&str>)> = match &*call.arguments.args {
            [name, Expr::List(list)] => text(name).zip(list.elts.iter().map(text).collect()),
            [name, Expr::Tuple(tuple)] => text(name).zip(tuple.elts.iter().map(text).collect()),
            [name, fields] => text(name).zip(
                text(fields)
                    .map(|f| f.split(|c: char| c == ',' || c.is_whitespace()).filter(|f| !f.is_empty()).collect()),
            ),
            _ => None,
        };
        let distinct = |fields: &[&str]| (1..fields.len()).all(|i| !fields[..i].contains(&fields[i]));
        let parts = parts.filter(|(_, fields)| call.arguments.keywords.is_empty() && distinct(fields));
        let Some((name, fields)) = parts else {
            let help = "write `namedtuple(\"Name\", \"field field\")`";
            self.error(call.range(), "this use of `namedtuple` is not supported", help);
            return Some(Value::Member(self.unknown(call.range())));
        };
        let fields = fields.into_iter().map(Arc::from).collect();
        Some(self.constructor(name, fields, Vec::new(), call.range()))
    }

    fn constructor(&mut self, name: &str, fields: Vec<Arc<str>>, defaults: Vec<Place>, range: TextRange) -> Value {
        let graph = self.open(name, range, Some(self.top));
        let outer = std::mem::replace(&mut self.frame.graph, graph);
        let values: Vec<_> = fields.iter().map(|field| self.param(field, range).1).collect();
        let ret = self.record(name, fields, &values, range);
        self.graph().ret = ret;
        self.graph().signature.defaults = defaults.len();
        self.frame.graph = outer;
        Value::Function(Function { code: FunctionCode::Record(graph), defaults: defaults.into() })
    }
}
