"""Values with an infinite derivative, made before an `if` of which only the side that is not taken reads them."""

import numpy as np


def at():
    return (0.0,)


def f(x):
    root = np.sqrt(x)
    slope = np.sin(root) / root
    low = np.log(x)
    if x > 0.0:
        y = slope * low if root > 1.0 else slope
    else:
        y = x * x * x + 2.0 * x
    return y * y + y


def first(x):
    return (2.0 * (x**3 + 2.0 * x) + 1.0) * (3.0 * x**2 + 2.0)


def second(x):
    return 2.0 * (3.0 * x**2 + 2.0) ** 2 + (2.0 * (x**3 + 2.0 * x) + 1.0) * 6.0 * x
