//! Random expressions of each type.

use super::program::{Ty, Writer};

const NUMBERS: &[&str] = &["0.5", "1.0", "-0.7", "1.5", "0.0", "2.0", "-1.0"];

/// Functions of floats and arrays that are smooth and do not grow.
const SMOOTH: &[&str] = &["np.sin", "np.cos", "np.tanh", "np.arctan"];

impl Writer<'_> {
    pub(super) fn expression(&mut self, ty: Ty, depth: usize) -> String {
        match ty {
            Ty::Float => self.float(depth),
            Ty::Vector => self.vector(depth),
            Ty::Matrix => self.matrix(depth),
            Ty::Int => self.int(depth),
            Ty::Pair => self.pair(depth),
            Ty::Function => self.function(depth),
            Ty::Form => self.form(depth),
            Ty::Functions => self.functions(depth),
            Ty::Recursive => unreachable!("only defined"),
        }
    }

    /// Spends fuel on something deeper than a leaf: a choice below n, or 0 for a leaf.
    fn kind(&mut self, depth: usize, n: usize) -> usize {
        if depth == 0 || self.fuel == 0 {
            return 0;
        }
        self.fuel -= 1;
        self.choices.below(n)
    }

    /// A variable of a type that can be used here.
    fn variable(&mut self, ty: Ty) -> Option<String> {
        let own = self.own;
        let usable = |(i, v): (usize, &super::program::Variable)| (v.ty == ty && (i >= own || !v.moving)).then_some(i);
        let fitting: Vec<usize> = self.scope.iter().enumerate().rev().filter_map(usable).collect();
        if fitting.is_empty() {
            return None;
        }
        let i = *self.choices.pick(&fitting);
        if i < self.own {
            self.scope[i].fixed = true;
        }
        Some(self.scope[i].name.clone())
    }

    pub(super) fn float(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        match self.kind(depth, 24) {
            // In a program of scalars arrays are data.
            11 if self.scalars => format!("np.array([0.3, -0.6, 0.9])[{}]", self.index(d)),
            10 | 12 | 17 | 19 if self.scalars => format!("({} - {})", self.float(d), self.float(d)),
            0 => match self.choices.below(5) {
                4 => (*self.choices.pick(NUMBERS)).to_owned(),
                _ => self.variable(Ty::Float).unwrap_or_else(|| "0.5".to_owned()),
            },
            1 => format!("({} + {})", self.float(d), self.float(d)),
            2 => format!("({} - {})", self.float(d), self.float(d)),
            3 | 4 => format!("({} * {})", self.float(d), self.float(d)),
            5 => format!("({} / (2.0 + np.sin({})))", self.float(d), self.float(d)),
            6 => format!("{}({})", self.choices.pick(SMOOTH), self.float(d)),
            7 => format!("np.exp(np.sin({}))", self.float(d)),
            8 => format!("np.sqrt(1.5 + np.cos({}))", self.float(d)),
            9 => format!("np.maximum({}, {})", self.float(d), self.float(d)),
            10 => format!("np.{}({})", self.choices.pick(&["sum", "mean", "max", "prod"]), self.vector(d)),
            11 => format!("{}[{}]", self.vector(d), self.index(d)),
            12 => format!("({} @ {})", self.vector(d), self.vector(d)),
            13 => format!("({} if {} else {})", self.float(d), self.condition(d), self.float(d)),
            14 | 15 => format!("{}({})", self.called(d), self.float(d)),
            16 => format!("grad({})({})", self.called(d), self.float(d)),
            17 => format!("{}[0]", self.pair(d)),
            18 => format!("{}[{}]({})", self.functions(d), self.choices.below(2), self.float(d)),
            19 => format!("{}({})", self.form(d), self.vector(d)),
            20 => format!("jvp({}, ({},), ({},))[1]", self.called(d), self.float(d), self.float(d)),
            21 => format!("{} ** {}", self.float(0), self.choices.pick(&["2", "3", "1"])),
            22 => self.recursive_call(d),
            _ => format!("({} * {})", self.float(d), self.int(d)),
        }
    }

    fn recursive_call(&mut self, d: usize) -> String {
        match self.variable(Ty::Recursive) {
            Some(r) => format!("{r}({}, {})", self.float(d), self.choices.pick(&["n", "2", "n + 1", "0", "n * 2 - 1"])),
            None => self.float(d),
        }
    }

    pub(super) fn vector(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        match self.kind(depth, 20) {
            18 => format!("hvp({})({}, {})", self.form(d), self.vector(d), self.vector(d)),
            19 => format!("{}({})", self.map(d), self.vector(d)),
            0 => match self.choices.below(4) {
                3 => "np.ones(3)".to_owned(),
                _ => self.variable(Ty::Vector).unwrap_or_else(|| "np.zeros(3)".to_owned()),
            },
            1 => format!("({} + {})", self.vector(d), self.vector(d)),
            2 => format!("({} * {})", self.vector(d), self.vector(d)),
            3 => format!("({} * {})", self.float(d), self.vector(d)),
            4 => format!("{}({})", self.choices.pick(SMOOTH), self.vector(d)),
            5 => format!("np.stack(({}, {}, {}))", self.float(d), self.float(d), self.float(d)),
            6 => format!("({} @ {})", self.matrix(d), self.vector(d)),
            7 => format!("{}[::-1]", self.vector(d)),
            8 => {
                let v = self.vector(d);
                format!("np.concatenate(({v}[1:], {}[:1]))", self.vector(d))
            }
            9 => format!("np.cumsum({})", self.vector(d)),
            10 => format!("grad({})({})", self.form(d), self.vector(d)),
            11 => format!("vmap({})({})", self.called(d), self.vector(d)),
            12 => {
                let v = self.vector(d);
                format!("np.where({v} > {}, {}, {})", self.float(d), self.vector(d), self.vector(d))
            }
            13 => format!("{}[1]", self.pair(d)),
            14 => format!("({} if {} else {})", self.vector(d), self.condition(d), self.vector(d)),
            15 => format!("np.maximum({}, {})", self.vector(d), self.vector(d)),
            16 => format!("{}[np.array([0, 2, 0])]", self.vector(d)),
            _ => format!("np.sum({}, axis={})", self.matrix(d), self.choices.below(2)),
        }
    }

    fn matrix(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        match self.kind(depth, 8) {
            0 | 1 => self.variable(Ty::Matrix).unwrap_or_else(|| "np.eye(3)".to_owned()),
            2 => format!("np.outer({}, {})", self.vector(d), self.vector(d)),
            3 => format!("np.tanh({} @ {})", self.matrix(d), self.matrix(d)),
            4 => format!("({} + {})", self.matrix(d), self.vector(d)),
            5 => format!("{}.T", self.matrix(d)),
            6 => format!("jacobian({})({})", self.map(d), self.vector(d)),
            _ => format!("({} * {})", self.matrix(d), self.float(d)),
        }
    }

    pub(super) fn int(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        match self.kind(depth, 6) {
            0 | 1 => self.variable(Ty::Int).unwrap_or_else(|| "1".to_owned()),
            2 => self.choices.below(4).to_string(),
            3 => format!("({} + 1)", self.int(d)),
            4 => format!("({} % 3)", self.int(d)),
            _ => format!("(1 if {} else {})", self.condition(d), self.int(d)),
        }
    }

    /// An index of a vector that is in range.
    fn index(&mut self, d: usize) -> String {
        match self.choices.below(3) {
            0 => self.choices.below(3).to_string(),
            1 => "-1".to_owned(),
            _ => format!("({}) % 3", self.int(d)),
        }
    }

    pub(super) fn condition(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        match self.kind(depth, 7) {
            0 | 1 => format!("{} > {}", self.float(0), self.choices.pick(&["0.1", "-0.3", "0.77"])),
            2 => format!("{} < {}", self.float(d), self.float(d)),
            3 => format!("{} % 2 == 0", self.int(0)),
            4 => format!("({} and {})", self.condition(d), self.condition(d)),
            5 => format!("not ({})", self.condition(d)),
            _ => format!("-0.9 < {} < 0.6", self.float(d)),
        }
    }

    fn pair(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        match self.kind(depth, 5) {
            0 | 1 => self.variable(Ty::Pair).unwrap_or_else(|| format!("({}, {})", self.float(0), self.vector(0))),
            2 => format!("({}, {})", self.float(d), self.vector(d)),
            3 => format!("value_and_grad({})({})", self.form(d), self.vector(d)),
            _ => format!("({} if {} else {})", self.pair(d), self.condition(d), self.pair(d)),
        }
    }

    /// A function that can stand before its argument.
    fn called(&mut self, depth: usize) -> String {
        format!("({})", self.function(depth))
    }

    fn function(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        let kind = self.kind(depth, 9);
        match if self.flat && kind != 4 && kind != 7 { 0 } else { kind } {
            0 | 1 => match self.variable(Ty::Function) {
                Some(f) => f,
                None => (*self.choices.pick(SMOOTH)).to_owned(),
            },
            2 | 3 => self.lambda(Ty::Float, depth),
            4 => format!("({} if {} else {})", self.function(d), self.condition(d), self.function(d)),
            5 => format!("grad({})", self.function(d)),
            6 => format!("(lambda h: lambda y: h(h(y)))({})", self.function(d)),
            7 => format!("{}[{}]", self.functions(d), self.choices.below(2)),
            _ => match self.variable(Ty::Recursive) {
                Some(r) => format!("(lambda y: {r}(y, {}))", self.choices.pick(&["2", "n", "3"])),
                None => self.lambda(Ty::Float, d),
            },
        }
    }

    fn form(&mut self, depth: usize) -> String {
        match self.kind(depth, 3) {
            0 | 1 => match self.variable(Ty::Form) {
                Some(g) => g,
                None => "np.sum".to_owned(),
            },
            _ => self.lambda(Ty::Vector, depth),
        }
    }

    fn functions(&mut self, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        match self.kind(depth, 4) {
            0 | 1 => {
                self.variable(Ty::Functions).unwrap_or_else(|| format!("({}, {})", self.function(0), self.function(0)))
            }
            2 => format!("({}, {})", self.function(d), self.function(d)),
            _ => format!("({} if {} else {})", self.functions(d), self.condition(d), self.functions(d)),
        }
    }

    /// A function from a vector to a vector.
    fn map(&mut self, depth: usize) -> String {
        let y = self.fresh(Ty::Vector);
        let (outside, own) = self.enter(&[(y.clone(), Ty::Vector)]);
        let body = match self.choices.below(3) {
            0 => format!("{} * {y}", self.vector(depth)),
            1 => {
                let f = self.called(depth);
                format!("np.stack(({f}({y}[0]), {f}({y}[1] * {y}[2]), {}))", self.float(depth))
            }
            _ => self.vector(depth),
        };
        self.leave(outside, own);
        format!("(lambda {y}: {body})")
    }

    /// A function from an argument of a type to a float.
    fn lambda(&mut self, argument: Ty, depth: usize) -> String {
        let y = self.fresh(argument);
        let (outside, own) = self.enter(&[(y.clone(), argument)]);
        let body = self.float(depth);
        self.leave(outside, own);
        format!("(lambda {y}: {body})")
    }
}
