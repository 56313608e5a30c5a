//! Every case of `numpy_reference.json`, which `scripts/numpy_reference.py` writes, repeated with our kernels.

use adjudicate_kernels::layout::SliceSpec;
use adjudicate_kernels::*;
use serde::Deserialize;
use serde_json::Value;

use crate::common::python_slice;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    call: String,
    op: String,
    args: Vec<Stored>,
    params: Vec<Value>,
    tolerance: f64,
    result: Stored,
}

#[derive(Deserialize, Debug)]
struct Stored {
    shape: Vec<usize>,
    r#type: String,
    data: Vec<Value>,
}

/// An array of any element type.
#[derive(Debug, PartialEq)]
enum Any {
    F(Array<f64>),
    I(Array<i64>),
    B(Array<bool>),
}

impl From<Array<f64>> for Any {
    fn from(x: Array<f64>) -> Self {
        Self::F(x)
    }
}

impl From<Array<i64>> for Any {
    fn from(x: Array<i64>) -> Self {
        Self::I(x)
    }
}

impl From<Array<bool>> for Any {
    fn from(x: Array<bool>) -> Self {
        Self::B(x)
    }
}

fn float(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

impl Stored {
    fn load(&self) -> Any {
        match self.r#type.as_str() {
            "f64" => Any::F(self.floats()),
            "i64" => Any::I(self.ints()),
            "bool" => Any::B(self.bools()),
            other => panic!("element type {other}"),
        }
    }

    fn floats(&self) -> Array<f64> {
        Array::from_vec(&self.shape, self.data.iter().map(float).collect())
    }

    fn ints(&self) -> Array<i64> {
        Array::from_vec(&self.shape, self.data.iter().map(|v| v.as_i64().unwrap()).collect())
    }

    fn bools(&self) -> Array<bool> {
        Array::from_vec(&self.shape, self.data.iter().map(|v| v.as_bool().unwrap()).collect())
    }
}

fn find<T: Copy>(all: &[T], name: fn(T) -> &'static str, wanted: &str) -> T {
    all.iter().copied().find(|&op| name(op) == wanted).unwrap_or_else(|| panic!("no operation {wanted}"))
}

fn numbers(values: &[Value]) -> Vec<usize> {
    values.iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

fn specs(values: &[Value], shape: &[usize]) -> Vec<SliceSpec> {
    let bound = |v: &Value| v.as_i64().map(|i| i as isize);
    values.iter().zip(shape).map(|(v, &size)| python_slice(bound(&v[0]), bound(&v[1]), bound(&v[2]), size)).collect()
}

impl Case {
    fn x(&self) -> Array<f64> {
        self.args[0].floats()
    }

    fn y(&self) -> Array<f64> {
        self.args[1].floats()
    }

    fn axis(&self) -> usize {
        self.params[0].as_u64().unwrap() as usize
    }

    fn int(&self, i: usize) -> i64 {
        self.params[i].as_i64().unwrap()
    }

    fn elementwise(&self) -> Option<Any> {
        Some(match self.call.as_str() {
            "unary" => unary(find(Unary::ALL, Unary::name, &self.op), &self.x()).into(),
            "binary" => {
                let op = find(Binary::ALL, Binary::name, &self.op);
                binary(op, (&self.x()).into(), (&self.y()).into()).into()
            }
            "int_unary" => int_unary(find(IntUnary::ALL, IntUnary::name, &self.op), &self.args[0].ints()).into(),
            "int_binary" => {
                let op = find(IntBinary::ALL, IntBinary::name, &self.op);
                int_binary(op, (&self.args[0].ints()).into(), (&self.args[1].ints()).into()).unwrap().into()
            }
            "compare" => {
                let op = find(Compare::ALL, Compare::name, &self.op);
                match (self.args[0].load(), self.args[1].load()) {
                    (Any::F(x), Any::F(y)) => compare(op, (&x).into(), (&y).into()).into(),
                    (Any::I(x), Any::I(y)) => compare(op, (&x).into(), (&y).into()).into(),
                    other => panic!("comparison of {other:?}"),
                }
            }
            "logic" => {
                let op = find(Logic::ALL, Logic::name, &self.op);
                logic(op, (&self.args[0].bools()).into(), (&self.args[1].bools()).into()).into()
            }
            "not" => not(&self.args[0].bools()).into(),
            "select" => {
                let mask = self.args[0].bools();
                select((&mask).into(), (&self.y()).into(), (&self.args[2].floats()).into()).into()
            }
            _ => return None,
        })
    }

    fn layout(&self) -> Option<Any> {
        let parts: Vec<_> = self.args.iter().map(Stored::load).collect();
        let floats = || -> Vec<_> {
            let each = parts.iter().map(|part| if let Any::F(x) = part { x } else { panic!("floats") });
            each.collect()
        };
        Some(match self.call.as_str() {
            "transpose" => layout::transpose(&self.args[0].ints(), &numbers(&self.params)).into(),
            "broadcast_to" => layout::broadcast_to(&self.x(), &numbers(&self.params)).into(),
            "slice" => layout::slice(&self.x(), &specs(&self.params, &self.args[0].shape)).into(),
            "unslice" => {
                let shape = numbers(self.params[0].as_array().unwrap());
                layout::unslice(&self.x(), &shape, &specs(self.params[1].as_array().unwrap(), &shape)).into()
            }
            "concatenate" => layout::concatenate(&floats(), self.axis()).into(),
            "stack" => layout::stack(&floats(), self.axis()).into(),
            _ => return None,
        })
    }

    fn indexed(&self) -> Option<Any> {
        Some(match self.call.as_str() {
            "gather" => index::gather(&self.x(), self.axis(), &self.args[1].ints()).unwrap().into(),
            "scatter_add" => {
                let mut dst = self.x();
                index::scatter_add(&mut dst, self.axis(), &self.args[1].ints(), &self.args[2].floats()).unwrap();
                dst.into()
            }
            "index" => index::index(&self.x(), self.int(0)).unwrap().into(),
            "index_add" => {
                let mut dst = self.x();
                index::index_add(&mut dst, self.int(0), (&self.y()).into()).unwrap();
                dst.into()
            }
            _ => return None,
        })
    }

    fn run(&self) -> Any {
        if let Some(result) = self.elementwise().or_else(|| self.layout()).or_else(|| self.indexed()) {
            return result;
        }
        match self.call.as_str() {
            "reduce" => {
                let op = find(Reduce::ALL, Reduce::name, &self.op);
                reduce::reduce(op, &self.x(), &numbers(&self.params)).unwrap().into()
            }
            "reduce_bool" => {
                let op = find(ReduceBool::ALL, ReduceBool::name, &self.op);
                reduce::reduce_bool(op, &self.args[0].bools(), &numbers(&self.params)).into()
            }
            "int_sum" => reduce::int_sum(&self.args[0].ints(), &numbers(&self.params)).into(),
            "argmax" => reduce::argmax(&self.x(), self.axis()).unwrap().into(),
            "argmin" => reduce::argmin(&self.x(), self.axis()).unwrap().into(),
            "cumsum" => reduce::cumsum(&self.x(), self.axis()).into(),
            "matmul" => {
                let [ta, tb] = [0, 1].map(|i| self.params[i].as_bool().unwrap());
                gemm::matmul(&self.x(), &self.y(), ta, tb).into()
            }
            "outer" => gemm::outer(&self.x(), &self.y()).into(),
            other => panic!("no kernel {other}"),
        }
    }

    fn agrees(&self, found: &Any) -> bool {
        let expected = self.result.load();
        let (Any::F(found), Any::F(expected)) = (found, &expected) else {
            return *found == expected;
        };
        // Sums of products of a few standard normals: what is lost is relative to their size, not to the result's.
        let reduces = ["matmul", "reduce"].contains(&self.call.as_str());
        let largest = expected.as_slice().iter().fold(if reduces { 10.0 } else { 0.0 }, |a: f64, b| a.max(b.abs()));
        let scale = |x: f64| if reduces { largest } else { x.abs() };
        let near = |x: f64, y: f64| {
            x == y && (x != 0.0 || x.is_sign_negative() == y.is_sign_negative() || !self.minds_zero_sign())
                || x.is_nan() && y.is_nan()
                || (x - y).abs() <= self.tolerance * scale(y)
        };
        found.shape() == expected.shape() && found.as_slice().iter().zip(expected.as_slice()).all(|(&x, &y)| near(x, y))
    }

    /// NumPy leaves open which zero a maximum of both is.
    fn minds_zero_sign(&self) -> bool {
        !["maximum", "minimum"].contains(&self.op.as_str())
    }
}

#[test]
fn kernels_agree_with_numpy() {
    let reference: Reference = serde_json::from_str(include_str!("numpy_reference.json")).unwrap();
    let mut failures = Vec::new();
    for case in &reference.cases {
        let found = case.run();
        if !case.agrees(&found) {
            let args: Vec<_> = case.args.iter().map(Stored::load).collect();
            let (call, op, params, expected) = (&case.call, &case.op, &case.params, case.result.load());
            failures.push(format!("{call} {op} {params:?} of {args:?}\nfound {found:?}\nnot {expected:?}"));
        }
    }
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), reference.cases.len(), failures.join("\n"));
}
