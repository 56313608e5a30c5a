"""Programs that the claims are checked on. Arguments are floats unless a function says otherwise."""

import numpy as np
from adjudicate import grad


def cube(x):
    return x**3


def fifth(x):
    return x**5


def two_layers(w, v, x):
    """w (2, 2), v (2,), x (2, 2), one example per row."""
    return np.sum((np.tanh(x @ w) @ v) ** 2)


def compose(f, g):
    return lambda x: f(g(x))


def twice(f):
    return compose(f, f)


def composed(x):
    """sin(sin(x * x)), with `x` captured as well: the inner function scales by it."""
    layers = [lambda y: y * x, np.sin, np.sin]
    out = lambda y: y
    for layer in layers:
        out = compose(layer, out)
    return twice(lambda y: y + out(x))(0.0)


def product(x, left, right, i):
    """The product over the leaves below node `i` of a binary tree, each x; `left[i] < 0` is a leaf."""
    if left[i] < 0:
        return x
    return product(x, left, right, left[i]) * product(x, left, right, right[i])


def tree(x, left, right):
    """x to the number of leaves; `left` and `right` are int arrays of children."""
    return product(x, left, right, 0)


def root(x):
    """The square root of x, by Newton's method until it no longer moves."""
    y = x
    while abs(y * y - x) > 1e-14 * x:
        y = 0.5 * (y + x / y)
    return y


def power(x, n):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


def everything(x):
    """x ** 6 for x > 1: a branch, a loop that ends on data, a recursion and a captured variable."""
    scale = lambda y: y * x
    y = 1.0
    if x > 1.0:
        while y < x:
            y = scale(y)
    else:
        y = x * x
    return scale(y) * power(x, 4)


def confusion(x):
    """x times the derivative of x * y by y, which is x * x."""
    return x * grad(lambda y: x * y)(1.0)
