"""The forward algorithm of a hidden Markov model in log space; observations are integers."""

import numpy as np


def logsumexp(x, axis):
    m = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(m, axis) + np.log(np.sum(np.exp(x - m), axis=axis))


def log_normalised(x):
    return x - logsumexp(x, -1)[:, None]


def f(theta, obs):
    trans = log_normalised(theta[:2, :2])
    emit = log_normalised(theta[:2, 2:])
    alpha = np.log(0.5) + emit[:, obs[0]]
    for o in obs[1:]:
        alpha = logsumexp(alpha[:, None] + trans, 0) + emit[:, o]
    return -logsumexp(alpha, 0)


ARGS = '[[[0.5, -0.2, 0.1, 0.7, -0.5], [0.3, 0.8, -0.9, 0.2, 0.4]], [0, 2, 1, 1, 0]]'
