"""A long short-term memory whose state is a named tuple and whose parameters are a record of records."""

from typing import NamedTuple

import numpy as np


class State(NamedTuple):
    h: np.ndarray
    c: np.ndarray


GATES = ("input", "forget", "output", "cell")


def step(params, state, x):
    xs = np.concatenate([state.h, x])
    pre = {name: params[name]["w"] @ xs + params[name]["b"] for name in GATES}
    gate = {name: 1.0 / (1.0 + np.exp(-v)) for name, v in pre.items() if name != "cell"}
    c = gate["forget"] * state.c + gate["input"] * np.tanh(pre["cell"])
    return state._replace(h=gate["output"] * np.tanh(c), c=c)


def f(params, xs):
    state = State(np.zeros(1), np.zeros(1))
    for x in xs:
        state = step(params, state, x)
    return np.sum(state.h + state.c ** 2)


ARGS = '[{"input": {"w": [[0.5, 0.1, -0.3]], "b": [0.1]}, "forget": {"w": [[-0.2, 0.4, 0.2]], "b": [1.0]}, "output": {"w": [[0.3, -0.6, 0.5]], "b": [0.0]}, "cell": {"w": [[0.2, 0.9, -0.4]], "b": [-0.1]}}, [[1.0, 0.2], [-0.3, 0.6], [0.5, -0.9]]]'
