"""A variable captured through a function that does not use it itself."""


def at():
    return (2.0,)


def f(x):
    def outer(y):
        def inner(z):
            return x * y * z

        return inner

    return outer(x)(x * x)


def first(x):
    return 4.0 * x**3


def second(x):
    return 12.0 * x**2
