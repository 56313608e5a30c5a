#!/usr/bin/env python3
"""Write kernels/tests/numpy_reference.json: calls of NumPy with their results, which a test repeats with our kernels.

A case is {"call", "op", "args", "params", "tolerance", "result"}; an array is {"shape", "type", "data"}, where a float that JSON
cannot write is a string. The tolerance is relative to the largest magnitude in play; 0 asks for equal values.

Run with any Python that has NumPy 2; the output depends only on the seed below.
"""

import json
import pathlib

import numpy as np

rng = np.random.default_rng(2018)
cases = []


def array(a):
    a = np.asarray(a)
    if a.dtype == np.float64:
        data = [x if np.isfinite(x) else str(x) for x in a.ravel().tolist()]
        kind = "f64"
    else:
        data, kind = a.ravel().tolist(), {"i": "i64", "b": "bool"}[a.dtype.kind]
    return {"shape": list(a.shape), "type": kind, "data": data}


def case(call, result, *args, op="", params=(), tolerance=0.0):
    args = [array(a) for a in args]
    cases.append(dict(call=call, op=op, args=args, params=list(params), tolerance=tolerance, result=array(result)))


def normal(*shape):
    return np.round(rng.standard_normal(shape), 3)


def integers(*shape):
    return rng.integers(-9, 10, shape)


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.5, 1e-310, 1e300, -1e300, np.inf, -np.inf, np.nan])
SHAPES = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((2, 3, 4), (3, 1)), ((2, 1, 4), (3, 1)), ((5,), ()), ((0, 4), (1, 4)), ((1,), (0,))]

UNARY = dict(
    neg=np.negative, exp=np.exp, expm1=np.expm1, log=np.log, log1p=np.log1p, sqrt=np.sqrt, sin=np.sin, cos=np.cos, tan=np.tan,
    arcsin=np.arcsin, arccos=np.arccos, arctan=np.arctan, sinh=np.sinh, cosh=np.cosh, tanh=np.tanh, abs=np.abs, sign=np.sign,
    floor=np.floor, ceil=np.ceil, square=np.square, reciprocal=np.reciprocal,
)
EXACT = {"neg", "sqrt", "abs", "sign", "floor", "ceil", "square", "reciprocal"}
BINARY = dict(
    add=np.add, sub=np.subtract, mul=np.multiply, div=np.divide, pow=np.power, maximum=np.maximum, minimum=np.minimum,
    arctan2=np.arctan2, mod=np.mod, floor_div=np.floor_divide,
)
INT_UNARY = dict(int_neg=np.negative, int_abs=np.abs, int_sign=np.sign)
INT_BINARY = dict(
    int_add=np.add, int_sub=np.subtract, int_mul=np.multiply, int_floor_div=np.floor_divide, int_mod=np.mod,
    int_maximum=np.maximum, int_minimum=np.minimum, int_pow=np.power,
)
COMPARE = dict(
    less=np.less, less_equal=np.less_equal, greater=np.greater, greater_equal=np.greater_equal, equal=np.equal,
    not_equal=np.not_equal,
)
LOGIC = dict(logical_and=np.logical_and, logical_or=np.logical_or, logical_xor=np.logical_xor)


def elementwise():
    for name, f in UNARY.items():
        tolerance = 0.0 if name in EXACT else 2e-15
        for x in (SPECIAL, normal(11), normal(3, 7), np.zeros((2, 0))):
            case("unary", f(x), x, op=name, tolerance=tolerance)
    few = np.array([0.0, -0.0, 1.0, 0.5, 2.0, -3.5, 1e300, np.inf, -np.inf, np.nan])
    pairs = [m.ravel() for m in np.meshgrid(few, few)]
    for name, f in BINARY.items():
        tolerance = 2e-15 if name in ("pow", "arctan2") else 0.0
        case("binary", f(*pairs), *pairs, op=name, tolerance=tolerance)
        for a, b in SHAPES:
            x, y = normal(*a), normal(*b)
            case("binary", f(x, y), x, y, op=name, tolerance=tolerance)
    for name, f in INT_UNARY.items():
        x = integers(7)
        case("int_unary", f(x), x, op=name)
    for name, f in INT_BINARY.items():
        for a, b in SHAPES[:6]:
            x, y = integers(*a), integers(*b)
            y = np.abs(y) if name == "int_pow" else np.where(y == 0, 3, y)
            case("int_binary", f(x, y), x, y, op=name)
    for name, f in COMPARE.items():
        case("compare", f(*pairs), *pairs, op=name)
        x, y = integers(3, 4), integers(4)
        case("compare", f(x, y), x, y, op=name)
    for name, f in LOGIC.items():
        x, y = integers(3, 4) > 0, integers(3, 1) > 0
        case("logic", f(x, y), x, y, op=name)
    case("not", np.logical_not(x), x)
    for m, a, b in [((3, 4),) * 3, ((3, 1), (4,), ()), ((4,), (2, 3, 4), (3, 1)), ((0,), (1,), ())]:
        m, x, y = integers(*m) > 0, normal(*a), normal(*b)
        case("select", np.where(m, x, y), m, x, y)


def layouts():
    for shape, perm in [((3, 4), (1, 0)), ((17, 33), (1, 0)), ((2, 3, 4), (2, 0, 1)), ((2, 3, 4), (0, 2, 1)), ((2, 1, 3, 2), (3, 1, 0, 2)), ((0, 3), (1, 0)), ((), ())]:
        x = integers(*shape)
        case("transpose", np.transpose(x, perm), x, params=perm)
    for shape, target in [((3, 1), (3, 4)), ((4,), (2, 3, 4)), ((), (2, 2)), ((2, 1, 3), (2, 4, 3)), ((1,), (0,))]:
        x = normal(*shape)
        case("broadcast_to", np.broadcast_to(x, target), x, params=target)
    for shape, slices in [
        ((9,), [slice(2, 7, 2)]),
        ((9,), [slice(None, None, -1)]),
        ((9,), [slice(-2, 1, -3)]),
        ((9,), [slice(5, 2, 1)]),
        ((4, 6), [slice(1, 3, None), slice(None, None, 2)]),
        ((4, 6), [slice(1, 3, None)]),
        ((4, 6), [slice(None, None, -2), slice(4, None, -1)]),
        ((2, 3, 4), [slice(None, None, None), slice(1, None, None), slice(-1, None, -2)]),
        ((0, 3), [slice(None, None, None), slice(1, None, None)]),
    ]:
        x = normal(*shape)
        params = [[s.start, s.stop, s.step] for s in slices]
        part = x[tuple(slices)]
        case("slice", part, x, params=params)
        full = np.zeros(shape)
        full[tuple(slices)] = part
        case("unslice", full, part, params=[list(shape), params])
    for shapes, axis in [([(2, 3), (4, 3)], 0), ([(2, 3), (2, 1), (2, 0)], 1), ([(2, 3, 2), (2, 1, 2)], 1), ([(5,)], 0)]:
        parts = [normal(*s) for s in shapes]
        case("concatenate", np.concatenate(parts, axis), *parts, params=[axis])
    for axis in (0, 1, 2):
        parts = [normal(2, 3) for _ in range(3)]
        case("stack", np.stack(parts, axis), *parts, params=[axis])


def indices():
    for shape, axis, at in [((5,), 0, [0, -1, 4, 4]), ((4, 3), 0, [[1, 2], [-4, 3]]), ((4, 3), 1, [2, 0]), ((2, 4, 3), 1, 2), ((4, 3), 0, [])]:
        x, at = normal(*shape), np.array(at, dtype=np.int64)
        taken = np.take(x, at, axis)
        case("gather", taken, x, at, params=[axis])
        added = x.copy()
        where = [slice(None)] * x.ndim
        where[axis] = at
        # A scalar index drops its axis exactly as `take` does.
        np.add.at(added, tuple(where), taken)
        case("scatter_add", added, x, at, taken, params=[axis])
    x = normal(4, 3)
    for i in (0, -1):
        case("index", x[i], x, params=[i])
        added = x.copy()
        added[i] += x[1]
        case("index_add", added, x, x[1], params=[i])


def reductions():
    for shape, axes in [((7,), (0,)), ((3, 4), (0,)), ((3, 4), (1,)), ((3, 4), (0, 1)), ((2, 3, 4), (0, 2)), ((2, 3, 4), (1,)), ((2, 1, 4), (1,)), ((2, 3, 2, 2), (1, 3)), ((300, 2), (0,)), ((2, 200), (1,)), ((3, 4), ())]:
        x = normal(*shape)
        for name, f in dict(sum=np.sum, prod=np.prod, max=np.max, min=np.min).items():
            tolerance = 1e-14 if name in ("sum", "prod") else 0.0
            case("reduce", f(x, axis=tuple(axes)), x, op=name, params=axes, tolerance=tolerance)
        for name, f in dict(all=np.all, any=np.any).items():
            case("reduce_bool", f(x > 0, axis=tuple(axes)), x > 0, op=name, params=axes)
        n = integers(*shape)
        case("int_sum", np.sum(n, axis=tuple(axes)), n, params=axes)
    for shape, axes in [((0,), (0,)), ((0, 3), (0,)), ((3, 0), (1,)), ((3, 0), (0,))]:
        x = normal(*shape)
        case("reduce", np.sum(x, axis=axes), x, op="sum", params=axes)
        case("reduce", np.prod(x, axis=axes), x, op="prod", params=axes)
    x = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, -np.inf]])
    for axes in ((0,), (1,)):
        case("reduce", np.max(x, axis=axes), x, op="max", params=axes)
        case("reduce", np.min(x, axis=axes), x, op="min", params=axes)
    ties = np.array([[1.0, 3.0, 3.0], [np.nan, 5.0, np.nan], [-2.0, -2.0, -2.0]])
    for axis in (0, 1):
        case("argmax", np.argmax(ties, axis), ties, params=[axis])
        case("argmin", np.argmin(ties, axis), ties, params=[axis])
    for axis in (0, 1, 2):
        x = normal(2, 3, 4)
        case("cumsum", np.cumsum(x, axis), x, params=[axis])


def products():
    shapes = [((3, 4), (4, 5)), ((1, 4), (4, 5)), ((3, 4), (4, 1)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((3, 0), (0, 2)), ((0, 4), (4, 2)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 4), (3, 4, 2)), ((2, 3, 4), (4,)), ((4,), (2, 4, 3)), ((19, 21), (21, 23)), ((9, 70), (70,))]
    for a, b in shapes:
        x, y = normal(*a), normal(*b)
        for ta in (False, True) if len(a) > 1 else (False,):
            for tb in (False, True) if len(b) > 1 else (False,):
                p = np.ascontiguousarray(np.swapaxes(x, -1, -2)) if ta else x
                q = np.ascontiguousarray(np.swapaxes(y, -1, -2)) if tb else y
                if x.size > 300 and ta != tb:
                    continue
                case("matmul", np.matmul(x, y), p, q, params=[ta, tb], tolerance=1e-14)
    x, y = normal(3), normal(4)
    case("outer", np.outer(x, y), x, y)


with np.errstate(all="ignore"):
    elementwise()
    layouts()
    indices()
    reductions()
    products()
path = pathlib.Path(__file__).parent.parent / "kernels/tests/numpy_reference.json"
lines = ",\n".join(json.dumps(c, separators=(",", ":"), allow_nan=False) for c in cases)
path.write_text(f'{{"numpy":"{np.__version__}","cases":[\n{lines}\n]}}\n')
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
