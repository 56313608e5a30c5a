"""A gradient taken by the program itself, of a function that captures what the outer one is taken by."""

from adjudicate import grad


def at():
    return (3.0,)


def f(x):
    return x * grad(lambda y: x * y * y)(2.0)


def first(x):
    return 8.0 * x


def second(x):
    return 8.0
