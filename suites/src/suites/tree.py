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


def restructured(params, leaves, left, right, target):
    """The loss without recursion: the states of all nodes from those of all children, as often as the
    tree is high. What a node has before its children are done is overwritten, and nothing reads it."""
    we, be, wl, wr, b, wo = params
    n = leaves.shape[0]
    embedded = np.tanh(leaves @ we + be)
    states = np.concatenate([embedded, np.zeros((n - 1, be.shape[0]))])
    done = np.arange(2 * n - 1) < n
    while not done[2 * n - 2]:
        states = np.concatenate([embedded, np.tanh(states[left] @ wl + states[right] @ wr + b)])
        done = np.concatenate([done[:n], np.logical_and(done[left], done[right])])
    return (states[2 * n - 2] @ wo - target) ** 2
