#!/usr/bin/env python3
"""Writes ir/tests/prims_reference.json: for each primitive, operands and the result NumPy gives.

Each line of the file is one case. `smooth` says that the operands lie away from kinks, ties and
jumps, so that central differences must agree with the derivative rule. Floats are written so that
they read back to the same bits; NaN and infinities are strings.

Needs NumPy; run it from anywhere, it takes no arguments and is deterministic.
"""

import itertools
import json
import math
import pathlib

import numpy as np

rng = np.random.default_rng(20181211)
np.seterr(all="ignore")
cases = []

SHAPES = [(), (1,), (0,), (5,), (2, 3)]
PAIRS = [((), ()), ((3,), (3,)), ((3,), ()), ((), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)),
         ((2, 3), (2, 1)), ((1,), (1,)), ((1,), (4,)), ((0,), (1,)), ((0, 2), (2,)), ((), (0,))]
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -3.5, 1e300]


def encode(x):
    x = np.asarray(x)
    elem = {"f": "f64", "i": "i64", "b": "bool"}[x.dtype.kind]
    data = x.ravel().tolist()
    if elem == "f64":
        data = [v if math.isfinite(v) else str(v) for v in data]
    return {"elem": elem, "shape": list(x.shape), "data": data}


def case(prim, attrs, args, result, smooth=False):
    args = [np.asarray(a) for a in args]
    cases.append({"prim": prim, "attrs": list(map(int, attrs)), "smooth": smooth,
                  "args": [encode(a) for a in args], "result": encode(result)})


def uniform(low, high):
    return lambda shape: np.round(rng.uniform(low, high, shape), 3)


def nonzero(shape):
    return rng.choice([-1.0, 1.0], shape) * np.round(rng.uniform(0.3, 2.5, shape), 3)


def lattice(offset):
    """Values of which those of two different offsets differ by 0.1 at least."""
    return lambda shape: np.round(rng.integers(-4, 5, shape) * 0.5 + offset, 3)


def distinct(shape):
    """Values of which any two differ by 0.1 at least."""
    n = math.prod(shape)
    return np.round(rng.permutation(n) * 0.3 - 0.15 * n + 0.07, 3).reshape(shape)


def integers(shape):
    return rng.integers(-6, 7, shape)


def bools(shape):
    return rng.integers(0, 2, shape).astype(bool)


any_float = uniform(-2.0, 2.0)


# Elementwise ----------------------------------------------------------------

def grid(values):
    pairs = np.array(list(itertools.product(values, values)))
    return pairs[:, 0], pairs[:, 1]


BINARY = {
    "add": (np.add, any_float, any_float),
    "sub": (np.subtract, any_float, any_float),
    "mul": (np.multiply, any_float, any_float),
    "div": (np.divide, any_float, nonzero),
    "floordiv": (np.floor_divide, lattice(0.2), lambda s: rng.choice([-3.0, -1.0, 1.0, 3.0], s)),
    "mod": (np.mod, lattice(0.2), lambda s: rng.choice([-3.0, -1.0, 1.0, 3.0], s)),
    "pow": (np.power, uniform(0.3, 2.5), any_float),
    "maximum": (np.maximum, lattice(0.1), lattice(0.3)),
    "minimum": (np.minimum, lattice(0.1), lattice(0.3)),
    "arctan2": (np.arctan2, nonzero, nonzero),
}
for name, (f, left, right) in BINARY.items():
    for a_shape, b_shape in PAIRS:
        a, b = left(a_shape), right(b_shape)
        case(name, [], [a, b], f(a, b), smooth=True)
    a, b = grid(SPECIAL)
    case(name, [], [a, b], f(a, b))
    for x, y in itertools.product([0.0, -0.0, math.inf, -1.5], repeat=2):
        case(name, [], [x, y], f(np.float64(x), np.float64(y)))
    if name in ("div", "arctan2"):
        continue
    for a_shape, b_shape in PAIRS:
        a, b = integers(a_shape), integers(b_shape)
        if name == "pow":
            b = abs(b)
        elif name in ("floordiv", "mod"):
            b = np.where(b == 0, -7, b)
        case(name, [], [a, b], f(a, b))


def sigmoid(x):
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + z), z / (1 + z)) + 0 * np.where(np.isnan(x), x, 0)


UNARY = {
    "neg": (np.negative, any_float),
    "abs": (np.abs, nonzero),
    "sign": (np.sign, nonzero),
    "exp": (np.exp, any_float),
    "expm1": (np.expm1, any_float),
    "log": (np.log, uniform(0.3, 3.0)),
    "log1p": (np.log1p, uniform(-0.7, 2.0)),
    "sqrt": (np.sqrt, uniform(0.3, 3.0)),
    "sin": (np.sin, any_float),
    "cos": (np.cos, any_float),
    "tan": (np.tan, uniform(-1.0, 1.0)),
    "arcsin": (np.arcsin, uniform(-0.8, 0.8)),
    "arccos": (np.arccos, uniform(-0.8, 0.8)),
    "arctan": (np.arctan, any_float),
    "sinh": (np.sinh, any_float),
    "cosh": (np.cosh, any_float),
    "tanh": (np.tanh, any_float),
    "sigmoid": (sigmoid, any_float),
    "floor": (np.floor, lattice(0.2)),
    "ceil": (np.ceil, lattice(0.2)),
}
for name, (f, sample) in UNARY.items():
    for shape in SHAPES:
        x = sample(shape)
        case(name, [], [x], f(x), smooth=True)
    wide = np.array([v for v in SPECIAL if abs(v) != 1e300] + [1e-300, -1e-300, 20.0, -20.0, 700.0, -700.0, 800.0])
    case(name, [], [wide], f(wide))
    for v in (math.nan, -math.inf, -0.0, 20.0):
        case(name, [], [v], f(np.float64(v)))
    if name in ("neg", "abs", "sign"):
        for shape in SHAPES:
            x = integers(shape)
            case(name, [], [x], f(x))

for n in (0, 1, 2, 3, 5, -1, -2, -3):
    for shape in SHAPES:
        x = nonzero(shape)
        case("powi", [n], [x], x ** n, smooth=True)
    x = np.array(SPECIAL)
    case("powi", [n], [x], x ** n)
    if n >= 0:
        case("powi", [n], [np.array([0.0, 0.0, 1.0])], np.array([0.0, 0.0, 1.0]) ** n, smooth=True)

# Comparison, logic, choice, casts -------------------------------------------

COMPARE = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
           "ne": np.not_equal}
for name, f in COMPARE.items():
    for sample in [lattice(0.0), integers] + [bools] * (name in ("eq", "ne")):
        for a_shape, b_shape in PAIRS:
            a, b = sample(a_shape), sample(b_shape)
            case(name, [], [a, b], f(a, b))
    a, b = grid(SPECIAL)
    case(name, [], [a, b], f(a, b))
for name, f in {"logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor}.items():
    for a_shape, b_shape in PAIRS:
        a, b = bools(a_shape), bools(b_shape)
        case(name, [], [a, b], f(a, b))
for shape in SHAPES:
    x = bools(shape)
    case("logical_not", [], [x], np.logical_not(x))
TRIPLES = [((), (), ()), ((3,), (3,), (3,)), ((3,), (), ()), ((), (3,), ()), ((2, 1), (3,), ()), ((2, 3), (2, 1), (3,)),
           ((1,), (4,), (1,)), ((0,), (1,), ()), ((1,), (1,), (1,)), ((3,), (2, 3), (1,))]
for sample in (any_float, integers, bools):
    for shapes in TRIPLES:
        m, a, b = bools(shapes[0]), sample(shapes[1]), sample(shapes[2])
        case("select", [], [m, a, b], np.where(m, a, b), smooth=True)
for shape in SHAPES:
    i, b, x = integers(shape), bools(shape), lattice(0.2)(shape)
    case("to_f64", [], [i], i.astype(float))
    case("to_f64", [], [b], b.astype(float))
    case("to_i64", [], [b], b.astype(int))
    case("to_i64", [], [x], x.astype(int))
    case("to_bool", [], [i], i.astype(bool))
    case("to_bool", [], [x], x.astype(bool))
case("to_bool", [], [np.array(SPECIAL)], np.array(SPECIAL).astype(bool))
for name, f in {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}.items():
    case(name, [], [np.array(SPECIAL)], f(np.array(SPECIAL)))
    for v in (math.nan, -math.inf, 0.0):
        case(name, [], [v], f(v))
    for shape in SHAPES:
        case(name, [], [any_float(shape)], f(np.zeros(shape)))

# Reductions -----------------------------------------------------------------

REDUCED = [((), ()), ((4,), (0,)), ((1,), (0,)), ((4,), ()), ((2, 3), (0,)), ((2, 3), (1,)), ((2, 3), (0, 1)),
           ((3, 2, 4), (0, 2)), ((3, 2, 4), (2, 0)), ((3, 2, 4), (1,)), ((5, 1), (1,)), ((7, 2), (0,)), ((0,), (0,)),
           ((0, 3), (0,)), ((3, 0), (0,)), ((2, 0, 3), (1,))]
for shape, axes in REDUCED:
    x, i, b = any_float(shape), integers(shape), bools(shape)
    case("sum", axes, [x], np.sum(x, axis=axes), smooth=True)
    case("sum", axes, [i], np.sum(i, axis=axes))
    case("prod", axes, [x], np.prod(x, axis=axes), smooth=True)
    case("all", axes, [b], np.all(b, axis=axes))
    case("any", axes, [b], np.any(b, axis=axes))
    if all(shape[a] > 0 for a in axes):
        x = distinct(shape)
        case("max", axes, [x], np.max(x, axis=axes), smooth=True)
        case("min", axes, [x], np.min(x, axis=axes), smooth=True)
        if len(axes) == 1:
            case("argmax", axes, [x], np.argmax(x, axis=axes[0]))
            case("argmin", axes, [x], np.argmin(x, axis=axes[0]))
for zeros in ([0], [3], [1, 4], [0, 1, 2, 3, 4]):
    x = nonzero((5,))
    x[zeros] = 0.0
    case("prod", [0], [x], np.prod(x), smooth=True)
for f, arg in ((np.max, np.argmax), (np.min, np.argmin)):
    for x in ([1.0, 3.0, 3.0, -1.0, -1.0], [1.0, math.nan, 2.0, math.nan], [math.inf, -math.inf], [0.0, -0.0]):
        case(f.__name__.removeprefix("a"), [0], [x], f(np.array(x)))
        case(arg.__name__, [0], [x], arg(np.array(x)))
for shape, axis in (((4,), 0), ((1,), 0), ((0,), 0), ((2, 3), 0), ((2, 3), 1), ((3, 0), 0), ((0, 3), 0), ((2, 3, 2), 1)):
    x = any_float(shape)
    i = integers(shape)
    case("cumsum", [axis], [x], np.cumsum(x, axis=axis), smooth=True)
    case("cumsum", [axis], [i], np.cumsum(i, axis=axis))

# Layout ---------------------------------------------------------------------

SAMPLES = (any_float, integers, bools)
for sample in SAMPLES:
    for shape, to in (((), (1,)), ((), (1, 1)), ((1,), ()), ((6,), (2, 3)), ((2, 3), (3, 2)), ((0,), (0, 3)), ((), ()),
                      ((2, 3), (2, 3)), ((2, 0), (0,))):
        x = sample(shape)
        case("reshape", to, [x], x.reshape(to), smooth=True)
    for shape, order in (((), ()), ((3,), (0,)), ((2, 3), (1, 0)), ((2, 3), (0, 1)), ((2, 3, 4), (2, 0, 1)), ((0, 3), (1, 0)),
                         ((2, 1, 3, 2), (3, 1, 0, 2))):
        x = sample(shape)
        case("transpose", order, [x], x.transpose(order), smooth=True)
    for shape, to in (((), ()), ((), (3,)), ((), (2, 0)), ((3,), (2, 3)), ((1,), (4,)), ((2, 1), (2, 3)), ((1,), (0,)),
                      ((2, 1, 1), (2, 3, 2)), ((1, 3), (2, 2, 3)), ((3,), (3,)), ((1,), (1, 1))):
        x = sample(shape)
        case("broadcast_to", to, [x], np.broadcast_to(x, to), smooth=True)
    for shape, spec in (((5,), (1, 4, 1)), ((5,), (0, 5, 2)), ((5,), (4, -1, -1)), ((5,), (3, 0, -2)), ((5,), (2, 2, 1)),
                        ((0,), (0, 0, 1)), ((0,), (-1, -1, -1)), ((1,), (0, 1, 1)), ((3, 4), (0, 2, 1, 3, -1, -2)),
                        ((3, 4), (0, 3, 1, 1, 3, 1)), ((2, 3, 2), (1, -1, -1, 0, 3, 2, 0, 2, 1)), ((), ())):
        x = sample(shape)
        parts = tuple(slice(a, b if b >= 0 else (None if c < 0 else b), c) for a, b, c in zip(*[iter(spec)] * 3))
        y = x[parts]
        case("slice", spec, [x], y, smooth=True)
        v = sample(y.shape)
        z = np.zeros_like(x)
        z[parts] = v
        case("unslice", (len(shape), *shape, *spec), [v], z, smooth=True)
    for axis, *shapes in ((0, (2,)), (0, (2,), (3,)), (0, (0,), (2,), (1,)), (1, (2, 1), (2, 3)), (0, (1, 3), (2, 3)),
                          (2, (2, 1, 1), (2, 1, 2)), (0, (0,), (0,))):
        parts = [sample(s) for s in shapes]
        case("concat", [axis], parts, np.concatenate(parts, axis=axis), smooth=True)

# Indexing -------------------------------------------------------------------


def scatter(shape, axis, idx, src):
    out = np.zeros(shape)
    np.add.at(out, (slice(None),) * axis + (idx,), src)
    return out


for shape, axis, at in (((5,), 0, ()), ((5,), 0, (3,)), ((5,), 0, (2, 2)), ((5,), 0, (0,)), ((1,), 0, (4,)), ((4, 3), 0, (2,)),
                        ((4, 3), 1, (5,)), ((4, 3), 1, ()), ((2, 3, 2), 1, (2, 2)), ((0, 3), 1, (2,)), ((3, 0), 0, (2,)),
                        ((0,), 0, (0,))):
    idx = rng.integers(-shape[axis], max(shape[axis], 1), at)
    for sample in SAMPLES:
        x = sample(shape)
        case("gather", [axis], [x, idx], np.take(x, idx, axis=axis), smooth=True)
    src = any_float(shape[:axis] + at + shape[axis + 1:])
    case("scatter", [axis, *shape], [idx, src], scatter(shape, axis, idx, src), smooth=True)
case("scatter", [0, 3], [np.array([1, -2, 1]), np.array([1.0, 2.0, 4.0])], [0.0, 7.0, 0.0], smooth=True)
for shape in ((4,), (1,), (3, 2), (2, 3, 2), (2, 0)):
    for i in (0, shape[0] - 1, -1, -shape[0]):
        for sample in SAMPLES:
            x = sample(shape)
            case("index", [], [x, i], x[i], smooth=True)
        x, v = any_float(shape), any_float(shape[1:])
        y = x.copy()
        y[i] += v
        case("index_add", [], [x, i, v], y, smooth=True)

# Linear algebra -------------------------------------------------------------

for batch, m, k, n in (((), 2, 3, 4), ((), 1, 3, 4), ((), 2, 3, 1), ((), 1, 3, 1), ((), 3, 1, 2), ((), 1, 1, 1), ((), 2, 0, 3),
                       ((), 0, 2, 3), ((), 9, 17, 10), ((2,), 2, 3, 4), ((2,), 3, 2, 1), ((2, 1), 1, 2, 3), ((0,), 2, 3, 4)):
    for ta, tb in itertools.product((0, 1), repeat=2):
        a = any_float(batch + ((k, m) if ta else (m, k)))
        b = any_float(batch + ((n, k) if tb else (k, n)))
        c = any_float(batch + (m, n))
        y = np.matmul(a.swapaxes(-1, -2) if ta else a, b.swapaxes(-1, -2) if tb else b)
        small = a.size + b.size < 100
        case("matmul", [ta, tb], [a, b], y, smooth=small)
        case("gemm_add", [ta, tb], [a, b, c], y + c, smooth=small)

for extents, points in (((3, 4), ((), ())), ((3, 4), ((5,), (5,))), ((2, 3, 4), ((2, 1), (3,), ())), ((3,), ((0,),))):
    at = [rng.integers(0, n, p) for n, p in zip(extents, points)]
    case("ravel_index", list(extents), at, np.ravel_multi_index(tuple(np.broadcast_arrays(*at)), extents))

# Further ones: what stands above keeps its random numbers --------------------

for x in (any_float((2, 3)), any_float(()), integers((4,)), bools((3,))):
    case("detach", [], [x], x)
for shape in ((), (3,), (2, 2), (0,), (1,), (3, 1)):
    size = math.prod(shape)
    case("units", shape, [], np.eye(size).reshape((size, *shape)))
for shape, axis, at in (((5,), 0, ()), ((5,), 0, (3,)), ((4, 3), 1, (5,)), ((4, 3), 0, (2, 2)), ((2, 3, 2), 1, ()), ((3, 0), 0, (2,))):
    idx = rng.integers(-shape[axis], shape[axis], at)
    x, src = any_float(shape), any_float(shape[:axis] + at + shape[axis + 1:])
    case("scatter_add", [axis], [x, idx, src], x + scatter(shape, axis, idx, src), smooth=True)
for shape in SHAPES:
    x = nonzero(shape)
    case("cbrt", [], [x], np.cbrt(x), smooth=True)
wide = np.array([v for v in SPECIAL if v != -2.0] + [1e-300, -1e-300, 5e-324])
case("cbrt", [], [wide], np.cbrt(wide))

path = pathlib.Path(__file__).parent.parent / "ir/tests/prims_reference.json"
lines = ",\n".join(json.dumps(c, allow_nan=False, separators=(",", ":")) for c in cases)
path.write_text("[\n" + lines + "\n]\n")
