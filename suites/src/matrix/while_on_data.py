"""A `while` that ends when the data says so: here after three trips."""


def at():
    return (2.0,)


def f(x):
    y = x
    while y < 10.0:
        y = y * x
    return y


def first(x):
    return 4.0 * x**3


def second(x):
    return 12.0 * x**2
