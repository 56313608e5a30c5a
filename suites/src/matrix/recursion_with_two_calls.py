"""A recursion with two calls that ends on the numbers themselves: as deep and as wide as the data says.
At 4 it is x/8 + 13x²/48 + x³/27."""


def at():
    return (4.0,)


def split(y):
    if y < 1.0:
        return y
    return split(y / 2.0) + y * split(y / 3.0)


def f(x):
    return split(x)


def first(x):
    return 1.0 / 8.0 + 13.0 * x / 24.0 + x**2 / 9.0


def second(x):
    return 13.0 / 24.0 + 2.0 * x / 9.0
