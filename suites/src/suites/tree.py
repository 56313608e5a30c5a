"""A recursive network over a binary tree that is coded in arrays.

The n leaves are nodes 0 to n - 1 and hold the rows of `leaves`, (n, inputs). Node n + k has the
children `left[k]` and `right[k]`, and the last node is the root. `params` is (we, be, wl, wr, b,
wo): leaves are embedded by we (inputs, hidden) and be (hidden,), children joined by wl and wr
(hidden, hidden) and b (hidden,), and the state of the root read out by wo (hidden,). The loss is
the squared error of that against `target`.
"""

import numpy as np


def encode(params, leaves, left, right, node):
    we, be, wl, wr, b, wo = params
    n = leaves.shape[0]
    if node < n:
        return np.tanh(leaves[node] @ we + be)
    below_left = encode(params, leaves, left, right, left[node - n])
    below_right = encode(params, leaves, left, right, right[node - n])
    return np.tanh(below_left @ wl + below_right @ wr + b)


def loss(params, leaves, left, right, target):
    root = encode(params, leaves, left, right, 2 * leaves.shape[0] - 2)
    return (root @ params[5] - target) ** 2
