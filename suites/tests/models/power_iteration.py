"""The largest eigenvalue of a symmetric matrix by power iteration."""

import numpy as np


def f(a, steps):
    s = a + a.T
    v = np.ones(len(a)) / np.sqrt(len(a))
    for _ in range(steps):
        w = s @ v
        v = w / np.linalg.norm(w)
    return v @ s @ v


ARGS = '[[[2.0, 0.3, 0.1], [0.2, 1.0, -0.4], [0.0, 0.5, 0.7]], 12]'
