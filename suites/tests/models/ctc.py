"""The likelihood of an alignment: paths through a lattice, by dynamic programming over tuples."""

import numpy as np


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def f(logits, label):
    p = softmax(logits)
    states = len(label)
    alpha = tuple(p[0, label[0]] if s == 0 else 0.0 for s in range(states))
    for t in range(1, len(p)):
        alpha = tuple(
            (alpha[s] + (alpha[s - 1] if s > 0 else 0.0)) * p[t, label[s]] for s in range(states)
        )
    return -np.log(alpha[-1])


ARGS = '[[[0.1, 0.5, -0.3], [0.7, -0.2, 0.4], [0.0, 0.3, 0.9], [-0.5, 0.6, 0.2]], [0, 2, 1]]'
