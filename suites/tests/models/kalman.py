"""Negative log-likelihood of a constant-velocity Kalman filter."""

import numpy as np


def f(logs, ys):
    q, r = np.exp(logs[0]), np.exp(logs[1])
    A = np.array([[1.0, 1.0], [0.0, 1.0]])
    H = np.array([[1.0, 0.0]])
    Q = q * np.eye(2)
    R = r * np.eye(1)
    m, P = np.zeros(2), np.eye(2)
    nll = 0.0
    for y in ys:
        m = A @ m
        P = A @ P @ A.T + Q
        S = H @ P @ H.T + R
        v = np.array([y]) - H @ m
        nll = nll + 0.5 * (np.log(2.0 * np.pi * S[0, 0]) + v @ np.linalg.solve(S, v))
        K = P @ H.T @ np.linalg.inv(S)
        m = m + K @ v
        P = (np.eye(2) - K @ H) @ P
    return nll


ARGS = '[[-1.0, -0.5], [0.9, 2.2, 2.9, 4.3, 4.8]]'
