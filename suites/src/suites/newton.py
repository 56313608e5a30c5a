"""An orbit fitted to positions on the sky; Kepler's equation is solved by Newton's method.

`orbit` is (a, e, phase, rate): semi-major axis, eccentricity, mean anomaly at time zero and its
rate. At each time the eccentric anomaly solves E - e sin(E) = M where M = phase + rate * time; the
position is then a (cos(E) - e) and a sqrt(1 - e**2) sin(E). The loss is half the mean squared
distance to the positions observed, `xs` and `ys`. How often Newton's method steps depends on the
data: until no anomaly moves by more than TOLERANCE.
"""

import numpy as np

TOLERANCE = 1e-9


def solve(mean, e):
    anomaly = mean + e * np.sin(mean)
    step = np.ones_like(mean)
    while np.max(np.abs(step)) > TOLERANCE:
        step = (anomaly - e * np.sin(anomaly) - mean) / (1.0 - e * np.cos(anomaly))
        anomaly = anomaly - step
    return anomaly


def distance(orbit, anomaly, xs, ys):
    dx = orbit[0] * (np.cos(anomaly) - orbit[1]) - xs
    dy = orbit[0] * np.sqrt(1.0 - orbit[1] ** 2) * np.sin(anomaly) - ys
    return dx * dx + dy * dy


def loss(orbit, times, xs, ys):
    """All times at once: as many steps as the slowest needs."""
    anomaly = solve(orbit[2] + orbit[3] * times, orbit[1])
    return 0.5 * np.mean(distance(orbit, anomaly, xs, ys))


def loss_one_by_one(orbit, times, xs, ys):
    """Time after time: each with as many steps as it needs."""
    total = 0.0
    for i in range(len(times)):
        anomaly = solve(orbit[2] + orbit[3] * times[i], orbit[1])
        total = total + distance(orbit, anomaly, xs[i], ys[i])
    return 0.5 * total / len(times)
