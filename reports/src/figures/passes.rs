//! How large the program is after each pass, and how long each takes, at the largest size of each suite.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use crate::chart::{Axis, Body, Entry, Figure, Join, Panel, Point, Scale, Series};
use crate::derive::finished_ns;
use crate::figures::{Kind, file_name};
use crate::format::{Unit, quantity};
use crate::look::look;
use crate::rows::{Key, NODES_AFTER, NULL_KERNELS, PREPARE, StageTime};
use crate::view::View;

/// Listed in [`FIGURES`](crate::figures::FIGURES).
pub(super) const KIND: Kind = Kind { name: "passes", title: "The program through the passes", about: ABOUT, make };

const ABOUT: &str = "Nodes of the program after each stage and pass, and the time of each, from top to bottom, for strategies that know the \
                       whole program before it runs. Passes that are run in rounds until nothing changes are one point, called simplified: \
                       the nodes after the last round, the time of all of them. A time is the median over several preparations (stages.csv); \
                       parse ends with a program that is not specialised yet, lower turns the last program into what runs, and neither has \
                       nodes. `adjudicate explain` shows the program itself.";

/// What rounds of passes are called.
const ROUNDS: &str = "simplified";

/// The fewest stages that make a figure.
const FEWEST: usize = 3;

/// What a program went through, in order.
type Passes<'a> = Vec<Pass<'a>>;

/// A stage or pass: the nodes after it and the nanoseconds it took, as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pass<'a> {
    name: &'a str,
    nodes: Option<u64>,
    nanos: Option<f64>,
}

fn make(view: &View) -> Vec<Figure> {
    let mut counted: IndexMap<&Key, Passes> = IndexMap::new();
    for count in view.run.counts.iter().filter(|count| count.key.kernels != NULL_KERNELS) {
        let Some(name) = count.metric.strip_prefix(NODES_AFTER) else { continue };
        counted.entry(&count.key).or_default().push(Pass { name, nodes: Some(count.value), nanos: None });
    }
    let mut timed: HashMap<&Key, Vec<&StageTime>> = HashMap::new();
    for row in &view.run.stages {
        timed.entry(&row.key).or_default().push(row);
    }
    for rows in timed.values_mut() {
        rows.sort_by_key(|row| row.place);
    }
    counted.retain(|_, passes| passes.len() >= FEWEST);
    for (key, passes) in &mut counted {
        let times = timed.get(key).map_or(&[][..], Vec::as_slice);
        *passes = with_times(passes, times);
    }
    // A program that is done after one round has the same passes.
    let in_rounds: HashSet<&str> = counted.values().flat_map(repeated).collect();
    for passes in counted.values_mut() {
        *passes = without_rounds(passes, &in_rounds);
    }
    view.suites().into_iter().filter_map(|suite| figure(view, &counted, suite)).collect()
}

/// The passes with their times, and the stages that have times alone: the same in the same order, as far as names agree.
fn with_times<'a>(counted: &[Pass<'a>], timed: &[&'a StageTime]) -> Passes<'a> {
    let mut left = counted.iter().peekable();
    let mut passes: Passes = Vec::new();
    for row in timed {
        let nodes = left.next_if(|pass| pass.name == row.stage).and_then(|pass| pass.nodes);
        passes.push(Pass { name: &row.stage, nodes, nanos: Some(row.median_ns) });
    }
    if left.peek().is_none() { passes } else { counted.to_vec() }
}

/// What comes before the first nodes, and those, which are stages of their own; and the passes behind them, of which one may
/// have the name of a stage.
fn stages_and_passes<'p, 'a>(passes: &'p Passes<'a>) -> (&'p [Pass<'a>], &'p [Pass<'a>]) {
    let first = passes.iter().position(|pass| pass.nodes.is_some()).map_or(passes.len(), |place| place + 1);
    passes.split_at(first)
}

/// The names of passes that a program went through more than once.
fn repeated<'a>(passes: &Passes<'a>) -> Vec<&'a str> {
    let (_, passes) = stages_and_passes(passes);
    let is_repeated = |(i, pass): (usize, &Pass<'a>)| {
        let before = passes[..i].iter().any(|other| other.name == pass.name);
        before.then_some(pass.name)
    };
    passes.iter().enumerate().filter_map(is_repeated).collect()
}

/// The passes with each stretch of those that are run in rounds put together.
fn without_rounds<'a>(passes: &Passes<'a>, in_rounds: &HashSet<&str>) -> Passes<'a> {
    let (stages, passes) = stages_and_passes(passes);
    let mut kept = stages.to_vec();
    for pass in passes {
        let is_round = in_rounds.contains(pass.name);
        match kept.last_mut() {
            Some(Pass { name: ROUNDS, nodes, nanos }) if is_round => {
                *nodes = pass.nodes;
                *nanos = nanos.zip(pass.nanos).map(|(one, other)| one + other);
            }
            _ => kept.push(Pass { name: if is_round { ROUNDS } else { pass.name }, ..*pass }),
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
    let panels = by_strategy.iter().flat_map(|(strategy, programs)| panels(view, strategy, programs, &functions));
    let entry = |name: &&str| Entry { label: (*name).to_owned(), look: look(&functions, name), join: Join::Line };
    Some(Figure {
        name: file_name(KIND.name, suite),
        title: format!("{suite}: the program through the passes at {size}"),
        caption: String::new(),
        body: Body::Panels { panels: panels.collect(), legend: functions.iter().map(entry).collect() },
    })
}

/// The nodes after each pass and, if it is known of any, the time of each.
fn panels(view: &View, strategy: &str, programs: &[(&Key, &Passes)], functions: &[&str]) -> Vec<Panel> {
    let names = programs
        .iter()
        .fold(Vec::new(), |names, (_, passes)| woven(&names, &passes.iter().map(|pass| pass.name).collect::<Vec<_>>()));
    let panel = |title: String, label: &str, unit: Unit, number: &dyn Fn(&Pass) -> Option<f64>| Panel {
        title,
        x: Axis { label: label.to_owned(), scale: Scale::Log(unit) },
        y: Axis { label: String::new(), scale: Scale::Names(names.iter().map(|name| (*name).to_owned()).collect()) },
        series: programs
            .iter()
            .map(|(key, passes)| Series {
                look: look(functions, &key.function),
                join: Join::Line,
                points: placed(&names, passes, number),
            })
            .collect(),
        rules: Vec::new(),
        notes: Vec::new(),
    };
    let prepared = programs.iter().filter_map(|(key, _)| {
        let preparation = Key { function: format!("{PREPARE}{}", key.function), ..(*key).clone() };
        let time = view.find(&preparation).and_then(finished_ns)?;
        Some(format!("{} in {}", key.function, quantity(time, Unit::Nanoseconds)))
    });
    let prepared = prepared.collect::<Vec<_>>().join(", ");
    let prepares = if prepared.is_empty() { strategy.to_owned() } else { format!("{strategy}: prepares {prepared}") };
    let nodes = panel(prepares, "nodes after it", Unit::Count, &|pass| pass.nodes.map(|nodes| nodes as f64));
    let times = panel(format!("{strategy}: time of each"), "time", Unit::Nanoseconds, &|pass| pass.nanos);
    [nodes, times].into_iter().filter(|panel| !panel.is_empty()).collect()
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

/// A point for each pass that has the number, at the first place of its name after that of the pass before it.
fn placed(names: &[&str], passes: &Passes, number: &dyn Fn(&Pass) -> Option<f64>) -> Vec<Point> {
    let mut places = names.iter().enumerate();
    let mut points = Vec::new();
    for pass in passes {
        let place = places.find(|(_, name)| **name == pass.name);
        points.extend(place.zip(number(pass)).map(|((place, _), x)| Point { x, y: place as f64, interval: None }));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(name: &str, nodes: u64, nanos: f64) -> Pass<'_> {
        Pass { name, nodes: Some(nodes), nanos: Some(nanos) }
    }

    #[test]
    fn rounds_of_passes_are_one_point_with_the_last_nodes_and_all_the_time() {
        let parse = Pass { nodes: None, ..pass("parse", 0, 7.0) };
        let one_by_one = [
            parse,
            pass("specialise", 9, 1.0),
            pass("close", 8, 2.0),
            pass("specialise", 7, 10.0),
            pass("cse", 6, 20.0),
            pass("specialise", 5, 30.0),
            pass("cse", 5, 40.0),
            pass("fuse", 4, 3.0),
        ];
        let expected =
            [parse, pass("specialise", 9, 1.0), pass("close", 8, 2.0), pass(ROUNDS, 5, 100.0), pass("fuse", 4, 3.0)];
        let in_rounds: HashSet<&str> = repeated(&one_by_one.to_vec()).into_iter().collect();
        assert_eq!(without_rounds(&one_by_one.to_vec(), &in_rounds), expected);
        let at_once = [&one_by_one[..5], &one_by_one[7..]].concat();
        let expected =
            [parse, pass("specialise", 9, 1.0), pass("close", 8, 2.0), pass(ROUNDS, 6, 30.0), pass("fuse", 4, 3.0)];
        assert_eq!(without_rounds(&at_once, &in_rounds), expected);
    }

    #[test]
    fn times_and_nodes_meet_by_name_in_order_and_not_at_all_where_they_differ() {
        let row = |stage: &str, median_ns| StageTime { stage: stage.to_owned(), median_ns, ..StageTime::default() };
        let counted = ["specialise", "cse", "cse"]
            .into_iter()
            .zip([9, 8, 7])
            .map(|(name, n)| Pass { nanos: None, ..pass(name, n, 0.0) });
        let counted: Passes = counted.collect();
        let rows = [row("parse", 1.0), row("specialise", 2.0), row("cse", 3.0), row("cse", 4.0), row("lower", 5.0)];
        let alone = |name, nanos| Pass { nodes: None, ..pass(name, 0, nanos) };
        let both = [alone("parse", 1.0), pass("specialise", 9, 2.0), pass("cse", 8, 3.0), pass("cse", 7, 4.0)];
        let rows: Vec<&StageTime> = rows.iter().collect();
        assert_eq!(with_times(&counted, &rows), [&both[..], &[alone("lower", 5.0)]].concat());
        assert_eq!(with_times(&counted, &rows[..3]), counted);
        assert_eq!(with_times(&counted, &[]), counted);
    }

    #[test]
    fn weaving_keeps_both_orders_and_repeats_nothing() {
        let (one, two) = (["parse", "inline", "prune"], ["parse", "gradient", "inline", "fuse", "prune", "inline"]);
        assert_eq!(woven(&one, &two), ["parse", "gradient", "inline", "fuse", "prune", "inline"]);
        assert_eq!(woven(&[], &one), one);
        let passes = vec![pass("parse", 3, 1.0), pass("inline", 2, 1.0), pass("prune", 1, 1.0)];
        let points = placed(&woven(&one, &two), &passes, &|pass| pass.nodes.map(|nodes| nodes as f64));
        assert_eq!(points.iter().map(|point| point.y).collect::<Vec<_>>(), [0.0, 2.0, 4.0]);
    }
}
