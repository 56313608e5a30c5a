//! Records: dictionaries with constant keys, and named tuples; their fields and methods.

use std::rc::Rc;
use std::sync::Arc;

use crate::graph::RecordType;
use crate::span::plural;
use crate::specialise::value::{Func, Val};
use crate::specialise::{Cx, Res};

use super::{Call, Named, Row, row};

pub(super) const ROWS: &[Row] = &[row(&["dict"], "pairs, /", dict), row(&["merged"], "*dicts", merged)];

/// Methods of records.
const METHODS: &[&str] = &["_asdict", "_replace", "copy", "get", "items", "keys", "values"];

/// Whether a record is a dictionary, a walk over which meets its keys.
pub(super) fn is_dict(ty: &RecordType) -> bool {
    &*ty.name == "dict"
}

/// The keys of a record.
pub(super) fn keys(ty: &RecordType) -> Val {
    Val::tuple(ty.fields.iter().map(|f| Val::Str(f.clone())).collect())
}

/// A dictionary of pairs; of those with one key the last counts, in the place of the first.
fn dict_of(pairs: impl IntoIterator<Item = (Arc<str>, Val)>) -> Val {
    let pairs: indexmap::IndexMap<Arc<str>, Val> = pairs.into_iter().collect();
    let (fields, values) = pairs.into_iter().unzip();
    Val::Record(Arc::new(RecordType { name: "dict".into(), fields }), Rc::new(values))
}

fn dict(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    if let Val::Record(ty, _) = call.arg(0)
        && is_dict(ty)
    {
        return Ok(call.arg(0).clone());
    }
    let mut pairs = Vec::new();
    for item in cx.elements(call.arg(0), "the number of keys")? {
        let parts = match &item {
            Val::Tuple(parts) => &parts[..],
            _ => &[],
        };
        match parts {
            [Val::Str(key), value] => pairs.push((key.clone(), value.clone())),
            [Val::Bottom, _] => return Ok(Val::Bottom),
            [key, _] => {
                return cx.error_help(
                    format!("the keys of a dictionary must be constant strings here, not {}", key.abs()),
                    "use a tuple for what is indexed by number",
                );
            }
            _ => return cx.error(format!("a dictionary is made of pairs of a key and a value, not of {}", item.abs())),
        }
    }
    Ok(dict_of(pairs))
}

fn merged(cx: &mut Cx<'_>, call: &Call) -> Res<Val> {
    let mut pairs = Vec::new();
    for part in call.rest() {
        match part {
            Val::Record(ty, items) if is_dict(ty) => pairs.extend(ty.fields.iter().cloned().zip(items.iter().cloned())),
            other => return cx.error(format!("`**` takes a dictionary here, not {}", other.abs())),
        }
    }
    Ok(dict_of(pairs))
}

impl Cx<'_> {
    /// A field of a record, or a method of it.
    pub(super) fn field(&mut self, ty: &Arc<RecordType>, items: &Rc<Vec<Val>>, name: &Arc<str>) -> Res<Val> {
        if let Some(i) = ty.fields.iter().position(|f| f == name) {
            return Ok(items[i].clone());
        }
        if METHODS.contains(&&**name) {
            let object = Val::Record(ty.clone(), items.clone());
            return Ok(Val::func(Func::Method(name.clone(), Box::new(object))));
        }
        self.no_field(ty, name)
    }

    /// Says that a record has no such field, and which it has.
    pub(super) fn no_field<T>(&mut self, ty: &RecordType, name: &str) -> Res<T> {
        let message = if is_dict(ty) {
            format!("this dictionary has no key `{name}`")
        } else {
            format!("`{}` has no field `{name}`", ty.name)
        };
        let known: Vec<String> = ty.fields.iter().map(|f| format!("`{f}`")).collect();
        self.error_help(
            message,
            if known.is_empty() { "it is empty".into() } else { format!("it has {}", known.join(", ")) },
        )
    }

    /// Calls a method of a record.
    pub(super) fn record_method(
        &mut self,
        name: &str,
        ty: &Arc<RecordType>,
        items: &Rc<Vec<Val>>,
        args: &[Val],
        named: Named,
    ) -> Res<Val> {
        match (name, args) {
            ("_replace", []) => {
                let mut items = items.to_vec();
                for (key, value) in named {
                    match ty.fields.iter().position(|f| *f == key) {
                        Some(i) => items[i] = value,
                        None => return self.no_field(ty, &key),
                    }
                }
                return Ok(Val::Record(ty.clone(), Rc::new(items)));
            }
            _ if !named.is_empty() => return self.error(format!("`{name}` takes no arguments by name")),
            _ => {}
        }
        match (name, args) {
            ("copy", []) => Ok(Val::Record(ty.clone(), items.clone())),
            ("_asdict", []) => Ok(dict_of(ty.fields.iter().cloned().zip(items.iter().cloned()))),
            ("keys", []) => Ok(keys(ty)),
            ("values", []) => Ok(Val::tuple(items.to_vec())),
            ("items", []) => {
                let pair = |(f, v): (&Arc<str>, &Val)| Val::tuple(vec![Val::Str(f.clone()), v.clone()]);
                Ok(Val::tuple(ty.fields.iter().zip(items.iter()).map(pair).collect()))
            }
            ("get", [Val::Str(key), rest @ ..]) if rest.len() <= 1 => {
                let found = ty.fields.iter().position(|f| f == key).map(|i| &items[i]);
                Ok(found.or(rest.first()).cloned().unwrap_or(Val::None))
            }
            ("get", _) => self.error_help("`get` takes a constant string here", "index a tuple by number"),
            _ => self
                .error(format!("`{name}` is called with {}, which it does not take", plural(args.len(), "argument"))),
        }
    }
}
