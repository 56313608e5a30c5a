"""The marginal likelihood of a Gaussian process through a Cholesky decomposition."""

import numpy as np


def f(theta, x, y):
    length, amplitude, noise = np.exp(theta)
    k = amplitude ** 2 * np.exp(-0.5 * (x[:, None] - x) ** 2 / length ** 2) + noise ** 2 * np.eye(x.size)
    L = np.linalg.cholesky(k)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.log(np.diag(L)).sum() + 0.5 * len(x) * np.log(2 * np.pi)


ARGS = '[[0.1, 0.3, -1.0], [0.0, 0.7, 1.5, 2.2], [0.2, 0.9, 0.4, -0.3]]'
