"""The Rosenbrock function of several variables."""

import numpy as np


def f(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


ARGS = '[[1.2, 0.8, -0.5, 0.3]]'
