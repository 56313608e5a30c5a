"""A function inside another, which it shares a variable with."""


def at():
    return (3.0,)


def f(x):
    def scaled(y):
        return x * y

    return scaled(x) + scaled(2.0)


def first(x):
    return 2.0 * x + 2.0


def second(x):
    return 2.0
