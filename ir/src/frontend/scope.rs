//! Scopes: which names each function binds, where, and what it captures.
//!
//! A scope is the module, a `def`, a `lambda` or the element of a comprehension. As in Python, a
//! name that is bound anywhere in a scope is local to it. A *function name* is one bound by `def`
//! or by `name = lambda …`; it is closed anew at each mention, so mentioning it uses everything
//! that its code captures, and everything that the functions it mentions capture, transitively:
//! [`Scope::captures`].

use indexmap::{IndexMap, IndexSet};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Comprehension, Expr, ExprLambda, Parameters, Stmt, StmtFunctionDef};
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustc_hash::{FxHashMap, FxHashSet};

/// A scope of the file being lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ScopeId(u32);

/// The scope of the file's top level.
pub(super) const MODULE: ScopeId = ScopeId(0);

/// What a scope is the body of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Code<'a> {
    Module,
    Def(&'a StmtFunctionDef),
    Lambda(&'a ExprLambda),
    Element(Element<'a>),
}

/// What a comprehension makes for each item of its first `for`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    /// One expression, or the key and the value of a dictionary.
    pub(super) parts: [Option<&'a Expr>; 2],
    /// The first binds what the element sees; those after it are comprehensions inside.
    pub(super) generators: &'a [Comprehension],
}

impl<'a> Element<'a> {
    /// The first `for`, and the element with those inside.
    pub(super) fn split(self) -> Option<(&'a Comprehension, Self)> {
        let (first, generators) = self.generators.split_first()?;
        Some((first, Self { generators, ..self }))
    }

    /// The extent of the comprehension that the remaining `for`s make, if there are any.
    pub(super) fn inner_range(self) -> Option<TextRange> {
        self.generators.first().map(|generator| generator.range)
    }

    /// The extent of the element itself.
    pub(super) fn range(self) -> TextRange {
        let [first, second] = self.parts.map(|part| part.map(Ranged::range));
        let first = first.or(second).unwrap_or_default();
        second.map_or(first, |second| first.cover(second))
    }
}

impl<'a> Code<'a> {
    /// The parameters of a function.
    pub(super) fn parameters(self) -> Option<&'a Parameters> {
        match self {
            Code::Def(def) => Some(&def.parameters),
            Code::Lambda(lambda) => lambda.parameters.as_deref(),
            Code::Module | Code::Element(..) => None,
        }
    }
}

/// Where a name is bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    pub(super) at: TextSize,
    conditional: bool,
    /// Whether what binds it is rejected: that is said there.
    pub(super) rejected: bool,
}

/// One scope.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) code: Code<'a>,
    pub(super) parent: Option<ScopeId>,
    /// Every name bound here, with the places.
    pub(super) bindings: IndexMap<&'a str, Vec<Site>>,
    /// The scopes of the functions that a name is bound to.
    pub(super) functions: IndexMap<&'a str, Vec<ScopeId>>,
    /// Variables of enclosing scopes that the code reads, transitively through functions.
    pub(super) captures: IndexSet<(ScopeId, &'a str)>,
    /// Parameters and captured variables that the code's result may hold; see `escape`.
    pub(super) kept: IndexSet<(ScopeId, &'a str)>,
    /// The names that the code itself reads.
    pub(super) uses: IndexSet<&'a str>,
    loops: Vec<TextRange>,
}

/// The scopes of a file.
#[derive(Debug)]
pub(super) struct Scopes<'a> {
    scopes: Vec<Scope<'a>>,
    by_range: FxHashMap<TextRange, ScopeId>,
    /// Augmented assignments of what may be known by another name; see `ownership`.
    pub(super) shared: FxHashSet<TextRange>,
}

impl<'a> Scopes<'a> {
    /// Reads all scopes of a file.
    pub(super) fn of(body: &'a [Stmt]) -> Self {
        let mut collector = Collector {
            scopes: Self { scopes: Vec::new(), by_range: FxHashMap::default(), shared: FxHashSet::default() },
            current: MODULE,
            conditional: 0,
        };
        collector.scopes.open(Code::Module, None);
        collector.visit_body(body);
        collector.scopes.find_captures();
        collector.scopes.find_kept();
        collector.scopes.find_shared(body);
        collector.scopes
    }

    /// The scope of a `def`, `lambda` or comprehension by its extent in the text.
    pub(super) fn at(&self, range: TextRange) -> ScopeId {
        self.by_range[&range]
    }

    /// One scope.
    pub(super) fn get(&self, id: ScopeId) -> &Scope<'a> {
        &self.scopes[id.0 as usize]
    }

    /// The position of a scope among all of them.
    pub(super) fn index(&self, id: ScopeId) -> usize {
        id.0 as usize
    }

    /// One scope, to be changed.
    pub(super) fn get_mut(&mut self, id: ScopeId) -> &mut Scope<'a> {
        &mut self.scopes[id.0 as usize]
    }

    /// Every scope, outer before inner.
    pub(super) fn ids(&self) -> impl DoubleEndedIterator<Item = ScopeId> + use<> {
        (0..self.scopes.len() as u32).map(ScopeId)
    }

    /// The innermost scope from `id` outwards that binds `name`.
    pub(super) fn owner(&self, id: ScopeId, name: &str) -> Option<ScopeId> {
        let mut next = Some(id);
        while let Some(id) = next {
            if self.get(id).bindings.contains_key(name) {
                return Some(id);
            }
            next = self.get(id).parent;
        }
        None
    }

    /// A binding of the name that may run after `at`: later in the text, or in a loop around both.
    pub(super) fn rebound_after(&self, id: ScopeId, name: &str, at: TextSize) -> Option<TextSize> {
        let scope = self.get(id);
        let sites = scope.bindings.get(name)?;
        let function = scope.functions.get(name).is_some_and(|f| f.len() == 1);
        if function && sites.len() == 1 {
            return None;
        }
        let around = |l: &TextRange, site: TextSize| l.contains(site) && l.contains(at);
        let later = |site: &&Site| site.at > at || scope.loops.iter().any(|l| around(l, site.at));
        sites.iter().find(later).map(|site| site.at)
    }

    /// The code of a function that may be mentioned in other functions before its `def` has run.
    pub(super) fn forward(&self, id: ScopeId, name: &str) -> Option<ScopeId> {
        let scope = self.get(id);
        let [site] = scope.bindings.get(name)?.as_slice() else { return None };
        let [function] = scope.functions.get(name)?.as_slice() else { return None };
        (!site.conditional).then_some(*function)
    }

    /// Whether a function has defaults.
    pub(super) fn has_defaults(&self, id: ScopeId) -> bool {
        let parameters = self.get(id).code.parameters();
        parameters.is_some_and(|p| p.iter_non_variadic_params().any(|p| p.default().is_some()))
    }

    fn open(&mut self, code: Code<'a>, parent: Option<ScopeId>) -> ScopeId {
        self.scopes.push(Scope {
            code,
            parent,
            bindings: IndexMap::new(),
            functions: IndexMap::new(),
            captures: IndexSet::new(),
            kept: IndexSet::new(),
            loops: Vec::new(),
            uses: IndexSet::new(),
        });
        ScopeId(self.scopes.len() as u32 - 1)
    }

    fn find_captures(&mut self) {
        let mut direct = vec![IndexSet::new(); self.scopes.len()];
        for scope in self.ids() {
            for &name in &self.get(scope).uses {
                let Some(owner) = self.owner(scope, name) else { continue };
                let mut inner = scope;
                while inner != owner {
                    direct[inner.0 as usize].insert((owner, name));
                    inner = self.get(inner).parent.expect("the owner encloses its users");
                }
            }
        }
        let mut seen_by = vec![None; self.scopes.len()];
        for scope in self.ids() {
            self.get_mut(scope).captures = self.reach(scope, &direct, &mut seen_by);
        }
    }

    /// What a scope reads directly and through the functions that it captures. Functions that are
    /// the same wherever they are mentioned are left out: what they capture is enough.
    fn reach(
        &self,
        from: ScopeId,
        direct: &[IndexSet<(ScopeId, &'a str)>],
        seen_by: &mut [Option<ScopeId>],
    ) -> IndexSet<(ScopeId, &'a str)> {
        let mut captures = IndexSet::new();
        let mut work = vec![from];
        while let Some(scope) = work.pop() {
            for &(owner, name) in &direct[scope.0 as usize] {
                if self.forward(owner, name).is_none_or(|function| self.has_defaults(function)) {
                    captures.insert((owner, name));
                }
                for &function in self.get(owner).functions.get(name).into_iter().flatten() {
                    let seen = &mut seen_by[function.0 as usize];
                    if function != from && seen.replace(from) != Some(from) {
                        work.push(function);
                    }
                }
            }
        }
        captures
    }
}

struct Collector<'a> {
    scopes: Scopes<'a>,
    current: ScopeId,
    conditional: u32,
}

impl<'a> Collector<'a> {
    fn scope(&mut self) -> &mut Scope<'a> {
        self.scopes.get_mut(self.current)
    }

    fn bind(&mut self, name: &'a str, at: TextSize) {
        let site = Site { at, conditional: self.conditional > 0, rejected: false };
        self.scope().bindings.entry(name).or_default().push(site);
    }

    fn bind_function(&mut self, name: &'a str, function: ScopeId, at: TextSize) {
        self.bind(name, at);
        self.scope().functions.entry(name).or_default().push(function);
    }

    fn bind_target(&mut self, target: &'a Expr) {
        for_each_name(target, &mut |name, at| self.bind(name, at));
    }

    fn inside(&mut self, code: Code<'a>, range: TextRange, body: impl FnOnce(&mut Self)) -> ScopeId {
        let id = self.scopes.open(code, Some(self.current));
        self.scopes.by_range.insert(range, id);
        let outer = std::mem::replace(&mut self.current, id);
        let conditional = std::mem::take(&mut self.conditional);
        body(self);
        self.current = outer;
        self.conditional = conditional;
        id
    }

    fn parameters(&mut self, parameters: &'a Parameters) {
        for parameter in parameters {
            self.bind(parameter.name().as_str(), parameter.name().range.start());
        }
    }

    fn defaults(&mut self, parameters: &'a Parameters) {
        for default in parameters.iter_non_variadic_params().filter_map(|p| p.default()) {
            self.visit_expr(default);
        }
    }

    fn lambda(&mut self, lambda: &'a ExprLambda) -> ScopeId {
        if let Some(parameters) = &lambda.parameters {
            self.defaults(parameters);
        }
        self.inside(Code::Lambda(lambda), lambda.range, |this| {
            if let Some(parameters) = &lambda.parameters {
                this.parameters(parameters);
            }
            this.visit_expr(&lambda.body);
        })
    }

    fn comprehension(&mut self, range: TextRange, element: Element<'a>) {
        let Some((generator, inside)) = element.split() else { return };
        self.visit_expr(&generator.iter);
        self.inside(Code::Element(element), range, |this| {
            this.bind_target(&generator.target);
            generator.ifs.iter().for_each(|test| this.visit_expr(test));
            match inside.inner_range() {
                Some(range) => this.comprehension(range, inside),
                None => inside.parts.iter().flatten().for_each(|part| this.visit_expr(part)),
            }
        });
    }

    fn assign(&mut self, target: &'a Expr, value: &'a Expr) {
        match (target, value) {
            (Expr::Name(name), Expr::Lambda(lambda)) => {
                let function = self.lambda(lambda);
                self.bind_function(name.id.as_str(), function, name.range.start());
            }
            _ => {
                self.visit_expr(value);
                self.bind_target(target);
                walk_targets(self, target);
            }
        }
    }
}

/// Visits what a target reads (`x[i]` reads `x` and `i`); names alone read nothing.
fn walk_targets<'a>(collector: &mut Collector<'a>, target: &'a Expr) {
    match target {
        Expr::Subscript(_) | Expr::Attribute(_) => walk_expr(collector, target),
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|e| walk_targets(collector, e)),
        Expr::List(list) => list.elts.iter().for_each(|e| walk_targets(collector, e)),
        _ => {}
    }
}

impl<'a> Visitor<'a> for Collector<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                def.decorator_list.iter().for_each(|d| self.visit_expr(&d.expression));
                self.defaults(&def.parameters);
                let function = self.inside(Code::Def(def), def.range, |this| {
                    this.parameters(&def.parameters);
                    this.visit_body(&def.body);
                });
                if def.decorator_list.is_empty() {
                    self.bind_function(def.name.as_str(), function, def.name.range.start());
                } else {
                    self.bind(def.name.as_str(), def.name.range.start());
                }
            }
            Stmt::ClassDef(class) => {
                for stmt in &class.body {
                    if let Stmt::AnnAssign(field) = stmt {
                        field.value.iter().for_each(|value| self.visit_expr(value));
                    }
                }
                self.bind(class.name.as_str(), class.name.range.start());
            }
            Stmt::Assign(assign) if assign.targets.len() == 1 => {
                self.assign(&assign.targets[0], &assign.value);
            }
            Stmt::Assign(assign) => {
                self.visit_expr(&assign.value);
                assign.targets.iter().for_each(|target| self.bind_target(target));
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.assign(&assign.target, value);
                }
            }
            Stmt::AugAssign(assign) => {
                if let Expr::Name(name) = &*assign.target {
                    self.scope().uses.insert(name.id.as_str());
                }
                self.visit_expr(&assign.value);
                self.bind_target(&assign.target);
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.bind(bound_name(alias), alias.range.start());
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.bind(bound_name(alias), alias.range.start());
                }
            }
            Stmt::If(_) if self.current == MODULE && is_main_guard(stmt) => {}
            Stmt::With(with) => {
                with.items.iter().filter_map(|item| item.optional_vars.as_deref()).for_each(|t| self.bind_target(t));
                walk_stmt(self, stmt);
            }
            Stmt::For(_) | Stmt::While(_) => {
                self.scope().loops.push(stmt.range());
                if let Stmt::For(each) = stmt {
                    self.bind_target(&each.target);
                }
                self.conditional += 1;
                walk_stmt(self, stmt);
                self.conditional -= 1;
            }
            _ => {
                self.conditional += 1;
                walk_stmt(self, stmt);
                self.conditional -= 1;
            }
        }
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if name.ctx.is_load() => {
                self.scope().uses.insert(name.id.as_str());
            }
            Expr::Lambda(lambda) => {
                self.lambda(lambda);
            }
            Expr::Named(named) => {
                self.visit_expr(&named.value);
                for_each_name(&named.target, &mut |name, at| {
                    let site = Site { at, conditional: true, rejected: true };
                    self.scope().bindings.entry(name).or_default().push(site);
                });
            }
            _ => match element_of(expr) {
                Some(element) => self.comprehension(expr.range(), element),
                None => walk_expr(self, expr),
            },
        }
    }
}

/// What a comprehension is made of, if the expression is one.
pub(super) fn element_of(expr: &Expr) -> Option<Element<'_>> {
    let (parts, generators) = match expr {
        Expr::ListComp(c) => ([Some(&*c.elt), None], &c.generators),
        Expr::SetComp(c) => ([Some(&*c.elt), None], &c.generators),
        Expr::Generator(c) => ([Some(&*c.elt), None], &c.generators),
        Expr::DictComp(c) => ([c.key.as_deref(), Some(&*c.value)], &c.generators),
        _ => return None,
    };
    Some(Element { parts, generators })
}

/// The name that an import binds: `import a.b` binds `a`.
pub(super) fn bound_name(alias: &ruff_python_ast::Alias) -> &str {
    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
    name.split('.').next().unwrap_or(name)
}

/// Calls `f` on every name that an assignment target binds, in order.
pub(super) fn for_each_name<'a>(target: &'a Expr, f: &mut impl FnMut(&'a str, TextSize)) {
    match target {
        Expr::Name(name) => f(name.id.as_str(), name.range.start()),
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|e| for_each_name(e, f)),
        Expr::List(list) => list.elts.iter().for_each(|e| for_each_name(e, f)),
        Expr::Starred(starred) => for_each_name(&starred.value, f),
        _ => {}
    }
}

/// Whether a statement is `if __name__ == "__main__":`, which does not run on import.
pub(super) fn is_main_guard(stmt: &Stmt) -> bool {
    let Stmt::If(branch) = stmt else { return false };
    let Expr::Compare(test) = &*branch.test else { return false };
    let is_name = |e: &Expr| e.as_name_expr().is_some_and(|n| n.id.as_str() == "__name__");
    let is_main = |e: &Expr| e.as_string_literal_expr().is_some_and(|s| s.value.to_str() == "__main__");
    let [other] = &*test.comparators else { return false };
    let sides = (is_name(&test.left) && is_main(other)) || (is_main(&test.left) && is_name(other));
    sides && test.ops[0].is_eq() && branch.elif_else_clauses.is_empty()
}
