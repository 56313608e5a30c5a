"""Functions kept in a tuple and called one after the other."""

import numpy as np


def at():
    return (0.5,)


def f(x):
    y = x
    for g in (np.exp, lambda z: z * x, lambda z: z + x):
        y = g(y)
    return y


def first(x):
    return np.exp(x) * (1.0 + x) + 1.0


def second(x):
    return np.exp(x) * (2.0 + x)
