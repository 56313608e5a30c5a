"""The exponential of a matrix by scaling, Taylor and squaring."""

import numpy as np


def expm(a):
    scale = 0
    while np.max(np.abs(a)) > 0.5:
        a = a / 2.0
        scale += 1
    term = result = np.eye(a.shape[0])
    for k in range(1, 12):
        term = term @ a / k
        result = result + term
    for _ in range(scale):
        result = result @ result
    return result


def f(a):
    return np.sum(expm(a) * np.array([[1.0, -2.0], [0.5, 3.0]]))


ARGS = '[[[0.3, 1.2], [-0.7, 0.9]]]'
