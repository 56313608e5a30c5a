//! Random programs of the language: typed, and bounded in depth and trips by construction.
//!
//! `f(x, v, n)` takes a float, three floats and an integer and returns a float; of a third of the programs all that is computed is scalars, and
//! `v` is one too. What can be made: arithmetic, functions with captures, functions chosen by data, kept in tuples and composed in loops,
//! recursion with a bound, loops with a bound and with early exits, conditionals, and derivatives
//! inside. Numbers that are rebound in loops are squashed, so that nothing grows without end.

use super::choices::Choices;

/// Types of variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    Float,
    /// Three floats.
    Vector,
    /// Three times three floats.
    Matrix,
    Int,
    /// `(float, vector)`.
    Pair,
    /// From a float to a float.
    Function,
    /// From a vector to a float.
    Form,
    /// Two functions.
    Functions,
    /// From a float and a number of calls to a float.
    Recursive,
}

/// Types that are made and rebound by a plain assignment.
const ASSIGNED: &[Ty] = &[Ty::Float, Ty::Vector, Ty::Float, Ty::Matrix, Ty::Int, Ty::Pair, Ty::Function, Ty::Functions];

/// Those that hold no array.
const SCALARS: &[Ty] = &[Ty::Float, Ty::Float, Ty::Int, Ty::Function, Ty::Functions];

impl Ty {
    fn letter(self) -> char {
        match self {
            Ty::Float => 'a',
            Ty::Vector => 'v',
            Ty::Matrix => 'm',
            Ty::Int => 'n',
            Ty::Pair => 'p',
            Ty::Function => 'f',
            Ty::Form => 'g',
            Ty::Functions => 't',
            Ty::Recursive => 'r',
        }
    }
}

/// A variable in scope.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) ty: Ty,
    /// A function has captured it, so it may not be rebound; or it is not this function's own.
    pub(super) fixed: bool,
    /// It is rebound in a loop that is being written, so no function may capture it.
    pub(super) moving: bool,
}

/// Writes one program.
pub(crate) struct Writer<'a> {
    pub(super) choices: Choices<'a>,
    pub(super) scope: Vec<Variable>,
    /// The first variable of the function that is being written.
    pub(super) own: usize,
    /// How many expressions may still be made.
    pub(super) fuel: usize,
    names: usize,
    text: String,
    indent: usize,
    loops: usize,
    /// How deep definitions nest.
    depth: usize,
    /// No functions are made of functions, which would double from trip to trip of a loop.
    pub(super) flat: bool,
    /// No arrays are made.
    pub(super) scalars: bool,
}

/// A program.
pub(crate) struct Random {
    pub(crate) python: String,
    /// Whether all that it computes is scalars.
    pub(crate) scalars: bool,
}

/// The program of these choices.
pub(crate) fn program(choices: &[u32]) -> Random {
    let mut w = Writer {
        choices: Choices::new(choices),
        scope: Vec::new(),
        own: 0,
        fuel: 0,
        names: 0,
        text: String::new(),
        indent: 0,
        loops: 0,
        depth: 0,
        flat: false,
        scalars: false,
    };
    w.scalars = w.choices.below(3) == 2;
    w.fuel = 10 + w.choices.below(70);
    w.line("import numpy as np");
    w.line("from adjudicate import grad, hvp, jacobian, jvp, value_and_grad, vmap");
    w.line("def f(x, v, n):");
    let second = if w.scalars { Ty::Float } else { Ty::Vector };
    for (name, ty) in [("x", Ty::Float), ("v", second), ("n", Ty::Int)] {
        w.declare(name.to_owned(), ty);
    }
    w.indent += 1;
    w.block(3);
    w.block(3);
    let result = w.result(3);
    w.line(&format!("return {result}"));
    Random { python: w.text, scalars: w.scalars }
}

impl Writer<'_> {
    fn line(&mut self, text: &str) {
        self.text += &"    ".repeat(self.indent);
        self.text += text;
        self.text.push('\n');
    }

    fn declare(&mut self, name: String, ty: Ty) {
        self.scope.push(Variable { name, ty, fixed: false, moving: false });
    }

    pub(super) fn fresh(&mut self, ty: Ty) -> String {
        self.names += 1;
        format!("{}{}", ty.letter(), self.names)
    }

    /// Statements, at most as deep as stated.
    fn block(&mut self, depth: usize) {
        for _ in 0..1 + self.choices.below(4) {
            self.statement(depth);
        }
    }

    /// A block whose new variables end with it.
    fn inner(&mut self, depth: usize) {
        self.indent += 1;
        let outside = self.scope.len();
        self.block(depth);
        self.scope.truncate(outside);
        self.indent -= 1;
    }

    fn statement(&mut self, depth: usize) {
        let kinds = if depth == 0 || self.fuel == 0 { 3 } else { 13 };
        match self.choices.below(kinds) {
            0 | 1 => self.assign(),
            2 => self.rebind(),
            3 => self.branch(depth),
            4 => self.count(depth),
            5 => self.repeat(depth),
            6 => self.each(depth),
            7 | 8 => self.define(depth),
            9 | 10 => self.recursion(depth),
            11 if !self.scalars => self.unpack(),
            _ => self.early(),
        }
    }

    fn assign(&mut self) {
        let ty = *self.choices.pick(if self.scalars { SCALARS } else { ASSIGNED });
        let value = self.expression(ty, 3);
        let name = self.fresh(ty);
        self.line(&format!("{name} = {value}"));
        self.declare(name, ty);
    }

    fn rebind(&mut self) {
        let open: Vec<usize> = (self.own..self.scope.len())
            .filter(|&i| !self.scope[i].fixed && ASSIGNED.contains(&self.scope[i].ty))
            .collect();
        if open.is_empty() {
            return self.assign();
        }
        let i = *self.choices.pick(&open);
        let Variable { name, ty, .. } = self.scope[i].clone();
        self.flat = self.loops > 0;
        let mut value = self.expression(ty, 3);
        self.flat = false;
        if self.scope[i].fixed {
            return self.line(&format!("{}unused = {value}", ty.letter()));
        }
        if self.loops > 0 {
            self.scope[i].moving = true;
            value = match ty {
                Ty::Float | Ty::Vector | Ty::Matrix => format!("np.tanh({value})"),
                Ty::Int => format!("({value}) % 5"),
                Ty::Pair => format!("(np.sin({value}[0]), np.sin({name}[1]))"),
                // What composes with what was there, like a list of layers.
                Ty::Function if self.choices.below(2) == 0 => {
                    format!("(lambda h, k: lambda y: np.sin(h(y) + y * k))({name}, {})", self.float(1))
                }
                Ty::Form | Ty::Function | Ty::Functions | Ty::Recursive => value,
            };
        }
        self.line(&format!("{name} = {value}"));
    }

    fn branch(&mut self, depth: usize) {
        let condition = self.condition(2);
        self.line(&format!("if {condition}:"));
        self.inner(depth - 1);
        if self.choices.below(2) == 1 {
            self.line("else:");
            self.inner(depth - 1);
        }
    }

    /// A loop over a range.
    fn count(&mut self, depth: usize) {
        let trips = match self.choices.below(3) {
            0 => self.choices.below(4).to_string(),
            1 => format!("({}) % 4", self.int(1)),
            _ => "n".to_owned(),
        };
        let name = self.fresh(Ty::Int);
        self.line(&format!("for {name} in range({trips}):"));
        self.looped(depth, name, Ty::Int);
    }

    /// A loop over the elements of a vector or over two functions.
    fn each(&mut self, depth: usize) {
        let (over, ty) = match self.choices.below(2) {
            0 if !self.scalars => (self.vector(1), Ty::Float),
            _ => (self.expression(Ty::Functions, 2), Ty::Function),
        };
        let name = self.fresh(ty);
        self.line(&format!("for {name} in {over}:"));
        self.looped(depth, name, ty);
    }

    /// A loop while a condition on data holds, at most three times.
    fn repeat(&mut self, depth: usize) {
        let counter = self.fresh(Ty::Int);
        self.line(&format!("{counter} = 0"));
        let before = self.text.len();
        self.line("");
        self.looped(depth, counter.clone(), Ty::Int);
        // The condition is about what the body leaves, so it is written when that is known.
        let body = self.text.split_off(before);
        let condition = self.condition(1);
        self.line(&format!("while {counter} < 3 and {condition}:"));
        self.indent += 1;
        self.line(&format!("{counter} = {counter} + 1"));
        self.indent -= 1;
        self.text += body.split_once('\n').expect("a line").1;
    }

    fn looped(&mut self, depth: usize, name: String, ty: Ty) {
        let outside = self.scope.len();
        self.declare(name, ty);
        self.scope[outside].fixed = true;
        self.scope[outside].moving = true;
        self.loops += 1;
        self.inner(depth - 1);
        if self.choices.below(4) == 1 {
            let condition = self.condition(1);
            let exit = *self.choices.pick(&["break", "continue"]);
            self.indent += 1;
            self.line(&format!("if {condition}:"));
            self.indent += 1;
            self.line(exit);
            self.indent -= 2;
            self.inner(0);
        }
        self.loops -= 1;
        self.scope.truncate(outside);
        if self.loops == 0 {
            self.scope.iter_mut().for_each(|v| v.moving = false);
        }
    }

    /// A named function, with whatever it captures.
    fn define(&mut self, depth: usize) {
        let functions = [(Ty::Function, Ty::Float), (Ty::Function, Ty::Float), (Ty::Form, Ty::Vector)];
        let (ty, argument) = *self.choices.pick(&functions[..if self.scalars { 2 } else { 3 }]);
        let (name, y) = (self.fresh(ty), self.fresh(argument));
        self.line(&format!("def {name}({y}):"));
        self.body(depth, &[(y, argument)]);
        self.declare(name, ty);
    }

    /// A function that calls itself, or two that call each other, a bounded number of times.
    fn recursion(&mut self, depth: usize) {
        let name = self.fresh(Ty::Recursive);
        let names = if self.choices.below(3) == 2 && self.depth == 0 {
            vec![name.clone(), self.fresh(Ty::Recursive)]
        } else {
            vec![name.clone()]
        };
        for (i, own) in names.iter().enumerate() {
            let other = names[(i + 1) % names.len()].clone();
            let (y, k) = (self.fresh(Ty::Float), self.fresh(Ty::Int));
            self.line(&format!("def {own}({y}, {k}):"));
            let params = [(y.clone(), Ty::Float), (k.clone(), Ty::Int)];
            self.body_of_recursion(depth, &params, &other);
        }
        self.declare(name, Ty::Recursive);
    }

    fn body_of_recursion(&mut self, depth: usize, params: &[(String, Ty)], callee: &str) {
        let k = params[1].0.clone();
        let loops = std::mem::take(&mut self.loops);
        let (outside, own) = self.enter(params);
        self.scope[outside + 1].fixed = true;
        self.indent += 1;
        let stop = match self.choices.below(2) {
            0 => format!("{k} <= 0"),
            _ => format!("{k} <= 0 or {}", self.condition(1)),
        };
        self.line(&format!("if {stop}:"));
        let base = self.float(1);
        self.indent += 1;
        self.line(&format!("return {base}"));
        self.indent -= 1;
        if self.choices.below(2) == 1 {
            self.block(depth.saturating_sub(2));
        }
        let next = self.float(1);
        let call = format!("{callee}(np.sin({next}), {k} - 1)");
        let result = match self.choices.below(5) {
            0 => call,
            1 => format!("{} * {call}", self.float(1)),
            2 => format!("np.cos({call}) + {}", self.float(1)),
            3 => format!("({call} if {} else {})", self.condition(1), self.float(1)),
            _ => format!("{call} * {callee}({}, {k} - 2)", self.float(1)),
        };
        self.line(&format!("return {result}"));
        self.indent -= 1;
        self.leave(outside, own);
        self.loops = loops;
    }

    fn body(&mut self, depth: usize, params: &[(String, Ty)]) {
        let loops = std::mem::take(&mut self.loops);
        let (outside, own) = self.enter(params);
        self.indent += 1;
        if self.depth < 3 && self.choices.below(2) == 1 {
            self.block(depth.saturating_sub(1));
        }
        let result = self.result(2);
        self.line(&format!("return {result}"));
        self.indent -= 1;
        self.leave(outside, own);
        self.loops = loops;
    }

    /// What a function returns: a float, from most of the variables that it made.
    fn result(&mut self, depth: usize) -> String {
        let mut terms = vec![self.float(depth)];
        for i in self.own..self.scope.len() {
            if self.choices.below(3) == 0 {
                continue;
            }
            let Variable { name, ty, .. } = &self.scope[i];
            terms.push(match ty {
                Ty::Float => format!("{name} * {name}"),
                Ty::Vector => format!("{name} @ {name}"),
                Ty::Matrix => format!("np.sum(np.sin({name}))"),
                Ty::Int => format!("{name} * 0.5"),
                Ty::Pair => format!("{name}[0] * {name}[1][0]"),
                Ty::Function => format!("{name}(0.3)"),
                Ty::Form => format!("{name}(np.ones(3) * 0.2)"),
                Ty::Functions => format!("{name}[0](0.1) * {name}[1](0.6)"),
                Ty::Recursive => format!("{name}(0.4, 3)"),
            });
        }
        terms.join(" + ")
    }

    /// Enters a function.
    pub(super) fn enter(&mut self, params: &[(String, Ty)]) -> (usize, usize) {
        let (outside, own) = (self.scope.len(), self.own);
        self.own = outside;
        self.depth += 1;
        for (name, ty) in params {
            self.declare(name.clone(), *ty);
        }
        (outside, own)
    }

    /// Leaves a function.
    pub(super) fn leave(&mut self, outside: usize, own: usize) {
        self.scope.truncate(outside);
        self.own = own;
        self.depth -= 1;
    }

    fn unpack(&mut self) {
        let pair = self.expression(Ty::Pair, 2);
        let (a, v) = (self.fresh(Ty::Float), self.fresh(Ty::Vector));
        self.line(&format!("{a}, {v} = {pair}"));
        self.declare(a, Ty::Float);
        self.declare(v, Ty::Vector);
    }

    /// A return before the end.
    fn early(&mut self) {
        let condition = self.condition(2);
        let result = self.float(2);
        self.line(&format!("if {condition}:"));
        self.indent += 1;
        self.line(&format!("return {result}"));
        self.indent -= 1;
    }
}
