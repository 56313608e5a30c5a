"""A hand-written line search along the gradient with early exit and a counter."""

import numpy as np
from adjudicate import grad


def energy(x, a):
    return np.sum(a * x ** 2) + np.sum(x ** 4)


def f(a, x):
    for _ in range(3):
        direction = -grad(energy)(x, a)
        t = 1.0
        while True:
            if energy(x + t * direction, a) < energy(x, a) - 0.1 * t * direction @ direction:
                break
            t = 0.5 * t
        x = x + t * direction
    return energy(x, a)


ARGS = '[[0.5, 1.5], [0.9, -0.7]]'
