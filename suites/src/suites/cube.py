"""The example of the paper: x ** 3, of a scalar and summed over a vector."""

import numpy as np


def cube(x):
    return x**3


def total(x):
    return np.sum(cube(x))
