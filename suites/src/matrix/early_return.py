"""A `return` out of the middle of a loop."""


def at():
    return (2.0,)


def f(x):
    y = x
    for i in range(100):
        if y > 10.0:
            return y * x
        y = y * x
    return y


def first(x):
    return 5.0 * x**4


def second(x):
    return 20.0 * x**3
