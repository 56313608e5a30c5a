//! A bound on nesting, checked on tokens before anything recursive runs.
//!
//! The depth of a syntax tree at a place is at most the number of tokens that lead there: on the
//! level of each open bracket, those since the last comma or line. Brackets and indentation are
//! bounded as in CPython.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};
use ruff_text_size::{TextRange, TextSize};

const MAX_BRACKETS: usize = 200;
const MAX_INDENTS: usize = 100;
const MAX_TOKENS: usize = 20_000;

/// What nests too deeply, and where.
pub(super) fn too_deep(text: &str) -> Option<(TextRange, String)> {
    let what = scan(text)?;
    let (mut fine, mut deep) = (0, text.len());
    while deep - fine > 1 {
        let middle = (fine..fine + (deep - fine) / 2 + 1).rev().find(|&i| text.is_char_boundary(i));
        let middle = middle.filter(|&i| i > fine).unwrap_or(deep - 1);
        match text.get(..middle).and_then(scan) {
            Some(_) => deep = middle,
            None => fine = middle,
        }
    }
    let at = (0..=fine).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    Some((TextRange::empty(TextSize::of(&text[..at])), what))
}

/// What nests too deeply, if anything does.
fn scan(text: &str) -> Option<String> {
    let mut lexer = lexer::lex(text, Mode::Module);
    let mut levels = vec![0_usize];
    let mut total = 0_usize;
    let mut indents = 0_usize;
    loop {
        let kind = lexer.next_token();
        let inside = levels.len() > 1;
        let level = levels.last_mut().expect("the outermost level is never closed");
        total += 1;
        *level += 1;
        match kind {
            TokenKind::EndOfFile => return None,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => levels.push(0),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace if inside => {
                total -= std::mem::take(level);
                levels.pop();
            }
            TokenKind::Comma | TokenKind::Newline | TokenKind::Semi => total -= std::mem::take(level),
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            _ => {}
        }
        if levels.len() > MAX_BRACKETS {
            return Some(format!("brackets nest more than {MAX_BRACKETS} deep here"));
        }
        if indents > MAX_INDENTS {
            return Some(format!("blocks nest more than {MAX_INDENTS} deep here"));
        }
        if total > MAX_TOKENS {
            return Some(format!("this statement is longer than {MAX_TOKENS} tokens"));
        }
    }
}
