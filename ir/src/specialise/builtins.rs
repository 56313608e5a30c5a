//! The functions of the language itself: operators, Python's own and NumPy's.
//!
//! [`TABLE`] lists what is written here; what can be said in the language stands in the library
//! (`library.py`) and is found under the same name with dots as underscores. `math.f` is `np.f`.

mod arrays;
mod indexing;
mod numbers;
mod sequences;
mod updates;

use std::sync::Arc;

use crate::types::{Elem, Type};

use super::origin::Origin;
use super::value::{Derived, Val};
use super::{Cx, Res};

/// Keyword arguments of a call.
type Named = Vec<(Arc<str>, Val)>;

/// How a function of the language is called: its name (several share one entry), positional and
/// keyword arguments.
type Entry = fn(&mut Cx<'_>, &str, Vec<Val>, Named) -> Res<Val>;

/// Families in reading order; the first that knows a name has it.
const TABLE: &[fn(&str) -> Option<Entry>] =
    &[numbers::find, indexing::find, sequences::find, arrays::find, updates::find, derivatives];

/// A constant of the language.
pub(super) fn constant(name: &str) -> Option<Val> {
    Some(match plain(name) {
        "pi" => Val::Float(std::f64::consts::PI),
        "e" => Val::Float(std::f64::consts::E),
        "tau" => Val::Float(std::f64::consts::TAU),
        "inf" => Val::Float(f64::INFINITY),
        "nan" => Val::Float(f64::NAN),
        "euler_gamma" => Val::Float(0.577_215_664_901_532_9),
        "newaxis" => Val::None,
        "ellipsis" => Val::Ellipsis,
        _ => return None,
    })
}

/// The name without its module.
fn plain(name: &str) -> &str {
    ["np.", "math.", "functools."].iter().find_map(|m| name.strip_prefix(m)).unwrap_or(name)
}

fn library_name(plain: &str) -> String {
    plain.replace('.', "_")
}

fn derivatives(name: &str) -> Option<Entry> {
    let entry: Entry = match name {
        "grad" => |cx, _, args, named| cx.derive(Derived::Grad, args, named),
        "value_and_grad" => |cx, _, args, named| cx.derive(Derived::ValueAndGrad, args, named),
        "jacobian" | "jacrev" => |cx, _, args, named| cx.derive(Derived::Jacobian, args, named),
        "hessian" => |cx, _, args, named| cx.derive(Derived::Hessian, args, named),
        "hvp" => |cx, _, args, named| cx.derive(Derived::Hvp, args, named),
        "vjp" => |cx, _, args, _| cx.vjp_pair(args),
        "vmap" => |cx, _, args, named| cx.vmap(args, named),
        "_zeros_of" => |cx, _, args, _| cx.zeros_of(&args[0]),
        _ => return None,
    };
    Some(entry)
}

impl Cx<'_> {
    /// Calls a function of the language by name.
    pub(super) fn call_builtin(&mut self, name: &str, args: Vec<Val>, named: Named) -> Res<Val> {
        if args.iter().chain(named.iter().map(|(_, v)| v)).any(|v| matches!(v, Val::Bottom)) {
            return Ok(Val::Bottom);
        }
        let plain = plain(name);
        if let Some(entry) = TABLE.iter().find_map(|find| find(plain)) {
            return entry(self, plain, args, named);
        }
        match self.library(&library_name(plain)) {
            Some(function) => self.call(&function, args, named),
            None => self.error_help(
                format!("`{name}` is not supported"),
                "`adjudicate list functions` has all that are supported",
            ),
        }
    }

    /// Arguments of a function of the language in the order of its parameters.
    pub(super) fn bind_builtin<const N: usize>(
        &mut self,
        name: &str,
        params: [&str; N],
        args: Vec<Val>,
        named: Named,
    ) -> Res<[Option<Val>; N]> {
        if args.len() > N {
            return self.error(format!("`{name}` takes at most {N} arguments, but {} are given", args.len()));
        }
        let mut bound: [Option<Val>; N] = std::array::from_fn(|_| None);
        for (slot, arg) in bound.iter_mut().zip(args) {
            *slot = Some(arg);
        }
        for (key, value) in named {
            match params.iter().position(|p| **p == *key) {
                Some(i) => bound[i] = Some(value),
                None => return self.error(format!("`{name}` has no parameter `{key}` here")),
            }
        }
        Ok(bound)
    }

    /// A required argument.
    pub(super) fn required(&mut self, name: &str, param: &str, value: Option<Val>) -> Res<Val> {
        match value {
            Some(value) => Ok(value),
            None => self.error(format!("`{name}` is called without its argument `{param}`")),
        }
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
    fn vjp_pair(&mut self, mut args: Vec<Val>) -> Res<Val> {
        if args.len() < 2 {
            return self.error_help("`vjp` needs a function and its arguments", "write `vjp(f, x)`");
        }
        let function = args.remove(0);
        let value = self.call(&function, args.clone(), Vec::new())?;
        let pullback = super::value::Func::Pullback { function: Box::new(function), args };
        Ok(Val::tuple(vec![value, Val::func(pullback)]))
    }

    fn float_type(&mut self, value: &Val) -> Res<Type> {
        let (_, shape) = self.tensor_of(value)?;
        Ok(Type::tensor(Elem::F64, &shape))
    }
}
