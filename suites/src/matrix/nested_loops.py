"""A loop in a loop, as many trips as the outer counter says."""


def at():
    return (2.0,)


def f(x):
    y = 0.0
    for i in range(4):
        z = 1.0
        for _ in range(i):
            z = z * x
        y = y + z
    return y


def first(x):
    return 1.0 + 2.0 * x + 3.0 * x**2


def second(x):
    return 2.0 + 6.0 * x
