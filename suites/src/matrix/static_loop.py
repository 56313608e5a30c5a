"""A `for` over a range that is known before the run."""


def at():
    return (2.0,)


def f(x):
    y = 1.0
    for _ in range(4):
        y = y * x
    return y


def first(x):
    return 4.0 * x**3


def second(x):
    return 12.0 * x**2
