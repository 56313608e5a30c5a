"""A long short-term memory that predicts the next character of a text.

`params` is (wx, wh, b, wo, bo): with four gates side by side, input weights (characters, 4 hidden),
one row for each character of the alphabet, recurrent weights (hidden, 4 hidden) and bias
(4 hidden,); output weights (hidden, characters) and bias (characters,). `text` holds indices of
characters, (length + 1, batch): each column is a stretch of the text. The loss is the mean of -log
of the probability of the character that comes next.
"""

import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def step(params, h, c, inputs):
    wx, wh, b, wo, bo = params
    n = h.shape[1]
    z = wx[inputs] + h @ wh + b
    take = sigmoid(z[:, :n])
    keep = sigmoid(z[:, n : 2 * n])
    show = sigmoid(z[:, 2 * n : 3 * n])
    c = keep * c + take * np.tanh(z[:, 3 * n :])
    return show * np.tanh(c), c


def surprise(logits, following):
    logits = logits - np.max(logits, axis=1, keepdims=True)
    chosen = np.sum(logits * np.eye(logits.shape[1])[following])
    return np.sum(np.log(np.sum(np.exp(logits), axis=1))) - chosen


def loss(params, text):
    length, batch = text.shape[0] - 1, text.shape[1]
    h = np.zeros((batch, params[1].shape[0]))
    c = h
    total = 0.0
    for t in range(length):
        h, c = step(params, h, c, text[t])
        total = total + surprise(h @ params[3] + params[4], text[t + 1])
    return total / (length * batch)
