"""Entropic optimal transport by Sinkhorn's iteration."""

import numpy as np


def f(x, y):
    cost = np.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=2)
    K = np.exp(-cost / 0.5)
    u, v = np.ones(x.shape[0]), np.ones(y.shape[0])
    a, b = u / u.size, v / v.size
    for _ in range(6):
        u = a / (K @ v)
        v = b / (K.T @ u)
    return np.einsum("i,ij,j->", u, K * cost, v)


ARGS = '[[[0.1, 0.2], [0.9, -0.3]], [[0.3, 0.0], [1.1, 0.4], [-0.2, 0.5]]]'
