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

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent / "suites"


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
    return float(value)


def cube_cases():
    yield "cube", (-1.5,)
    yield "cube", (0.1,)
    yield "total", (np.linspace(-2.0, 2.0, 7),)


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


CASES = {"cube": cube_cases, "mlp": mlp_cases, "rnn": rnn_cases, "hessian": hessian_cases}


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
