"""Model-agnostic meta-learning: the loss after gradient steps of an inner task."""

import numpy as np
from adjudicate import grad


def predict(w, x):
    return np.tanh(x[:, None] * w[:3] + w[3:6]) @ w[6:9]


def loss(w, x, y):
    return np.mean((predict(w, x) - y) ** 2)


def adapt(w, x, y, steps):
    for _ in range(steps):
        w = w - 0.1 * grad(loss)(w, x, y)
    return w


def f(w, x, y):
    return loss(adapt(w, x[:3], y[:3], 2), x[3:], y[3:])


ARGS = '[[0.5, -0.4, 0.3, 0.1, 0.2, -0.3, 0.8, -0.5, 0.6], [-1.0, 0.0, 1.0, -0.5, 0.5], [-0.8, 0.1, 0.9, -0.4, 0.5]]'
