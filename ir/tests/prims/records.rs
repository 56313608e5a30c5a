//! Stacks and envs: graphs from floats to floats that pass through them, to order three, and the
//! values of the primitives themselves.

use std::cell::RefCell;

use adjudicate_ir::builder::{Builder, Expr};
use adjudicate_ir::graph::Graph;
use adjudicate_ir::prims::{self, Args, Attrs, PrimDef};
use adjudicate_ir::span::Span;
use adjudicate_ir::types::{Elem, Type};
use adjudicate_ir::value::{Fields, Stack, Value};
use adjudicate_kernels::Array;

use super::sweep::{check_derivatives, floats, run};

/// Primitives that are tested here and not against NumPy, which has none of them.
pub(crate) const PRIMS: &[&str] = &[
    "push",
    "pop",
    "push_rows",
    "pop_rows",
    "stack_add",
    "env_make",
    "env_get",
    "env_put",
    "env_add",
    "replicate",
    "total",
];

/// A function from a scalar and a row to a float.
type Program = for<'b> fn(Expr<'b>, Expr<'b>) -> Expr<'b>;

fn graph(name: &str, program: Program) -> Graph {
    let builder = RefCell::new(Builder::new(name, Span::default()));
    let [x, y] = [Type::f64(), row()].map(|ty| builder.borrow_mut().param(ty));
    let ret = program(Expr::new(&builder, x), Expr::new(&builder, y)).id;
    builder.into_inner().finish(ret)
}

fn row() -> Type {
    Type::tensor(Elem::F64, &[2])
}

fn push<'b>(stack: Expr<'b>, x: Expr<'b>) -> Expr<'b> {
    stack.apply(&prims::PUSH, &[], &[x])
}

fn pop(stack: Expr<'_>) -> (Expr<'_>, Expr<'_>) {
    let popped = stack.apply(&prims::POP, &[], &[]);
    (popped.get(0), popped.get(1))
}

fn empty<'b>(like: Expr<'b>) -> Expr<'b> {
    like.zero(Type::stack(like.ty()))
}

/// Checks a program's value at `x = 1.3`, `y = [0.4, -0.9]`, then its derivatives to order three.
fn check(name: &str, program: Program, expected: f64) {
    let graph = graph(name, program);
    let args = [Value::f64(1.3), floats_of(&[0.4, -0.9])];
    let found = floats(&run(&graph, &args).expect("a value"));
    assert!(found.len() == 1 && (found[0] - expected).abs() < 1e-14, "{name}: {found:?}, not {expected}");
    check_derivatives(name, graph, &args, 3);
}

fn floats_of(data: &[f64]) -> Value {
    Value::array(Array::from_slice(&[data.len()], data))
}

#[test]
fn what_is_pushed_is_popped_in_reverse_and_then_come_zeros() {
    let program: Program = |x, _| {
        let stack = push(push(empty(x), x * x), x.sin());
        let (stack, first) = pop(stack);
        let (stack, second) = pop(stack);
        let (_, none) = pop(stack);
        first * (second + 1.0) + none
    };
    check("stack", program, 1.3_f64.sin() * (1.3 * 1.3 + 1.0));
}

#[test]
fn a_stack_may_hold_tuples_of_which_only_some_items_are_floats() {
    let program: Program = |x, y| {
        let item = x.tuple(&[x.gt(x.lit(0.0)), y * y]);
        let (_, popped) = pop(push(empty(item), item));
        popped.get(1).select(popped.get(0) * popped.get(2), y).sum(&[0])
    };
    check("tuples", program, 1.3 * (0.4 * 0.4 + 0.9 * 0.9));
}

#[test]
fn rows_are_pushed_and_popped_in_either_order() {
    let program: Program = |x, y| {
        let stack = push(empty(x), x).apply(&prims::PUSH_ROWS, &[0, 0], &[y]);
        let (stack, top) = pop(stack);
        // The bottom two of what is left, topmost first, and a zero where nothing is.
        let rows = stack.apply(&prims::POP_ROWS, &[3, 1, 0], &[]).get(1);
        let back = empty(x).apply(&prims::PUSH_ROWS, &[1, 0], &[rows]);
        let (rest, first) = pop(back);
        let (_, second) = pop(rest);
        top * first * (second * second)
    };
    // y = [0.4, -0.9]: the top is -0.9, then 0.4, then x.
    check("rows", program, -0.9 * 0.4 * 1.3 * 1.3);
}

#[test]
fn the_axis_of_rows_may_come_after_others() {
    let program: Program = |x, y| {
        let stack = push(push(empty(y), y * x), y);
        let columns = stack.apply(&prims::POP_ROWS, &[2, 0, 1], &[]).get(1);
        let again = empty(y).apply(&prims::PUSH_ROWS, &[0, 1], &[columns]);
        let (rest, top) = pop(again);
        let (_, below) = pop(rest);
        (top * below).sum(&[0])
    };
    check("columns", program, 1.3 * (0.4 * 0.4 + 0.9 * 0.9));
}

#[test]
fn stacks_add_aligned_at_the_top() {
    let program: Program = |x, y| {
        let tall = push(push(empty(y), y * x), y);
        let short = push(empty(y), x * y * y);
        let sum = tall.apply(&prims::STACK_ADD, &[], &[short]);
        let (sum, top) = pop(sum);
        let (_, below) = pop(sum);
        (top * below * below).sum(&[0])
    };
    let term = |y: f64| (y + 1.3 * y * y) * (1.3 * y) * (1.3 * y);
    check("stack_add", program, term(0.4) + term(-0.9));
}

#[test]
fn fields_of_an_env_that_are_absent_are_zero() {
    let program: Program = |x, y| {
        let made = (x * x).apply(&prims::ENV_MAKE, &[], &[y]);
        let put = (x * y).apply(&prims::ENV_PUT, &[1], &[]);
        let sum = made.apply(&prims::ENV_ADD, &[], &[put]);
        let (first, second) = (sum.env_get(0, Type::f64()), sum.env_get(1, row()));
        let absent = put.env_get(0, row()) + put.env_get(7, row()) + x.zero(Type::Env).env_get(0, row());
        first * (second * second + absent).sum(&[0])
    };
    check("env", program, 1.3 * 1.3 * (2.3 * 0.4 * 2.3 * 0.4 + 2.3 * 0.9 * 2.3 * 0.9));
}

#[test]
fn envs_nest_in_envs_stacks_and_tuples() {
    let program: Program = |x, y| {
        let [a, b] = [x, x * x].map(|scale| {
            let inner = (scale * y).apply(&prims::ENV_MAKE, &[], &[]);
            inner.tuple(&[push(empty(x), x)]).apply(&prims::ENV_PUT, &[2], &[])
        });
        let sum = a.apply(&prims::ENV_ADD, &[], &[b]);
        let field = sum.env_get(2, Type::tuple([Type::Env, Type::stack(Type::f64())]));
        let (_, top) = pop(field.get(1));
        (field.get(0).env_get(0, row()) * top).sum(&[0])
    };
    check("nested", program, (1.3 + 1.3 * 1.3) * (0.4 - 0.9) * 2.6);
}

fn apply(prim: &'static PrimDef, mut args: Vec<Value>, ty: &Type) -> Value {
    (prim.eval)(&Attrs::new(), &mut Args::new(&mut args), ty).expect("a value")
}

#[test]
fn values_that_are_shared_stay_as_they_are() {
    let ty = Type::stack(row());
    let mut base = Stack::new();
    base.push(floats_of(&[1.0, 2.0]));
    let base = Value::Stack(base);
    let taller = apply(&prims::PUSH, vec![base.clone(), floats_of(&[3.0, 4.0])], &ty);
    let sum = apply(&prims::STACK_ADD, vec![base.clone(), taller.clone()], &ty);
    let items = |v: &Value| match v {
        Value::Stack(stack) => stack.to_vec().iter().flat_map(floats).collect::<Vec<_>>(),
        other => panic!("{other:?} is no stack"),
    };
    assert_eq!(items(&base), [1.0, 2.0]);
    assert_eq!(items(&taller), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(items(&sum), [1.0, 2.0, 4.0, 6.0]);
    let popped = apply(&prims::POP, vec![taller.clone()], &Type::tuple([ty, row()]));
    assert_eq!((items(&popped.items()[0]), floats(&popped.items()[1])), (vec![1.0, 2.0], vec![3.0, 4.0]));
    assert_eq!(items(&taller), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn a_million_nested_envs_add_and_drop() {
    let chain = || {
        (0..1_000_000).fold(Value::Env(None), |inner, _| Value::Env(Some(Fields::new(vec![Value::f64(1.0), inner]))))
    };
    let mut sum = apply(&prims::ENV_ADD, vec![chain(), chain()], &Type::Env);
    let mut depth = 0;
    while let Value::Env(Some(fields)) = sum {
        let mut fields = fields.into_vec();
        assert_eq!(floats(&fields[0]), [2.0]);
        sum = fields.pop().expect("two fields");
        depth += 1;
    }
    assert_eq!(depth, 1_000_000);
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let stack = Type::stack(Type::f64());
    let refused_with = |prim: &PrimDef, attrs: &[i64], types: &[&Type], why: &str| {
        assert_eq!((prim.ty)(&Attrs::from_slice(attrs), types), Err(why.to_string()), "{}", prim.name);
    };
    let refused = |prim: &PrimDef, types: &[&Type], why: &str| refused_with(prim, &[], types, why);
    refused(&prims::PUSH, &[&stack, &Type::i64()], "a value of type i64 cannot be pushed on a stack f64");
    refused(&prims::PUSH, &[&Type::f64(), &Type::f64()], "a stack was expected, not f64");
    refused_with(&prims::POP_ROWS, &[2, 0, 1], &[&stack], "axis 1 is not one of rows of shape []");
    let rows = Type::tensor(Elem::F64, &[3, 2]);
    refused_with(&prims::PUSH_ROWS, &[0, 0], &[&stack, &rows], "rows of shape [2] cannot be pushed on a stack f64");
    refused(&prims::PUSH, &[&stack], "2 operands were expected, not 1");
    refused(&prims::POP, &[&Type::Env], "a stack was expected, not env");
    let other = Type::stack(Type::i64());
    refused(&prims::STACK_ADD, &[&stack, &other], "a stack f64 and a stack i64 have no sum");
    refused(&prims::ENV_ADD, &[&Type::Env, &stack], "env and stack f64 are not both the cotangent of a function value");
    refused(&prims::ENV_GET, &[&Type::Env], "stated");
}
