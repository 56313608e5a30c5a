"""A binary tree of continuations: the soft best of all paths to some depth."""

import numpy as np


def search(scores, depth, state):
    if depth == 0:
        return state
    left = search(scores, depth - 1, np.tanh(state + scores[0]))
    right = search(scores, depth - 1, state * scores[1] - 0.1)
    top = max(left, right)
    return top + np.log(np.exp(left - top) + np.exp(right - top))


def f(scores):
    return search(scores, 4, scores[2])


ARGS = '[[0.3, 0.8, -0.2]]'
