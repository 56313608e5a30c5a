"""Functions of functions: numerals, composition and a generator of polynomials."""


def compose(g, h):
    return lambda x: g(h(x))


def repeat(g, n):
    return (lambda x: x) if n == 0 else compose(g, repeat(g, n - 1))


def make(coefficients):
    if len(coefficients) == 0:
        return lambda x: 0.0
    rest = make(coefficients[1:])
    return lambda x: coefficients[0] + x * rest(x)


def f(x, n):
    step = lambda y: 0.5 * y * y + x
    return repeat(step, 3)(x) * make((1.0, 2.0, x))(x) + repeat(lambda y: y + x, n)(1.0)


ARGS = '[0.7, 2]'
