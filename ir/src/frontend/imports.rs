//! Imports: the modules a model file may import, and what their members are to us.
//!
//! | module | members |
//! | --- | --- |
//! | `numpy`, `jax.numpy`, `autograd.numpy` | builtins `np.…` |
//! | `numpy.linalg` | builtins `np.linalg.…` |
//! | `math`, `functools` | builtins `math.…`, `functools.…` |
//! | `adjudicate`, `jax`, `autograd` | the transformations `grad`, `vjp`, … |
//! | `typing`, `collections.abc`, `numpy.typing`, … | names for annotations, and `NamedTuple` |

use std::f64::consts;

use ruff_python_ast::{Alias, Expr, StmtImport, StmtImportFrom};
use ruff_text_size::TextRange;

use super::context::{Binding, Lowerer, Place, Value};
use super::scope::bound_name;
use super::{names, reject};

/// A module that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Library {
    Numpy,
    Linalg,
    Math,
    Functools,
    /// `adjudicate`, `jax` or `autograd`.
    Language,
    Typing,
    Dataclasses,
    Collections,
    Future,
}

/// What an imported name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Member {
    Library(Library),
    Builtin(&'static str),
    /// A float constant, by its bits.
    Float(u64),
    None,
    NamedTuple,
    Dataclass,
    NamedTupleFunction,
    /// A name that only annotations may use.
    Annotation,
    /// What was rejected, with the node that stands for it.
    Unknown(Place),
}

/// The transformations that `adjudicate`, `jax` and `autograd` export.
pub(super) const TRANSFORMS: &[&str] = &["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp", "vmap"];

const LIBRARIES: &[(&str, Library)] = &[
    ("__future__", Library::Future),
    ("adjudicate", Library::Language),
    ("autograd", Library::Language),
    ("autograd.numpy", Library::Numpy),
    ("autograd.numpy.linalg", Library::Linalg),
    ("collections", Library::Collections),
    ("collections.abc", Library::Typing),
    ("dataclasses", Library::Dataclasses),
    ("functools", Library::Functools),
    ("jax", Library::Language),
    ("jax.numpy", Library::Numpy),
    ("jax.numpy.linalg", Library::Linalg),
    ("math", Library::Math),
    ("numpy", Library::Numpy),
    ("numpy.linalg", Library::Linalg),
    ("numpy.typing", Library::Typing),
    ("typing", Library::Typing),
    ("typing_extensions", Library::Typing),
];

fn library(path: &str) -> Option<Library> {
    LIBRARIES.iter().find(|(name, _)| *name == path).map(|(_, library)| *library)
}

impl Library {
    /// What the names of its functions begin with in the table of builtins.
    fn prefix(self) -> Option<&'static str> {
        match self {
            Library::Numpy => Some("np."),
            Library::Linalg => Some("np.linalg."),
            Library::Math => Some("math."),
            Library::Functools => Some("functools."),
            Library::Language => Some(""),
            Library::Typing | Library::Dataclasses | Library::Collections | Library::Future => None,
        }
    }

    /// What a member of this module is.
    pub(super) fn member(self, name: &str) -> Option<Member> {
        match (self, name) {
            (Library::Numpy, "linalg") => Some(Member::Library(Library::Linalg)),
            (Library::Numpy, "newaxis") => Some(Member::None),
            (Library::Numpy, "typing" | "ndarray") => Some(Member::Annotation),
            (Library::Language, "numpy") => Some(Member::Library(Library::Numpy)),
            (Library::Language, "jacfwd" | "jacrev") => Some(Member::Builtin("jacobian")),
            (Library::Language, "Array") => Some(Member::Annotation),
            (Library::Language, _) => TRANSFORMS.iter().find(|t| **t == name).map(|t| Member::Builtin(t)),
            (Library::Typing, "NamedTuple") => Some(Member::NamedTuple),
            (Library::Typing | Library::Future, _) => Some(Member::Annotation),
            (Library::Dataclasses, "dataclass") => Some(Member::Dataclass),
            (Library::Collections, "namedtuple") => Some(Member::NamedTupleFunction),
            (Library::Dataclasses | Library::Collections, _) => None,
            (Library::Numpy | Library::Math, _) if constant(name).is_some() => {
                constant(name).map(|x| Member::Float(x.to_bits()))
            }
            (Library::Numpy | Library::Linalg | Library::Math | Library::Functools, _) => {
                names::builtin(&format!("{}{name}", self.prefix()?)).map(Member::Builtin)
            }
        }
    }

    /// The member whose name is nearest to one that does not exist.
    fn nearest(self, name: &str) -> Option<String> {
        match self.prefix() {
            Some("") => names::nearest(name, TRANSFORMS.iter().copied()),
            Some(prefix) => names::nearest(name, names::with_prefix(prefix)),
            None => None,
        }
    }
}

fn constant(name: &str) -> Option<f64> {
    match name {
        "pi" => Some(consts::PI),
        "e" => Some(consts::E),
        "tau" => Some(consts::TAU),
        "inf" => Some(f64::INFINITY),
        "nan" => Some(f64::NAN),
        "euler_gamma" => Some(consts::EULER_GAMMA),
        _ => None,
    }
}

impl<'a> Lowerer<'a, '_> {
    /// `import a, b as c`.
    pub(super) fn import(&mut self, import: &'a StmtImport) {
        self.check_import_position(import.range);
        for alias in &import.names {
            let path = alias.name.as_str();
            let whole = alias.asname.is_some() || !path.contains('.');
            let member = match (library(path), whole) {
                (Some(found), true) => Member::Library(found),
                (Some(_), false) => {
                    let root = path.split('.').next().unwrap_or(path);
                    library(root).map_or(Member::Annotation, Member::Library)
                }
                (None, _) => self.reject_module(path, alias.range),
            };
            self.bind(bound_name(alias), Value::Member(member));
        }
    }

    /// `from a import b, c as d`.
    pub(super) fn import_from(&mut self, import: &'a StmtImportFrom) {
        self.check_import_position(import.range);
        let path = import.module.as_ref().map_or("", |m| m.as_str());
        let found = if import.level == 0 { library(path) } else { None };
        let rejected = if found.is_none() { Some(self.reject_module(path, import.range)) } else { None };
        for alias in &import.names {
            let member = match (found, rejected) {
                (_, Some(rejected)) => rejected,
                (Some(found), None) => self.import_member(path, found, alias),
                (None, None) => unreachable!("a module is known or rejected"),
            };
            self.bind(bound_name(alias), Value::Member(member));
        }
    }

    fn import_member(&mut self, path: &str, from: Library, alias: &Alias) -> Member {
        let name = alias.name.as_str();
        if let Some(found) = library(&format!("{path}.{name}")) {
            return Member::Library(found);
        }
        match from.member(name) {
            Some(member) => member,
            None => self.reject_member(path, from, name, alias.range),
        }
    }

    fn check_import_position(&mut self, range: TextRange) {
        if self.frame.graph != self.frame.root {
            let message = "an import inside a condition or a loop is not supported";
            self.error(range, message, "move the import to the top of the file");
        }
    }

    /// What stands for something imported that was rejected.
    pub(super) fn unknown(&mut self, range: TextRange) -> Member {
        Member::Unknown((self.frame.graph, self.poison(range)))
    }

    fn reject_module(&mut self, path: &str, range: TextRange) -> Member {
        let path = if path.is_empty() { "." } else { path };
        let message = format!("the module `{path}` cannot be imported here");
        let help = match names::nearest(path, LIBRARIES.iter().map(|(name, _)| *name)) {
            Some(near) if near != path => format!("did you mean `{near}`?"),
            _ => "a model file may import numpy, math, functools, typing, dataclasses and adjudicate".to_owned(),
        };
        self.error(range, message, help);
        self.unknown(range)
    }

    /// Reports a member that a module does not have.
    pub(super) fn reject_member(&mut self, path: &str, from: Library, name: &str, range: TextRange) -> Member {
        let message = match name {
            "*" => format!("`from {path} import *` is not supported"),
            _ => format!("`{path}.{name}` is not supported"),
        };
        let help = match (from, name) {
            (_, "*") => format!("import the module (`import {path}`) or the names that are used"),
            _ => match (reject::member(name), from.nearest(name)) {
                (Some(help), _) => help.to_owned(),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) if from.prefix().is_some() => {
                    "`adjudicate list functions` has all that are supported".to_owned()
                }
                (None, None) => String::new(),
            },
        };
        self.error(range, message, help);
        self.unknown(range)
    }

    /// What an expression such as `np.linalg.norm` or `NamedTuple` stands for, if it is imported.
    /// The second item is how the user wrote it.
    pub(super) fn imported(&mut self, expr: &Expr) -> Option<(Member, String)> {
        match expr {
            Expr::Name(name) => {
                let owner = self.scopes.owner(self.frame.scope, name.id.as_str())?;
                match self.lookup(owner, name.id.as_str())? {
                    Binding::Assigned(Value::Member(member)) => Some((*member, name.id.to_string())),
                    Binding::Assigned(Value::Node(_) | Value::Function(_)) | Binding::Maybe(_) => None,
                }
            }
            Expr::Attribute(attribute) => {
                let (base, path) = self.imported(&attribute.value)?;
                let name = attribute.attr.as_str();
                let member = match base {
                    Member::Library(from) => match from.member(name) {
                        Some(member) => member,
                        None => self.reject_member(&path, from, name, attribute.attr.range),
                    },
                    Member::Unknown(place) => Member::Unknown(place),
                    Member::Annotation => Member::Annotation,
                    Member::Builtin(_) | Member::Float(_) | Member::None => return None,
                    Member::NamedTuple | Member::Dataclass | Member::NamedTupleFunction => return None,
                };
                Some((member, format!("{path}.{name}")))
            }
            _ => None,
        }
    }
}
