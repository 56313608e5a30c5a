"""A function that takes and returns functions."""


def at():
    return (2.0,)


def twice(g):
    return lambda y: g(g(y))


def f(x):
    return twice(twice(lambda y: y * x))(x)


def first(x):
    return 5.0 * x**4


def second(x):
    return 20.0 * x**3
