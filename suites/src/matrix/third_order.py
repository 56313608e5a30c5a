"""A branch in a loop that ends on data, three times differentiated."""


def at():
    return (2.0,)


def f(x):
    y = 1.0
    while y < 10.0:
        if y > 3.0:
            y = y * x * x
        else:
            y = y * x
    return y


def first(x):
    return 4.0 * x**3


def second(x):
    return 12.0 * x**2


def third(x):
    return 24.0 * x
