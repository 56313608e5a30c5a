//! Who is fastest, and by how much: a row for each suite and function, a column for each contestant, and a row
//! for each function over all suites.

use crate::derive::Ratio;
use crate::derive::is_contestant;
use crate::format;
use crate::tables::{Field, Head, Line, Table, heads};
use crate::view::{Ranked, Verdict, View};

const NOTE: &str = "Time over the fastest contestant's: the geometric mean over all sizes of the ratio of medians, with its \
                    95\u{a0}% bootstrap interval, paired by round. ≈ marks what cannot be told from the fastest. Only \
                    strategies whose results were checked and right at every size are ranked; for the others the table says \
                    why not. The rows for all suites, which come first, compare only the cells that every contestant finished. \
                    Strategies that ran one program at every size share a place, whatever the clock said: by what their times \
                    differ, marked =, two measurements of the same differ.";

pub(super) fn table(view: &View) -> Table {
    let entered = |strategy: &&str| is_contestant(strategy, &view.run.manifest);
    let strategies: Vec<&str> = view.strategies().into_iter().filter(entered).collect();
    let mut columns = heads(&["suite", "function"]);
    if view.is_mixed() {
        columns.extend(heads(&["kernels", "threads#"]));
    }
    columns.extend(strategies.iter().map(|strategy| Head { text: (*strategy).to_owned(), numeric: true, wide: false }));
    columns.extend(heads(&["fastest ÷ hand-written#", "cells#"]));
    let overall = view.overall_verdicts().iter().filter(|verdict| !verdict.ranking.is_empty());
    let verdicts = overall.chain(view.verdicts());
    let rows = verdicts.map(|verdict| line(view, verdict, &strategies)).collect();
    Table { name: "verdicts", title: "Who is fastest", note: NOTE, reference: false, columns, rows }
}

fn line(view: &View, verdict: &Verdict, strategies: &[&str]) -> Line {
    let mut fields = vec![Field::text(verdict.group.suite), Field::text(verdict.group.function)];
    if view.is_mixed() {
        fields.extend([Field::text(verdict.group.kernels), Field::whole(Some(u64::from(verdict.group.threads)))]);
    }
    fields.extend(strategies.iter().map(|strategy| standing(view, verdict, strategy)));
    let to_handwritten = verdict.ranking.first().and_then(|fastest| fastest.to_handwritten);
    fields.push(to_handwritten.map(|ratio| shown(&ratio)).unwrap_or_default());
    fields.push(Field::whole(Some(verdict.contests.len() as u64)));
    Line { cells: Vec::new(), mark: "", fields }
}

/// What the table says of one strategy in one group.
fn standing(view: &View, verdict: &Verdict, strategy: &str) -> Field {
    if let Some((_, why)) = verdict.unranked.iter().find(|(name, _)| *name == strategy) {
        return Field { small: why.clone(), sort: Some(f64::MAX), ..Field::default() };
    }
    let Some(place) = verdict.ranking.iter().position(|ranked| ranked.strategy == strategy) else {
        return Field::default();
    };
    let ranked = &verdict.ranking[place];
    let from = row_numbers(view, ranked);
    let (first, others) = verdict.first_and_others();
    let level = others.iter().any(|ranked| !ranked.to_fastest.differs());
    let strong = ranked.place == 1 && !level;
    if place == 0 {
        let (text, small) = match (others, level) {
            ([], _) => ("1", "no rival"),
            (_, true) => ("≈ 1", ""),
            (_, false) if verdict.unranked.is_empty() => ("1 fastest", ""),
            (_, false) => ("1 fastest", "of those that ran"),
        };
        let small = listed([small, &one_program(verdict, ranked)]);
        return Field { text: text.into(), small, sort: Some(1.0), strong, from, ..Field::default() };
    }
    let field = shown(&ranked.to_fastest);
    let text = match ranked.to_fastest.differs() {
        _ if place < first.len() => format!("= {}", field.text),
        true => field.text,
        false => format!("≈ {}", field.text),
    };
    Field { text, small: listed([&field.small, &one_program(verdict, ranked)]), strong, from, ..field }
}

/// With whom a contestant shares its place.
fn one_program(verdict: &Verdict, ranked: &Ranked) -> String {
    let level = verdict.ranking.iter().filter(|other| other.place == ranked.place);
    let names: Vec<&str> = level.map(|other| other.strategy).filter(|name| *name != ranked.strategy).collect();
    if names.is_empty() { String::new() } else { format!("one program with {}", names.join(", ")) }
}

fn listed(parts: [&str; 2]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn shown(ratio: &Ratio) -> Field {
    let (text, interval) = format::ratio(ratio);
    let small = interval.map(|(low, high)| format!("[{low}, {high}]")).unwrap_or_default();
    Field { text, small, sort: Some(ratio.ratio), ..Field::default() }
}

fn row_numbers(view: &View, ranked: &Ranked) -> Vec<usize> {
    ranked.cells.iter().filter_map(|cell| view.row_number(&cell.key)).collect()
}
