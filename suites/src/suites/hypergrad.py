"""The validation loss of a classifier as a function of how it was trained.

`hyper` holds the logarithm of the learning rate, then the logarithm of the weight of the ridge
penalty of each feature. Logistic regression without a bias is trained on `x`, `y` by gradient
descent from zero, in `steps` steps that differentiate the training loss themselves; what comes of
it is judged on `xv`, `yv`. Rows are standardised examples, classes are -1 and 1.
"""

import numpy as np
from adjudicate import grad


def logistic(w, x, y):
    return np.mean(np.log1p(np.exp(-y * (x @ w))))


def training(w, penalty, x, y):
    return logistic(w, x, y) + 0.5 * np.sum(penalty * w * w)


def train(hyper, x, y, steps):
    rate = np.exp(hyper[0])
    penalty = np.exp(hyper[1:])
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        w = w - rate * grad(training)(w, penalty, x, y)
    return w


def loss(hyper, x, y, xv, yv, steps):
    return logistic(train(hyper, x, y, steps), xv, yv)
