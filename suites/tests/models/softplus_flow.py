"""The log-density of a normalising flow of planar layers."""

import numpy as np


def planar(z, u, w, b):
    a = np.tanh(z @ w + b)
    det = 1.0 + (1.0 - a ** 2) * np.dot(u, w)
    return z + np.outer(a, u), np.log(np.abs(det))


def f(flows, z):
    total = np.zeros(len(z))
    for flow in flows:
        z, log_det = planar(z, flow["u"], flow["w"], flow["b"])
        total += log_det
    return -0.5 * np.sum(z ** 2) + np.sum(total)


ARGS = '[{"tuple": [{"u": [0.4, -0.3], "w": [0.5, 0.8], "b": 0.1}, {"u": [-0.2, 0.6], "w": [0.3, -0.4], "b": -0.2}]}, [[0.5, -0.1], [1.2, 0.3]]]'
