"""Hyperparameters of gradient descent with momentum, differentiated through the descent."""

import numpy as np
from adjudicate import grad


def objective(w):
    return np.sum((w - 1.0) ** 4) + 0.5 * np.sum(w * w)


def f(hyper, w):
    rate, decay = np.exp(hyper[0]), hyper[1]
    velocity = np.zeros_like(w)
    for _ in range(5):
        velocity = decay * velocity - rate * grad(objective)(w)
        w = w + velocity
    return objective(w)


ARGS = '[[-4.0, 0.6], [0.3, -0.2]]'
