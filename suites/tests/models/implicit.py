"""The implicit Euler method: each step solves an equation by Newton's method with a derivative."""

from adjudicate import grad


def f(k, steps):
    y, h = 1.0, 0.1
    for _ in range(steps):
        equation = lambda z, y=y: z - y + h * k * z ** 3
        z = y
        for _ in range(4):
            z = z - equation(z) / grad(equation)(z)
        y = z
    return y


ARGS = '[1.7, 4]'
