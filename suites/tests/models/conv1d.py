"""A convolution by slices with pooling and a dense layer."""

import numpy as np


def conv(x, kernel):
    width = len(kernel)
    n = len(x) - width + 1
    return np.stack([np.sum(x[i:i + width] * kernel) for i in range(n)])


def f(kernel, x):
    y = np.maximum(conv(x, kernel), 0.1 * conv(x, kernel))
    pooled = np.reshape(y[:6], (3, 2)).max(axis=1)
    return pooled @ np.array([1.0, -0.5, 2.0])


ARGS = '[[0.5, -0.3, 0.8], [0.1, 0.9, -0.4, 1.2, 0.3, -0.7, 0.6, 1.1]]'
