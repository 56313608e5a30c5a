"""Broyden's method for a system of two equations; the root as a function of its parameters."""

import numpy as np


def residual(x, p):
    return np.array([x[0] ** 2 + p[0] * x[1] - 1.0, np.exp(-x[0]) + p[1] * x[1] - 0.5])


def f(p):
    x = np.array([0.8, 0.2])
    B = np.linalg.inv(np.array([[1.6, 0.5], [-0.45, 1.2]]))
    r = residual(x, p)
    for _ in range(6):
        dx = -B @ r
        x = x + dx
        new = residual(x, p)
        dr = new - r
        Bd = B @ dr
        B = B + np.outer(dx - Bd, dx @ B) / (dx @ Bd)
        r = new
    return x[0] + 2.0 * x[1]


ARGS = '[[0.5, 1.2]]'
