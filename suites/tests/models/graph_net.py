"""Message passing on a graph: gather by edges, sum by receivers through a one-hot matrix."""

import numpy as np


def f(w, nodes, senders, receivers):
    count = nodes.shape[0]
    one_hot = np.where(np.arange(count)[:, None] == receivers[None, :], 1.0, 0.0)
    for _ in range(2):
        messages = np.maximum(np.concatenate((nodes[senders], nodes[receivers]), axis=1) @ w[0], 0.01)
        nodes = np.tanh(nodes @ w[1] + one_hot @ messages @ w[1])
    return np.sum(nodes[0] ** 2) + np.mean(nodes)


ARGS = '[{"tuple": [[[0.5, -0.2], [0.3, 0.4], [-0.1, 0.6], [0.2, 0.1]], [[0.7, 0.2], [-0.3, 0.5]]]}, [[1.0, 0.5], [-0.5, 0.3], [0.2, -0.8]], [0, 1, 2, 0], [1, 2, 0, 2]]'
