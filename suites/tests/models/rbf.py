"""Kernel regression with radial basis functions: leave-one-out error of the fit."""

import numpy as np


def gram(x, y, log_length):
    sq = np.sum(x ** 2, 1)[:, None] + np.sum(y ** 2, 1)[None, :] - 2.0 * x @ y.T
    return np.exp(-0.5 * sq / np.exp(2.0 * log_length))


def f(theta, x, y):
    k = gram(x, x, theta[0]) + np.exp(theta[1]) * np.eye(len(x))
    inverse = np.linalg.inv(k)
    return np.sum((inverse @ y / np.diag(inverse)) ** 2) + np.linalg.slogdet(k)[1]


ARGS = '[[0.2, -1.0], [[0.0, 0.1], [1.0, -0.3], [0.4, 0.9], [-0.8, 0.5]], [0.3, -0.2, 0.9, 0.4]]'
