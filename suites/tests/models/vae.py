"""The evidence lower bound of a small variational autoencoder with given noise."""

import numpy as np


def dense(layer, x):
    return x @ layer["w"] + layer["b"]


def f(params, x, noise):
    hidden = np.tanh(dense(params["encoder"], x))
    mean, log_var = np.split(hidden, 2, axis=1)
    z = mean + np.exp(0.5 * log_var) * noise
    logits = dense(params["decoder"], z)
    likelihood = np.sum(x * logits - np.logaddexp(0.0, logits))
    kl = -0.5 * np.sum(1.0 + log_var - mean ** 2 - np.exp(log_var))
    return kl - likelihood


ARGS = '[{"encoder": {"w": [[0.3, -0.2], [0.1, 0.5], [-0.4, 0.2]], "b": [0.1, -0.1]}, "decoder": {"w": [[0.6, -0.3, 0.2]], "b": [0.0, 0.1, -0.2]}}, [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]], [[0.5], [-0.7]]]'
