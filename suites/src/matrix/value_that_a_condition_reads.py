"""A norm of which a condition and the side that is not taken alone read: it has no derivative at the origin."""

import numpy as np


def at():
    return (np.zeros(3),)


def f(v):
    norm = np.sqrt(v @ v)
    if norm > 0.0:
        y = np.sum(v) / norm
    else:
        y = np.sum(v) + v @ v
    return y


def first(v):
    return 1.0 + 2.0 * v


def second(v):
    return 2.0 * np.eye(3) + 0.0 * v
