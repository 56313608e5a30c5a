"""A recursion that ends on data and has work left after its call."""


def at():
    return (3.0,)


def halve(y):
    if y < 1.0:
        return y
    return y * halve(y / 2.0)


def f(x):
    return halve(x)


def first(x):
    return 3.0 * x**2 / 8.0


def second(x):
    return 6.0 * x / 8.0
