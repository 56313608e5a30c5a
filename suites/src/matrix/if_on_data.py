"""An `if` whose condition depends on what is differentiated."""


def at():
    return (2.0,)


def f(x):
    if x * x > 3.0:
        y = x * x * x
    else:
        y = x
    return x * y


def first(x):
    return 4.0 * x**3


def second(x):
    return 12.0 * x**2
