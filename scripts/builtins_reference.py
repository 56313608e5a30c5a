#!/usr/bin/env python3
"""Writes ir/tests/builtins_reference.json: expressions of the language and the values NumPy gives.

Each case is an expression over the arguments `a`, `b` and `c`, what they are, the result of CPython
with NumPy (and a `vmap` that takes one example after the other), and whether it is smooth at the arguments, so that central differences must agree with
the derivative. Every function of the language has a case; a test holds this against the list.

Needs NumPy 2.3 or newer; run it from anywhere, it takes no arguments and is deterministic.
"""

import functools
import json
import math
import pathlib

import numpy as np

rng = np.random.default_rng(20181211)
np.seterr(all="ignore")
cases = []

V = np.round(rng.uniform(0.3, 2.4, 5), 3)
W = np.round(rng.uniform(-2.0, 2.0, 5), 3)
M = np.round(rng.uniform(-2.0, 2.0, (3, 4)), 3)
P = np.round(rng.uniform(0.2, 0.9, (3, 4)), 3)
S = np.round(rng.uniform(-1.0, 1.0, (3, 3)), 3) + 2 * np.eye(3)
D = S @ S.T
T = np.round(rng.uniform(-2.0, 2.0, (2, 3, 4)), 3)
N = np.array([1.0, math.nan, -2.0, math.inf])
E = np.array([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 2.0, -2.5, 0.5, 1.5, 1e300, -1e-300])
I = np.array([3, -1, 4, 1, -5])
J = np.array([[2, -7, 1], [8, 2, -8]])
B = np.array([True, False, True, True, False])
VALUES = {k: v for k, v in globals().items() if len(k) == 1}


def encode(x):
    if isinstance(x, (tuple, list)):
        return {"tuple": [encode(v) for v in x]}
    x = np.asarray(x)
    elem = {"f": "f64", "i": "i64", "b": "bool"}[x.dtype.kind]
    data = x.ravel().tolist()
    if elem == "f64":
        data = [v if math.isfinite(v) else str(v) for v in data]
    return {"elem": elem, "shape": list(x.shape), "data": data}


def vmap(f, in_axes=0):
    """What `vmap` of the language means, one example after the other."""

    def mapped(*args):
        axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
        count = next(np.shape(x)[axis] for x, axis in zip(args, axes) if axis is not None)
        example = lambda i: [x if axis is None else np.take(x, i, axis) for x, axis in zip(args, axes)]
        results = [f(*example(i)) for i in range(count)]
        if isinstance(results[0], tuple):
            return tuple(np.stack(parts) for parts in zip(*results))
        return np.stack(results)

    return mapped


def case(text, *args, smooth=True):
    names = {"np": np, "math": math, "functools": functools, "vmap": vmap} | dict(zip("abc", args))
    result = eval(text, names)
    floats = [a for a in args if np.asarray(a).dtype.kind == "f"]
    smooth = smooth and bool(floats) and all(np.isfinite(a).all() for a in floats)
    cases.append({"text": text, "args": [encode(a) for a in args], "result": encode(result), "smooth": smooth})


def rough(text, *args):
    case(text, *args, smooth=False)


# Operators and arithmetic.
for text in ["inf", "-Infinity", " 1e-3 ", "nan"]:
    rough(f"float({text!r})")
for op in ["+", "-", "*", "/", "//", "%", "**"]:
    smooth = op not in ("//", "%")
    case(f"a {op} b", V, np.abs(W) + 0.1, smooth=smooth)
    rough(f"a {op} b", I, np.array([2, 3, 1, 2, 4]))
    rough(f"a {op} b", 7, 2)
    rough(f"-7 {op} 3" if op != "**" else "(-7) ** 3")
    rough(f"-7.5 {op} 2")
for op in ["<", "<=", ">", ">=", "==", "!="]:
    rough(f"a {op} b", I, I[::-1].copy())
    rough(f"a {op} 1.0", E)
for text in ["6 & 3", "6 | 3", "6 ^ 3", "~5", "~a", "1 << 5", "-9 >> 1", "a << 2", "a >> 1"]:
    rough(text, *([I] if "a" in text else []))
for text in ["a & (b > 0)", "a | (b > 0)", "a ^ (b > 0)", "~a", "a + (b > 0)", "a * (b > 0)", "abs(a)"]:
    rough(text, B, *([W] if "b >" in text else []))
for f in ["add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "mod", "remainder", "power", "pow",
          "float_power", "maximum", "minimum", "fmod", "fmax", "fmin", "arctan2", "atan2", "hypot", "logaddexp",
          "logaddexp2", "copysign", "heaviside"]:
    smooth = f not in ("floor_divide", "mod", "remainder", "fmod", "copysign", "heaviside")
    case(f"np.{f}(a, b)", V, np.abs(W) + 0.1, smooth=smooth)
    if f not in ("power", "pow"):
        rough(f"np.{f}(a, b)", E[:, None], E[None, :])
    rough(f"np.{f}(a, 2)", I)
for f in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or",
          "logical_xor"]:
    rough(f"np.{f}(a, b)", E[:, None], E[None, :])
for f in ["bitwise_and", "bitwise_or", "bitwise_xor"]:
    rough(f"np.{f}(a, b > 0)", B, W)
    rough(f"np.{f}(12, 10)")
for f in ["invert", "bitwise_not"]:
    rough(f"np.{f}(a)", B)
    rough(f"np.{f}(a)", I)
# The square root where NumPy takes it for a power, and the power where it and CPython do.
for text in ["a ** 0.5", "np.power(a, 0.5)", "np.float_power(a, 0.5)"]:
    case(text, V); rough(text, E); rough(f"1.0 / ({text})", np.array([-0.0, -math.inf]))
for x in [-0.0, -math.inf]:
    for text in ["a ** 0.5", "pow(a, 0.5)", "np.power(a, 0.5)", "np.float_power(a, 0.5)", "math.pow(a, 0.5)"]:
        rough(f"np.divide(1.0, {text})", x)
rough("np.fmod(-7, 3)"); rough("np.fmax(np.nan, 2.0)"); rough("np.logical_not(a)", E); rough("np.divmod(a, 3)", I)
rough("divmod(-7, 2)"); rough("pow(2, 5)"); rough("pow(2.0, -1)"); rough("2 ** -1")

# Elementary functions.
for f in ["exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "arctan", "atan", "sinh", "cosh", "tanh",
          "square", "reciprocal", "negative", "positive", "exp2", "log2", "log10", "cbrt", "arcsinh", "asinh", "sinc",
          "deg2rad", "rad2deg", "radians", "degrees", "abs", "absolute", "fabs", "floor", "ceil", "trunc", "sign",
          "round", "nan_to_num"]:
    case(f"np.{f}(a)", V, smooth=f not in ("floor", "ceil", "trunc", "round"))
    if f != "nan_to_num":
        rough(f"np.{f}(a)", E)
    if f not in ("reciprocal",):
        rough(f"np.{f}(a)", I)
rough("np.cbrt(a)", np.array([1e200, 1e-200, 1e300, 5e-324, -8.0, -0.0, -math.inf]))
rough("np.sinc(a)", np.array([1e-160, -1e-8, 1e-7, 0.1, -0.2387, 0.2388, 0.3, 3.0]))
for f in ["arcsin", "asin", "arccos", "acos", "arctanh", "atanh"]:
    case(f"np.{f}(a)", P); rough(f"np.{f}(a)", E)
for f in ["arccosh", "acosh"]:
    case(f"np.{f}(a)", V + 1); rough(f"np.{f}(a)", E)
for f in ["isnan", "isinf", "isfinite"]:
    rough(f"np.{f}(a)", E); rough(f"math.{f}(a)", math.inf); rough(f"math.{f}(a)", 1.0)
rough("np.round(a, 2)", W); rough("np.round(a * 100.0, -1)", W)
rough("np.nan_to_num(a, nan=1.0, posinf=5.0)", N)
case("np.clip(a, 0.0, 1.5)", W); case("np.clip(a, None, 1.5)", W); case("np.clip(a, min=0.0)", W)
rough("np.clip(a, 0, 3)", I)
for f in ["exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "fabs",
          "exp2", "log2", "log10", "cbrt", "asinh", "radians", "degrees"]:
    case(f"math.{f}(a)", 0.7)
for f in ["asin", "acos", "atanh"]:
    case(f"math.{f}(a)", 0.4)
case("math.acosh(a)", 1.7); case("math.atan2(a, b)", 0.7, -1.2); case("math.hypot(a, b)", 0.7, -1.2)
case("math.pow(a, b)", 0.7, -1.2); case("math.log(a, 3)", 0.7)
for f in ["floor", "ceil", "trunc"]:
    rough(f"math.{f}(a)", -2.5); rough(f"math.{f}(2.5)")
rough("math.fmod(-7, 3)"); rough("math.copysign(a, -0.0)", 2.0); rough("math.isclose(1.0, 1.0 + 1e-12)")
case("math.dist(a, b)", V, W); case("math.prod(a)", V)
case("math.fsum(a)", V)

# Python's own.
rough("abs(-3)"); rough("bool(a)", 2.0); rough("int(-2.7)"); rough("int(a)", -2.7); rough("float(3)"); rough("len(a)", M)
rough("round(2.5)"); rough("round(a)", 3.5); rough("round(a, 1)", 2.349)
case("max(a, b)", 0.5, 0.7); case("min(a, b)", 0.5, 0.7); rough("max(3, 1, 2)"); rough("max(0.0, a)", math.nan)
rough("min((4, 2, 8))"); case("max(a)", V); case("sum(a)", V); case("sum(a)", M); rough("sum((1, 2, 3))")
rough("sum(range(5), 10)"); rough("all((True, False))"); rough("any((a > 0.5, False))", 1.0); rough("all(a)", B)
rough("tuple(reversed((1, 2, 3)))"); rough("list(range(2, 9, 3))"); rough("tuple(zip((1, 2), (3, 4)))")
rough("tuple(enumerate((5, 6), 1))"); case("tuple(map(lambda x: x * x, (a, 2.0 * a)))", 0.5)
case("functools.reduce(lambda x, y: x * y, (a, a, 3.0))", 0.5); case("functools.partial(pow, a)(2.0)", 0.5)

# Making.
for text in ["np.zeros((2, 3))", "np.zeros(3, dtype=int)", "np.ones(4)", "np.ones((2, 2), dtype=bool)", "np.full((2,), 7)",
             "np.full(2, 7.5)", "np.eye(3)", "np.eye(2, 3, 1)", "np.eye(3, dtype=int)", "np.eye(3, k=-1)", "np.identity(3)",
             "np.tri(3)", "np.tri(3, 4, -1)", "np.arange(5)", "np.arange(3, dtype=float)", "np.arange(2, 11, 3)",
             "np.arange(5, 0, -2)", "np.arange(0.0, 1.0, 0.3)", "np.arange(1.5)", "np.linspace(0, 1, 5)",
             "np.linspace(1, 2, 4, endpoint=False)", "np.linspace(0, 1, 1)", "np.linspace(0.1, 0.7)",
             "np.logspace(0, 2, 3)", "np.array((1, 2.5))", "np.array(((1, 2), (3, 4)))", "np.array([True, False])",
             "np.asarray((1, 2), dtype=float)", "np.ascontiguousarray((1, 2))", "np.copy((1, 2))", "np.empty(0)",
             "np.float64(3)", "np.double(3)", "np.int64(3)", "np.bool_(0)"]:
    rough(text)
for f in ["zeros_like", "ones_like"]:
    rough(f"np.{f}(a)", M); rough(f"np.{f}(a, dtype=int)", M); rough(f"np.{f}(a)", I)
rough("np.full_like(a, 2.5)", M); rough("np.full_like(a, 2.5, dtype=float)", I); rough("np.empty_like(a) * 0.0", M)
rough("np.astype(a, int)", W); rough("a.astype(int)", W); rough("a.astype(float)", I); rough("a.astype(bool)", I)
rough("np.shape(a)", T); rough("np.ndim(a)", T); rough("np.size(a)", T); rough("np.size(a, 1)", T)
case("np.linspace(a, b, 4)", 0.5, 2.0); case("np.linspace(a, b, 3)", V, W)

# Shaping.
for text in ["np.reshape(a, (4, 3))", "np.reshape(a, -1)", "a.reshape(2, -1)", "np.ravel(a)", "a.flatten()",
             "np.transpose(a)", "a.T", "np.permute_dims(a)", "np.swapaxes(a, 0, 1)", "np.moveaxis(a, 0, -1)",
             "np.expand_dims(a, 1)", "np.expand_dims(a, (0, 2))", "np.broadcast_to(a, (2, 3, 4))", "np.flip(a)",
             "np.flip(a, 1)", "np.flipud(a)", "np.fliplr(a)", "np.rot90(a)", "np.rot90(a, 2)", "np.rot90(a, 3)",
             "np.roll(a, 2)", "np.roll(a, -1, 1)", "np.roll(a, (1, 2), (0, 1))", "np.tile(a, 2)", "np.tile(a, (2, 3))",
             "np.tile(a, (2, 1, 2))", "np.repeat(a, 2)", "np.repeat(a, 2, 0)", "np.repeat(a, (1, 0, 2), 0)",
             "np.repeat(a, 3, axis=1)", "a.repeat(2)", "np.triu(a)", "np.tril(a, -1)", "np.triu(a, 1)",
             "np.pad(a, 1)", "np.pad(a, (1, 2))", "np.pad(a, ((1, 0), (0, 2)), constant_values=3.0)",
             "np.pad(a, 2, mode='edge')", "np.pad(a, 2, mode='reflect')", "np.pad(a, 3, mode='symmetric')",
             "np.pad(a, 5, mode='wrap')", "np.concatenate((a, a), axis=1)", "np.concat((a, 2 * a))",
             "np.concatenate((a, a), axis=None)", "np.stack((a, a), axis=1)", "np.stack((a, 2 * a), axis=-1)",
             "np.vstack((a, a))", "np.hstack((a, a))", "np.dstack((a, a))", "np.column_stack((a, a))",
             "np.append(a, a)", "np.append(a, a, 0)", "np.split(a, 2, axis=1)", "np.array_split(a, 3, axis=1)",
             "np.split(a, [1, 3], axis=1)", "np.vsplit(a, 3)", "np.hsplit(a, 2)", "np.atleast_1d(a)", "np.atleast_2d(a)",
             "np.atleast_3d(a)", "np.diagonal(a)", "np.diagonal(a, 1)", "np.diagonal(a, -1)", "np.trace(a)",
             "np.trace(a, 1)", "np.diag(a)", "np.diag(a, -1)", "np.diagflat(a)", "np.take(a, np.array([0, -1, 2]))",
             "np.take(a, np.array([[0, 1], [2, -1]]), axis=1)", "a.take(2)", "a[1]", "a[:, ::2]", "a[::-1, 1:]",
             "a[np.array([0, 2])]", "a[..., None]", "a[np.array([0, 2]), np.array([1, 3])]", "a[-1, -1]"]:
    case(text, M)
for text in ["a[0, :, np.array([2, 0])]", "a[np.array([1, 0]), :, -1]", "a[np.array([1, 0]), :, np.array([[3], [0]])]",
             "a[:, 1, np.array([2, 0])]", "a[:, 1, ..., np.array([2, 0])]", "a[0, None, :, np.array([2, 0, 3])]",
             "a[None, 0, ::2, np.array([[2, 0]])]", "a[0, ..., np.argsort(b[:4])]", "a[np.array([1, 0]), 2, np.array([3, 3])]",
             "a[0, np.array([2, 0])]", "a[..., np.array([2, 0]), 1]"]:
    case(text, T, W) if "b" in text else case(text, T)
for text in ["np.vstack((a, b))", "np.hstack((a, b))", "np.dstack((a, b))", "np.column_stack((a, b))", "np.stack((a, b))",
             "np.meshgrid(a, b)", "np.meshgrid(a, b, indexing='ij')", "np.broadcast_arrays(a[:, None], b[None, :])",
             "np.where(a > 1.0, a, b)", "np.select((a > 1.5, a > 1.0), (a, b), 7.0)"]:
    case(text, V, W)
case("np.moveaxis(a, (0, 1), (-1, 0))", T); case("np.rollaxis(a, 2)", T); case("np.dsplit(a, 2)", T)
case("np.transpose(a, (2, 0, 1))", T); case("a.transpose(1, 2, 0)", T); case("a.mT", T)
case("np.squeeze(a[None, :, None])", V); case("np.squeeze(a[None], 0)", V); case("np.diag(a)", V); case("np.diag(a, 2)", V)
case("np.diagonal(a, 0, 1, 2)", T); case("np.trace(a, 0, 1, 2)", T); case("np.linalg.trace(a)", T)
case("np.linalg.diagonal(a)", T); rough("np.tri(2) * np.inf"); rough("np.diag(a)", N); rough("np.trace(a)", np.outer(N, N))

# Reducing.
for f in ["sum", "prod", "max", "min", "mean", "var", "std", "amax", "amin", "ptp", "nansum", "nanprod", "nanmean",
          "nanvar", "nanstd", "nanmax", "nanmin", "median"]:
    case(f"np.{f}(a)", M); case(f"np.{f}(a, axis=1)", M); case(f"np.{f}(a, axis=0, keepdims=True)", M)
    if f != "median":
        case(f"np.{f}(a, axis=(0, 2))", T)
    case(f"np.{f}(a, axis=-1)", T); rough(f"np.{f}(a)", N); rough(f"np.{f}(a)", J); rough(f"np.{f}(a, axis=0)", J)
for f in ["argmax", "argmin"]:
    rough(f"np.{f}(a)", M); rough(f"np.{f}(a, axis=1)", M); rough(f"np.{f}(a, 0, keepdims=True)", M)
    rough(f"np.{f}(a)", N); rough(f"np.{f}(a)", I)
for f in ["cumsum", "cumprod"]:
    case(f"np.{f}(a)", M); case(f"np.{f}(a, axis=1)", M); case(f"np.{f}(a, 0)", M); rough(f"np.{f}(a)", J)
    rough(f"np.{f}(a)", B)
for f in ["all", "any", "count_nonzero"]:
    rough(f"np.{f}(a)", B); rough(f"np.{f}(a, axis=0)", J)
for f in ["max", "min", "sum", "prod"]:
    rough(f"np.{f}(a)", B)
for f in ["sum", "prod", "max", "min"]:
    case(f"np.{f}(a, initial=b)", M, 0.7); case(f"np.{f}(a, axis=1, keepdims=True, initial=0.5)", M)
    case(f"np.{f}(a, where=b > 0.0, initial=1.5)", V, W); case(f"np.{f}(a, axis=0, where=b[:, None] > 0.0, initial=3)", M, W[:3])
    rough(f"np.{f}(a, where=a > 0.0, initial=2)", N); rough(f"np.{f}(a, initial=2.5)", I); rough(f"np.{f}(a, initial=True)", B)
    case(f"np.{f}(a[0:0], initial=b)", V, 0.5); case(f"np.{f}(a[:, 0:0], axis=1, initial=b)", M, 0.5)
    case(f"np.{f}(a[0:0], axis=0, keepdims=True, initial=0.5)", M); rough(f"np.{f}(a[0:0], initial=2)", I)
for f in ["sum", "prod"]:
    case(f"np.{f}(a, where=b > 0.0)", V, W); rough(f"np.{f}(a, where=False)", I); rough(f"np.{f}(a, dtype=int)", V)
    rough(f"np.{f}(a, axis=0, dtype=float)", J); rough(f"np.{f}(a, dtype=bool)", W); rough(f"a.{f}(where=a > 2)", I)
case("sum((a, 2.0 * a), b)", 0.5, 3.0); case("sum([a, 2.0 * a], start=b)", V, 3.0)
for m in ["sum", "mean", "max", "min", "prod", "std", "var", "cumsum", "argsort", "round", "cumprod"]:
    case(f"a.{m}()", V, smooth=m not in ("argsort", "round"))
rough("a.any()", B); rough("a.all()", B); rough("a.argmax()", V); rough("a.argmin()", V); case("a.trace()", S)
case("a.diagonal()", S); case("a.squeeze()", V); case("a.copy()", V); case("a.clip(0.5, 1.0)", V); case("a.dot(b)", V, W)
case("a[:1].item()", V); case("a.ravel()", M); case("a.swapaxes(0, 1)", M)
case("np.var(a, ddof=1)", V); case("np.std(a, axis=1, ddof=1, keepdims=True)", M); case("np.nanvar(a, ddof=1)", V)
case("np.average(a, weights=b)", W, V); case("np.average(a, axis=1)", M); case("np.average(a, 1, weights=b)", M, V[:4])
case("np.sort(a)", W); case("np.sort(a, axis=0)", M); case("np.sort(a, axis=None)", M); rough("np.sort(a)", I)
rough("np.argsort(a)", W); rough("np.argsort(a, axis=0)", M); rough("np.argsort(a)", np.array([2, 1, 2, 1, 0]))
rough("np.sort(a)", N)
case("np.take_along_axis(a, np.argsort(a, 1), 1)", M); case("np.diff(a)", V); case("np.diff(a)", M)
case("np.diff(a, 2, 0)", M); rough("np.diff(a)", B); rough("np.diff(a)", J); case("np.trapezoid(a)", V)
case("np.trapezoid(a, b)", W, np.sort(V)); case("np.trapezoid(a, dx=0.5, axis=0)", M)
rough("np.searchsorted(np.array([1.0, 2.0, 2.0, 3.0]), a)", np.array([0.5, 2.0, 4.0]))
rough("np.searchsorted(np.array([1.0, 2.0, 2.0, 3.0]), a, side='right')", np.array([0.5, 2.0, 4.0]))
case("np.interp(a, b, c)", np.array([0.1, 0.9, 1.7, 5.0]), np.sort(V), W); rough("np.interp(a, b, c, -1.0, 9.0)", 9.0, np.sort(V), W)
rough("np.isclose(a, b)", E[:, None], E[None, :]); rough("np.allclose(a, a + 1e-12)", V); rough("np.array_equal(a, a)", V)
rough("np.isclose(a, a, equal_nan=True)", N); rough("np.array_equal(a, a[:2])", V)

# Products.
case("a @ b", M, W[:4]); case("a @ b", W[:3], M); case("a @ b", M, M.T.copy()); case("a @ b", T, M.T.copy()); case("a @ b", V, W)
case("a @ b", T, np.swapaxes(T, 1, 2).copy()); rough("a @ b", J, J.T.copy()); rough("a @ b", J, J[0]); rough("a @ b", J[:, 0].copy(), J)
case("np.matmul(a, b)", M, M.T.copy()); case("np.linalg.matmul(a, b)", M, M.T.copy()); case("np.dot(a, b)", V, W); case("np.dot(a, b)", 2.0, W)
case("np.dot(a, b)", T, W[:4]); case("np.dot(a, b)", T, np.swapaxes(T, 1, 2).copy()); rough("np.dot(a, a)", I)
case("np.inner(a, b)", V, W); case("np.inner(a, b)", M, 2 * M); case("np.inner(a, b)", T, M); case("np.outer(a, b)", V, W); case("np.outer(a, b)", M, W)
case("np.linalg.outer(a, b)", V, W); case("np.vdot(a, b)", M, 2 * M); case("np.vecdot(a, b)", M, 2 * M); case("np.linalg.vecdot(a, b)", M, 2 * M)
case("np.tensordot(a, b)", T, np.moveaxis(T, 0, -1).copy()); case("np.tensordot(a, b, 1)", T, M.T.copy()); case("np.tensordot(a, b, 0)", V, W)
case("np.tensordot(a, b, ((0, 2), (1, 0)))", T, np.transpose(T, (2, 0, 1)).copy()); case("np.linalg.tensordot(a, b, axes=1)", T, M.T.copy())
case("np.kron(a, b)", M, S); case("np.kron(a, b)", V, W); case("np.cross(a, b)", V[:3], W[:3]); case("np.cross(a, b)", S, S + 1.0)
for text in ["ij,kj->ik", "ij,kj->ki", "ij,ij->", "ij,ij->ij", "ij,kj", "ij,kl->ikjl", "ij,kj->i"]:
    case(f"np.einsum('{text}', a, b)", M, 2 * M)
case("np.einsum('ij->ji', a)", M); case("np.einsum('ij->j', a)", M); case("np.einsum('ii->i', a)", S); case("np.einsum('ii', a)", S)
case("np.einsum('bij,bkj->bik', a, b)", T, 2 * T); case("np.einsum('i,ij,j->', a, b, c)", W[:3], M, V[:4]); rough("np.einsum('ij,ij->i', a, a)", J)
case("np.einsum('ijk,jil->kl', a, np.swapaxes(b, 0, 1))", T, T)
case("dict([('u', a), ('v', b)], w=a)['v'] + a", V, W)
case("np.einsum('...i,...i->...', a, b)", T, 2 * T); case("np.einsum('...ij->...ji', a)", T); case("np.einsum('...j,jk', a, b)", T, np.transpose(M)); case("np.einsum('i...,...->i...', a, b)", T, M)
case("np.polyval(a, b)", V, W); case("np.vander(a)", V); case("np.vander(a, 3, increasing=True)", V)
for mode in ["full", "same", "valid"]:
    case(f"np.convolve(a, b, '{mode}')", V, W[:3]); case(f"np.convolve(a, b, mode='{mode}')", W[:2], V)
for text in ["a", "a, 1", "a, 2", "a, 3", "a, np.inf", "a, -np.inf", "a, 0", "a, keepdims=True"]:
    case(f"np.linalg.norm({text})", W, smooth=", 0" not in text)
for text in ["a", "a, 'fro'", "a, 1", "a, -1", "a, np.inf", "a, -np.inf", "a, axis=1", "a, 1, axis=0", "a, 1, (0, 1), True"]:
    case(f"np.linalg.norm({text})", M)
case("np.linalg.vector_norm(a, ord=3)", W); case("np.linalg.vector_norm(a)", M); case("np.linalg.matrix_norm(a)", T); case("np.linalg.matrix_norm(a, ord=1)", T)
case("np.linalg.norm(a)", T); case("np.linalg.norm(a, axis=(1, 2))", T)
case("np.linalg.solve(a, b)", S, W[:3]); case("np.linalg.solve(a, b)", S, M); case("np.linalg.inv(a)", S); case("np.linalg.det(a)", S)
case("np.linalg.det(a)", -S); case("np.linalg.inv(a)", np.array([[0.0, 2.0], [1.0, 3.0]])); case("np.linalg.det(a)", np.array([[0.0, 2.0], [1.0, 3.0]]))
rough("np.linalg.det(a)", np.ones((2, 2))); case("np.linalg.slogdet(a)", S); case("np.linalg.slogdet(a)", -S); case("np.linalg.cholesky(a)", D, smooth=False)
case("np.linalg.matrix_power(a, 3)", S); case("np.linalg.matrix_power(a, 0) + 0.0 * a", S); case("np.linalg.matrix_power(a, -2)", S)
case("np.linalg.multi_dot((a, b, a))", S, S + 1.0); rough("np.arctan2(a, b)", E[:, None], E[None, :])

# One function at many arguments.
case("vmap(lambda x: np.sum(x * x) * x)(a)", M); case("vmap(np.dot)(a, b)", M, 2 * M); case("vmap(lambda x, y: x @ y)(a, b)", T, np.swapaxes(T, 1, 2).copy())
case("vmap(lambda x, y: x @ y, in_axes=(0, None))(a, b)", M, W[:4]); case("vmap(lambda x, y: x @ y, in_axes=(None, 1))(a, b)", S, M)
case("vmap(lambda x: np.tanh(x) / (1.0 + x[0] ** 2), in_axes=1)(a)", M); case("vmap(lambda x: (np.sum(x), x[::-1]))(a)", M)
case("vmap(vmap(lambda x, y: x * y, in_axes=(None, 0)), in_axes=(0, None))(a, b)", V, W); case("vmap(vmap(np.sum))(a)", T)
case("vmap(lambda x: np.where(x > 0.0, np.exp(-x), x * x + 1.0))(a)", W); case("vmap(lambda x: x if x > 0.0 else -2.0 * x)(a)", W)
case("vmap(lambda x: functools.reduce(lambda s, v: s * 0.5 + np.sin(v), x, 0.0))(a)", M); case("vmap(lambda x: b[0] * np.cumsum(x) + b[1])(a)", M, W)
case("vmap(lambda x: np.linalg.solve(b, x), in_axes=1)(a)", M, S); case("vmap(lambda x: np.linalg.det(x @ x.T + np.eye(3)))(a)", T)
rough("vmap(lambda x: np.max(x) - x)(a)", J); rough("vmap(lambda i: a[i] * 2.0)(np.array([2, 0, 1]))", W)

path = pathlib.Path(__file__).resolve().parent.parent / "ir/tests/builtins_reference.json"
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(f"{len(cases)} cases")
