"""Functions of the language that are written in the language.

A function's name is that in the language with underscores for dots: `np_linalg_norm`. Names that
begin with an underscore are used by the specialiser and here. Each means exactly what NumPy means,
for the arguments it takes; what is not implemented is refused.
"""

import numpy as np


# Derivatives and Python's own.


def jvp(f, primals, tangents):
    value, _ = vjp(f, *primals)
    return value, _push_forward(f, primals, tangents)


def _push_forward(f, at, vectors):
    value, pull = vjp(f, *at)
    _, push = vjp(pull, _zeros_of(value))
    return push(_tangents(at, vectors))[0]


def functools_reduce(function, sequence, initial=None):
    if initial is None:
        total = sequence[0]
        for item in sequence[1:]:
            total = function(total, item)
        return total
    total = initial
    for item in sequence:
        total = function(total, item)
    return total


# Elementary functions.


def np_square(x):
    return np.multiply(x, x) if np.ndim(x) == 0 else np.asarray(x) ** 2


def np_reciprocal(x):
    return 1.0 / np.asarray(x)


def np_exp2(x):
    return np.float_power(2.0, x)


def np_log2(x):
    return np.log(x) / 0.6931471805599453


def np_log10(x):
    return np.log(x) / 2.302585092994046


def np_hypot(x1, x2):
    size = np.maximum(np.abs(x1), np.abs(x2))
    scale = np.where(size > 1e150, 1e-200, np.where(size < 1e-150, 1e200, 1.0))
    a, b = x1 * scale, x2 * scale
    length = np.sqrt(a * a + b * b) / scale
    return np.where(np.isinf(x1) | np.isinf(x2), np.inf, length)


def np_arcsinh(x):
    size = np.abs(np.float64(x))
    large = size > 1e8
    small = np.where(large, 1.0, size)
    near = np.log1p(small + small * small / (1.0 + np.sqrt(small * small + 1.0)))
    far = np.log(np.where(large, size, 1.0)) + 0.6931471805599453
    positive = np.where(large, far, near)
    return np.where(np.asarray(x) < 0.0, -positive, positive)


def np_arccosh(x):
    large = np.asarray(x) > 1e8
    small = np.where(large, 2.0, x) - 1.0
    near = np.log1p(small + np.sqrt(small) * np.sqrt(small + 2.0))
    return np.where(large, np.log(x) + 0.6931471805599453, near)


def np_arctanh(x):
    return 0.5 * (np.log1p(x) - np.log1p(np.negative(x)))


np_asinh = np_arcsinh
np_acosh = np_arccosh
np_atanh = np_arctanh


def np_logaddexp(x1, x2):
    first = np.asarray(x1) >= x2
    top, low = np.where(first, x1, x2), np.where(first, x2, x1)
    gap = np.where(np.isinf(top) & (top == low), 0.0, low - top)
    return top + np.log1p(np.exp(gap))


def np_logaddexp2(x1, x2):
    two = 0.6931471805599453
    return np.logaddexp(x1 * two, x2 * two) / two


def np_trunc(x):
    return np.where(np.asarray(x) < 0, np.ceil(x), np.floor(x))


def np_round(a, decimals=0):
    if _kind(a) != "float" and _known(decimals) >= 0:
        return np.asarray(a)
    if _known(decimals) == 0:
        return _round(a)
    if _known(decimals) > 0:
        scale = 10.0 ** decimals
        return _round(a * scale) / scale
    scale = 10.0 ** -decimals
    return _round(a / scale) * scale


def _round(a):
    below = np.floor(a)
    rest = a - below
    odd = below % 2 == 1
    nearest = np.where((rest > 0.5) | ((rest == 0.5) & odd), below + 1, below)
    return np.where(np.isfinite(a), np.where(np.asarray(a) < 0, -np.abs(nearest), nearest), a)


def np_fmod(x1, x2):
    rest = np.abs(x1) % np.abs(x2)
    return np.where(np.asarray(x1) < 0, -rest, rest)


def np_fmax(x1, x2):
    return np.where(np.isnan(x1), x2, np.where(np.isnan(x2), x1, np.maximum(x1, x2)))


def np_fmin(x1, x2):
    return np.where(np.isnan(x1), x2, np.where(np.isnan(x2), x1, np.minimum(x1, x2)))


def np_copysign(x1, x2):
    negative = (np.asarray(x2) < 0) | ((np.asarray(x2) == 0) & (1.0 / np.float64(x2) < 0))
    size = np.fabs(x1)
    return np.where(negative, -size, size)


def np_heaviside(x1, x2):
    step = np.where(np.asarray(x1) < 0, 0.0, np.where(np.asarray(x1) == 0, x2, 1.0))
    return np.where(np.isnan(x1), x1, step)


def np_sinc(x):
    # sin(y) / y; near 0, where its derivatives cancel, 1 - y**2/3! + y**4/5! - ... by Horner's scheme, the Taylor series to
    # y**18/19!: the first term left out is below 1e-22 there, and below 1e-14 in the fourth derivative.
    y = np.pi * np.asarray(x)
    near = np.abs(y) < 0.75
    s = np.square(np.where(near, y, 0.0))
    far = np.where(near, 1.0, y)
    inner = 1.0 - s / 110.0 * (1.0 - s / 156.0 * (1.0 - s / 210.0 * (1.0 - s / 272.0 * (1.0 - s / 342.0))))
    series = 1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0 * inner)))
    return np.where(near, series, np.sin(far) / far)


def np_deg2rad(x):
    return x * (np.pi / 180.0)


def np_rad2deg(x):
    return x * (180.0 / np.pi)


np_radians = np_deg2rad
np_degrees = np_rad2deg


def np_nan_to_num(x, *, nan=0.0, posinf=None, neginf=None):
    if _kind(x) != "float":
        return np.asarray(x)
    high = 1.7976931348623157e308 if posinf is None else posinf
    low = -1.7976931348623157e308 if neginf is None else neginf
    infinite = np.where(np.isinf(x), np.where(np.asarray(x) > 0, high, low), x)
    return np.where(np.isnan(x), nan, infinite)


def np_clip(a, a_min=None, a_max=None, *, min=None, max=None):
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    bounded = a if low is None else np.maximum(a, low)
    return np.asarray(bounded) if high is None else np.minimum(bounded, high)


def np_isclose(a, b, rtol=1e-05, atol=1e-08, *, equal_nan=False):
    near = np.abs(np.subtract(a, b)) <= atol + rtol * np.abs(b)
    same = np.where(np.isfinite(a) & np.isfinite(b), near, np.equal(a, b))
    return same | (np.isnan(a) & np.isnan(b)) if equal_nan else same


def np_allclose(a, b, rtol=1e-05, atol=1e-08, *, equal_nan=False):
    return np.all(np.isclose(a, b, rtol, atol, equal_nan=equal_nan))


def np_array_equal(a1, a2):
    return np.all(np.equal(a1, a2)) if np.shape(a1) == np.shape(a2) else False


# The module `math`, which takes numbers.


def math_log(x, base=None):
    return np.log(_number(x)) if base is None else np.log(_number(x)) / np.log(_number(base))


def math_log2(x):
    return np.log2(_number(x))


def math_log10(x):
    return np.log10(_number(x))


def math_exp2(x):
    return np.exp2(_number(x))


def math_asinh(x):
    return np.arcsinh(_number(x))


def math_acosh(x):
    return np.arccosh(_number(x))


def math_atanh(x):
    return np.arctanh(_number(x))


def math_atan2(y, x):
    return np.arctan2(_number(y), _number(x))


def math_hypot(x, y):
    return np.hypot(_number(x), _number(y))


def math_fmod(x, y):
    return np.fmod(float(x), float(y))


def math_copysign(x, y):
    return np.copysign(_number(x), _number(y))


def math_radians(x):
    return np.deg2rad(_number(x))


def math_degrees(x):
    return np.rad2deg(_number(x))


def math_isnan(x):
    return np.isnan(_number(x))


def math_isinf(x):
    return np.isinf(_number(x))


def math_isfinite(x):
    return np.isfinite(_number(x))


def math_isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0):
    near = np.abs(a - b) <= np.maximum(rel_tol * np.maximum(np.abs(a), np.abs(b)), abs_tol)
    return np.where(np.isfinite(_number(a)) & np.isfinite(_number(b)), near, a == b)


def math_dist(p, q):
    return np.sqrt(np.sum((np.asarray(p) - np.asarray(q)) ** 2))


def math_fsum(seq):
    return np.sum(np.asarray(seq) * 1.0)


def math_prod(iterable, *, start=1):
    return np.prod(np.asarray(iterable)) * start


def _number(x):
    return x if np.ndim(x) == 0 else _refuse("this function of `math` takes a number, not an array", "write `np.` for `math.`")


# Statistics.


def np_mean(a, axis=None, *, keepdims=False):
    total = np.sum(a, axis, keepdims=keepdims)
    return total / (np.size(a) / np.size(total))


def np_average(a, axis=None, weights=None, *, keepdims=False):
    if weights is None:
        return np.mean(a, axis, keepdims=keepdims)
    if np.shape(weights) == np.shape(a):
        return np.sum(np.multiply(a, weights), axis, keepdims=keepdims) / np.sum(weights, axis, keepdims=keepdims)
    if axis is None or np.ndim(weights) != 1:
        return _refuse("weights of another shape than the array's weigh one axis", "give `axis`, and weights of one axis")
    along = np.moveaxis(np.multiply(np.moveaxis(a, axis, -1), weights), -1, axis)
    return np.sum(along, axis, keepdims=keepdims) / np.sum(weights)


def np_var(a, axis=None, *, ddof=0, keepdims=False):
    centred = a - np.mean(a, axis, keepdims=True)
    total = np.sum(centred * centred, axis, keepdims=keepdims)
    return total / (np.size(a) / np.size(total) - ddof)


def np_std(a, axis=None, *, ddof=0, keepdims=False):
    return np.sqrt(np.var(a, axis, ddof=ddof, keepdims=keepdims))


def np_ptp(a, axis=None, *, keepdims=False):
    return np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)


def np_count_nonzero(a, axis=None, *, keepdims=False):
    return np.sum(np.not_equal(a, 0), axis, keepdims=keepdims)


def np_nansum(a, axis=None, *, keepdims=False):
    return np.sum(np.where(np.isnan(a), 0, a), axis, keepdims=keepdims)


def np_nanprod(a, axis=None, *, keepdims=False):
    return np.prod(np.where(np.isnan(a), 1, a), axis, keepdims=keepdims)


def np_nanmean(a, axis=None, *, keepdims=False):
    there = np.sum(~np.isnan(a), axis, keepdims=keepdims)
    return np.nansum(a, axis, keepdims=keepdims) / there


def np_nanvar(a, axis=None, *, ddof=0, keepdims=False):
    centred = np.where(np.isnan(a), 0.0, a - np.nanmean(a, axis, keepdims=True))
    there = np.sum(~np.isnan(a), axis, keepdims=keepdims)
    return np.sum(centred * centred, axis, keepdims=keepdims) / (there - ddof)


def np_nanstd(a, axis=None, *, ddof=0, keepdims=False):
    return np.sqrt(np.nanvar(a, axis, ddof=ddof, keepdims=keepdims))


def np_nanmax(a, axis=None, *, keepdims=False):
    if _kind(a) != "float":
        return np.max(a, axis, keepdims=keepdims)
    best = np.max(np.where(np.isnan(a), -np.inf, a), axis, keepdims=keepdims)
    return np.where(np.all(np.isnan(a), axis, keepdims=keepdims), np.nan, best)


def np_nanmin(a, axis=None, *, keepdims=False):
    if _kind(a) != "float":
        return np.min(a, axis, keepdims=keepdims)
    best = np.min(np.where(np.isnan(a), np.inf, a), axis, keepdims=keepdims)
    return np.where(np.all(np.isnan(a), axis, keepdims=keepdims), np.nan, best)


def np_median(a, axis=None, *, keepdims=False):
    if axis is None:
        middle = np.median(np.ravel(a), 0)
        return np.reshape(middle, (1,) * np.ndim(a)) if keepdims else middle
    last = np.sort(np.moveaxis(a, axis, -1))
    n = last.shape[-1]
    middle = (last[..., (n - 1) // 2] + last[..., n // 2]) / 2
    spoilt = np.any(np.isnan(last), -1)
    middle = np.where(spoilt, np.nan, middle)
    return np.expand_dims(middle, axis) if keepdims else middle


# Running sums and products, order.


def np_cumprod(a, axis=None):
    if axis is None:
        return np.cumprod(np.ravel(a), 0)
    front = np.moveaxis(a, axis, 0) * 1
    n = front.shape[0]
    step = 1
    while step < n:
        front = _cumprod_step(front, step)
        step = 2 * step
    return np.moveaxis(front, 0, axis)


def _cumprod_step(x, step):
    i = np.arange(x.shape[0])
    before = x[np.maximum(i - step, 0)]
    there = np.reshape(i >= step, (-1,) + (1,) * (np.ndim(x) - 1))
    return x * np.where(there, before, 1)


def np_diff(a, n=1, axis=-1):
    x = np.moveaxis(a, axis, 0)
    for _ in range(n):
        x = x[1:] ^ x[:-1] if _kind(x) == "bool" else x[1:] - x[:-1]
    return np.moveaxis(x, 0, axis)


def np_trapezoid(y, x=None, dx=1.0, axis=-1):
    last = np.moveaxis(y, axis, -1)
    width = dx if x is None else (np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(x, axis, -1)))
    return np.sum(width * (last[..., 1:] + last[..., :-1]) / 2.0, -1)


def np_argsort(a, axis=-1, *, stable=True):
    if axis is None:
        return np.argsort(np.ravel(a), 0)
    last = np.moveaxis(a, axis, -1)
    n = last.shape[-1]
    one, other = np.expand_dims(last, -1), np.expand_dims(last, -2)
    later = np.arange(n)[:, None] > np.arange(n)[None, :]
    less = (other < one) | (np.isnan(one) & ~np.isnan(other))
    equal = (other == one) | (np.isnan(one) & np.isnan(other))
    rank = np.sum(less | (equal & later), -1)
    order = np.sum(np.where(np.expand_dims(rank, -2) == np.arange(n)[:, None], np.arange(n), 0), -1)
    return np.moveaxis(order, -1, axis)


def np_sort(a, axis=-1, *, stable=True):
    if axis is None:
        return np.sort(np.ravel(a), 0)
    return np.take_along_axis(a, np.argsort(a, axis), axis)


def np_take_along_axis(arr, indices, axis=-1):
    if axis is None:
        return np.take(arr, indices)
    last, at = np.moveaxis(arr, axis, -1), np.moveaxis(indices, axis, -1)
    rows = np.reshape(last, (np.size(last) // last.shape[-1], last.shape[-1]))
    picked = rows[np.arange(rows.shape[0])[:, None], np.reshape(at, (rows.shape[0], at.shape[-1]))]
    return np.moveaxis(np.reshape(picked, at.shape), -1, axis)


def np_searchsorted(a, v, side="left"):
    if side != "left" and side != "right":
        return _refuse("`side` is \"left\" or \"right\"", "")
    each = np.expand_dims(v, -1)
    before = np.asarray(a) < each if side == "left" else np.asarray(a) <= each
    return np.sum(before, -1)


def np_interp(x, xp, fp, left=None, right=None):
    xs, ys = np.asarray(xp), np.asarray(fp)
    i = np.clip(np.searchsorted(xs, x, "right") - 1, 0, np.size(xs) - 2)
    slope = (ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i])
    inside = ys[i] + slope * (x - xs[i])
    low, high = ys[0] if left is None else left, ys[-1] if right is None else right
    below, above = np.asarray(x) < xs[0], np.asarray(x) > xs[-1]
    return np.where(below, low, np.where(above, high, np.where(np.asarray(x) == xs[-1], ys[-1], inside)))


# Joining and splitting.


def np_atleast_1d(a):
    return np.reshape(a, (1,)) if np.ndim(a) == 0 else np.asarray(a)


def np_atleast_2d(a):
    return np.reshape(a, (1, -1)) if np.ndim(a) < 2 else np.asarray(a)


def np_atleast_3d(a):
    if np.ndim(a) == 2:
        return np.expand_dims(a, 2)
    return np.reshape(a, (1, -1, 1)) if np.ndim(a) < 2 else np.asarray(a)


def np_vstack(tup):
    return np.concatenate([np.atleast_2d(a) for a in tup], 0)


def np_hstack(tup):
    parts = [np.atleast_1d(a) for a in tup]
    return np.concatenate(parts, 0 if np.ndim(parts[0]) == 1 else 1)


def np_dstack(tup):
    return np.concatenate([np.atleast_3d(a) for a in tup], 2)


def np_column_stack(tup):
    return np.concatenate([np.reshape(a, (-1, 1)) if np.ndim(a) < 2 else np.asarray(a) for a in tup], 1)


def np_append(arr, values, axis=None):
    return np.concatenate((arr, values), axis) if axis is not None else np.concatenate((np.ravel(arr), np.ravel(values)))


def np_array_split(ary, indices_or_sections, axis=0):
    n = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0:
        k = indices_or_sections
        stops = [i * (n // k) + (i if i < n % k else n % k) for i in range(k + 1)]
    else:
        stops = [0] + list(indices_or_sections) + [n]
    front = np.moveaxis(ary, axis, 0)
    return [np.moveaxis(front[stops[i]:stops[i + 1]], 0, axis) for i in range(len(stops) - 1)]


def np_split(ary, indices_or_sections, axis=0):
    if np.ndim(indices_or_sections) == 0:
        if np.shape(ary)[_known(axis)] % _known(indices_or_sections) != 0:
            return _refuse("the array does not split into equal parts", "write `np.array_split`")
    return np.array_split(ary, indices_or_sections, axis)


def np_vsplit(ary, indices_or_sections):
    return np.split(ary, indices_or_sections, 0)


def np_hsplit(ary, indices_or_sections):
    return np.split(ary, indices_or_sections, 0 if np.ndim(ary) == 1 else 1)


def np_dsplit(ary, indices_or_sections):
    return np.split(ary, indices_or_sections, 2)


# Rearranging.


def np_flip(m, axis=None):
    axes = range(np.ndim(m)) if axis is None else (axis if np.ndim(axis) == 1 else (axis,))
    for i in axes:
        m = np.moveaxis(np.moveaxis(m, i, 0)[::-1], 0, i)
    return m


def np_flipud(m):
    return np.flip(m, 0)


def np_fliplr(m):
    return np.flip(m, 1)


def np_rot90(m, k=1, axes=(0, 1)):
    first, second = axes
    k = _known(k)
    if k % 4 == 0:
        return np.asarray(m)
    if k % 4 == 2:
        return np.flip(m, (first, second))
    if k % 4 == 1:
        return np.swapaxes(np.flip(m, second), first, second)
    return np.flip(np.swapaxes(m, first, second), second)


def np_roll(a, shift, axis=None):
    if axis is None:
        return np.reshape(_roll(np.ravel(a), shift, 0), np.shape(a))
    if np.ndim(axis) == 0:
        return _roll(a, shift, axis)
    for i in range(len(axis)):
        a = _roll(a, shift[i] if np.ndim(shift) == 1 else shift, axis[i])
    return a


def _roll(a, shift, axis):
    n = np.shape(a)[axis]
    return np.take(a, (np.arange(n) - shift) % (n if n > 0 else 1), axis)


def np_rollaxis(a, axis, start=0):
    source = axis + np.ndim(a) if axis < 0 else axis
    target = start + np.ndim(a) if start < 0 else start
    return np.moveaxis(a, source, target - 1 if source < target else target)


def np_tile(A, reps):
    counts = reps if np.ndim(reps) == 1 else (reps,)
    shape = (1,) * (len(counts) - np.ndim(A)) + np.shape(A)
    counts = (1,) * (len(shape) - len(counts)) + tuple(counts)
    x = np.reshape(A, shape)
    for i in range(len(shape)):
        x = np.take(x, np.arange(shape[i] * counts[i]) % (shape[i] if shape[i] > 0 else 1), i)
    return x


def np_repeat(a, repeats, axis=None):
    if axis is None:
        return np.repeat(np.ravel(a), repeats, 0)
    n = np.shape(a)[axis]
    if np.ndim(repeats) == 0:
        return np.take(a, np.arange(n * repeats) // (repeats if repeats > 0 else 1), axis)
    at = ()
    for i in range(n):
        at = at + (i,) * repeats[i]
    return np.take(a, np.asarray(at), axis)


def np_pad(array, pad_width, mode="constant", *, constant_values=0):
    rank = np.ndim(array)
    if np.ndim(pad_width) == 0:
        widths = ((pad_width, pad_width),) * rank
    elif np.ndim(pad_width) == 1:
        widths = ((pad_width[0], pad_width[-1]),) * rank
    elif len(pad_width) == 1:
        widths = tuple(pad_width) * rank
    else:
        widths = pad_width
    x = np.asarray(array)
    for i in range(rank):
        x = _pad(x, widths[i][0], widths[i][1], i, mode, constant_values)
    return x


def _pad(x, before, after, axis, mode, fill):
    n = x.shape[axis]
    i = np.arange(n + before + after) - before
    if mode == "constant":
        inside = np.reshape((i >= 0) & (i < n), (-1,) + (1,) * (np.ndim(x) - 1 - axis))
        return np.where(inside, np.take(x, np.clip(i, 0, n - 1), axis), fill)
    if mode == "edge":
        return np.take(x, np.clip(i, 0, n - 1), axis)
    if mode == "wrap":
        return np.take(x, i % n, axis)
    if mode == "symmetric":
        return np.take(x, np.minimum(i % (2 * n), 2 * n - 1 - i % (2 * n)), axis)
    if mode == "reflect":
        period = 2 * n - 2 if n > 1 else 1
        return np.take(x, np.minimum(i % period, period - i % period) if n > 1 else i * 0, axis)
    return _refuse("this mode of `np.pad` is not supported", "use constant, edge, wrap, symmetric or reflect")


def np_meshgrid(x, y=None, z=None, *, indexing="xy"):
    given = [a for a in (x,)] if y is None else ((x, y) if z is None else (x, y, z))
    count = len(given)
    if indexing != "xy" and indexing != "ij":
        return _refuse("`indexing` is \"xy\" or \"ij\"", "")
    place = (1, 0, 2) if indexing == "xy" and count > 1 else (0, 1, 2)
    shape = [np.size(given[place[i]]) for i in range(count)]
    along = lambda i: np.reshape(given[i], (1,) * place[i] + (-1,) + (1,) * (count - 1 - place[i]))
    return [np.broadcast_to(along(i), shape) for i in range(count)]


def np_broadcast_arrays(a, b):
    shape = np.shape(np.where(True, a * 0 == 0, b * 0 == 0) | np.where(True, b * 0 == 0, a * 0 == 0))
    return np.broadcast_to(a, shape), np.broadcast_to(b, shape)


def np_select(condlist, choicelist, default=0):
    result = default
    for i in range(len(condlist)):
        k = len(condlist) - 1 - i
        result = np.where(condlist[k], choicelist[k], result)
    return result


# Diagonals and small linear algebra.


def np_diagonal(a, offset=0, axis1=0, axis2=1):
    x = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2], x.shape[-1]
    down, right = (0, offset) if offset >= 0 else (-offset, 0)
    height, width = rows - down, columns - right
    shorter = height if height < width else width
    count = shorter if shorter > 0 else 0
    flat = np.reshape(x, np.shape(x)[:-2] + (rows * columns,))
    return np.take(flat, (np.arange(count) + down) * columns + np.arange(count) + right, -1)


def np_trace(a, offset=0, axis1=0, axis2=1):
    return np.sum(np.diagonal(a, offset, axis1, axis2), -1)


def np_linalg_trace(x, *, offset=0):
    return np.trace(x, offset, -2, -1)


def np_linalg_diagonal(x, *, offset=0):
    return np.diagonal(x, offset, -2, -1)


def np_diag(v, k=0):
    if np.ndim(v) == 2:
        return np.diagonal(v, k)
    return np.diagflat(v, k) if np.ndim(v) == 1 else _refuse("`np.diag` takes a vector or a matrix", "")


def np_diagflat(v, k=0):
    x = np.ravel(v)
    n = np.size(x)
    size = n + (k if k >= 0 else -k)
    i, j = np.arange(size)[:, None], np.arange(size)[None, :]
    at = i if k >= 0 else j
    return np.where(j - i == k, x[np.clip(at, 0, n - 1)], 0)


def np_outer(a, b):
    return np.reshape(a, (np.size(a), 1)) * np.reshape(b, (1, np.size(b)))


def np_linalg_outer(x1, x2):
    return np.outer(x1, x2)


def np_inner(a, b):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, ((-1,), (-1,)))


def np_vdot(a, b):
    return np.dot(np.ravel(a), np.ravel(b))


def np_vecdot(x1, x2, *, axis=-1):
    return np.sum(np.multiply(np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)), -1)


def np_linalg_vecdot(x1, x2, *, axis=-1):
    return np.vecdot(x1, x2, axis=axis)


def np_linalg_tensordot(x1, x2, *, axes=2):
    return np.tensordot(x1, x2, axes)


def np_kron(a, b):
    rank = np.ndim(a) if np.ndim(a) > np.ndim(b) else np.ndim(b)
    one = (1,) * (rank - np.ndim(a)) + np.shape(a)
    other = (1,) * (rank - np.ndim(b)) + np.shape(b)
    left, right, shape = (), (), ()
    for i in range(rank):
        left = left + (one[i], 1)
        right = right + (1, other[i])
        shape = shape + (one[i] * other[i],)
    return np.reshape(np.reshape(a, left) * np.reshape(b, right), shape)


def np_cross(a, b, *, axis=-1):
    x, y = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    if np.shape(x)[-1] != 3 or np.shape(y)[-1] != 3:
        return _refuse("`np.cross` takes vectors of three components", "")
    one = x[..., np.asarray((1, 2, 0))] * y[..., np.asarray((2, 0, 1))]
    other = x[..., np.asarray((2, 0, 1))] * y[..., np.asarray((1, 2, 0))]
    return np.moveaxis(one - other, -1, axis)


def np_polyval(p, x):
    total = np.asarray(x) * 0
    for c in p:
        total = total * x + c
    return total


def np_vander(x, N=None, increasing=False):
    n = np.size(x) if N is None else N
    powers = np.arange(n) if increasing else np.arange(n)[::-1]
    return np.asarray(x)[:, None] ** powers


def np_convolve(a, v, mode="full"):
    n, m = np.size(a), np.size(v)
    if m > n:
        return np.convolve(v, a, mode)
    wide = np.pad(a, m - 1)
    windows = wide[np.arange(n + m - 1)[:, None] + np.arange(m)[None, :]]
    full = windows @ np.flip(v)
    if mode == "full":
        return full
    if mode == "same":
        return full[(m - 1) // 2:(m - 1) // 2 + n]
    return full[m - 1:n] if mode == "valid" else _refuse("`mode` is \"full\", \"same\" or \"valid\"", "")


def np_logspace(start, stop, num=50, endpoint=True, base=10.0):
    return np.float_power(base, np.linspace(start, stop, num, endpoint))


# Norms: the specialiser turns `ord` into a name, "power" for that which `p` says.


def _vector_norm(x, kind, p, axis, keepdims):
    if kind == "2":
        return np.sqrt(np.sum(np.multiply(x, x), axis, keepdims=keepdims))
    if kind == "inf":
        return np.max(np.fabs(x), axis, keepdims=keepdims)
    if kind == "-inf":
        return np.min(np.fabs(x), axis, keepdims=keepdims)
    if kind == "0":
        return np.sum(np.not_equal(x, 0), axis, keepdims=keepdims) * 1.0
    if kind == "1":
        return np.sum(np.fabs(x), axis, keepdims=keepdims)
    return np.sum(np.fabs(x) ** p, axis, keepdims=keepdims) ** (1.0 / p)


def _matrix_norm(x, kind, row, column, keepdims):
    if kind == "fro":
        return np.sqrt(np.sum(np.multiply(x, x), (row, column), keepdims=keepdims))
    sums = np.sum(np.fabs(x), row if kind == "1" or kind == "-1" else column, keepdims=True)
    both = (row, column)
    if kind == "1" or kind == "inf":
        return np.max(sums, both, keepdims=keepdims)
    return np.min(sums, both, keepdims=keepdims)


def np_linalg_matrix_power(a, n):
    n = _known(n)
    if n < 0:
        return np.linalg.matrix_power(np.linalg.inv(a), -n)
    if n == 0:
        return np.broadcast_to(np.eye(np.shape(a)[-1]), np.shape(a))
    half = np.linalg.matrix_power(a, n // 2) if n > 1 else a
    if n == 1:
        return np.asarray(a)
    return half @ half @ a if n % 2 == 1 else half @ half


def np_linalg_multi_dot(arrays):
    total = arrays[0]
    for a in arrays[1:]:
        total = total @ a
    return total


# Systems of linear equations, by elimination with partial pivoting.


def _square(a):
    if np.ndim(a) != 2:
        return _refuse("this function takes one square matrix", "call it for each matrix of a stack")
    if np.shape(a)[0] != np.shape(a)[1]:
        return _refuse("the matrix is not square", "")
    return np.asarray(a) * 1.0


def _swap(i, m):
    rows = np.arange(np.shape(m)[0])
    p = np.argmax(np.where(rows < i, -1.0, np.abs(m[:, i])))
    return p, np.where(rows == i, p, np.where(rows == p, i, rows))


def _eliminated(m, n):
    rows = np.arange(n)
    i = 0
    while i < n:
        _, order = _swap(i, m)
        m = m[order]
        top = m[i] / m[i, i]
        factor = np.where(rows == i, 0.0, m[:, i])
        m = np.where((rows == i)[:, None], top, m - factor[:, None] * top)
        i = i + 1
    return m


def np_linalg_solve(a, b):
    m = _square(a)
    n = np.shape(m)[0]
    if np.ndim(b) > 2 or np.ndim(b) == 0:
        return _refuse("the right-hand side is a vector or a matrix", "call it for each of a stack")
    if np.ndim(b) == 1:
        return np.linalg.solve(a, np.reshape(b, (-1, 1)))[:, 0]
    return _eliminated(np.concatenate((m, b), 1), n)[:, n:]


def np_linalg_inv(a):
    return np.linalg.solve(a, np.eye(np.shape(a)[-1]))


def _pivots(m):
    n = np.shape(m)[0]
    rows = np.arange(n)
    sign = 1.0
    i = 0
    while i < n:
        p, order = _swap(i, m)
        m = m[order]
        sign = np.where(p == i, sign, -sign)
        pivot = m[i, i]
        factor = np.where(rows <= i, 0.0, m[:, i] / np.where(pivot == 0.0, 1.0, pivot))
        m = m - factor[:, None] * m[i]
        i = i + 1
    return sign, np.diagonal(m)


def np_linalg_det(a):
    sign, pivots = _pivots(_square(a))
    return sign * np.prod(pivots)


def np_linalg_slogdet(a):
    sign, pivots = _pivots(_square(a))
    return sign * np.prod(np.sign(pivots)), np.sum(np.log(np.abs(pivots)))


def np_linalg_cholesky(a):
    m = _square(a)
    n = np.shape(m)[0]
    rows = np.arange(n)
    low = m * 0.0
    i = 0
    while i < n:
        column = m[:, i] - low @ low[i]
        column = np.where(rows < i, 0.0, column / np.sqrt(column[i]))
        low = np.where(rows == i, column[:, None], low)
        i = i + 1
    return low
