"""Batch normalisation and dropout with a given mask, over layers in a list."""

import numpy as np


def layer(x, w, gain, mask):
    z = x @ w
    z = gain * (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-3)
    return np.where(mask, np.tanh(z), 0.0) / 0.75


def f(layers, x, masks):
    for (w, gain), mask in zip(layers, masks):
        x = layer(x, w, gain, mask > 0.5)
    return np.mean(x ** 2 + x)


ARGS = '[{"tuple": [{"tuple": [[[0.5, -0.2], [0.3, 0.8]], [1.0, 0.5]]}, {"tuple": [[[0.2, 0.6], [-0.7, 0.1]], [0.9, -0.4]]}]}, [[1.0, 0.2], [-0.3, 0.7], [0.6, -1.0]], [[[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]]]'
