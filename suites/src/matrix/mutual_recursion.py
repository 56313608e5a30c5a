"""Two functions that call each other until the data says so."""


def at():
    return (3.0,)


def even(y):
    if y < 1.0:
        return y
    return y * odd(y / 2.0)


def odd(y):
    if y < 1.0:
        return y
    return 2.0 * even(y / 2.0)


def f(x):
    return even(x)


def restructured(x):
    """One loop that knows whose turn it is."""
    y = x
    z = 1.0
    turn = True
    while not y < 1.0:
        z = z * y if turn else 2.0 * z
        turn = not turn
        y = y / 2.0
    return z * y


def first(x):
    return x


def second(x):
    return 1.0
