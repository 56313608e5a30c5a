"""Predators and prey observed once: the Lotka-Volterra equations, in float scalars.

Prey `x` grows at the rate `a` and is eaten at `b` times the predators; these, `y`, die at the rate `c`
and grow at `d` times the prey. The classical method of Runge and Kutta takes `steps` steps to time
`end`. The loss is half the squared distance to the numbers observed there, `xs` and `ys`.
"""


def change(x, y, a, b, c, d):
    return x * (a - b * y), y * (d * x - c)


def step(x, y, a, b, c, d, h):
    x1, y1 = change(x, y, a, b, c, d)
    x2, y2 = change(x + 0.5 * h * x1, y + 0.5 * h * y1, a, b, c, d)
    x3, y3 = change(x + 0.5 * h * x2, y + 0.5 * h * y2, a, b, c, d)
    x4, y4 = change(x + h * x3, y + h * y3, a, b, c, d)
    return x + h / 6.0 * (x1 + 2.0 * x2 + 2.0 * x3 + x4), y + h / 6.0 * (y1 + 2.0 * y2 + 2.0 * y3 + y4)


def loss(x, y, a, b, c, d, xs, ys, end, steps):
    h = end / steps
    for _ in range(steps):
        x, y = step(x, y, a, b, c, d, h)
    return 0.5 * ((x - xs) ** 2 + (y - ys) ** 2)
