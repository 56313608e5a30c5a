"""A tanh recurrence over a batch of series with several inputs, by recursion over time.

`params` is (wx, wh, b, wo, bo): input weights (inputs, hidden), recurrent weights (hidden, hidden),
bias (hidden,), output weights (hidden,) and output bias. `xs` is (length, batch, inputs) and `ys`
(length, batch) what is to be predicted. The states start at zero; the loss is the mean squared
error.
"""

import numpy as np


def roll(params, h, xs, ys, t):
    if t == xs.shape[0]:
        return 0.0
    wx, wh, b, wo, bo = params
    h = np.tanh(xs[t] @ wx + h @ wh + b)
    err = h @ wo + bo - ys[t]
    return np.sum(err * err) + roll(params, h, xs, ys, t + 1)


def loss(params, xs, ys):
    length, batch = ys.shape
    h = np.zeros((batch, params[1].shape[0]))
    return roll(params, h, xs, ys, 0) / (length * batch)
