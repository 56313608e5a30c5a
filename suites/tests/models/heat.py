"""Heat in a rod by the implicit scheme and the tridiagonal algorithm."""

import numpy as np


def tridiagonal(low, diag, up, rhs):
    n = len(rhs)
    c, d = [up[0] / diag[0]], [rhs[0] / diag[0]]
    for i in range(1, n):
        m = diag[i] - low[i] * c[i - 1]
        c = c + [up[i] / m]
        d = d + [(rhs[i] - low[i] * d[i - 1]) / m]
    x = [d[n - 1]]
    for i in reversed(range(n - 1)):
        x = [d[i] - c[i] * x[0]] + x
    return np.stack(x)


def f(conductivity, u):
    n = len(u)
    lam = np.exp(conductivity)
    for _ in range(3):
        u = tridiagonal(-lam, 1.0 + 2.0 * lam, -lam, u)
    return np.sum(u[n // 2:] ** 2)


ARGS = '[[-1.0, -0.5, -0.8, -1.2], [0.2, 1.0, 0.7, -0.3]]'
