//! What the language leaves out, and what to write instead.

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};

const ARRAYS: &str = "arrays are immutable here: build the new array with np.where, np.concatenate or np.stack";
const RECORDS: &str = "records are immutable here: build a new one from the old one's fields";
const RETURN: &str = "functions are pure: return the value instead";

/// Why a statement is rejected.
pub(super) fn statement(stmt: &Stmt) -> (String, String) {
    let (what, help) = match stmt {
        Stmt::Delete(_) => ("`del` is not supported", "leave it out: what is not used costs nothing"),
        Stmt::Global(_) => ("`global` is not supported", RETURN),
        Stmt::Nonlocal(_) => ("`nonlocal` is not supported", RETURN),
        Stmt::With(_) => ("`with` is not supported", "leave it out: there are no resources to manage"),
        Stmt::Match(_) => ("`match` is not supported", "write `if` and `elif`"),
        Stmt::Raise(_) => ("`raise` is not supported", "return a value that says what went wrong, such as `math.nan`"),
        Stmt::Try(attempt) if attempt.body.iter().all(|s| s.is_import_stmt() || s.is_import_from_stmt()) => {
            ("`try` is not supported: there are no exceptions", "write the one `import` that the model needs")
        }
        Stmt::Try(_) => ("`try` is not supported: there are no exceptions", "test the condition with `if`"),
        Stmt::TypeAlias(_) => ("`type` is not supported", "write `Name = …` with names from `typing`"),
        _ => ("this statement is not supported", ""),
    };
    (what.to_owned(), help.to_owned())
}

/// Why an expression is rejected.
pub(super) fn expression(expr: &Expr) -> (String, String) {
    let (what, help) = match expr {
        Expr::Named(_) => ("`:=` is not supported", "assign the name on a line of its own"),
        Expr::Set(_) | Expr::SetComp(_) => ("sets are not supported", "write a tuple"),
        Expr::Await(_) => ("`await` is not supported", "write a plain call"),
        Expr::Yield(_) | Expr::YieldFrom(_) => {
            ("generators are not supported", "return a tuple, or write a comprehension")
        }
        Expr::FString(_) | Expr::TString(_) => {
            ("formatted strings are not supported", "strings are only used as keys and options, as constants")
        }
        Expr::BytesLiteral(_) => ("byte strings are not supported", ""),
        Expr::Starred(_) => {
            ("a starred expression is not supported here", "star arguments of a call or items of a tuple")
        }
        Expr::Slice(_) => ("a slice is only possible as an index", ""),
        _ => ("this expression is not supported", ""),
    };
    (what.to_owned(), help.to_owned())
}

/// Why an assignment target is rejected.
pub(super) fn target(target: &Expr) -> (String, String) {
    let name = |e: &Expr| e.as_name_expr().map_or("d".to_owned(), |name| name.id.to_string());
    let (what, help) = match target {
        Expr::Subscript(item) if item.slice.is_string_literal_expr() => {
            let key = item.slice.as_string_literal_expr().map_or("", |key| key.value.to_str());
            let help =
                format!("dictionaries are immutable here: write `{0} = {{**{0}, \"{key}\": …}}`", name(&item.value));
            return ("assignment to an item is not supported".to_owned(), help);
        }
        Expr::Subscript(_) => ("assignment to an item is not supported", ARRAYS),
        Expr::Attribute(_) => ("assignment to an attribute is not supported", RECORDS),
        _ => ("assignment to this is not supported", "assign to a name or a tuple of names"),
    };
    (what.to_owned(), help.to_owned())
}

/// Why an expression does not stand as a statement.
pub(super) fn effect(expr: &Expr) -> (String, String) {
    let nothing =
        ("this statement has no effect".to_owned(), "assign or return the value, or remove the line".to_owned());
    let Expr::Call(call) = expr else {
        return match expr {
            Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Await(_) => expression(expr),
            _ => nothing,
        };
    };
    match &*call.func {
        Expr::Name(called) if called.id.as_str() == "print" => {
            ("`print` has no effect: functions are pure".to_owned(), "remove it, or return the value".to_owned())
        }
        Expr::Name(called) => match name(called.id.as_str()) {
            Some(help) => (format!("`{}` is not supported", called.id), help.to_owned()),
            None => nothing,
        },
        Expr::Attribute(method) => {
            let object = match &*method.value {
                Expr::Name(name) => name.id.as_str(),
                _ => "xs",
            };
            let help = match method.attr.as_str() {
                "append" => format!("write `{object} = {object} + [value]`"),
                "extend" => format!("write `{object} = {object} + values`"),
                "insert" | "pop" | "remove" | "clear" => {
                    format!("tuples are immutable here: build a new one from slices of `{object}`")
                }
                "sort" => "arrays are immutable here: write `np.sort`".to_owned(),
                "update" => "records are immutable here: build a new dictionary".to_owned(),
                "fill" | "put" => ARRAYS.to_owned(),
                other => match member(other) {
                    Some(help) => return (format!("`{object}.{other}` is not supported"), help.to_owned()),
                    None => return nothing,
                },
            };
            (format!("`{object}.{}` has no effect: values are immutable", method.attr), help)
        }
        _ => nothing,
    }
}

/// Why a statement is rejected in a class.
pub(super) fn class_item(stmt: &Stmt) -> (String, String) {
    match stmt {
        Stmt::FunctionDef(def) => (
            format!("the method `{}` is not supported: classes here are plain records", def.name),
            "write a function that takes the record as its first argument".to_owned(),
        ),
        _ => (
            "a class may only have annotated fields here".to_owned(),
            "write `name: float` or `name: float = 0.0`".to_owned(),
        ),
    }
}

/// What to do instead of using a name of Python that the language leaves out.
pub(super) fn name(name: &str) -> Option<&'static str> {
    Some(match name {
        "print" | "breakpoint" | "help" => "functions are pure: return the value instead",
        "open" | "input" | "__import__" => "functions are pure: pass the data in as an argument",
        "set" | "frozenset" => "sets are not supported: write a tuple",
        "filter" => "write `[x for x in xs if …]`, with a condition that is known before the program runs",
        "sorted" => "write `np.sort`",
        "str" | "repr" | "format" | "ascii" | "chr" | "ord" | "bytes" | "bytearray" | "bin" | "hex" | "oct" => {
            "strings are only used as keys and options, as constants"
        }
        "complex" => "complex numbers are not supported: carry the real and imaginary parts",
        "iter" | "next" | "aiter" | "anext" => "there are no iterators: write a loop or index with `xs[i]`",
        "getattr" | "setattr" | "hasattr" | "delattr" => "write the attribute out: `x.name`",
        "isinstance" | "issubclass" | "type" | "callable" => {
            "types are known before the program runs: write a function for each"
        }
        "eval" | "exec" | "compile" | "globals" | "locals" | "vars" | "dir" | "id" | "hash" | "memoryview" => {
            "programs cannot inspect themselves"
        }
        "super" | "object" | "property" | "classmethod" | "staticmethod" => {
            "classes are plain records: write functions on them"
        }
        "slice" => "write `x[a:b]`",
        "divmod" => "write `(a // b, a % b)`",
        "exit"
        | "quit"
        | "Exception"
        | "ValueError"
        | "TypeError"
        | "RuntimeError"
        | "NotImplementedError"
        | "AssertionError" => "there are no exceptions: return a value that says what went wrong, such as `math.nan`",
        _ => return None,
    })
}

/// What to do about a name that is a module's and was not imported.
pub(super) fn not_imported(name: &str) -> Option<&'static str> {
    Some(match name {
        "numpy" => "write `import numpy as np` at the top and `np.` here",
        "np" => "write `import numpy as np` at the top",
        "jnp" => "write `import jax.numpy as jnp` at the top",
        "math" => "write `import math` at the top",
        "functools" => "write `import functools` at the top",
        _ => return None,
    })
}

/// What to write instead of a member of a module that the language leaves out.
pub(super) fn member(name: &str) -> Option<&'static str> {
    Some(match name {
        "random" => "models are pure: pass random numbers in as an argument",
        "save" | "savez" | "savez_compressed" | "savetxt" | "tofile" | "memmap" => {
            "functions are pure: return the value instead"
        }
        "load" | "loadtxt" | "genfromtxt" | "fromfile" => "functions are pure: pass the data in as an argument",
        "seterr" | "errstate" | "geterr" | "set_printoptions" | "printoptions" | "array2string" => {
            "leave it out: it has no effect on values"
        }
        "jit" | "checkpoint" | "remat" | "block_until_ready" | "device_put" => {
            "leave it out: the program is compiled in any case"
        }
        "lru_cache" | "cache" | "wraps" | "cached_property" => "leave it out: functions are pure",
        "vectorize" | "frompyfunc" | "apply_along_axis" | "apply_over_axes" => {
            "write it for arrays, or use `vmap` of `adjudicate`"
        }
        "unique" | "nonzero" | "flatnonzero" | "argwhere" | "extract" | "compress" | "setdiff1d" | "union1d"
        | "intersect1d" => "lengths are static: choose values with `np.where(c, a, b)`",
        "put" | "place" | "putmask" | "copyto" | "fill_diagonal" | "put_along_axis" => ARRAYS,
        "complex64" | "complex128" | "real" | "imag" | "conj" | "conjugate" | "angle" | "fft" => {
            "complex numbers are not supported: carry the real and imaginary parts"
        }
        "float16" | "float32" | "int8" | "int16" | "int32" | "uint8" | "longdouble" => {
            "numbers are float64, int64 or bool here: write `float`, `int` or `bool`"
        }
        "svd" | "eig" | "eigh" | "eigvals" | "eigvalsh" | "svdvals" | "qr" | "lstsq" | "pinv" | "matrix_rank"
        | "cond" => "`solve`, `inv`, `det`, `slogdet` and `cholesky` are the decompositions that there are",
        "erf" | "erfc" | "gamma" | "lgamma" => "write a series or an approximation with `np.exp` and `np.log`",
        "factorial" | "comb" | "perm" | "gcd" | "lcm" | "isqrt" => "write it as a loop over integers",
        "frexp" | "ldexp" | "modf" | "nextafter" | "ulp" | "remainder" => "write it with `//`, `%` and `math.floor`",
        "lax" => "write a Python loop or condition: it is compiled as one",
        "tree_util" | "tree" | "tree_map" => "write it out, or as a comprehension over the items",
        "nn" | "scipy" | "stats" | "special" => "write the formula with functions of `np`",
        _ => return None,
    })
}

/// The part of a statement that a message points at: all of a simple one, the keyword of others.
pub(super) fn head(stmt: &Stmt) -> TextRange {
    let keyword = match stmt {
        Stmt::With(with) => {
            if with.is_async {
                "async"
            } else {
                "with"
            }
        }
        Stmt::Match(_) => "match",
        Stmt::Try(_) => "try",
        Stmt::FunctionDef(def) => return def.name.range,
        Stmt::ClassDef(class) => return class.name.range,
        Stmt::If(_) => "if",
        Stmt::While(_) => "while",
        Stmt::For(_) => "for",
        _ => return stmt.range(),
    };
    TextRange::at(stmt.start(), TextSize::of(keyword))
}
