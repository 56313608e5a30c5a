"""A function chosen by a condition on data, and called afterwards."""


def at():
    return (2.0,)


def f(x):
    if x > 1.0:
        g = lambda y: y * x * x
    else:
        g = lambda y: y + x
    return g(x) + g(1.0)


def restructured(x):
    """Both results chosen, not the function."""
    if x > 1.0:
        return x * x * x + x * x
    return x + x + 1.0 + x


def first(x):
    return 3.0 * x**2 + 2.0 * x


def second(x):
    return 6.0 * x + 2.0
