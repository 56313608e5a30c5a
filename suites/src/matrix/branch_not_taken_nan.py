"""A branch that would be NaN, and its derivative infinite, if it ran."""

import numpy as np


def at():
    return (-2.0,)


def f(x):
    y = np.sqrt(x) / 0.0 if x > 0.0 else x * x * x
    return y


def first(x):
    return 3.0 * x**2


def second(x):
    return 6.0 * x
