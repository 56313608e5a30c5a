//! The names of the functions of the language: what a model may mention, and what the front end
//! itself emits for operators and statements.

/// Functions that a model may mention, sorted. `np.…` stands for NumPy however it is imported.
pub const BUILTINS: &[&str] = &[
    "abs", "all", "any", "bool", "divmod", "enumerate", "float", "functools.partial",
    "functools.reduce", "grad", "hessian", "hvp", "int", "isinstance", "jacobian", "jvp", "len",
    "list", "map", "math.acos", "math.acosh", "math.asin", "math.asinh", "math.atan",
    "math.atan2", "math.atanh", "math.cbrt", "math.ceil", "math.comb", "math.copysign",
    "math.cos", "math.cosh", "math.degrees", "math.dist", "math.erf", "math.erfc", "math.exp",
    "math.exp2", "math.expm1", "math.fabs", "math.factorial", "math.floor", "math.fmod",
    "math.fsum", "math.gamma", "math.gcd", "math.hypot", "math.isclose", "math.isfinite",
    "math.isinf", "math.isnan", "math.isqrt", "math.lgamma", "math.log", "math.log10",
    "math.log1p", "math.log2", "math.pow", "math.prod", "math.radians", "math.sin", "math.sinh",
    "math.sqrt", "math.sumprod", "math.tan", "math.tanh", "math.trunc", "max", "min", "np.abs",
    "np.absolute", "np.add", "np.all", "np.allclose", "np.amax", "np.amin", "np.angle",
    "np.any", "np.append", "np.arange", "np.arccos", "np.arccosh", "np.arcsin", "np.arcsinh",
    "np.arctan", "np.arctan2", "np.arctanh", "np.argmax", "np.argmin", "np.argsort", "np.array",
    "np.array_equal", "np.asarray", "np.ascontiguousarray", "np.atleast_1d", "np.atleast_2d",
    "np.average", "np.bincount", "np.bool_", "np.broadcast_arrays", "np.broadcast_to",
    "np.cbrt", "np.ceil", "np.clip", "np.column_stack", "np.concat", "np.concatenate",
    "np.convolve", "np.copy", "np.cos", "np.cosh", "np.count_nonzero", "np.cross", "np.cumprod",
    "np.cumsum", "np.deg2rad", "np.diag", "np.diagflat", "np.diagonal", "np.diff", "np.divide",
    "np.dot", "np.dsplit", "np.dstack", "np.einsum", "np.empty", "np.empty_like", "np.equal",
    "np.exp", "np.exp2", "np.expand_dims", "np.expm1", "np.eye", "np.fabs", "np.flip",
    "np.fliplr", "np.flipud", "np.float32", "np.float64", "np.floor", "np.floor_divide",
    "np.fmax", "np.fmin", "np.fmod", "np.full", "np.full_like", "np.gradient", "np.greater",
    "np.greater_equal", "np.heaviside", "np.hsplit", "np.hstack", "np.hypot", "np.identity",
    "np.inner", "np.int32", "np.int64", "np.interp", "np.isclose", "np.isfinite", "np.isinf",
    "np.isnan", "np.kron", "np.less", "np.less_equal", "np.linalg.cholesky", "np.linalg.det",
    "np.linalg.eigh", "np.linalg.eigvalsh", "np.linalg.inv", "np.linalg.matmul",
    "np.linalg.matrix_norm", "np.linalg.matrix_power", "np.linalg.multi_dot", "np.linalg.norm",
    "np.linalg.outer", "np.linalg.pinv", "np.linalg.qr", "np.linalg.slogdet", "np.linalg.solve",
    "np.linalg.svd", "np.linalg.trace", "np.linalg.vector_norm", "np.linspace", "np.log",
    "np.log10", "np.log1p", "np.log2", "np.logaddexp", "np.logaddexp2", "np.logical_and",
    "np.logical_not", "np.logical_or", "np.logical_xor", "np.logspace", "np.matmul", "np.max",
    "np.maximum", "np.mean", "np.median", "np.meshgrid", "np.min", "np.minimum", "np.mod",
    "np.moveaxis", "np.multiply", "np.nan_to_num", "np.nanmax", "np.nanmean", "np.nanmin",
    "np.nansum", "np.ndim", "np.negative", "np.nonzero", "np.not_equal", "np.ones",
    "np.ones_like", "np.outer", "np.pad", "np.permute_dims", "np.polyval", "np.positive",
    "np.power", "np.prod", "np.ptp", "np.rad2deg", "np.ravel", "np.reciprocal", "np.remainder",
    "np.repeat", "np.reshape", "np.roll", "np.rollaxis", "np.rot90", "np.round",
    "np.searchsorted", "np.select", "np.shape", "np.sign", "np.sin", "np.sinc", "np.sinh",
    "np.size", "np.sort", "np.split", "np.sqrt", "np.square", "np.squeeze", "np.stack",
    "np.std", "np.subtract", "np.sum", "np.swapaxes", "np.take", "np.take_along_axis", "np.tan",
    "np.tanh", "np.tensordot", "np.tile", "np.trace", "np.transpose", "np.trapezoid", "np.tri",
    "np.tril", "np.triu", "np.true_divide", "np.trunc", "np.unravel_index", "np.vander",
    "np.var", "np.vdot", "np.vecdot", "np.vsplit", "np.vstack", "np.where", "np.zeros",
    "np.zeros_like", "pow", "range", "reversed", "round", "sum", "tuple", "value_and_grad",
    "vjp", "vmap", "zip",
];

/// Functions that only the front end mentions, for operators and statements.
pub const OPERATORS: &[&str] = &[
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "neg", "pos", "invert",
    "bitand", "bitor", "bitxor", "lshift", "rshift", "lt", "le", "gt", "ge", "eq", "ne", "not",
    "is", "is_not", "in", "truth", "getitem", "slice", "ellipsis", "getattr", "unpack",
    "iter_len", "iter_get", "map_items", "apply_star", "concat_tuples",
];

/// Functions that only the library mentions.
pub const INTERNAL: &[&str] = &["_zeros_of", "_unit", "_zero_rows", "_add_rows", "_shape_rows"];

/// The builtin of a name as a model writes it, with the module's name in front.
pub fn builtin(name: &str) -> Option<&'static str> {
    let known = BUILTINS.binary_search(&name).ok().map(|index| BUILTINS[index]);
    known.or_else(|| INTERNAL.iter().copied().find(|internal| *internal == name))
}

/// The members of a module, given the prefix that its builtins have: `np.`.
pub(super) fn with_prefix(prefix: &'static str) -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().filter_map(move |name| name.strip_prefix(prefix))
}

/// The candidate that is most like a name, if any is like it.
pub(super) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    let scored = candidates.map(|c| (strsim::damerau_levenshtein(name, c), c));
    let (distance, best) = scored.min()?;
    (distance <= 1 + name.len() / 4).then(|| best.to_owned())
}
