//! Positions in source files and the diagnostics that point at them.

use std::fmt;
use std::sync::Arc;

/// A half-open byte range in one file of a [`SourceMap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Index of the file in the source map.
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A file that has been read: its name as the user wrote it, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name shown in messages.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    /// The functions that a person wrote in it: extent and name, outer before inner.
    functions: Arc<[(Span, Arc<str>)]>,
}

/// The files that spans refer to.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// The index of the model file: the first; the library's is another.
    pub const MODEL: u16 = 0;

    /// Adds a file and returns its index.
    pub fn add(&mut self, name: &str, text: &str) -> u16 {
        self.files.push(SourceFile { name: name.into(), text: text.into(), functions: Arc::default() });
        u16::try_from(self.files.len() - 1).expect("fewer than 65536 source files")
    }

    /// Says which functions there are in a file, outer before inner.
    pub(crate) fn define(&mut self, file: u16, functions: Vec<(Span, Arc<str>)>) {
        self.files[usize::from(file)].functions = functions.into();
    }

    /// The file of a span.
    pub fn file(&self, span: Span) -> Option<&SourceFile> {
        self.files.get(usize::from(span.file))
    }

    /// Line and column of the start of a span, both counted from 1, the column in characters.
    pub fn line_column(&self, span: Span) -> Option<(usize, usize)> {
        let text = &self.file(span)?.text;
        let before = text.get(..span.start as usize)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Some((line, column))
    }

    /// `file:line:column` of the start of a span.
    pub fn position(&self, span: Span) -> String {
        match (self.file(span), self.line_column(span)) {
            (Some(file), Some((line, column))) => format!("{}:{line}:{column}", file.name),
            _ => "<unknown>".to_owned(),
        }
    }

    /// The innermost function of the model that a span lies in.
    fn function(&self, span: Span) -> Option<&str> {
        let holds = |(extent, _): &&(Span, Arc<str>)| extent.start <= span.start && span.end <= extent.end;
        let known = Some(span).filter(|span| span.is_of_model())?;
        self.file(known)?.functions.iter().rfind(holds).map(|(_, name)| &**name)
    }

    /// What a message is about: of places, the nearest first, the one that lies in a function of the model, and that function
    /// as messages name it. Transformed code stands where it came from, so its place tells more than the name of its graph.
    pub fn subject(&self, places: &[Span]) -> (Span, String) {
        let named = places.iter().find_map(|&place| Some((place, format!("`{}`", self.function(place)?))));
        named.unwrap_or_else(|| (places.first().copied().unwrap_or_default(), "the top level".to_owned()))
    }
}

impl Span {
    /// Whether the position is known, and in the file that the user wrote.
    pub fn is_of_model(self) -> bool {
        self.file == SourceMap::MODEL && self != Span::default()
    }
}

/// Something wrong in a program, where it is, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// What is wrong: one sentence without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to write instead, if it is known.
    pub help: Option<String>,
    /// Further places that matter, each with a remark (for instance the calls that led here).
    pub notes: Vec<(Span, String)>,
}

/// A count and what is counted.
pub(crate) fn plural(n: usize, what: &str) -> String {
    match what.strip_suffix("is") {
        _ if n == 1 => format!("1 {what}"),
        Some(stem) => format!("{n} {stem}es"),
        None => format!("{n} {what}s"),
    }
}

/// How many there are of what was named before.
pub(crate) fn given(n: usize) -> String {
    if n == 1 { "1 is given".to_owned() } else { format!("{n} are given") }
}

impl Diagnostic {
    /// A diagnostic without a suggestion.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span, help: None, notes: Vec::new() }
    }

    /// Adds a suggestion.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a remark on another place.
    #[must_use]
    pub fn note(mut self, span: Span, remark: impl Into<String>) -> Self {
        self.notes.push((span, remark.into()));
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}
