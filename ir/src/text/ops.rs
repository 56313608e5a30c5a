//! The table of operations, from which both the printer and the reader go.

use smallvec::SmallVec;

use crate::graph::{Args, Keywords, NodeId, Op};
use crate::prims::{self, Attrs, Prim};

use super::TextError;
use super::lex::{Reader, Token};
use super::syntax::{Syntax, write_list};

/// Where the operands stand.
#[derive(Clone, Copy)]
enum Layout {
    /// After the fields: ` %0 %1`.
    Bare,
    /// After the fields: ` (%0, %1)`.
    List,
    /// The first before the fields, the others after them: ` %0 … (%1)`.
    First,
}

/// One row per operation: its name, where its operands stand, and its fields in the order of the
/// text. Primitives and applications, whose text is not of this form, follow in the functions.
macro_rules! operations {
    ($($name:literal $layout:ident $op:ident { $($field:tt: $value:ident),* })*) => {
        /// Appends an operation with its operands.
        pub(super) fn write_op(op: &Op, args: &[NodeId], out: &mut String) {
            match op {
                $(Op::$op { $($field: $value),* } => {
                    out.push_str($name);
                    let rest = write_first(Layout::$layout, args, out);
                    $(out.push(' '); $value.write(out);)*
                    write_rest(Layout::$layout, rest, out);
                })*
                Op::Prim(prim) => {
                    *out += &prim.to_string();
                    write_rest(Layout::Bare, args, out);
                }
                Op::Apply(keywords) => {
                    out.push_str("apply");
                    let rest = write_first(Layout::First, args, out);
                    write_arguments(keywords, rest, out);
                }
            }
        }

        /// Reads an operation with its operands.
        pub(super) fn read_op(r: &mut Reader<'_>) -> Result<(Op, Args), TextError> {
            let Token::Word(name) = r.peek().clone() else { return Err(r.expected("an operation")) };
            match name.as_str() {
                $($name => {
                    r.token();
                    let mut args = read_first(Layout::$layout, r)?;
                    $(let $value = Syntax::read(r)?;)*
                    args.extend(read_rest(Layout::$layout, r)?);
                    Ok((Op::$op { $($field: $value),* }, args))
                })*
                "apply" => {
                    r.token();
                    let mut args = read_first(Layout::First, r)?;
                    let keywords = read_arguments(r, &mut args)?;
                    Ok((Op::Apply(keywords), args))
                }
                _ => Ok((Op::Prim(read_prim(&name, r)?), read_rest(Layout::Bare, r)?)),
            }
        }

        /// The names of the operations that are not primitives.
        #[cfg(test)]
        const NAMES: &[&str] = &["apply", $($name),*];
    };
}

operations! {
    "param"   Bare  Param { 0: index }
    "const"   Bare  Const { 0: value }
    "zero"    Bare  Zero {}
    "tuple"   List  Tuple {}
    "get"     Bare  Get { 0: index }
    "call"    List  Call { 0: graph }
    "closure" List  Closure { 0: graph }
    "if"      First If { 0: then, 1: other }
    "loop"    List  Loop { cond: cond, body: body }
    "fused"   List  Fused { 0: graph }
    "vjp"     List  Vjp { 0: spec }
    "outer"   Bare  Outer { 0: graph, 1: node }
    "fn"      List  Fn { 0: graph }
    "builtin" Bare  Builtin { 0: name }
    "record"  List  Record { 0: record }
}

fn write_first<'n>(layout: Layout, args: &'n [NodeId], out: &mut String) -> &'n [NodeId] {
    match (layout, args) {
        (Layout::First, [first, rest @ ..]) => {
            out.push(' ');
            first.write(out);
            rest
        }
        (Layout::Bare | Layout::List | Layout::First, _) => args,
    }
}

fn read_first(layout: Layout, r: &mut Reader<'_>) -> Result<Args, TextError> {
    match (layout, r.peek()) {
        (Layout::First, Token::Node(_)) => Ok(Args::from_slice(&[NodeId::read(r)?])),
        _ => Ok(Args::new()),
    }
}

fn write_rest(layout: Layout, rest: &[NodeId], out: &mut String) {
    match layout {
        Layout::Bare => rest.iter().for_each(|arg| *out += &format!(" {arg}")),
        Layout::List | Layout::First => {
            out.push(' ');
            write_list(out, '(', rest, ')', NodeId::write);
        }
    }
}

fn read_rest(layout: Layout, r: &mut Reader<'_>) -> Result<Args, TextError> {
    match layout {
        Layout::Bare => {
            let mut args = Args::new();
            while let Token::Node(_) = r.peek() {
                args.push(NodeId::read(r)?);
            }
            Ok(args)
        }
        Layout::List | Layout::First => Ok(r.list('(', ')', NodeId::read)?.into()),
    }
}

fn read_prim(name: &str, r: &mut Reader<'_>) -> Result<Prim, TextError> {
    let Some(def) = prims::by_name(name) else {
        return Err(r.error(format!("no operation is called `{name}`")));
    };
    r.token();
    let attrs = match r.peek() {
        Token::Symbol('[') => r.list('[', ']', i64::read)?.into(),
        _ => Attrs::new(),
    };
    Ok(Prim { def, attrs })
}

/// ` (%1, name=%2)`: the last operands belong to the keywords. A keyword too many has no operand.
fn write_arguments(keywords: &Keywords, args: &[NodeId], out: &mut String) {
    let (positional, named) = args.split_at(args.len().saturating_sub(keywords.len()));
    let bare = keywords.len() - named.len();
    let positional = positional.iter().map(|arg| (None, Some(arg)));
    let named = std::iter::repeat_n(None, bare).chain(named.iter().map(Some));
    let named = keywords.iter().zip(named).map(|(keyword, arg)| (Some(keyword), arg));
    out.push(' ');
    write_list(out, '(', positional.chain(named), ')', |(keyword, arg), out| {
        if let Some(keyword) = keyword {
            keyword.write(out);
            out.push('=');
        }
        if let Some(arg) = arg {
            arg.write(out);
        }
    });
}

fn read_arguments(r: &mut Reader<'_>, args: &mut Args) -> Result<Keywords, TextError> {
    let mut keywords = SmallVec::new();
    let mut bare = true;
    let arguments = r.list('(', ')', |r| {
        let named = matches!(r.peek(), Token::Word(_) | Token::Quoted(_));
        if named {
            keywords.push(Syntax::read(r)?);
            r.symbol('=')?;
        } else if !keywords.is_empty() {
            return Err(r.expected("a keyword"));
        }
        bare &= named && !matches!(r.peek(), Token::Node(_));
        if bare { Ok(None) } else { NodeId::read(r).map(Some) }
    })?;
    args.extend(arguments.into_iter().flatten());
    Ok(keywords)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_primitive_has_the_name_of_another_operation() {
        for prim in prims::PRIMS {
            assert!(!NAMES.contains(&prim.name), "{}", prim.name);
        }
    }
}
