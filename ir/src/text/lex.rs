//! Tokens of the text form, and the reader that walks over them.

use super::TextError;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A bare word: letters, digits, `_` and `.`, not beginning with a digit.
    Word(String),
    /// A number as it is written.
    Number(String),
    /// A string in double quotes, unescaped.
    Quoted(String),
    /// `@3`.
    Graph(u32),
    /// `%7`.
    Node(u32),
    /// `->`.
    Arrow,
    /// One of `( ) [ ] { } , : ; = ? -`.
    Symbol(char),
    /// The end of one or more lines.
    Newline,
    /// The end of the text.
    End,
}

/// Types nest no deeper than this in a text that is read.
const MAX_NESTING: usize = 200;

/// A place in a text: line and column, counted from 1.
pub(super) type Position = (usize, usize);

/// A text as tokens, and how far it is read.
pub(super) struct Reader<'a> {
    tokens: Vec<(Token, Position)>,
    next: usize,
    nesting: usize,
    builtins: &'a dyn Fn(&str) -> Option<&'static str>,
}

impl<'a> Reader<'a> {
    /// Splits a text into tokens.
    pub(super) fn new(text: &str, builtins: &'a dyn Fn(&str) -> Option<&'static str>) -> Result<Self, TextError> {
        Ok(Self { tokens: Lexer::new(text).tokens()?, next: 0, nesting: 0, builtins })
    }

    /// The token to be read.
    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    /// The token after it.
    pub(super) fn peek_second(&self) -> &Token {
        &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].0
    }

    /// The place of the token to be read.
    pub(super) fn position(&self) -> Position {
        self.tokens[self.next].1
    }

    /// Reads a token; the end is read again and again.
    pub(super) fn token(&mut self) -> Token {
        let token = self.peek().clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    /// Reads a token if it is the given one.
    pub(super) fn eat(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.token();
        }
        found
    }

    /// Reads a symbol if it is the given one.
    pub(super) fn eat_symbol(&mut self, symbol: char) -> bool {
        self.eat(&Token::Symbol(symbol))
    }

    /// Reads a bare word if it is the given one.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(w) if w == word);
        if found {
            self.token();
        }
        found
    }

    /// Reads a symbol.
    pub(super) fn symbol(&mut self, symbol: char) -> Result<(), TextError> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.expected(&format!("`{symbol}`"))) }
    }

    /// Reads a given bare word.
    pub(super) fn keyword(&mut self, word: &str) -> Result<(), TextError> {
        if self.eat_word(word) { Ok(()) } else { Err(self.expected(&format!("`{word}`"))) }
    }

    /// Reads items between two symbols, with commas between them.
    pub(super) fn list<T>(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Result<T, TextError>,
    ) -> Result<Vec<T>, TextError> {
        self.symbol(open)?;
        let mut items = Vec::new();
        if self.eat_symbol(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat_symbol(close) {
                return Ok(items);
            }
            if !self.eat_symbol(',') {
                return Err(self.expected(&format!("`,` or `{close}`")));
            }
        }
    }

    /// Reads something that may contain itself, which is refused beyond [`MAX_NESTING`] levels.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, TextError>) -> Result<T, TextError> {
        if self.nesting == MAX_NESTING {
            return Err(self.error(format!("types are nested more than {MAX_NESTING} deep")));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    /// The builtin of a name.
    pub(super) fn builtin(&self, name: &str) -> Option<&'static str> {
        (self.builtins)(name)
    }

    /// An error at the token to be read.
    pub(super) fn error(&self, message: impl Into<String>) -> TextError {
        error_at(self.position(), message)
    }

    /// The error of another token standing where something was expected.
    pub(super) fn expected(&self, what: &str) -> TextError {
        let found = match self.peek() {
            Token::Word(text) | Token::Number(text) => format!("`{text}`"),
            Token::Quoted(text) => format!("{text:?}"),
            Token::Graph(id) => format!("`@{id}`"),
            Token::Node(id) => format!("`%{id}`"),
            Token::Arrow => "`->`".to_owned(),
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::Newline => "the end of the line".to_owned(),
            Token::End => "the end of the text".to_owned(),
        };
        self.error(format!("{what} was expected, not {found}"))
    }
}

/// An error at a place.
pub(super) fn error_at((line, column): Position, message: impl Into<String>) -> TextError {
    TextError { line, column, message: message.into() }
}

/// Whether a character may stand in a bare word.
pub(super) fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// Whether a bare word can begin with a character.
pub(super) fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

struct Lexer<'t> {
    chars: std::iter::Peekable<std::str::Chars<'t>>,
    position: Position,
}

impl<'t> Lexer<'t> {
    fn new(text: &'t str) -> Self {
        Self { chars: text.chars().peekable(), position: (1, 1) }
    }

    fn tokens(mut self) -> Result<Vec<(Token, Position)>, TextError> {
        let mut tokens: Vec<(Token, Position)> = Vec::new();
        loop {
            self.take_while(|c| c.is_whitespace() && c != '\n');
            let position = self.position;
            let token = self.token()?;
            let end = token == Token::End;
            let follows_line_end = tokens.last().is_none_or(|(last, _)| *last == Token::Newline);
            if token != Token::Newline || !follows_line_end {
                tokens.push((token, position));
            }
            if end {
                return Ok(tokens);
            }
        }
    }

    fn token(&mut self) -> Result<Token, TextError> {
        let start = self.position;
        let Some(c) = self.bump() else { return Ok(Token::End) };
        Ok(match c {
            '\n' => Token::Newline,
            '@' => Token::Graph(self.id(start)?),
            '%' => Token::Node(self.id(start)?),
            '"' => Token::Quoted(self.quoted(start)?),
            '-' if self.chars.next_if_eq(&'>').is_some() => {
                self.position.1 += 1;
                Token::Arrow
            }
            '(' | ')' | '[' | ']' | '{' | '}' | ',' | ':' | ';' | '=' | '?' | '-' => Token::Symbol(c),
            c if c.is_ascii_digit() => Token::Number(self.number(c)),
            c if is_word_start(c) => Token::Word(c.to_string() + &self.take_while(is_word_char)),
            c => return Err(error_at(start, format!("the character {c:?} means nothing here"))),
        })
    }

    fn id(&mut self, start: Position) -> Result<u32, TextError> {
        let digits = self.take_while(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| error_at(start, "an id is a number below 2^32"))
    }

    fn number(&mut self, first: char) -> String {
        let mut number = first.to_string() + &self.take_while(is_word_char);
        let signed = matches!(self.chars.peek(), Some('-' | '+')) && number.ends_with(['e', 'E']);
        if signed {
            number.extend(self.bump());
            number += &self.take_while(|c| c.is_ascii_digit());
        }
        number
    }

    fn quoted(&mut self, start: Position) -> Result<String, TextError> {
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) if c != '\n' => text.push(c),
                Some(_) | None => return Err(error_at(start, "the closing quote is missing")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, TextError> {
        let start = self.position;
        let character = match self.bump() {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some(c @ ('"' | '\\')) => Some(c),
            Some('u') if self.bump() == Some('{') => {
                let digits = self.take_while(|c| c.is_ascii_hexdigit());
                let closed = self.bump() == Some('}');
                u32::from_str_radix(&digits, 16).ok().filter(|_| closed).and_then(char::from_u32)
            }
            Some(_) | None => None,
        };
        character.ok_or_else(|| error_at(start, r#"an escape is one of \" \\ \n \r \t \u{…}"#))
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while self.chars.peek().is_some_and(|&c| accept(c)) {
            taken.extend(self.bump());
        }
        taken
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        match c {
            '\n' => self.position = (self.position.0 + 1, 1),
            _ => self.position.1 += 1,
        }
        Some(c)
    }
}
