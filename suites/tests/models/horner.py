"""A polynomial by Horner's rule and its roots' residuals by reduce and map."""

from functools import reduce

import numpy as np


def poly(coefficients, x):
    return reduce(lambda acc, c: acc * x + c, coefficients, 0.0)


def f(coefficients, xs):
    values = list(map(lambda x: poly(coefficients, x), xs))
    return sum(v * v for v in values) + np.polyval(coefficients, 0.5)


ARGS = '[[1.0, -2.0, 0.5, 0.3], [0.1, 0.7, -0.4]]'
