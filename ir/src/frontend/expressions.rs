//! Expressions: each becomes nodes of the graph at hand.
//!
//! | Python | node |
//! | --- | --- |
//! | `a + b`, `a < b`, `-a` | `apply(builtin add, a, b)` and the like |
//! | `a < b < c` | `b` once; `if(a < b, b < c, a < b)` |
//! | `a and b`, `a or b` | `if(truth a, b, a)`, `if(truth a, a, b)` |
//! | `a if c else b` | `if(truth c, a, b)` |
//! | `x[i]` | `apply(getitem, x, i)` |
//! | `x[i, j:k]` | `apply(index, x, i, apply(slice, j, k, none))` |
//! | `x[[i, j]]` | `apply(getitem, x, apply(np.array, tuple(i, j)))` |
//! | `x.f` | `apply(getattr, x, "f")` |
//! | `(a, b)`, `[a, b]` | `tuple(a, b)` |
//! | `{"a": x}` | `record dict(x)` |
//! | `{"a": x, **d}` | `apply(merged, record dict(x), d)` |
//! | `[e for t in xs]` | `apply(map_items, fn, xs)` |
//! | `[e for t in xs if c]` | `apply(flat_items, fn, xs)`, the function giving `(e,)` or `()` by `if(kept c)` |
//! | `[e for t in xs for u in ys]` | `apply(flat_items, fn, xs)`, the function giving the inner comprehension |
//! | `{k: v for t in xs}` | `apply(dict, …)` of the comprehension of `(k, v)` |

use std::sync::Arc;

use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, Expr, ExprAttribute, ExprBoolOp, ExprCompare, ExprDict, ExprName, ExprNumberLiteral,
    ExprSubscript, ExprUnaryOp, Number, Operator, UnaryOp,
};
use ruff_text_size::{Ranged, TextRange};

use crate::graph::{Const, NodeId, Op, RecordType};
use crate::span::Diagnostic;

use super::context::{Binding, Escape, Function, FunctionCode, Lowerer, Reason, Value};
use super::imports::Member;
use super::scope::{Element, MODULE, ScopeId};
use super::{names, reject};

impl<'a> Lowerer<'a, '_> {
    /// An expression whose value is kept.
    pub(super) fn expr(&mut self, expr: &'a Expr) -> NodeId {
        self.expr_as(expr, Escape::Yes)
    }

    /// An expression as a condition.
    pub(super) fn condition(&mut self, expr: &'a Expr) -> NodeId {
        let value = self.expr(expr);
        self.truth(value, expr.range())
    }

    /// The truth of a value.
    pub(super) fn truth(&mut self, value: NodeId, range: TextRange) -> NodeId {
        self.apply("truth", &[value], range)
    }

    /// An expression; `escape` says how long a function that it yields may live.
    pub(super) fn expr_as(&mut self, expr: &'a Expr, escape: Escape) -> NodeId {
        let range = expr.range();
        match expr {
            Expr::Name(name) => self.name(name, escape),
            Expr::NumberLiteral(number) => self.number(number, false),
            Expr::BooleanLiteral(literal) => self.constant(Const::Bool(literal.value), range),
            Expr::NoneLiteral(_) => self.constant(Const::None, range),
            Expr::StringLiteral(s) => self.constant(Const::Str(s.value.to_str().into()), range),
            Expr::EllipsisLiteral(_) => self.emit(Op::Builtin("ellipsis"), &[], range),
            Expr::BinOp(binary) => {
                let left = self.expr(&binary.left);
                let right = self.expr(&binary.right);
                self.apply(operator(binary.op), &[left, right], range)
            }
            Expr::UnaryOp(unary) => self.unary(unary),
            Expr::BoolOp(chain) => self.short_circuit(chain, &chain.values),
            Expr::Compare(compare) => self.comparison(compare),
            Expr::If(choice) => {
                let test = self.condition(&choice.test);
                let then = self.nested("then", choice.body.range(), |this| this.expr_as(&choice.body, escape));
                let other = self.nested("else", choice.orelse.range(), |this| this.expr_as(&choice.orelse, escape));
                self.emit(Op::If(then, other), &[test], range)
            }
            Expr::Call(call) => self.call_expression(call, escape),
            Expr::Attribute(attribute) => self.attribute(expr, attribute),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::Tuple(tuple) => self.display(&tuple.elts, range, escape),
            Expr::List(list) => self.display(&list.elts, range, escape),
            Expr::Dict(dict) => self.dict(dict),
            Expr::Lambda(lambda) => self.lambda(lambda, escape),
            Expr::ListComp(c) => self.comprehension(range, &c.generators),
            Expr::Generator(c) => self.comprehension(range, &c.generators),
            Expr::DictComp(c) => {
                let pairs = self.comprehension(range, &c.generators);
                self.apply("dict", &[pairs], range)
            }
            Expr::Slice(_)
            | Expr::Starred(_)
            | Expr::Named(_)
            | Expr::Set(_)
            | Expr::SetComp(_)
            | Expr::Await(_)
            | Expr::Yield(_)
            | Expr::YieldFrom(_)
            | Expr::FString(_)
            | Expr::TString(_)
            | Expr::BytesLiteral(_)
            | Expr::IpyEscapeCommand(_) => {
                self.frame.rejected |= expr.is_yield_expr() || expr.is_yield_from_expr();
                let (message, help) = reject::expression(expr);
                self.error(range, message, help);
                let value = self.poison(range);
                if let Expr::Named(named) = expr {
                    self.assign_target(&named.target, value);
                }
                value
            }
        }
    }

    fn number(&mut self, literal: &ExprNumberLiteral, negative: bool) -> NodeId {
        let sign = if negative { "-" } else { "" };
        let value = match &literal.value {
            Number::Int(int) => format!("{sign}{int}").parse().ok().map(Const::I64),
            Number::Float(x) => Some(Const::F64(if negative { -x } else { *x })),
            Number::Complex { .. } => {
                self.error(literal.range, "complex numbers are not supported", "carry the real and imaginary parts");
                return self.poison(literal.range);
            }
        };
        let Some(value) = value else {
            let message = "this integer does not fit into 64 bits";
            self.error(literal.range, message, "write a float, such as `1e30`");
            return self.poison(literal.range);
        };
        self.constant(value, literal.range)
    }

    fn unary(&mut self, unary: &'a ExprUnaryOp) -> NodeId {
        let name = match unary.op {
            UnaryOp::USub => "neg",
            UnaryOp::UAdd => "pos",
            UnaryOp::Invert => "invert",
            UnaryOp::Not => "not",
        };
        match (&*unary.operand, unary.op) {
            (Expr::NumberLiteral(literal), UnaryOp::USub) => self.number(literal, true),
            (operand, _) => {
                let operand = self.expr(operand);
                self.apply(name, &[operand], unary.range)
            }
        }
    }

    fn short_circuit(&mut self, chain: &ExprBoolOp, values: &'a [Expr]) -> NodeId {
        let [first, rest @ ..] = values else { return self.poison(chain.range) };
        let left = self.expr(first);
        if rest.is_empty() {
            return left;
        }
        let place = (self.frame.graph, left);
        let test = self.truth(left, first.range());
        let range = TextRange::new(first.start(), chain.range.end());
        let (keep, go_on) = match chain.op {
            BoolOp::And => ("else", "then"),
            BoolOp::Or => ("then", "else"),
        };
        let kept = self.nested(keep, first.range(), |this| this.reference(place, first.range()));
        let other = self.nested(go_on, range, |this| this.short_circuit(chain, rest));
        match chain.op {
            BoolOp::And => self.emit(Op::If(other, kept), &[test], range),
            BoolOp::Or => self.emit(Op::If(kept, other), &[test], range),
        }
    }

    fn comparison(&mut self, compare: &'a ExprCompare) -> NodeId {
        let left = self.expr(&compare.left);
        self.comparisons(compare, left, 0)
    }

    /// The comparisons from `index` on, given the value on the left of the first.
    fn comparisons(&mut self, compare: &'a ExprCompare, left: NodeId, index: usize) -> NodeId {
        let range = compare.range;
        let right = self.expr(&compare.comparators[index]);
        let this = self.compare(compare.ops[index], left, right, range);
        if index + 1 == compare.ops.len() {
            return this;
        }
        let (right, known) = ((self.frame.graph, right), (self.frame.graph, this));
        let test = self.truth(this, range);
        let then = self.nested("then", range, |lowerer| {
            let left = lowerer.reference(right, range);
            lowerer.comparisons(compare, left, index + 1)
        });
        let other = self.nested("else", range, |lowerer| lowerer.reference(known, range));
        self.emit(Op::If(then, other), &[test], range)
    }

    fn compare(&mut self, op: CmpOp, left: NodeId, right: NodeId, range: TextRange) -> NodeId {
        let name = match op {
            CmpOp::Eq => "eq",
            CmpOp::NotEq => "ne",
            CmpOp::Lt => "lt",
            CmpOp::LtE => "le",
            CmpOp::Gt => "gt",
            CmpOp::GtE => "ge",
            CmpOp::Is => "is",
            CmpOp::IsNot => "is_not",
            CmpOp::In => "in",
            CmpOp::NotIn => {
                let found = self.apply("in", &[left, right], range);
                return self.apply("not", &[found], range);
            }
        };
        self.apply(name, &[left, right], range)
    }

    fn attribute(&mut self, expr: &'a Expr, attribute: &'a ExprAttribute) -> NodeId {
        if let Some((member, path)) = self.imported(expr) {
            return self.member(member, &path, expr.range());
        }
        let object = self.expr(&attribute.value);
        let name = self.constant(Const::Str(attribute.attr.as_str().into()), attribute.attr.range);
        self.apply("getattr", &[object, name], attribute.range)
    }

    fn subscript(&mut self, subscript: &'a ExprSubscript) -> NodeId {
        let object = self.expr(&subscript.value);
        match &*subscript.slice {
            Expr::Tuple(tuple) if !tuple.elts.iter().any(Expr::is_starred_expr) => {
                let items: Vec<_> = tuple.elts.iter().map(|item| self.index(item)).collect();
                let items: Vec<_> = std::iter::once(object).chain(items).collect();
                self.apply("index", &items, subscript.range)
            }
            item => {
                let index = self.index(item);
                self.apply("getitem", &[object, index], subscript.range)
            }
        }
    }

    fn index(&mut self, item: &'a Expr) -> NodeId {
        let slice = match item {
            Expr::Slice(slice) => slice,
            Expr::List(_) | Expr::ListComp(_) => {
                let list = self.expr(item);
                return self.apply("np.array", &[list], item.range());
            }
            _ => return self.expr(item),
        };
        let mut bound = |part: &'a Option<Box<Expr>>| match part {
            Some(expr) => self.expr(expr),
            None => self.constant(Const::None, slice.range),
        };
        let bounds = [bound(&slice.lower), bound(&slice.upper), bound(&slice.step)];
        self.apply("slice", &bounds, slice.range)
    }

    /// A tuple or list display, or the positional arguments of a call with stars.
    pub(super) fn display(&mut self, items: &'a [Expr], range: TextRange, escape: Escape) -> NodeId {
        if !items.iter().any(Expr::is_starred_expr) {
            let items: Vec<_> = items.iter().map(|item| self.expr_as(item, escape)).collect();
            return self.emit(Op::Tuple, &items, range);
        }
        let mut parts = Vec::new();
        let mut run = Vec::new();
        for item in items {
            match item {
                Expr::Starred(starred) => {
                    if !run.is_empty() {
                        parts.push(self.emit(Op::Tuple, &run, range));
                        run.clear();
                    }
                    parts.push(self.expr(&starred.value));
                }
                _ => run.push(self.expr_as(item, escape)),
            }
        }
        if !run.is_empty() {
            parts.push(self.emit(Op::Tuple, &run, range));
        }
        self.apply("concat_tuples", &parts, range)
    }

    fn dict(&mut self, dict: &'a ExprDict) -> NodeId {
        let mut parts = Vec::new();
        let mut fields: Vec<Arc<str>> = Vec::new();
        let mut values = Vec::new();
        for item in &dict.items {
            let key = match &item.key {
                Some(Expr::StringLiteral(key)) => key,
                Some(key) => {
                    let message = "the keys of a dictionary must be constant strings here";
                    self.error(key.range(), message, "use a tuple for what is indexed by number");
                    continue;
                }
                None => {
                    if !fields.is_empty() {
                        parts.push(self.record("dict", std::mem::take(&mut fields), &values, dict.range));
                        values.clear();
                    }
                    parts.push(self.expr(&item.value));
                    continue;
                }
            };
            let name: Arc<str> = key.value.to_str().into();
            if fields.contains(&name) {
                self.error(key.range, format!("the key `{name}` occurs twice"), "");
                continue;
            }
            fields.push(name);
            values.push(self.expr(&item.value));
        }
        if parts.is_empty() {
            return self.record("dict", fields, &values, dict.range);
        }
        if !fields.is_empty() {
            parts.push(self.record("dict", fields, &values, dict.range));
        }
        self.apply("merged", &parts, dict.range)
    }

    /// A record.
    pub(super) fn record(&mut self, name: &str, fields: Vec<Arc<str>>, values: &[NodeId], range: TextRange) -> NodeId {
        let record = RecordType { name: name.into(), fields };
        self.emit(Op::Record(Arc::new(record)), values, range)
    }

    fn comprehension(&mut self, range: TextRange, generators: &'a [Comprehension]) -> NodeId {
        let [generator, others @ ..] = generators else { return self.poison(range) };
        if generator.is_async {
            self.error(range, "asynchronous comprehensions are not supported", "");
            return self.poison(range);
        }
        let items = self.expr(&generator.iter);
        let element = self.close(self.scopes.at(range), &[], range, Escape::No);
        let one = others.is_empty() && generator.ifs.is_empty();
        self.apply(if one { "map_items" } else { "flat_items" }, &[element, items], range)
    }

    /// What a comprehension makes of an item: the element, or the tuple of those that it comes to.
    pub(super) fn element(&mut self, element: Element<'a>) -> NodeId {
        let Some((generator, inside)) = element.split() else { return self.poison(element.range()) };
        let name = generator.target.as_name_expr().map_or("item", |n| n.id.as_str());
        let place = self.param(name, generator.target.range());
        self.assign_target(&generator.target, place.1);
        self.kept(&generator.ifs, !generator.ifs.is_empty(), inside)
    }

    /// What is left of an item after some conditions, in a tuple if it may be none.
    fn kept(&mut self, tests: &'a [Expr], filtered: bool, inside: Element<'a>) -> NodeId {
        let range = inside.range();
        if let [test, tests @ ..] = tests {
            let holds = self.condition(test);
            let holds = self.apply("kept", &[holds], test.range());
            let then = self.nested("then", range, |this| this.kept(tests, filtered, inside));
            let other = self.nested("else", range, |this| this.emit(Op::Tuple, &[], range));
            return self.emit(Op::If(then, other), &[holds], range);
        }
        if let Some(range) = inside.inner_range() {
            return self.comprehension(range, inside.generators);
        }
        let parts: Vec<NodeId> = inside.parts.into_iter().flatten().map(|part| self.expr(part)).collect();
        let value = if let [one] = parts[..] { one } else { self.emit(Op::Tuple, &parts, range) };
        if filtered { self.emit(Op::Tuple, &[value], range) } else { value }
    }

    // Names.

    /// A mention of a name.
    pub(super) fn name(&mut self, name: &'a ExprName, escape: Escape) -> NodeId {
        let id = name.id.as_str();
        let range = name.range;
        let Some(owner) = self.scopes.owner(self.frame.scope, id) else {
            return match names::builtin(id).filter(|_| !id.contains('.')) {
                Some(builtin) => self.emit(Op::Builtin(builtin), &[], range),
                None => self.unknown_name(id, range),
            };
        };
        match self.lookup(owner, id).cloned() {
            Some(Binding::Assigned(value)) => self.mention(&value, owner, id, range, escape),
            None | Some(Binding::Maybe(_)) if self.unmentioned && owner != self.frame.scope => self.poison(range),
            None | Some(Binding::Maybe(_)) if self.binding_is_rejected(owner, id) => self.poison(range),
            Some(Binding::Maybe(reason)) => self.maybe_unassigned(id, range, reason),
            None => match self.scopes.forward(owner, id).filter(|_| owner != self.frame.scope) {
                Some(scope) => self.mention_ahead(scope, owner, range, escape),
                None => self.unassigned(id, owner, range),
            },
        }
    }

    /// A value as a node of the graph at hand.
    pub(super) fn mention(
        &mut self,
        value: &Value,
        owner: ScopeId,
        name: &str,
        range: TextRange,
        escape: Escape,
    ) -> NodeId {
        match value {
            Value::Node(place) => self.reference(*place, range),
            Value::Member(member) => self.member(*member, name, range),
            Value::Function(Function { code: FunctionCode::Scope(scope), defaults }) => {
                self.close_from(*scope, owner, defaults, range, escape)
            }
            Value::Function(Function { code: FunctionCode::Record(graph), defaults }) => {
                let defaults: Vec<_> = defaults.iter().map(|&place| self.reference(place, range)).collect();
                self.emit(Op::Fn(*graph), &defaults, range)
            }
        }
    }

    fn mention_ahead(&mut self, scope: ScopeId, owner: ScopeId, range: TextRange, escape: Escape) -> NodeId {
        if self.scopes.has_defaults(scope) {
            let message = "this function has default values and is used before its `def` has run";
            self.error(range, message, "move the `def` up");
            return self.poison(range);
        }
        self.close_from(scope, owner, &[], range, escape)
    }

    fn member(&mut self, member: Member, path: &str, range: TextRange) -> NodeId {
        let message = match member {
            Member::Builtin(name) => return self.emit(Op::Builtin(name), &[], range),
            Member::Float(bits) => return self.constant(Const::F64(f64::from_bits(bits)), range),
            Member::None => return self.constant(Const::None, range),
            Member::Unknown(place) => return self.reference(place, range),
            Member::Library(_) => format!("`{path}` is a module, not a value"),
            Member::Annotation => format!("`{path}` may only be used in annotations"),
            Member::NamedTuple => format!("`{path}` may only be the base of a class"),
            Member::Dataclass => format!("`{path}` may only decorate a class"),
            Member::NamedTupleFunction => {
                format!("`{path}` may only be used as `Name = {path}(\"Name\", \"field field\")`")
            }
        };
        self.error(range, message, "");
        self.poison(range)
    }

    fn unknown_name(&mut self, name: &str, range: TextRange) -> NodeId {
        if let Some(help) = reject::name(name) {
            self.error(range, format!("`{name}` is not supported"), help);
            return self.poison(range);
        }
        let help = reject::not_imported(name).map(str::to_owned).unwrap_or_else(|| {
            let mut known: Vec<&str> =
                names::names().iter().copied().filter(|n| !n.contains('.') && !n.starts_with('_')).collect();
            let mut scope = Some(self.frame.scope);
            while let Some(id) = scope {
                known.extend(self.scopes.get(id).bindings.keys());
                scope = self.scopes.get(id).parent;
            }
            let near = names::nearest(name, known.into_iter());
            near.map_or_else(|| import_help(name), |near| format!("did you mean `{near}`?"))
        });
        self.error(range, format!("the name `{name}` is not defined"), help);
        self.poison(range)
    }

    /// Whether an error says already why the function at hand does not bind a name.
    fn binding_is_rejected(&self, owner: ScopeId, name: &str) -> bool {
        let sites = &self.scopes.get(owner).bindings[name];
        owner == self.frame.scope && owner != MODULE && sites.iter().any(|site| site.rejected)
    }

    fn maybe_unassigned(&mut self, name: &str, range: TextRange, reason: Reason) -> NodeId {
        let (at, why) = match reason {
            Reason::Condition(at, holds) => {
                let verb = if holds { "holds" } else { "does not hold" };
                (at, format!("it is assigned only if the condition at line {} {verb}", self.line(at)))
            }
            Reason::Loop(at) => (at, format!("it is assigned only if the loop at line {} runs at all", self.line(at))),
            Reason::Break(at) => (at, format!("the loop may be left before that, at line {}", self.line(at))),
        };
        let diagnostic = Diagnostic::new(self.span(range), format!("`{name}` may not be assigned here: {why}"))
            .help(format!("assign `{name}` before line {}", self.line(at)));
        self.report(diagnostic);
        self.poison(range)
    }

    fn unassigned(&mut self, name: &str, owner: ScopeId, range: TextRange) -> NodeId {
        let site = self.scopes.get(owner).bindings[name][0].at;
        let mut diagnostic = Diagnostic::new(self.span(range), format!("`{name}` is not assigned here yet"));
        let line = self.line(site);
        if owner == self.frame.scope {
            diagnostic = diagnostic.help(format!("it is assigned only at line {line}"));
        } else {
            let mention = self.surroundings(owner, range).at;
            let help = match self.line(mention.start()) {
                _ if mention.start() == site => format!("give `{name}` another name before it is decorated"),
                at => format!("move the assignment of `{name}` (line {line}) above line {at}"),
            };
            diagnostic = diagnostic.help(help).note(self.span(mention), "the function is used here");
        }
        self.report(diagnostic);
        self.poison(range)
    }
}

fn import_help(name: &str) -> String {
    match names::builtin(&format!("np.{name}")) {
        Some(_) => format!("write `np.{name}`, with `import numpy as np` at the top"),
        None => names::nearest(name, names::with_prefix("np."))
            .map_or(String::new(), |near| format!("did you mean `np.{near}`?")),
    }
}

/// The builtin of a binary operator.
pub(super) fn operator(op: Operator) -> &'static str {
    match op {
        Operator::Add => "add",
        Operator::Sub => "sub",
        Operator::Mult => "mul",
        Operator::MatMult => "matmul",
        Operator::Div => "truediv",
        Operator::Mod => "mod",
        Operator::Pow => "pow",
        Operator::LShift => "lshift",
        Operator::RShift => "rshift",
        Operator::BitOr => "bitor",
        Operator::BitXor => "bitxor",
        Operator::BitAnd => "bitand",
        Operator::FloorDiv => "floordiv",
    }
}
