//! Diagnostics as people read them: position, excerpt with carets, help and further places.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::span::{Diagnostic, SourceMap, Span};

/// A diagnostic as plain text: message, `file:line:column`, excerpt, help, notes.
pub fn render(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let title = Level::ERROR.primary_title(&*diagnostic.message);
    let mut notes = &diagnostic.notes[..];
    let mut place = diagnostic.span;
    // A line of the library is none of the reader's: the nearest that is takes its place.
    if place.file != SourceMap::MODEL
        && let Some(((first, _), rest)) = notes.split_first()
    {
        (place, notes) = (*first, rest);
    }
    let mut main = match excerpt(place, sources) {
        Some((path, text, line, range)) => {
            let mark = AnnotationKind::Primary.span(range);
            title.element(Snippet::source(text).path(path).line_start(line).annotation(mark))
        }
        None => Group::with_title(title),
    };
    if let Some(help) = &diagnostic.help {
        main = main.element(Level::HELP.message(&**help));
    }
    let mut groups = vec![main];
    for (span, remark) in notes {
        let title = Level::NOTE.secondary_title(&**remark);
        groups.push(match excerpt(*span, sources) {
            Some((path, text, line, range)) => {
                let mark = AnnotationKind::Primary.span(range);
                title.element(Snippet::source(text).path(path).line_start(line).annotation(mark))
            }
            None => Group::with_title(title),
        });
    }
    Renderer::plain().render(&groups)
}

/// File, the lines of the span, the number of the first, and the span within them. At most the
/// first line of a longer span is shown.
fn excerpt(span: Span, sources: &SourceMap) -> Option<(&str, &str, usize, std::ops::Range<usize>)> {
    let file = sources.file(span)?;
    let text = &*file.text;
    let at = span.start as usize;
    let before = text.get(..at)?;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let rest = text.get(at..)?;
    let end = at + rest.find('\n').unwrap_or(rest.len());
    let line = before.matches('\n').count() + 1;
    let until = (span.end as usize).clamp(at, end);
    let until = if text.is_char_boundary(until) { until } else { end };
    Some((&file.name, &text[start..end], line, at - start..until - start))
}
