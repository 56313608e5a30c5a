"""Runge-Kutta of order 4 for a pendulum with friction; the field is a closure."""

import numpy as np


def pendulum(friction):
    def field(t, s):
        return np.array([s[1], -np.sin(s[0]) - friction * s[1] + 0.1 * t])
    return field


def rk4(field, s, t, h):
    k1 = field(t, s)
    k2 = field(t + h / 2, s + h / 2 * k1)
    k3 = field(t + h / 2, s + h / 2 * k2)
    k4 = field(t + h, s + h * k3)
    return s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def f(p, steps):
    field = pendulum(p[2])
    s, t = p[:2], 0.0
    for _ in range(steps):
        s = rk4(field, s, t, 0.1)
        t += 0.1
    return np.sum(s ** 2)


ARGS = '[[0.5, -0.2, 0.3], 8]'
