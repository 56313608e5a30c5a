"""Functions of the language that are written in the language.

A name with a dot (`np.linalg.norm`) is found here with an underscore (`linalg_norm`).
Names that begin with an underscore are used by the specialiser.
"""

import numpy as np


def mean(a, axis=None, keepdims=False):
    total = np.sum(a, axis=axis, keepdims=keepdims)
    return total / (np.size(a) / np.size(total))


def average(a, axis=None):
    return mean(a, axis)


def var(a, axis=None, ddof=0, keepdims=False):
    centred = a - mean(a, axis, True)
    total = np.sum(centred * centred, axis=axis, keepdims=keepdims)
    return total / (np.size(a) / np.size(total) - ddof)


def std(a, axis=None, ddof=0, keepdims=False):
    return np.sqrt(var(a, axis, ddof, keepdims))


def clip(a, a_min, a_max):
    low = a if a_min is None else np.maximum(a, a_min)
    return low if a_max is None else np.minimum(low, a_max)


def logaddexp(x1, x2):
    top = np.maximum(x1, x2)
    finite = np.where(np.isfinite(top), top, 0.0)
    return finite + np.log(np.exp(x1 - finite) + np.exp(x2 - finite))


def outer(a, b):
    return np.reshape(a, (np.size(a), 1)) * np.reshape(b, (1, np.size(b)))


def inner(a, b):
    return np.sum(a * b)


def vdot(a, b):
    return np.sum(np.ravel(a) * np.ravel(b))


def linalg_norm(x, ord=None, axis=None, keepdims=False):
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == np.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def trace(a):
    return np.sum(a * np.eye(a.shape[0], a.shape[1]))


def diag(v):
    if np.ndim(v) == 1:
        return np.reshape(v, (np.size(v), 1)) * np.eye(np.size(v))
    return np.sum(v * np.eye(v.shape[0], v.shape[1]), axis=1)


def vstack(arrays):
    rows = [np.reshape(a, (1, -1)) if np.ndim(a) < 2 else a for a in arrays]
    return np.concatenate(rows, axis=0)


def hstack(arrays):
    return np.concatenate(arrays, axis=0 if np.ndim(arrays[0]) == 1 else 1)


def flip(a, axis=None):
    if axis is None:
        for i in range(np.ndim(a)):
            a = flip(a, i)
        return a
    moved = np.swapaxes(a, 0, axis)
    return np.swapaxes(moved[::-1], 0, axis)


def roll(a, shift):
    flat = np.ravel(a)
    k = shift % np.size(a)
    return np.reshape(np.concatenate((flat[np.size(a) - k:], flat[:np.size(a) - k])), np.shape(a))


def tile(a, reps):
    return np.ravel(np.ones((reps, 1)) * np.reshape(a, (1, -1)))


def repeat(a, repeats):
    return np.ravel(np.reshape(a, (-1, 1)) * np.ones((1, repeats)))


def diff(a):
    return a[1:] - a[:-1]


def copy(a):
    return a


def hypot(x1, x2):
    return np.sqrt(x1 * x1 + x2 * x2)


def exp2(x):
    return np.exp(x * 0.6931471805599453)


def log2(x):
    return np.log(x) / 0.6931471805599453


def log10(x):
    return np.log(x) / 2.302585092994046


def reduce(function, sequence, initial=None):
    if initial is None:
        total = sequence[0]
        for item in sequence[1:]:
            total = function(total, item)
        return total
    total = initial
    for item in sequence:
        total = function(total, item)
    return total


def jvp(f, primals, tangents):
    value, _ = vjp(f, *primals)
    return value, _push_forward(f, primals, tangents)


def _push_forward(f, at, vectors):
    value, pull = vjp(f, *at)
    _, push = vjp(pull, _zeros_of(value))
    return push(vectors)[0]
