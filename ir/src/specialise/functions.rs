//! Function values known only at run time: making, calling and giving up knowing them.

use std::sync::Arc;

use crate::graph::{Keywords, NodeId, Op};
use crate::span::{Diagnostic, plural};

use super::classes::{Class, Flaw, Site};
use super::instance::{Key, result_type};
use super::nesting::code_of;
use super::value::{Abs, Clash, Func, Leaf, Val};
use super::{Cx, Res, Stop};

/// Parts of a value; a recursion that grows its argument without end meets it.
const MAX_PARTS: usize = 20_000;
/// Parts of a value in which functions of one code may be nested.
const MAX_NESTED_PARTS: usize = 4_000;

impl Cx<'_> {
    /// An error unless a value is of a size that programs have.
    pub(super) fn check_extent(&mut self, value: &Val) -> Res<()> {
        let mut left = MAX_PARTS;
        if value.within(&mut left) {
            return Ok(());
        }
        let name = self.active_name();
        self.error_help(
            format!("`{name}` has a value of more than {MAX_PARTS} parts here: tuples or functions grow without end"),
            "keep numbers that become more and more in an array of known length",
        )
    }

    /// Widens a site if functions of one code are nested there more than `limit` deep.
    pub(super) fn check_nesting(&mut self, site: Site, abs: &Abs, limit: usize) -> Res<()> {
        let extent = abs.extent();
        let limit = if extent.size > MAX_NESTED_PARTS { 1 } else { limit };
        if extent.depth <= limit {
            return Ok(());
        }
        match abs.nested(limit) {
            Some((path, f)) => {
                let origin = (self.name_of_function(f), self.span);
                let added = self.marks.classes.add(site, path, code_of(f), origin);
                self.changed(added)
            }
            None => Ok(()),
        }
    }

    /// Starts again after a change of the classes, or says why there is none.
    pub(super) fn changed<T>(&mut self, change: Result<(), Flaw>) -> Res<T> {
        let flaw = match change {
            Ok(()) => return Err(Stop::Restart),
            Err(flaw) => flaw,
        };
        let known = "pass numbers and tuples instead, or make the number of functions known before the program runs";
        match flaw {
            Flaw::Clash(Clash { left, right, .. }) => self.error_help(
                format!("a function known only at run time is used with {left} in one place and {right} in another"),
                "all functions that can be called here need one type: the same number of arguments, types and shapes",
            ),
            Flaw::Arity(a, b) => self.error_help(
                format!(
                    "a function known only at run time is called with {} in one place and {b} in another",
                    plural(a, "argument")
                ),
                "all functions that can be called here need one type: the same number of arguments, types and shapes",
            ),
            Flaw::Infinite(class) => {
                let (name, span) = self.marks.classes.origin(class);
                let message = format!(
                    "the functions made by `{name}` are known only at run time and have no finite type: \
                     one takes or returns another of its own kind"
                );
                Err(Stop::Error(Box::new(Diagnostic::new(span, message).help(known))))
            }
            Flaw::Many => self.error_help("this program makes too many kinds of functions at run time", known),
        }
    }

    /// What holds of both; classes that meet become one, and specialisation starts again.
    pub(super) fn join(&mut self, a: &Abs, b: &Abs) -> Res<Result<Abs, Clash>> {
        match a.join(b) {
            Err(Clash { classes: Some((x, y)), .. }) => {
                let change = self.marks.classes.unify(x, y);
                self.changed(change)
            }
            done => Ok(done),
        }
    }

    /// Calls a function value.
    pub(super) fn apply(&mut self, f: &Leaf, class: Class, args: Vec<Val>, named: &[(Arc<str>, Val)]) -> Res<Val> {
        if let Some((key, _)) = named.first() {
            return self.error_help(
                format!("`{key}` is given by name to a function known only at run time"),
                "give its arguments by position",
            );
        }
        if args.iter().any(Val::has_bottom) {
            return Ok(Val::Bottom);
        }
        let mut given = Vec::new();
        for (i, arg) in args.iter().enumerate() {
            self.check_extent(arg)?;
            let abs = self.marks.classes.widen(&Site::Param(class, i), arg.abs().forget());
            self.check_nesting(Site::Param(class, i), &abs, 3)?;
            given.push(abs);
        }
        match self.marks.classes.called(class, given) {
            Ok(false) => {}
            change => return self.changed(change.map(|_| ())),
        }
        let params = self.marks.classes.params(class).expect("a call has been seen");
        let mut nodes = vec![self.here(f)];
        for (arg, abs) in args.iter().zip(&params) {
            nodes.extend(self.flatten(arg, abs)?.into_iter().map(|(node, _)| node));
        }
        let result = self.marks.classes.result(class);
        if result == Abs::Bottom {
            return Ok(Val::Bottom);
        }
        let mut types = Vec::new();
        result.leaves(&mut types);
        let node = self.builder().emit(Op::Apply(Keywords::default()), &nodes, result_type(&types));
        let nodes = self.result_nodes(node, types.len());
        Ok(self.reify_with(&result, &nodes, &[]))
    }

    /// A function as a function value of a class.
    pub(super) fn member(&mut self, value: &Val, class: Class) -> Res<NodeId> {
        let ty = self.marks.classes.ty(class);
        let Some(args) = self.marks.classes.params(class) else {
            // Nobody calls it, as far as is known.
            return Ok(self.builder().zero(ty));
        };
        let abs = value.abs();
        let captures: Vec<NodeId> = self.flatten(value, &abs)?.into_iter().map(|(node, _)| node).collect();
        let key = Key { function: Func::Member { class, function: Box::new(abs) }, args };
        let instance = self.instance(&key)?;
        Ok(self.builder().emit(Op::Closure(instance.graph), &captures, ty))
    }

    /// The result of a member in the form that those of its class have.
    pub(super) fn member_result(&mut self, class: Class, result: &Val) -> Res<Abs> {
        if !result.has_bottom() {
            self.check_extent(result)?;
            let abs = self.marks.classes.widen(&Site::Output(class), result.abs().forget());
            self.check_nesting(Site::Output(class), &abs, 3)?;
            match self.marks.classes.returned(class, abs) {
                Ok(false) => {}
                change => return self.changed(change.map(|_| ())),
            }
        }
        Ok(self.marks.classes.result(class))
    }

    /// Function values that a loop begins with, so that their class knows them before it runs.
    pub(super) fn introduce(&mut self, values: &[Val], kinds: &[Abs]) -> Res<()> {
        for (value, kind) in values.iter().zip(kinds) {
            if kind.parts().into_iter().chain([kind]).any(|k| matches!(k, Abs::Dyn(..))) {
                self.flatten(value, kind)?;
            }
        }
        Ok(())
    }
}
