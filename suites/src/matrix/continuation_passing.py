"""A recursion that hands on what is left to do as a function."""


def at():
    return (2.0, 3)


def power(x, n, k):
    if n == 0:
        return k(1.0)
    return power(x, n - 1, lambda y: k(x * y))


def f(x, n):
    return power(x, n, lambda y: y * x)


def restructured(x, n):
    """What is left to do done at once, in a loop."""
    y = 1.0
    for _ in range(n):
        y = x * y
    return y * x


def first(x, n):
    return 4.0 * x**3


def second(x, n):
    return 12.0 * x**2
