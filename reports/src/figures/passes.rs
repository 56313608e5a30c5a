//! How large the program is after each pass, at the largest size of each suite, and how long all of it took.

use indexmap::IndexMap;

use crate::chart::{Axis, Body, Entry, Figure, Join, Panel, Point, Scale, Series};
use crate::derive::finished_ns;
use crate::figures::{Kind, file_name};
use crate::format::{Unit, quantity};
use crate::look::look;
use crate::rows::{Key, NODES_AFTER, NULL_KERNELS, PREPARE};
use crate::view::View;

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "passes", title: "The program through the passes", about: ABOUT, make };

const ABOUT: &str = "Nodes of the program after each stage and pass, from top to bottom, for strategies that know the whole program before it \
                       runs. Passes that are run in rounds until nothing changes are one point, called simplified. `adjudicate explain` shows \
                       the program itself, and the time of each pass.";

/// What rounds of passes are called.
const ROUNDS: &str = "simplified";

/// The fewest stages that make a figure.
const FEWEST: usize = 3;

/// A program's passes in order, each with the nodes after it.
type Passes<'a> = Vec<(&'a str, u64)>;

fn make(view: &View) -> Vec<Figure> {
    let mut passes: IndexMap<&Key, Passes> = IndexMap::new();
    for count in view.run.counts.iter().filter(|count| count.key.kernels != NULL_KERNELS) {
        let Some(pass) = count.metric.strip_prefix(NODES_AFTER) else { continue };
        passes.entry(&count.key).or_default().push((pass, count.value));
    }
    passes.values_mut().for_each(|passes| *passes = without_rounds(passes));
    passes.retain(|_, passes| passes.len() >= FEWEST);
    view.suites().into_iter().filter_map(|suite| figure(view, &passes, suite)).collect()
}

/// The passes with each stretch of those that occur more than once put together; the first is a stage of its own.
fn without_rounds<'a>(passes: &Passes<'a>) -> Passes<'a> {
    let mut kept: Passes = passes.iter().take(1).copied().collect();
    for (name, nodes) in passes.iter().skip(1) {
        let is_round = passes.iter().filter(|(other, _)| other == name).count() > 1;
        match kept.last_mut() {
            Some((ROUNDS, after)) if is_round => *after = *nodes,
            _ => kept.push((if is_round { ROUNDS } else { name }, *nodes)),
        }
    }
    kept
}

fn figure(view: &View, passes: &IndexMap<&Key, Passes>, suite: &str) -> Option<Figure> {
    let size = *view.sizes(suite).iter().rfind(|size| passes.keys().any(|k| k.suite == suite && k.size == **size))?;
    let mut by_strategy: IndexMap<&str, Vec<(&Key, &Passes)>> = IndexMap::new();
    for (key, passes) in passes.iter().filter(|(key, _)| key.suite == suite && key.size == size) {
        by_strategy.entry(&key.strategy).or_default().push((key, passes));
    }
    let functions = crate::view::distinct(by_strategy.values().flatten().map(|(key, _)| key.function.as_str()));
    let panels = by_strategy.iter().map(|(strategy, programs)| panel(view, strategy, programs, &functions)).collect();
    let entry = |name: &&str| Entry { label: (*name).to_owned(), look: look(&functions, name), join: Join::Line };
    Some(Figure {
        name: file_name(KIND.name, suite),
        title: format!("{suite}: nodes after each pass at {size}"),
        caption: String::new(),
        body: Body::Panels { panels, legend: functions.iter().map(entry).collect() },
    })
}

fn panel(view: &View, strategy: &str, programs: &[(&Key, &Passes)], functions: &[&str]) -> Panel {
    let names = programs.iter().fold(Vec::new(), |names, (_, passes)| {
        woven(&names, &passes.iter().map(|(name, _)| *name).collect::<Vec<_>>())
    });
    let series = programs.iter().map(|(key, passes)| Series {
        look: look(functions, &key.function),
        join: Join::Line,
        points: placed(&names, passes),
    });
    let prepared = programs.iter().filter_map(|(key, _)| {
        let preparation = Key { function: format!("{PREPARE}{}", key.function), ..(*key).clone() };
        let time = view.find(&preparation).and_then(finished_ns)?;
        Some(format!("{} in {}", key.function, quantity(time, Unit::Nanoseconds)))
    });
    let prepared = prepared.collect::<Vec<_>>().join(", ");
    Panel {
        title: if prepared.is_empty() { strategy.to_owned() } else { format!("{strategy}: prepares {prepared}") },
        x: Axis { label: "nodes".to_owned(), scale: Scale::Log(Unit::Count) },
        y: Axis { label: String::new(), scale: Scale::Names(names.iter().map(|name| (*name).to_owned()).collect()) },
        series: series.collect(),
        rules: Vec::new(),
        notes: Vec::new(),
    }
}

/// The shortest list that has the items of both in their order.
fn woven<'a>(one: &[&'a str], two: &[&'a str]) -> Vec<&'a str> {
    // common[i][j] is the length of the longest common part of one[i..] and two[j..].
    let mut common = vec![vec![0_usize; two.len() + 1]; one.len() + 1];
    for i in (0..one.len()).rev() {
        for j in (0..two.len()).rev() {
            common[i][j] = match one[i] == two[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut all) = (0, 0, Vec::new());
    while i < one.len() && j < two.len() {
        if one[i] == two[j] {
            all.push(one[i]);
            (i, j) = (i + 1, j + 1);
        } else if common[i + 1][j] >= common[i][j + 1] {
            all.push(one[i]);
            i += 1;
        } else {
            all.push(two[j]);
            j += 1;
        }
    }
    all.extend(&one[i..]);
    all.extend(&two[j..]);
    all
}

/// A point for each pass, at the first place of its name after that of the pass before it.
fn placed(names: &[&str], passes: &Passes) -> Vec<Point> {
    let mut places = names.iter().enumerate();
    let point = |(pass, nodes): &(&str, u64)| {
        let (place, _) = places.find(|(_, name)| *name == pass)?;
        Some(Point { x: *nodes as f64, y: place as f64, interval: None })
    };
    passes.iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_passes_are_one_point() {
        let passes =
            vec![("specialise", 9), ("close", 8), ("inline", 7), ("cse", 6), ("inline", 5), ("cse", 5), ("fuse", 4)];
        let expected = vec![("specialise", 9), ("close", 8), (ROUNDS, 5), ("fuse", 4)];
        assert_eq!(without_rounds(&passes), expected);
    }

    #[test]
    fn weaving_keeps_both_orders_and_repeats_nothing() {
        let (one, two) = (["parse", "inline", "prune"], ["parse", "gradient", "inline", "fuse", "prune", "inline"]);
        assert_eq!(woven(&one, &two), ["parse", "gradient", "inline", "fuse", "prune", "inline"]);
        assert_eq!(woven(&[], &one), one);
        let points = placed(&woven(&one, &two), &vec![("parse", 3), ("inline", 2), ("prune", 1)]);
        assert_eq!(points.iter().map(|point| point.y).collect::<Vec<_>>(), [0.0, 2.0, 4.0]);
    }
}
