"""An argument that the result does not depend on: its derivatives are zeros of its shape."""

import numpy as np


def at():
    return (np.array([1.0, 2.0]), 3.0)


def f(x, y):
    return y * y


def first(x, y):
    return np.zeros(2)


def second(x, y):
    return np.zeros((2, 2))
