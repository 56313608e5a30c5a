#!/usr/bin/env python3
"""Runs the small programs of suites/tests/models under NumPy and stores what they give.

    python3 scripts/numpy_models.py > suites/tests/models.json

Each program has a function `f` and its arguments, `ARGS`, as `adjudicate eval` reads them. An entry
holds the program's name, the value of `f`, and its gradient and Hessian by the first argument, from
central differences of fourth order. A test gives the same program to every strategy.
"""

import importlib.util
import json
import pathlib

import numpy as np

import numpy_suites  # what `from adjudicate import …` means in NumPy

ROOT = pathlib.Path(__file__).resolve().parent.parent / "suites" / "tests" / "models"
STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def from_json(value):
    if isinstance(value, list):
        return np.array(value)
    if isinstance(value, dict):
        items = value.get("tuple")
        return tuple(map(from_json, items)) if items is not None else {k: from_json(v) for k, v in value.items()}
    return value


def leaves(value):
    if isinstance(value, tuple):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [np.asarray(value, dtype=float)]


def rebuild(like, flat):
    """A value of the same form whose numbers come from an iterator."""
    if isinstance(like, tuple):
        return tuple(rebuild(item, flat) for item in like)
    if isinstance(like, dict):
        return {k: rebuild(v, flat) for k, v in like.items()}
    shape = np.shape(like)
    numbers = [next(flat) for _ in range(int(np.prod(shape)))]
    return np.array(numbers).reshape(shape) if shape else float(numbers[0])


def differences(f, x, h):
    """All partial derivatives of a function of a vector."""
    units = np.eye(x.size) * h
    return np.array([sum(c * f(x + k * unit) for k, c in STENCIL) / h for unit in units])


def blocks(hessian, sizes):
    """The Hessian as eval gives it: a block for each pair of leaves, rows first."""
    ends = np.cumsum([0, *sizes])
    spans = [slice(a, b) for a, b in zip(ends[:-1], ends[1:])]
    return [x for rows in spans for columns in spans for x in hessian[rows, columns].ravel().tolist()]


def entry(path):
    model = load(path)
    first, *rest = map(from_json, json.loads(model.ARGS))
    parts = leaves(first)
    at = np.concatenate([part.ravel() for part in parts])
    f = lambda x: float(model.f(rebuild(first, iter(x)), *rest))
    gradient = differences(f, at, 1e-3)
    hessian = differences(lambda x: differences(f, x, 2e-3), at, 2e-3)
    return {
        "name": path.stem,
        "value": f(at),
        "gradient": [float(f"{x:.11g}") for x in gradient],
        "hessian": [float(f"{x:.8g}") for x in blocks(hessian, [part.size for part in parts])],
    }


def main():
    entries = [entry(path) for path in sorted(ROOT.glob("*.py"))]
    print("[")
    print(",\n".join(json.dumps(entry) for entry in entries))
    print("]")


main()
