"""Piecewise interpolation by a search and a wave sampled at its knots."""

import numpy as np


def f(heights, queries):
    knots = np.linspace(0.0, 1.0, len(heights))
    total = 0.0
    for q in queries:
        i = 0
        while i < len(heights) - 2 and q > knots[i + 1]:
            i = i + 1
        t = (q - knots[i]) / (knots[i + 1] - knots[i])
        s = t * t * (3.0 - 2.0 * t)
        total += ((1.0 - s) * heights[i] + s * heights[i + 1]) ** 2
    return total + np.interp(0.4, knots, heights)


ARGS = '[[0.3, -0.5, 0.9, 0.4], [0.1, 0.5, 0.95]]'
