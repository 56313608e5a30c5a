"""Operations one after the other."""

import numpy as np


def at():
    return (0.5,)


def f(x):
    y = np.sin(x)
    return y * x + 2.0 * x


def first(x):
    return x * np.cos(x) + np.sin(x) + 2.0


def second(x):
    return 2.0 * np.cos(x) - x * np.sin(x)
