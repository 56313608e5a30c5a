"""A `for` over the elements of what is differentiated."""

import numpy as np


def at():
    return (np.array([1.0, 2.0, 3.0]),)


def f(x):
    y = 0.0
    for e in x:
        y = y + e * e * e
    return y


def first(x):
    return 3.0 * x**2


def second(x):
    return 6.0 * np.eye(3) * x
