"""A function that grows by one composition in each trip of a loop that ends on data."""


def at():
    return (2.0,)


def f(x):
    g = lambda y: y
    y = x
    while y < 10.0:
        g = lambda z, h=g: h(z * x)
        y = y * x
    return g(1.0)


def restructured(x):
    """The value carried along, not the function."""
    z = 1.0
    y = x
    while y < 10.0:
        z = z * x
        y = y * x
    return z


def first(x):
    return 3.0 * x**2


def second(x):
    return 6.0 * x
