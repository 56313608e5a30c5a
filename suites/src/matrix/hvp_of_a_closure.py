"""A Hessian-vector product, taken by the program, of a function that captures what the gradient is taken by."""

from adjudicate import hvp


def at():
    return (3.0,)


def f(x):
    return hvp(lambda y: x * x * y**3)(2.0, 1.0)


def first(x):
    return 24.0 * x


def second(x):
    return 24.0
