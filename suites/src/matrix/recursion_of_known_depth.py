"""A recursion with two calls over the halves of an array: its depth is that of the shape."""

import numpy as np


def at():
    return (np.array([1.0, 2.0, 3.0, 4.0]),)


def total(x):
    n = x.shape[0]
    if n == 1:
        return x[0] ** 3
    return total(x[: n // 2]) + total(x[n // 2 :])


def f(x):
    return total(x)


def first(x):
    return 3.0 * x**2


def second(x):
    return 6.0 * np.eye(4) * x
