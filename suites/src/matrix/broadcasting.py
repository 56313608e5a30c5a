"""A vector repeated along the rows of a matrix; backwards it is a sum over them."""

import numpy as np


def at():
    return (np.array([1.0, 2.0, 3.0]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))


def f(x, m):
    return np.sum((m * x) ** 2)


def first(x, m):
    return 2.0 * x * np.sum(m**2, axis=0)


def second(x, m):
    return 2.0 * np.eye(3) * np.sum(m**2, axis=0)
