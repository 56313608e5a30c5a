//! The pieces of syntax below a node: each with its printer and its reader side by side.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use adjudicate_kernels::Array;

use crate::graph::{Const, GraphId, NodeId, RecordType, Stage, VjpSpec};
use crate::span::Span;
use crate::types::{Elem, Shape, Type};

use super::TextError;
use super::lex::{Reader, Token, is_word_char, is_word_start};

/// Something with a text: what `write` appends, `read` reads back.
pub(super) trait Syntax: Sized {
    /// Appends the text.
    fn write(&self, out: &mut String);
    /// Reads it.
    fn read(r: &mut Reader<'_>) -> Result<Self, TextError>;
}

/// Appends items between two symbols, with commas between them.
pub(super) fn write_list<T>(
    out: &mut String,
    open: char,
    items: impl IntoIterator<Item = T>,
    close: char,
    mut write: impl FnMut(T, &mut String),
) {
    out.push(open);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
    out.push(close);
}

/// Appends ` : ` and a type; nothing if it is unknown.
pub(super) fn write_type(ty: &Type, out: &mut String) {
    if *ty != Type::Unknown {
        out.push_str(" : ");
        ty.write(out);
    }
}

/// Reads `: ` and a type if they are there.
pub(super) fn read_type(r: &mut Reader<'_>) -> Result<Type, TextError> {
    if r.eat_symbol(':') { Type::read(r) } else { Ok(Type::Unknown) }
}

impl Syntax for GraphId {
    fn write(&self, out: &mut String) {
        *out += &self.to_string();
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        let &Token::Graph(id) = r.peek() else { return Err(r.expected("a graph")) };
        r.token();
        Ok(GraphId(id))
    }
}

impl Syntax for NodeId {
    fn write(&self, out: &mut String) {
        *out += &self.to_string();
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        let &Token::Node(id) = r.peek() else { return Err(r.expected("a node")) };
        r.token();
        Ok(NodeId(id))
    }
}

/// Unsigned numbers and `i64`.
macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl Syntax for $ty {
            fn write(&self, out: &mut String) {
                *out += &self.to_string();
            }

            fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
                read_number(r, "an integer")
            }
        }
    )*};
}
integers! { u16 u32 usize i64 }

impl Syntax for f64 {
    fn write(&self, out: &mut String) {
        match self {
            x if x.to_bits() == f64::NAN.to_bits() => out.push_str("nan"),
            x if x.is_nan() => *out += &format!("nan.{:016x}", x.to_bits()),
            x => *out += &format!("{x:?}"),
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        if let Token::Word(word) = r.peek()
            && let Some(nan) = nan(word)
        {
            r.token();
            return Ok(nan);
        }
        read_number(r, "a float")
    }
}

/// The value of `nan` and of `nan.` with its bits.
fn nan(word: &str) -> Option<f64> {
    let Some(bits) = word.strip_prefix("nan.") else { return (word == "nan").then_some(f64::NAN) };
    let bits = u64::from_str_radix(bits, 16).ok().filter(|_| bits.len() == 16)?;
    Some(f64::from_bits(bits)).filter(|x| x.is_nan())
}

/// Reads a number with an optional sign.
fn read_number<T: FromStr<Err: Display>>(r: &mut Reader<'_>, what: &str) -> Result<T, TextError> {
    let start = r.position();
    let sign = if r.eat_symbol('-') { "-" } else { "" };
    let digits = match r.peek() {
        Token::Number(digits) => digits.clone(),
        Token::Word(word) if word == "inf" => word.clone(),
        _ => return Err(r.expected(what)),
    };
    r.token();
    let text = format!("{sign}{digits}");
    text.parse().map_err(|why| super::lex::error_at(start, format!("`{text}` is not {what}: {why}")))
}

impl Syntax for bool {
    fn write(&self, out: &mut String) {
        *out += &self.to_string();
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        match (r.eat_word("true"), r.eat_word("false")) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(r.expected("`true` or `false`")),
        }
    }
}

impl Syntax for Arc<str> {
    fn write(&self, out: &mut String) {
        let bare = self.starts_with(is_word_start) && self.chars().all(is_word_char);
        if bare { out.push_str(self) } else { write_quoted(self, out) }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        let (Token::Word(name) | Token::Quoted(name)) = r.peek() else {
            return Err(r.expected("a name"));
        };
        let name = Arc::from(name.as_str());
        r.token();
        Ok(name)
    }
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => *out += &c.escape_unicode().to_string(),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A builtin.
impl Syntax for &'static str {
    fn write(&self, out: &mut String) {
        Arc::<str>::from(*self).write(out);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        let start = r.position();
        let name = Arc::<str>::read(r)?;
        let builtin = r.builtin(&name);
        builtin.ok_or_else(|| super::lex::error_at(start, format!("no builtin is called {name:?}")))
    }
}

impl Syntax for Stage {
    fn write(&self, out: &mut String) {
        out.push_str(self.name());
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        let stages = [Stage::Source, Stage::Specialised, Stage::Closed];
        let stage = stages.into_iter().find(|stage| r.eat_word(stage.name()));
        stage.ok_or_else(|| r.expected("`source`, `specialised` or `closed`"))
    }
}

impl Syntax for Span {
    fn write(&self, out: &mut String) {
        *out += &format!(" ; {}:{}-{}", self.file, self.start, self.end);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        if !r.eat_symbol(';') {
            return Ok(Span::default());
        }
        let file = u16::read(r)?;
        r.symbol(':')?;
        let start = u32::read(r)?;
        r.symbol('-')?;
        Ok(Span { file, start, end: u32::read(r)? })
    }
}

impl Syntax for Type {
    fn write(&self, out: &mut String) {
        *out += &self.to_string();
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        r.nested(|r| {
            if r.eat_symbol('?') {
                return Ok(Type::Unknown);
            }
            if *r.peek() == Token::Symbol('(') {
                return Ok(Type::tuple(r.list('(', ')', Type::read)?));
            }
            if r.eat_word("stack") {
                return Ok(Type::stack(Type::read(r)?));
            }
            if r.eat_word("env") {
                return Ok(Type::Env);
            }
            if r.eat_word("fn") {
                let params = r.list('(', ')', Type::read)?;
                return match r.eat(&Token::Arrow) {
                    true => Ok(Type::function(params, Type::read(r)?)),
                    false => Err(r.expected("`->`")),
                };
            }
            match read_elem(r) {
                Some(elem) => Ok(Type::Tensor(elem, read_shape(r)?)),
                None => Err(r.expected("a type")),
            }
        })
    }
}

fn read_elem(r: &mut Reader<'_>) -> Option<Elem> {
    [Elem::F64, Elem::I64, Elem::Bool].into_iter().find(|elem| r.eat_word(elem.name()))
}

fn read_shape(r: &mut Reader<'_>) -> Result<Shape, TextError> {
    if *r.peek() != Token::Symbol('[') {
        return Ok(Arc::from([]));
    }
    let start = r.position();
    let shape = r.list('[', ']', usize::read)?;
    let elements = shape.iter().filter(|&&n| n > 0).try_fold(8_usize, |size, &n| size.checked_mul(n));
    match elements.filter(|&bytes| isize::try_from(bytes).is_ok()) {
        Some(_) => Ok(shape.into()),
        None => Err(super::lex::error_at(start, "a tensor this large has no place in memory")),
    }
}

impl Syntax for Const {
    fn write(&self, out: &mut String) {
        match self {
            Const::F64(x) => x.write(out),
            Const::I64(x) => x.write(out),
            Const::Bool(x) => x.write(out),
            Const::Array(a) => write_array(&self.ty(), a.as_slice(), out),
            Const::Ints(a) => write_array(&self.ty(), a.as_slice(), out),
            Const::Bools(a) => write_array(&self.ty(), a.as_slice(), out),
            Const::Str(text) => write_quoted(text, out),
            Const::None => out.push_str("none"),
            Const::Undefined => out.push_str("undefined"),
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        if let Token::Quoted(text) = r.peek() {
            let text = Arc::from(text.as_str());
            r.token();
            return Ok(Const::Str(text));
        }
        if r.eat_word("none") {
            return Ok(Const::None);
        }
        if r.eat_word("undefined") {
            return Ok(Const::Undefined);
        }
        if matches!(r.peek(), Token::Word(w) if w == "true" || w == "false") {
            return Ok(Const::Bool(bool::read(r)?));
        }
        match read_elem(r) {
            Some(Elem::F64) => Ok(Const::Array(read_array(r)?)),
            Some(Elem::I64) => Ok(Const::Ints(read_array(r)?)),
            Some(Elem::Bool) => Ok(Const::Bools(read_array(r)?)),
            None => read_scalar(r),
        }
    }
}

fn read_scalar(r: &mut Reader<'_>) -> Result<Const, TextError> {
    let digits = if *r.peek() == Token::Symbol('-') { r.peek_second() } else { r.peek() };
    match digits {
        Token::Number(digits) if !digits.contains(['.', 'e', 'E']) => Ok(Const::I64(i64::read(r)?)),
        Token::Number(_) => Ok(Const::F64(f64::read(r)?)),
        Token::Word(word) if word == "inf" || nan(word).is_some() => Ok(Const::F64(f64::read(r)?)),
        _ => Err(r.expected("a constant")),
    }
}

fn write_array<T: Syntax>(ty: &Type, items: &[T], out: &mut String) {
    ty.write(out);
    out.push(' ');
    write_list(out, '(', items, ')', T::write);
}

fn read_array<T: Syntax + adjudicate_kernels::Element>(r: &mut Reader<'_>) -> Result<Array<T>, TextError> {
    let shape = read_shape(r)?;
    let start = r.position();
    let items = r.list('(', ')', T::read)?;
    let count: usize = shape.iter().product();
    if items.len() != count {
        let message = format!("the shape has {count} elements, not {}", items.len());
        return Err(super::lex::error_at(start, message));
    }
    Ok(Array::from_vec(&shape, items))
}

impl Syntax for VjpSpec {
    fn write(&self, out: &mut String) {
        self.graph.write(out);
        out.push_str(" wrt ");
        write_list(out, '[', self.wrt.iter(), ']', u32::write);
        if let Some(seeds) = self.seeds {
            out.push_str(" seeds ");
            seeds.write(out);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        let graph = GraphId::read(r)?;
        r.keyword("wrt")?;
        let wrt = r.list('[', ']', u32::read)?.into();
        let seeds = if r.eat_word("seeds") { Some(usize::read(r)?) } else { None };
        Ok(VjpSpec { graph, wrt, seeds })
    }
}

impl Syntax for Arc<RecordType> {
    fn write(&self, out: &mut String) {
        self.name.write(out);
        write_list(out, '{', &self.fields, '}', Arc::write);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, TextError> {
        let name = Syntax::read(r)?;
        Ok(Arc::new(RecordType { name, fields: r.list('{', '}', Syntax::read)? }))
    }
}
