"""Log-likelihood of a mixture of spherical Gaussians."""

import numpy as np
from typing import NamedTuple


class Mixture(NamedTuple):
    logits: np.ndarray
    means: np.ndarray
    log_scales: np.ndarray


def log_softmax(x):
    return x - np.log(np.sum(np.exp(x)))


def f(logits, means, log_scales, xs):
    mix = Mixture(logits, means, log_scales)
    d = xs.shape[1]
    delta = (xs[:, None, :] - mix.means[None, :, :]) / np.exp(mix.log_scales)[None, :, None]
    logp = -0.5 * np.sum(delta ** 2, -1) - d * mix.log_scales - 0.5 * d * math_log_2pi()
    joint = log_softmax(mix.logits) + logp
    top = joint.max(axis=1)
    return np.sum(top + np.log(np.sum(np.exp(joint - top[:, None]), axis=1)))


def math_log_2pi():
    return np.log(2.0 * np.pi)


ARGS = '[[0.2, -0.3], [[0.0, 1.0], [1.5, -0.5]], [0.1, -0.2], [[0.3, 0.7], [1.2, -0.1], [-0.5, 0.9]]]'
