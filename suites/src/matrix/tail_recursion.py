"""A recursion that has nothing left to do after its call."""


def at():
    return (2.0,)


def grow(x, y):
    if y > 10.0:
        return y
    return grow(x, y * x)


def f(x):
    return grow(x, x)


def first(x):
    return 4.0 * x**3


def second(x):
    return 12.0 * x**2
