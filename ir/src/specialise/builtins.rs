//! The functions of the language itself: operators, Python's own and NumPy's.
//!
//! A function is a [`Row`] of one of the family files below: its names, its parameters and what it
//! does. [`FAMILIES`] lists the families, and the names that a model may mention are derived from
//! it. What can be said in the language stands in the library (`library.py`), where `np.linalg.norm`
//! is called `np_linalg_norm`.
//!
//! A function means what Python or NumPy means by its name, or is refused: arguments are bound as
//! Python binds them, one that has no parameter is an error, and so is a combination of arguments
//! that is not implemented. Nothing that a program says can make a row panic.

mod bind;
mod einsum;
mod elementwise;
mod indexing;
mod making;
mod norms;
mod numbers;
mod products;
mod python;
mod records;
mod reducing;
mod rows;
mod sequences;
mod shaping;
mod updates;

use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;

use crate::types::{Elem, Type};

use super::origin::Origin;
use super::value::{Derived, Val};
use super::{Cx, Res};

pub(super) use bind::Call;

/// Keyword arguments of a call.
type Named = Vec<(Arc<str>, Val)>;

/// What a function does with its bound arguments.
type Entry = fn(&mut Cx<'_>, &Call) -> Res<Val>;

/// A function of the language.
struct Row {
    /// Its names, with their modules; an entry goes by the first.
    names: &'static [&'static str],
    /// Its parameters; see [`bind`].
    params: &'static str,
    run: Entry,
}

const fn row(names: &'static [&'static str], params: &'static str, run: Entry) -> Row {
    Row { names, params, run }
}

/// Families in reading order.
const FAMILIES: &[&[Row]] = &[
    numbers::ROWS,
    elementwise::ROWS,
    python::ROWS,
    sequences::ROWS,
    records::ROWS,
    indexing::ROWS,
    making::ROWS,
    shaping::ROWS,
    reducing::ROWS,
    products::ROWS,
    norms::ROWS,
    rows::ROWS,
    updates::ROWS,
    DERIVATIVES,
];

static ROWS: LazyLock<FxHashMap<&str, (&'static str, &'static Row)>> = LazyLock::new(|| {
    let rows = FAMILIES.iter().copied().flatten();
    rows.flat_map(|row| row.names.iter().map(move |name| (*name, (*name, row)))).collect()
});

/// Functions that pass their arguments on and so have no parameters to bind.
const FORWARDING: &[&str] = &["apply_star", "functools.partial"];

/// Every name that is written here, in the order of the families.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let rows = FAMILIES.iter().copied().flatten();
    rows.flat_map(|row| row.names.iter().copied()).chain(FORWARDING.iter().copied())
}

/// The name that a function of the library has in the language: `np_linalg_norm` is `np.linalg.norm`.
pub(crate) fn public_name(library: &str) -> String {
    let modules = [("np_linalg_", "np.linalg."), ("np_", "np."), ("math_", "math."), ("functools_", "functools.")];
    let module = modules.iter().find_map(|(prefix, module)| Some((module, library.strip_prefix(prefix)?)));
    module.map_or_else(|| library.to_owned(), |(module, rest)| format!("{module}{rest}"))
}

/// A constant of the language.
pub(super) fn constant(name: &str) -> Option<Val> {
    Some(match name {
        "np.newaxis" => Val::None,
        "ellipsis" => Val::Ellipsis,
        _ => return None,
    })
}

const DERIVATIVES: &[Row] = &[
    row(&["grad"], "f, argnums=", |cx, call| cx.derive(Derived::Grad, call)),
    row(&["value_and_grad"], "f, argnums=", |cx, call| cx.derive(Derived::ValueAndGrad, call)),
    row(&["jacobian"], "f, argnums=", |cx, call| cx.derive(Derived::Jacobian, call)),
    row(&["hessian"], "f, argnums=", |cx, call| cx.derive(Derived::Hessian, call)),
    row(&["hvp"], "f, argnums=", |cx, call| cx.derive(Derived::Hvp, call)),
    row(&["vjp"], "f, *primals", |cx, call| cx.vjp_pair(call)),
    row(&["vmap"], "f, in_axes=", |cx, call| cx.vmap(call)),
];

impl Cx<'_> {
    /// Calls a function of the language by name.
    pub(super) fn call_builtin(&mut self, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
        let mut all = args.iter().chain(named.iter().map(|(_, v)| v));
        let of_numbers = name.contains('.');
        if all.any(|v| matches!(v, Val::Bottom) || of_numbers && v.has_bottom()) {
            return Ok(Val::Bottom);
        }
        if let Some(forwarded) = sequences::call_forwarding(self, name, &args, &named) {
            return forwarded;
        }
        if let Some(&(name, row)) = ROWS.get(name) {
            let call = self.bind_call(name, row, args, named)?;
            return (row.run)(self, &call);
        }
        match self.library(&name.replace('.', "_")) {
            Some(function) => self.call(&function, args, named),
            None => self.error_help(
                format!("`{name}` is not supported"),
                "`adjudicate list functions` has all that are supported",
            ),
        }
    }

    /// As [`Cx::call_builtin`], of arguments by position.
    pub(super) fn builtin(&mut self, name: &str, args: &[Val]) -> Res<Val> {
        self.call_builtin(name, args.to_vec(), Vec::new())
    }

    /// Element and shape of a number or array; known numbers are scalars.
    pub(super) fn tensor_of(&mut self, value: &Val) -> Res<(Elem, Vec<usize>)> {
        match value {
            Val::Leaf(leaf) => match leaf.ty.as_tensor() {
                Some((elem, shape)) => Ok((elem, shape.to_vec())),
                None => self.error("a number or an array is expected here"),
            },
            Val::Float(_) => Ok((Elem::F64, Vec::new())),
            Val::Int(_) => Ok((Elem::I64, Vec::new())),
            Val::Bool(_) => Ok((Elem::Bool, Vec::new())),
            Val::Undefined => self.error("a variable is used that is not assigned on this path"),
            other => self.error(format!("a number or an array is expected here, not {}", other.abs())),
        }
    }

    /// The value with its elements converted to floats.
    pub(super) fn floats_of(&mut self, value: &Val) -> Res<Val> {
        match value {
            Val::Float(_) => Ok(value.clone()),
            Val::Int(n) => Ok(Val::Float(*n as f64)),
            Val::Bool(b) => Ok(Val::Float(f64::from(u8::from(*b)))),
            _ => {
                let value = self.as_array(value)?;
                let node = self.cast(&value, Elem::F64)?;
                Ok(self.leaf(node, Origin::Data))
            }
        }
    }

    /// `vjp(f, x…)`: the value and the function from its cotangent to those of the arguments.
    fn vjp_pair(&mut self, call: &Call) -> Res<Val> {
        if call.rest().is_empty() {
            return self.error_help("`vjp` needs a function and its arguments", "write `vjp(f, x)`");
        }
        let (function, args) = (call.arg(0), call.rest().to_vec());
        let value = self.call(function, args.clone(), Vec::new())?;
        let pullback = super::value::Func::Pullback { function: Box::new(function.clone()), args };
        Ok(Val::tuple(vec![value, Val::func(pullback)]))
    }

    fn float_type(&mut self, value: &Val) -> Res<Type> {
        let (_, shape) = self.tensor_of(value)?;
        Ok(Type::tensor(Elem::F64, &shape))
    }
}
