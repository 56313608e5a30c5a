#!/usr/bin/env python3
"""Runs the model files of the suites under NumPy and stores what they give.

    python3 scripts/numpy_suites.py > suites/tests/numpy_values.json

Each entry holds a suite, a function of its model file, arguments as `adjudicate eval` reads them,
and the value. A test gives the same arguments to the reference and to every strategy. The inputs
are small; the models are those that `adjudicate run` measures.
"""

import csv
import gzip
import importlib.util
import json
import pathlib
import sys
import types

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent / "suites"


def grad(f):
    """The gradient of an analytic function by the first argument, to the last bit or so: f(x + ih) = f(x) + ihf'(x)."""
    step = 1e-30

    def gradient(x, *rest):
        x = np.asarray(x)
        units = np.eye(x.size).reshape(-1, *x.shape)
        slopes = [f((x + 1j * step * unit)[()], *rest).imag / step for unit in units]
        return np.array(slopes).reshape(x.shape)[()]

    return gradient


# What `from adjudicate import …` in a model file means here.
sys.modules["adjudicate"] = types.SimpleNamespace(grad=grad)


def model(suite):
    spec = importlib.util.spec_from_file_location(suite, ROOT / "src" / "suites" / f"{suite}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(name, skip=0):
    path = ROOT / "data" / name
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else open(path, encoding="utf-8")
    with opened as file:
        return np.array([[float(x) for x in row] for row in list(csv.reader(file))[skip:]])


def to_json(value):
    if isinstance(value, tuple):
        return {"tuple": [to_json(item) for item in value]}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value if isinstance(value, int) else float(value)


def cube_cases():
    yield "cube", (-1.5,)
    yield "cube", (0.1,)
    yield "total", (np.linspace(-1.0, 2.0, 7),)


def layers(rng, widths):
    pairs = zip(widths[:-1], widths[1:])
    return tuple((rng.uniform(-0.4, 0.4, (n, m)), rng.uniform(-0.1, 0.1, m)) for n, m in pairs)


def mlp_cases():
    rng = np.random.default_rng(1)
    digits = table("digits.csv.gz")
    for widths, batch in (((64, 10), 3), ((64, 5, 10), 4), ((64, 4, 6, 10), 5)):
        rows = digits[:batch]
        x, y = rows[:, :-1] / 16.0, np.eye(10)[rows[:, -1].astype(int)]
        yield "scores", (layers(rng, widths), x)
        yield "loss", (layers(rng, widths), x, y)
    yield "log_softmax", (np.array([[1000.0, 0.0, -1000.0], [0.1, 0.2, 0.3]]),)


def rnn_cases():
    rng = np.random.default_rng(2)
    spots = table("sunspots.csv", skip=1)[:, 1]
    spots = (spots - spots.mean()) / spots.std()
    for length, hidden in ((1, 2), (7, 3), (40, 4)):
        uniform = lambda *shape: rng.uniform(-0.5, 0.5, shape)
        params = (uniform(hidden), uniform(hidden, hidden), uniform(hidden), uniform(hidden), 0.1)
        yield "loss", (params, spots[:length], spots[1 : length + 1])


def hessian_cases():
    rng = np.random.default_rng(3)
    cells = table("breast_cancer.csv", skip=1)
    for features, count in ((2, 5), (10, 20)):
        x = cells[:, :features]
        x = ((x - x.mean(axis=0)) / x.std(axis=0))[:count]
        x = np.hstack([x, np.ones((count, 1))])
        yield "loss", (rng.uniform(-1.0, 1.0, features + 1), x, cells[:count, -1])


def rnn_batch_cases():
    rng = np.random.default_rng(4)
    for length, batch, inputs, hidden in ((1, 1, 2, 3), (6, 3, 2, 4)):
        uniform = lambda *shape: rng.uniform(-0.5, 0.5, shape)
        params = (uniform(inputs, hidden), uniform(hidden, hidden), uniform(hidden), uniform(hidden), 0.1)
        yield "loss", (params, uniform(length, batch, inputs), uniform(length, batch))


def tree_cases():
    rng = np.random.default_rng(5)
    trees = (([0], [1]), ([1, 0, 5], [2, 4, 3]), ([0, 5, 6, 7], [1, 2, 3, 4]))
    for left, right in trees:
        n, inputs, hidden = len(left) + 1, 2, 3
        uniform = lambda *shape: rng.uniform(-0.8, 0.8, shape)
        square = uniform(hidden, hidden), uniform(hidden, hidden)
        params = (uniform(inputs, hidden), uniform(hidden), *square, uniform(hidden), uniform(hidden))
        children = np.array(left, dtype=int), np.array(right, dtype=int)
        yield "loss", (params, uniform(n, inputs), *children, 0.25)


def newton_cases():
    rng = np.random.default_rng(6)
    for orbit, count in (((1.0, 0.0, 0.2, 1.0), 2), ((1.5, 0.6, -0.3, 0.7), 9)):
        times = np.sort(rng.uniform(0.0, 15.0, count))
        xs, ys = rng.uniform(-1.5, 1.5, (2, count))
        for function in ("loss", "loss_one_by_one"):
            yield function, (np.array(orbit), times, xs, ys)
        yield "solve", (times, orbit[1])


def ode_cases():
    rng = np.random.default_rng(11)
    for steps in (1, 30):
        floats = [float(x) for x in rng.uniform(0.5, 1.5, 8)]
        yield "loss", (*floats, 0.05 * steps, steps)


def hof_cases():
    rng = np.random.default_rng(7)
    for features, width, depth, count in ((2, 3, 1, 4), (3, 4, 3, 5)):
        hidden = layers(rng, (features,) + (width,) * depth)
        x = rng.uniform(-1.0, 1.0, (count, features))
        yield "loss", ((hidden, rng.uniform(-1.0, 1.0, width)), x, np.arange(count) % 2.0)


def hypergrad_cases():
    rng = np.random.default_rng(8)
    for features, steps in ((1, 0), (2, 1), (4, 7)):
        x, xv = rng.uniform(-1.0, 1.0, (2, 6, features))
        y, yv = rng.choice([-1.0, 1.0], (2, 6))
        hyper = rng.uniform(-1.5, 0.0, features + 1)
        yield "train", (hyper, x, y, steps)
        yield "loss", (hyper, x, y, xv, yv, steps)


def lstm_cases():
    rng = np.random.default_rng(9)
    for length, batch, hidden, characters in ((1, 1, 2, 3), (5, 3, 4, 6)):
        uniform = lambda *shape: rng.uniform(-0.7, 0.7, shape)
        inward = uniform(characters, 4 * hidden), uniform(hidden, 4 * hidden), uniform(4 * hidden)
        params = (*inward, uniform(hidden, characters), uniform(characters))
        yield "loss", (params, rng.integers(0, characters, (length + 1, batch)))


def conv_cases():
    rng = np.random.default_rng(10)
    digits = table("digits.csv.gz")
    for batch, first, second in ((1, 1, 2), (3, 2, 3)):
        rows = digits[:batch]
        images, y = rows[:, :-1].reshape(batch, 8, 8) / 16.0, np.eye(10)[rows[:, -1].astype(int)]
        shapes = ((9, first), (first,), (9 * first, second), (second,), (4 * second, 10), (10,))
        params = tuple(rng.uniform(-0.5, 0.5, shape) for shape in shapes)
        yield "scores", (params, images)
        yield "loss", (params, images, y)


CASES = {
    "cube": cube_cases,
    "mlp": mlp_cases,
    "rnn": rnn_cases,
    "rnn_batch": rnn_batch_cases,
    "hessian": hessian_cases,
    "tree": tree_cases,
    "newton": newton_cases,
    "ode": ode_cases,
    "hof": hof_cases,
    "hypergrad": hypergrad_cases,
    "lstm": lstm_cases,
    "conv": conv_cases,
}


def main():
    entries = []
    for suite, cases in CASES.items():
        module = model(suite)
        for function, args in cases():
            value = getattr(module, function)(*args)
            entries.append(
                {"suite": suite, "function": function, "args": [to_json(a) for a in args], "value": to_json(value)}
            )
    print("[")
    print(",\n".join(json.dumps(entry) for entry in entries))
    print("]")


if __name__ == "__main__":
    main()
