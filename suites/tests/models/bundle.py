"""Reprojection residuals of points in cameras: rotation by Rodrigues' formula, radial distortion."""

import numpy as np


def rotate(w, x):
    theta2 = np.sum(w * w)
    if theta2 > 1e-12:
        theta = np.sqrt(theta2)
        axis = w / theta
        return x * np.cos(theta) + np.cross(axis, x) * np.sin(theta) + axis * np.dot(axis, x) * (1.0 - np.cos(theta))
    return x + np.cross(w, x)


def project(camera, point):
    p = rotate(camera[:3], point - camera[3:6])
    xy = p[:2] / p[2]
    r2 = xy @ xy
    return camera[6] * (1.0 + camera[7] * r2 + camera[8] * r2 ** 2) * xy


def f(camera, points, seen):
    errors = [project(camera, p) - s for p, s in zip(points, seen)]
    return sum(np.log1p(e @ e) for e in errors)


ARGS = '[[0.1, -0.2, 0.05, 0.3, -0.1, -4.0, 1.2, 0.01, -0.002], [[0.5, 0.3, 1.0], [-0.4, 0.8, 2.0], [0.1, -0.6, 0.5]], [[0.1, 0.1], [-0.2, 0.2], [0.0, -0.1]]]'
