"""Attitude by integration of angular velocity with quaternions."""

import numpy as np


def multiply(p, q):
    a, b, c, d = p
    e, g, h, k = q
    return np.array([
        a * e - b * g - c * h - d * k,
        a * g + b * e + c * k - d * h,
        a * h - b * k + c * e + d * g,
        a * k + b * h - c * g + d * e,
    ])


def f(omega, v):
    q = np.array([1.0, 0.0, 0.0, 0.0])
    for _ in range(3):
        q = q + 0.05 * multiply(q, np.append(0.0, omega))
        q = q / np.linalg.norm(q)
    rotated = multiply(multiply(q, np.append(0.0, v)), q * np.array([1.0, -1.0, -1.0, -1.0]))
    return rotated[1:] @ np.array([1.0, 2.0, -1.0])


ARGS = '[[0.3, -0.5, 0.8], [1.0, 0.2, -0.4]]'
