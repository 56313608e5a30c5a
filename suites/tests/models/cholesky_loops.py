"""Cholesky decomposition by loops over entries, rows kept in a tuple; log-determinant and a solve."""

import numpy as np


def cholesky(a):
    n = len(a)
    rows = []
    for i in range(n):
        row = []
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s = s - row[k] * (rows[j][k] if j < i else row[k])
            row = row + [np.sqrt(s) if i == j else s / rows[j][j]]
        rows = rows + [row]
    return rows


def f(x, b):
    a = x @ x.T + 2.0 * np.eye(3)
    L = cholesky(a)
    y = []
    for i in range(3):
        y = y + [(b[i] - sum(L[i][k] * y[k] for k in range(i))) / L[i][i]]
    return sum(2.0 * np.log(L[i][i]) for i in range(3)) + sum(v * v for v in y)


ARGS = '[[[0.5, 0.2, -0.1], [0.3, 1.1, 0.4], [-0.6, 0.2, 0.8]], [1.0, -0.5, 2.0]]'
