//! What functions of the language refuse, and that no call of them panics.
//!
//! What they compute is held against NumPy beside the strategies, which differentiate them too.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::frontend::names;
use adjudicate_ir::interp;
use adjudicate_ir::program::{Ask, Program, Request};
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;
use proptest::prelude::*;
use proptest::sample::select;

fn vector() -> Datum {
    Datum::Array(Array::from_vec(&[3], vec![0.5, -1.5, 2.0]))
}

/// The value of an expression over an array `x`, a float `s` and an integer `n`.
fn evaluate(text: &str) -> Result<Vec<Value>, String> {
    let python = format!(
        "import functools\nimport math\nimport numpy as np\nfrom adjudicate import *\n\n\
         def f(x, s, n):\n    return {text}\n"
    );
    let python = python.replace("import *", "import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp, vmap");
    let program = Program::parse("model.py", &python).map_err(|e| e.to_string())?;
    let args = [vector(), Datum::F64(0.5), Datum::I64(2)];
    let specialised = program.specialise(&Request::new("f", Ask::Value, &[0], 1, &args)).map_err(|e| e.to_string())?;
    let leaves = args.iter().flat_map(Datum::leaves).collect();
    let result = interp::eval_within(&specialised.module, leaves, 1000).map_err(|e| e.message)?;
    Ok(result.items().to_vec())
}

/// Expressions that are refused, and a part of what the message says; it points at the model file.
const REFUSED: &[(&str, &str)] = &[
    ("abs()", "`abs` is called without its argument `x`"),
    ("len()", "without its argument"),
    ("np.square()", "without its argument"),
    ("np.ndim()", "without its argument"),
    ("np.zeros_like()", "without its argument"),
    ("np.broadcast_to(x)", "without its argument `shape`"),
    ("np.sin(x, x)", "takes one argument, but 2 are given"),
    ("np.maximum(x, 1.0, where=x > 0)", "no parameter `where`"),
    ("np.matmul(x, x, nonsense=3)", "no parameter `nonsense`"),
    ("np.sum(x, a=x)", "given `a` twice"),
    ("np.sum(x, 0, float)", "takes 2 arguments by position, but 3 are given"),
    ("np.var(x, 0, 1)", "takes 2 positional arguments, but 3 are given"),
    ("np.mean(x, dtype=float)", "convert the argument or the result with `astype`"),
    ("np.mean(x, where=x > 0)", "choose between elements and what stands for the others with `np.where`"),
    ("np.exp(x, out=x)", "arrays are immutable here"),
    ("np.cumsum(x, out=x)", "arrays are immutable here"),
    ("np.max(x, where=x > 0)", "`np.max` of chosen elements needs `initial`"),
    ("np.max(x, where=x > 0)", "give the least that it can be, such as `initial=-np.inf`"),
    ("np.min(x, where=x > 0)", "give the greatest that it can be, such as `initial=np.inf`"),
    ("np.max(np.arange(3), where=x > 0)", "give the least that it can be\n"),
    ("np.max(x[0:0])", "has no extreme along an axis of length 0"),
    ("np.max(x[0:0], initial=x)", "`initial` is one number"),
    ("np.max(x[0:0], initial=0.5, axis=1)", "an array of 1 axis"),
    ("(s, 2.0) ** 2", "make arrays of them with np.array"),
    ("2 ** (s, 2.0)", "make arrays of them with np.array"),
    ("(s, 2.0) ** (s, 2.0)", "make arrays of them with np.array"),
    ("(s, 2.0) * 2.0", "make arrays of them with np.array"),
    ("1.0 + (s, 2.0)", "make arrays of them with np.array"),
    ("(s, 2.0) / 2.0", "make arrays of them with np.array"),
    ("(s, 2.0) / (s, 2.0)", "make arrays of them with np.array"),
    ("divmod((5, 7), 2)", "make arrays of them with np.array"),
    ("np.sum(x, initial=x)", "`initial` is one number"),
    ("np.sum(x, where=np.ones((2, 1)) > 0)", "of shape [2, 1] does not broadcast to [3]"),
    ("np.zeros((10**10, 10**10))", "too large"),
    ("np.eye(3_000_000)", "too large"),
    ("np.ones((10**5, 1)) * np.ones((1, 10**5))", "too large"),
    ("np.arange(0.0, 1.0, 0.0)", "cannot go from 0 to 1 by 0"),
    ("np.arange(0, 1, 0)", "cannot go from 0 to 1 by 0"),
    ("np.arange(0, 2**62)", "cannot go"),
    ("(1, 2) * 4 * 10**12", "too many for a tuple"),
    ("sum(range(10**13))", "too many for a tuple"),
    ("x & x", "of floats is not defined"),
    ("np.argmax(x) & 3", "must be known"),
    ("np.linalg.norm(np.outer(x, x), 2)", "a matrix norm of this order is not supported"),
    ("np.linalg.norm(np.outer(x, x), 3)", "a matrix norm of this order is not supported"),
    ("np.select((x > 0,), (x,), 0.0, x)", "takes 3 arguments"),
    ("np.einsum('i.j->i', x)", "are not supported"),
    ("np.einsum('...i->i', np.outer(x, x))", "has no `...`"),
    ("np.einsum('ij->i', x)", "an array of 1 axis has 2 labels in the subscripts"),
    ("np.sum(x, (0, 0))", "named twice"),
    ("np.reshape(x, (-2,))", "cannot become"),
    ("np.power(2, -1)", "not an integer"),
    ("math.exp(x)", "takes a number, not an array"),
    ("np.zeros(3, dtype='float32')", "element type is not supported"),
    ("max(x, x)", "compares numbers"),
    ("jacobian(lambda a, b: a * b, (0, 0))(s, s)", "differentiated twice"),
    ("jacobian(lambda a: a)(np.zeros(100_000))", "too large"),
    ("np.pad(x, 1, mode='linear_ramp')", "is not supported"),
    ("np.sort(np.zeros(100_000))", "too large"),
    ("np.reshape(np.zeros(1), (2,))", "has 1 element and cannot become"),
    ("np.sum(x, 1)", "an array of 1 axis"),
    ("x[0, 0]", "an array of 1 axis is indexed with 2 positions"),
    ("(lambda: s)(s)", "takes 0 arguments, but 1 is given"),
    ("hvp(lambda a: a ** 3)(s)", "`hvp(f)(a, v)` takes 2 arguments, but 1 is given"),
    ("hvp(lambda a: a ** 3)(s, s, s)", "`hvp(f)(a, v)` takes 2 arguments, but 3 are given"),
    ("hvp(lambda a, b: a * b, (0, 1))(s, s)", "`hvp(f, (0, 1))(a, b, v0, v1)` takes 4 arguments, but 2 are given"),
    ("hvp(np.sum)()", "a product with a vector takes 2 arguments or more, but 0 are given"),
    ("hvp(lambda a, *, n=2.0: a ** n)(s)", "`hvp(f)(a, v)` takes 2 arguments, but 1 is given"),
    ("hvp(lambda a, n=2.0: a ** n)(s)", "`hvp(f)(a, n, v)` takes 2 to 3 arguments, but 1 is given"),
    ("hessian(lambda a: grad(lambda b: x * b)(a))(s)", "the gradient of a function needs one float as its result"),
    ("grad(lambda a: (a, 3))(s)", "only they have derivatives"),
    ("hessian(lambda a: a * a)(x)", "the Hessian of a function needs one float as its result, not float array"),
    ("hvp(lambda a: a * a)(x, x)", "the Hessian–vector product of a function needs one float"),
    ("grad(lambda a: lambda b: a)(s)", "call the function, and return what it gives"),
    ("jacobian(lambda a: lambda b: a)(s)", "call the function, and return what it gives"),
    ("grad(lambda a: 3)(s)", "only they have derivatives"),
    ("jacobian(lambda a: 3)(s)", "only they have derivatives"),
    ("grad(lambda a: a ** 2)(7)", "pass a float, such as `7.0`"),
    ("grad(lambda a: a ** 2)(np.arange(3))", "make floats of it by `* 1.0`"),
    ("grad(lambda a: a ** 2)(True)", "argument 0 (`a`) is to be differentiated"),
];

#[test]
fn refusals_say_what_is_wrong_and_where() {
    for (text, part) in REFUSED {
        let error = evaluate(text).expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
        assert!(error.contains("model.py:7:"), "{text}: {error}");
    }
}

#[test]
fn integers_stay_integers_and_index() {
    let found = evaluate("x[np.max(np.array((0, 2)))]").expect("an element");
    assert_eq!(format!("{found:?}"), format!("{:?}", [Value::f64(2.0)]));
    let last = evaluate("np.arange(9223372036854775800, 9223372036854775807, 5)").expect("two integers");
    let expected = Value::ints(Array::from_vec(&[2], vec![i64::MAX - 7, i64::MAX - 2]));
    assert_eq!(format!("{last:?}"), format!("{:?}", [expected]));
}

#[test]
fn an_extreme_of_nothing_is_what_it_begins_with() {
    for (text, shape, data) in [
        ("np.max(x[0:0], initial=s)", &[][..], vec![0.5]),
        ("np.min(x[0:0], initial=0.5)", &[], vec![0.5]),
        ("np.min(np.zeros((2, 0)), axis=1, initial=s)", &[2], vec![0.5; 2]),
        ("np.max(np.zeros((2, 0)), axis=(0, 1), keepdims=True, initial=s)", &[1, 1], vec![0.5]),
        ("np.max(np.zeros((0, 2)), axis=1, initial=s)", &[0], vec![]),
        ("np.max(x[0:0], where=x[0:0] > 0, initial=s)", &[], vec![0.5]),
    ] {
        let found = evaluate(text).expect(text);
        let expected = [Value::array(Array::from_vec(shape, data))];
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{text}");
    }
}

#[test]
fn functions_of_numpy_take_tuples_for_arrays_where_operators_do_not() {
    for (text, same) in [
        ("np.power((s, 2.0), 2)", "np.array((s, 2.0)) ** 2"),
        ("np.multiply((s, 2.0), 2.0)", "np.array((s, 2.0)) * 2.0"),
        ("np.linspace((s, 2.0), 1.0, 3)", "np.linspace(np.array((s, 2.0)), 1.0, 3)"),
        ("np.dot((s, 2.0), 2.0)", "np.array((s, 2.0)) * 2.0"),
        ("np.divmod((5, 7), 2)", "np.divmod(np.array((5, 7)), 2)"),
        ("x[0:2] * (s, 2.0)", "x[0:2] * np.array((s, 2.0))"),
    ] {
        let (found, same) = (evaluate(text).expect(text), evaluate(same).expect(same));
        assert_eq!(format!("{found:?}"), format!("{same:?}"), "{text}");
    }
}

#[test]
fn every_name_has_an_implementation() {
    for name in names::names() {
        assert_eq!(names::builtin(name), Some(*name));
        if let Err(error) = evaluate(&format!("{name}(x)")) {
            assert!(!error.contains(&format!("`{name}` is not supported")), "{error}");
        }
    }
}

/// An argument of a call, as text.
fn argument() -> impl Strategy<Value = &'static str> {
    select(vec![
        "x",
        "s",
        "n",
        "0",
        "1",
        "-1",
        "3",
        "0.5",
        "-2.5",
        "None",
        "True",
        "()",
        "(x, x)",
        "(1, 2)",
        "((1, 2), (0, 1))",
        "[0, 1]",
        "x > 0",
        "np.outer(x, x)",
        "np.eye(3)",
        "np.arange(3)",
        "np.zeros((0,))",
        "np.zeros((2, 3, 3))",
        "math.nan",
        "np.inf",
        "10**12",
        "-2**63",
        "2**63 - 1",
        "float",
        "int",
        "lambda a: a",
        "lambda a, b: a + b",
        "range(3)",
        "range(n)",
        "'fro'",
        "'edge'",
        "'ij,jk->ik'",
        "np.sin",
        "{'k': x}",
        "x[::2]",
        "np.array((0, -1))",
    ])
}

fn keyword() -> impl Strategy<Value = &'static str> {
    select(vec![
        "axis", "keepdims", "dtype", "k", "ddof", "mode", "ord", "axes", "num", "endpoint", "a", "x", "where", "out",
        "shape", "decimals", "start", "indexing", "weights", "side", "offset", "initial", "argnums",
    ])
}

fn call() -> impl Strategy<Value = String> {
    let named = proptest::collection::btree_map(keyword(), argument(), 0..2);
    (select(names::names()), proptest::collection::vec(argument(), 0..5), named).prop_map(|(name, args, named)| {
        let named = named.iter().map(|(key, value)| format!("{key}={value}"));
        let all: Vec<String> = args.into_iter().map(str::to_owned).chain(named).collect();
        format!("{name}({})", all.join(", "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_call_panics(text in call()) {
        let found = std::panic::catch_unwind(|| evaluate(&text));
        prop_assert!(found.is_ok(), "{}", text);
    }

    #[test]
    fn no_method_panics(method in select(METHODS), args in proptest::collection::vec(argument(), 0..3), on in argument()) {
        let text = format!("({on}).{method}({})", args.join(", "));
        let found = std::panic::catch_unwind(|| evaluate(&text));
        prop_assert!(found.is_ok(), "{}", text);
    }

    #[test]
    fn no_operator_panics(op in select(OPERATORS), a in argument(), b in argument()) {
        let text = format!("({a}) {op} ({b})");
        let found = std::panic::catch_unwind(|| evaluate(&text));
        prop_assert!(found.is_ok(), "{}", text);
    }
}

const METHODS: &[&str] =
    &["sum", "reshape", "transpose", "take", "astype", "item", "std", "clip", "repeat", "flatten", "dot"];
const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "//", "%", "**", "@", "<<", ">>", "&", "|", "^", "<", "==", "!=", "is", "in", "and", "or"];
