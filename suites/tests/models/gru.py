"""A gated recurrent unit over a sequence."""

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def cell(p, h, x):
    z = sigmoid(p["wz"] @ x + p["uz"] @ h)
    r = sigmoid(p["wr"] @ x + p["ur"] @ h)
    n = np.tanh(p["wn"] @ x + p["un"] @ (r * h))
    return (1.0 - z) * n + z * h


def f(p, xs):
    h = np.zeros(2)
    for x in xs:
        h = cell(p, h, x)
    return np.dot(h, h)


ARGS = '[{"wz": [[0.1, -0.2], [0.3, 0.4]], "uz": [[0.2, 0.1], [-0.3, 0.2]], "wr": [[0.5, 0.1], [-0.1, 0.2]], "ur": [[0.3, -0.2], [0.1, 0.1]], "wn": [[0.7, -0.4], [0.2, 0.6]], "un": [[0.1, 0.5], [0.4, -0.3]]}, [[1.0, 0.5], [-0.5, 0.8], [0.3, -1.2]]]'
