"""Experts chosen softly by a gate; parameters are nested tuples and a default argument."""

import numpy as np

ACTIVATIONS = (np.tanh, lambda x: np.log1p(np.exp(x)), np.sin)


def expert(p, x, activation=np.tanh):
    (w, b), v = p
    return activation(w * x + b) * v


def f(params, gate, xs):
    total = 0.0
    for x in xs:
        logits = gate * x
        weights = np.exp(logits) / np.sum(np.exp(logits))
        outputs = [expert(p, x, act) for p, act in zip(params, ACTIVATIONS)]
        total += sum(w * o for w, o in zip(weights, outputs)) ** 2
    return total


ARGS = '[{"tuple": [{"tuple": [{"tuple": [0.5, 0.1]}, 1.2]}, {"tuple": [{"tuple": [-0.3, 0.4]}, 0.7]}, {"tuple": [{"tuple": [0.8, -0.2]}, -0.5]}]}, [0.3, -0.1, 0.2], [0.5, -1.0, 2.0]]'
