"""`break` and `continue` on data."""


def at():
    return (2.0,)


def f(x):
    y = 1.0
    for i in range(100):
        if i == 1:
            continue
        if y > 10.0:
            break
        y = y * x
    return y


def first(x):
    return 4.0 * x**3


def second(x):
    return 12.0 * x**2
