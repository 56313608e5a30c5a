"""Newton's method until the step is small, written as recursion."""


def solve(a, x):
    new = 0.5 * (x + a / x)
    return new if abs(new - x) < 1e-14 * abs(new) else solve(a, new)


def f(a):
    return solve(a, 1.0) ** 3 + solve(a + 1.0, a)


ARGS = '[2.5]'
