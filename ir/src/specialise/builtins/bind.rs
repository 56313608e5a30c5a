//! Arguments of a function of the language, bound to its parameters as Python binds them.
//!
//! Parameters are written as in a `def`: `a, axis=, *, keepdims=`. An equals sign says that the
//! parameter may be left out (the row knows the default), `/` that those before it are given by
//! position only, `*` that those after it are given by name only, and `*args` collects what is left.

use crate::span::{given, plural};
use crate::specialise::value::Val;
use crate::specialise::{Cx, Res};

use super::{Named, Row};

/// A call whose arguments fit its parameters.
pub(in crate::specialise) struct Call {
    /// The name it is called by, module and all.
    pub(super) name: &'static str,
    /// The first name of its row, without the module.
    pub(super) op: &'static str,
    bound: Vec<Option<Val>>,
    rest: Vec<Val>,
}

impl Call {
    /// A required argument.
    pub(in crate::specialise) fn arg(&self, i: usize) -> &Val {
        self.bound[i].as_ref().expect("a required argument is bound")
    }

    /// An argument that may be left out; `None` counts as left out, and so does one that the row has not.
    pub(in crate::specialise) fn get(&self, i: usize) -> Option<&Val> {
        self.bound.get(i)?.as_ref().filter(|v| !matches!(v, Val::None))
    }

    /// An argument that may be left out and of which `None` is a value.
    pub(in crate::specialise) fn given(&self, i: usize) -> Option<&Val> {
        self.bound[i].as_ref()
    }

    /// The arguments bound to parameters, in order.
    pub(super) fn args(&self) -> Vec<Val> {
        self.bound.iter().flatten().cloned().collect()
    }

    /// What `*args` collects.
    pub(super) fn rest(&self) -> &[Val] {
        &self.rest
    }
}

/// Parameters taken apart.
struct Params {
    /// Names, and whether each is required.
    names: Vec<(&'static str, bool)>,
    /// How many are given by position only.
    positional_only: usize,
    /// How many may be given by position.
    positional: usize,
    variadic: bool,
}

fn params(text: &'static str) -> Params {
    let mut params = Params { names: Vec::new(), positional_only: 0, positional: usize::MAX, variadic: false };
    for part in text.split(", ").filter(|part| !part.is_empty()) {
        match part {
            "/" => params.positional_only = params.names.len(),
            _ if part.starts_with('*') => {
                params.positional = params.names.len();
                params.variadic = part != "*";
            }
            _ => params.names.push((part.trim_end_matches('='), !part.ends_with('='))),
        }
    }
    params.positional = params.positional.min(params.names.len());
    params
}

impl Cx<'_> {
    /// Refuses a parameter that a function of the language does not have.
    pub(in crate::specialise) fn no_parameter<T>(&self, name: &str, key: &str) -> Res<T> {
        let message = format!("`{name}` has no parameter `{key}` here");
        match key {
            "where" => {
                self.error_help(message, "choose between elements and what stands for the others with `np.where`")
            }
            "dtype" => self.error_help(message, "convert the argument or the result with `astype`"),
            "initial" => self.error_help(message, "combine it with the result"),
            "out" => self.error_help(message, "arrays are immutable here: use the result"),
            _ => self.error(message),
        }
    }

    pub(super) fn bind_call(
        &mut self,
        name: &'static str,
        row: &'static Row,
        args: Vec<Val>,
        named: Named,
    ) -> Res<Call> {
        let params = params(row.params);
        let op = row.names[0].rsplit_once('.').map_or(row.names[0], |(_, plain)| plain);
        let mut call = Call { name, op, bound: vec![None; params.names.len()], rest: Vec::new() };
        if args.len() > params.positional && !params.variadic {
            let takes = match params.positional {
                0 => "no arguments".to_owned(),
                1 => "one argument".to_owned(),
                n => plural(n, "argument"),
            };
            let by_name = if params.positional < params.names.len() { " by position" } else { "" };
            return self.error(format!("`{name}` takes {takes}{by_name}, but {}", given(args.len())));
        }
        for (i, arg) in args.into_iter().enumerate() {
            if i < params.positional { call.bound[i] = Some(arg) } else { call.rest.push(arg) }
        }
        for (key, value) in named {
            let at =
                params.names.iter().position(|(param, _)| *param == &*key).filter(|&i| i >= params.positional_only);
            let Some(i) = at else {
                return self.no_parameter(name, &key);
            };
            if call.bound[i].replace(value).is_some() {
                return self.error(format!("`{name}` is given `{key}` twice"));
            }
        }
        let missing = params.names.iter().zip(&call.bound).find(|((_, required), arg)| *required && arg.is_none());
        match missing {
            Some(((param, _), _)) => self.error(format!("`{name}` is called without its argument `{param}`")),
            None => Ok(call),
        }
    }
}
