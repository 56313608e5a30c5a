//! How a row type becomes columns of text and back.
//!
//! A *part* is what one field of a row contributes: one column for a scalar, six for a cell's key. A *row* is a list
//! of parts and the file it is kept in; `rows.rs` declares them with `rows!`, so that the
//! struct is the schema and no column is named twice.
//!
//! What must hold: printing and reading give back an equal row; a number is finite or missing, a time not below zero; a
//! missing value is an empty field; an optional column may be absent from the file, a required one may not.

use std::sync::Arc;

use crate::rows::Key;

/// One column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, with the unit where there is one.
    pub name: &'static str,
    /// What it holds, in a sentence.
    pub about: &'static str,
    /// Whether a file without it cannot be read.
    pub required: bool,
    /// What its fields hold.
    pub holds: Holds,
}

/// What the fields of a column hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Text.
    Text,
    /// A whole number from 0 that fits this many bits.
    Whole(u32),
    /// A number, finite.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of some words.
    Words(Vec<&'static str>),
}

/// What is wrong with one field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The column's name.
    pub column: String,
    /// What is wrong, as a clause.
    pub wrong: String,
}

/// Looks fields of one record up by column name.
pub trait Fields {
    /// The text in `column`; `None` if the file has no such column.
    fn field(&self, column: &str) -> Option<&str>;

    /// The key, shared with the record before if that has the same.
    ///
    /// # Errors
    /// As reading the key does.
    fn key(&self) -> Result<Arc<Key>, FieldError>;
}

/// A row of a file: a list of columns, read and printed in their order.
pub trait Row: Sized {
    /// The file's name in a run folder.
    const FILE: &'static str;

    /// The columns in the order in which they are written.
    fn columns() -> Vec<Column>;

    /// Reads a row from its named fields.
    ///
    /// # Errors
    /// Names the first column that is missing or malformed.
    fn read(fields: &dyn Fields) -> Result<Self, FieldError>;

    /// The fields in the order of [`Row::columns`].
    fn print(&self) -> Vec<String>;
}

/// A value that fills one field.
pub trait Text: Sized {
    /// What such fields hold.
    fn holds() -> Holds;

    /// Reads the field, which is not empty.
    ///
    /// # Errors
    /// Says as a clause what is wrong.
    fn parse(text: &str) -> Result<Self, String>;

    /// The field's text; empty if the value cannot be written.
    fn print(&self) -> String;

    /// Whether it is a number below zero.
    fn is_negative(&self) -> bool {
        false
    }
}

/// What one field of a row struct contributes to the columns.
pub trait Part: Sized {
    /// Appends the columns of a field with this name and documentation.
    fn columns(name: &'static str, about: &'static str, out: &mut Vec<Column>);

    /// Reads the field.
    ///
    /// # Errors
    /// Names the first column that is missing or malformed.
    fn read(fields: &dyn Fields, name: &str) -> Result<Self, FieldError>;

    /// Appends the field's texts.
    fn print(&self, out: &mut Vec<String>);
}

impl<T: Text> Part for T {
    fn columns(name: &'static str, about: &'static str, out: &mut Vec<Column>) {
        out.push(Column { name, about, required: true, holds: T::holds() });
    }

    fn read(fields: &dyn Fields, name: &str) -> Result<Self, FieldError> {
        let text = fields.field(name).filter(|text| !text.is_empty());
        parse_in(name, text.ok_or_else(|| wrong(name, "it is empty".to_owned()))?)
    }

    fn print(&self, out: &mut Vec<String>) {
        out.push(Text::print(self));
    }
}

impl<T: Text> Part for Option<T> {
    fn columns(name: &'static str, about: &'static str, out: &mut Vec<Column>) {
        out.push(Column { name, about, required: false, holds: T::holds() });
    }

    fn read(fields: &dyn Fields, name: &str) -> Result<Self, FieldError> {
        match fields.field(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => parse_in(name, text).map(Some),
        }
    }

    fn print(&self, out: &mut Vec<String>) {
        out.push(self.as_ref().map(Text::print).unwrap_or_default());
    }
}

impl Part for Arc<Key> {
    fn columns(name: &'static str, about: &'static str, out: &mut Vec<Column>) {
        Key::columns(name, about, out);
    }

    fn read(fields: &dyn Fields, _name: &str) -> Result<Self, FieldError> {
        fields.key()
    }

    fn print(&self, out: &mut Vec<String>) {
        Part::print(&**self, out);
    }
}

/// Whether a column holds times, which its name says.
pub(crate) fn holds_times(name: &str) -> bool {
    name.split('_').any(|part| part == "ns")
}

fn parse_in<T: Text>(column: &str, text: &str) -> Result<T, FieldError> {
    let value = T::parse(text).map_err(|what| wrong(column, what))?;
    if holds_times(column) && value.is_negative() {
        return Err(wrong(column, format!("`{text}` is a time below zero")));
    }
    Ok(value)
}

fn wrong(column: &str, wrong: String) -> FieldError {
    FieldError { column: column.to_owned(), wrong }
}

impl Text for String {
    fn holds() -> Holds {
        Holds::Text
    }

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn print(&self) -> String {
        self.clone()
    }
}

impl Text for bool {
    fn holds() -> Holds {
        Holds::Flag
    }

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is neither true nor false"))
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Text for u32 {
    fn holds() -> Holds {
        Holds::Whole(32)
    }

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is not a whole number below 2^32"))
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Text for u64 {
    fn holds() -> Holds {
        Holds::Whole(64)
    }

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` is not a whole number below 2^64"))
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Text for f64 {
    fn holds() -> Holds {
        Holds::Number
    }

    fn parse(text: &str) -> Result<Self, String> {
        let number: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
        if number.is_finite() { Ok(number) } else { Err(format!("`{text}` is not finite; leave it empty instead")) }
    }

    fn is_negative(&self) -> bool {
        *self < 0.0
    }

    /// The shortest text that reads back equal; empty for what is not finite.
    fn print(&self) -> String {
        if self.is_finite() { format!("{self:?}") } else { String::new() }
    }
}

/// Declares row structs; a field's documentation is its column's description.
macro_rules! rows {
    ($($(#[doc = $about:literal])+ struct $name:ident in $file:literal {
        $($(#[doc = $field_about:literal])+ $field:ident: $type:ty,)+
    })+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[doc = $field_about])+ pub $field: $type,)+
        }

        impl $crate::columns::Row for $name {
            const FILE: &'static str = $file;

            fn columns() -> Vec<$crate::columns::Column> {
                let mut out = Vec::new();
                $(<$type as $crate::columns::Part>::columns(
                    stringify!($field),
                    concat!($($field_about),+).trim_ascii(),
                    &mut out,
                );)+
                out
            }

            fn read(fields: &dyn $crate::columns::Fields) -> Result<Self, $crate::columns::FieldError> {
                Ok($name { $($field: $crate::columns::Part::read(fields, stringify!($field))?,)+ })
            }

            fn print(&self) -> Vec<String> {
                let mut out = Vec::new();
                $($crate::columns::Part::print(&self.$field, &mut out);)+
                out
            }
        }
    )+};
}
pub(crate) use rows;

/// Declares an enum whose values are written as words.
macro_rules! words {
    ($($(#[doc = $about:literal])+ enum $name:ident { $($(#[doc = $value_about:literal])+ $value:ident = $word:literal,)+ })+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $($(#[doc = $value_about])+ #[serde(rename = $word)] $value,)+
        }

        impl $name {
            /// Every value, in order of declaration.
            pub const ALL: &[$name] = &[$($name::$value,)+];

            /// The word that stands for the value in every file.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $($name::$value => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl $crate::columns::Text for $name {
            fn holds() -> $crate::columns::Holds {
                $crate::columns::Holds::Words($name::ALL.iter().map(|value| value.word()).collect())
            }

            fn parse(text: &str) -> Result<Self, String> {
                $name::ALL.iter().copied().find(|value| value.word() == text).ok_or_else(|| {
                    let words: Vec<&str> = $name::ALL.iter().map(|value| value.word()).collect();
                    format!("`{text}` is none of {}", words.join(", "))
                })
            }

            fn print(&self) -> String {
                self.word().to_owned()
            }
        }
    )+};
}
pub(crate) use words;
