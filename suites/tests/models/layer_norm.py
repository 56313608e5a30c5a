"""Layer normalisation with gain and bias in a dictionary, then GELU."""

import numpy as np


def layer_norm(x, params, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    return params["gain"] * (x - mean) / np.sqrt(var + eps) + params["bias"]


def gelu(x):
    return 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x ** 3)))


def f(params, x):
    return gelu(layer_norm(x, params)).sum()


ARGS = '[{"gain": [1.0, 0.5, -0.3], "bias": [0.1, -0.2, 0.4]}, [[1.0, 2.0, 4.0], [-1.0, 0.5, 0.3]]]'
