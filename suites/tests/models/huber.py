"""Robust regression: the Huber loss, chosen residual by residual in Python."""

import math


def huber(r, delta=1.0):
    if abs(r) <= delta:
        return 0.5 * r ** 2
    return delta * (abs(r) - 0.5 * delta)


def f(line, points):
    slope, offset = line
    total = 0.0
    for x, y in points:
        r = y - (slope * x + offset)
        total += huber(r) if not math.isnan(r) else 0.0
    return total


ARGS = '[[0.5, 0.1], [[0.0, 0.2], [1.0, 3.0], [2.0, 0.9], [3.0, -2.0]]]'
