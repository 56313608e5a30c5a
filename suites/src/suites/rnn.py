"""A tanh recurrence that predicts the next item of a series, written by recursion over time.

`params` is (wx, wh, b, wo, bo): input weights (hidden,), recurrent weights (hidden, hidden), bias
(hidden,), output weights (hidden,) and output bias. `xs` is the series and `ys` what follows each
of its items. The state starts at zero; the loss is the mean squared error.
"""

import numpy as np


def roll(params, h, xs, ys, t):
    if t == xs.shape[0]:
        return 0.0
    wx, wh, b, wo, bo = params
    h = np.tanh(xs[t] * wx + h @ wh + b)
    err = h @ wo + bo - ys[t]
    return err * err + roll(params, h, xs, ys, t + 1)


def loss(params, xs, ys):
    h = np.zeros_like(params[2])
    return roll(params, h, xs, ys, 0) / xs.shape[0]
