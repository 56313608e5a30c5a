"""A fixed point found by iteration to a tolerance."""

import numpy as np


def f(a):
    x = np.zeros(2)
    W = np.array([[a[0], 0.2], [-0.3, a[1]]])
    step = 1.0
    count = 0
    while step > 1e-13 and count < 200:
        new = np.tanh(W @ x + 0.5)
        step = np.max(np.abs(new - x))
        x = new
        count += 1
    return x @ x


ARGS = '[[0.4, 0.3]]'
