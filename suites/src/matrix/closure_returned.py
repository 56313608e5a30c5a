"""A function that is returned, with what it captured, and called by another."""


def at():
    return (2.0,)


def quadratic(a):
    return lambda y: a * y * y


def f(x):
    return quadratic(x)(x) + quadratic(x * x)(3.0)


def first(x):
    return 3.0 * x**2 + 18.0 * x


def second(x):
    return 6.0 * x + 18.0
