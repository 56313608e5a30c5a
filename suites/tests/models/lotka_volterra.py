"""Predators and prey by the symplectic Euler method; the state is a tuple."""

import numpy as np


def f(rates, dt, steps):
    a, b, c, d = rates
    prey, predators = 1.0, 0.5
    history = []
    for i in range(steps):
        prey, predators = prey + dt * (a * prey - b * prey * predators), predators
        predators = predators + dt * (c * prey * predators - d * predators)
        if i % 2 == 1:
            history = history + [prey]
    return sum((x - 1.0) ** 2 for x in history) + predators


ARGS = '[[1.1, 0.4, 0.3, 0.6], 0.1, 10]'
