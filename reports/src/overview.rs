//! The overview of a run: what was run, on what, and the few numbers to know first.

use serde::Serialize;

use crate::derive::is_preparation;
use crate::format::{Unit, percent, quantity, three_digits};
use crate::rows::{Manifest, Steadiness};
use crate::twins::Twins;
use crate::view::{Ranked, Verdict, View, distinct, state};

/// What stands at the top of every page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// The run's id.
    pub run_id: String,
    /// What was run, what it ran on: names and values.
    pub facts: Vec<(&'static str, String)>,
    /// How many cells ended how: states and numbers, the first with something to say first.
    pub outcomes: Vec<(String, usize)>,
    /// The verdicts in a sentence each.
    pub headlines: Vec<String>,
    /// Where everything came from, for who wants to repeat it: names and values.
    pub provenance: Vec<(String, String)>,
}

/// The load of a core from which a machine counts as busy.
const BUSY: f64 = 0.75;

/// Sums up a run.
#[must_use]
pub fn overview(view: &View) -> Overview {
    let manifest = &view.run.manifest;
    Overview {
        run_id: manifest.run_id.clone(),
        facts: facts(view, manifest),
        outcomes: outcomes(view),
        headlines: unfinished(view).into_iter().chain(headlines(view)).chain(unsteady(view)).collect(),
        provenance: provenance(manifest),
    }
}

fn facts(view: &View, manifest: &Manifest) -> Vec<(&'static str, String)> {
    let Manifest { machine, toolchain, kernels, .. } = manifest;
    let busy = |load: f64| if load > BUSY * f64::from(machine.cores.max(1)) { ": busy, times may be off" } else { "" };
    let load = machine.load.map(|load| format!("load {load} as the run began{}", busy(load))).unwrap_or_default();
    let uncorrected = manifest.uncorrected_noise_floor.map(|floor| format!("{} of hand-written code", percent(floor)));
    let floor = sentence(&[&manifest.noise_floor.map(percent).unwrap_or_default(), &uncorrected.unwrap_or_default()]);
    let facts = [
        ("suites", view.suites().join(", ")),
        ("strategies", view.strategies().join(", ")),
        ("command", manifest.command.clone()),
        ("started", manifest.started.clone()),
        ("machine", sentence(&[&machine.cpu, &counted(machine.cores, "core"), &load])),
        ("kernels", sentence(&[&kernels.backend, &kernels.version, &counted(kernels.threads, "thread")])),
        ("built with", sentence(&[&toolchain.rustc, &toolchain.target_cpu, &toolchain.features.join(" ")])),
        ("noise floor", floor),
        ("noise within the run", Twins::of(view).map(|twins| twins.to_string()).unwrap_or_default()),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn counted(number: u32, thing: &str) -> String {
    match number {
        0 => String::new(),
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

fn sentence(parts: &[&str]) -> String {
    parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn outcomes(view: &View) -> Vec<(String, usize)> {
    let cells = view.run.cells.iter().filter(|cell| !is_preparation(cell));
    let states: Vec<&str> = cells.map(state).collect();
    let counted = |word: &str| (word.to_owned(), states.iter().filter(|state| **state == word).count());
    let mut outcomes = vec![("cells".to_owned(), states.len())];
    let missing = view.run.manifest.planned_cells.map(|planned| planned.saturating_sub(states.len() as u64) as usize);
    outcomes.extend(missing.filter(|missing| *missing > 0).map(|missing| ("not reached".to_owned(), missing)));
    let order = ["ok", "invalid", "not controlled", "failed", "timeout", "refused", "unchecked", "skipped"];
    outcomes.extend(order.into_iter().map(counted).filter(|(_, number)| *number > 0));
    let failed = view.run.checks.iter().filter(|check| !check.passed).count();
    outcomes.push(("checks passed".to_owned(), view.run.checks.len() - failed));
    outcomes.extend((failed > 0).then(|| ("checks failed".to_owned(), failed)));
    outcomes
}

/// That a run broke off, which limits what its verdicts mean.
fn unfinished(view: &View) -> Option<String> {
    view.run.broken_off().map(|how| format!("This run {how}, and the verdicts are of those alone"))
}

/// How many cells had samples that were not steady, and in what way.
fn unsteady(view: &View) -> Option<String> {
    let words: Vec<Steadiness> =
        view.run.cells.iter().filter(|cell| !is_preparation(cell)).filter_map(|cell| cell.steadiness).collect();
    let counted = |(word, says): &(Steadiness, &str)| {
        let number = words.iter().filter(|found| *found == word).count();
        (number > 0).then(|| format!("{number} {says}"))
    };
    let kinds = [
        (Steadiness::Drift, "drifted from round to round"),
        (Steadiness::TwoModes, "were of two groups"),
        (Steadiness::Noisy, "were all over"),
    ];
    let found: Vec<String> = kinds.iter().filter_map(counted).collect();
    let all = words.len();
    (!found.is_empty()).then(|| {
        format!(
            "samples that were not steady, of {all} cells: {}; intervals of theirs may be too narrow",
            found.join(", ")
        )
    })
}

/// A sentence for each function: how often each contestant is fastest, and how far the others are behind overall.
fn headlines(view: &View) -> Vec<String> {
    let verdicts = view.verdicts();
    let overall = view.overall_verdicts();
    let functions = distinct(verdicts.iter().map(|verdict| verdict.group.function));
    let of = |verdict: &&Verdict, function: &str| verdict.group.function == function && !verdict.ranking.is_empty();
    let headline = |function: &str| {
        let decided = verdicts.iter().filter(|verdict| of(verdict, function));
        let is_contested = |verdict: &&Verdict| !verdict.first_and_others().1.is_empty();
        let (contested, alone): (Vec<&Verdict>, Vec<&Verdict>) = decided.partition(is_contested);
        let overall = overall.iter().filter(|verdict| of(verdict, function) && is_contested(verdict)).map(behind);
        let clauses: Vec<String> = wins(&contested).into_iter().chain(overall).chain(without_rival(&alone)).collect();
        (!clauses.is_empty()).then(|| format!("{function}: {}", clauses.join("; ")))
    };
    functions.into_iter().filter_map(headline).collect()
}

/// How often each contestant is clearly the fastest, and how often two cannot be told apart.
fn wins(contested: &[&Verdict]) -> Option<String> {
    let places = contested.iter().map(|verdict| verdict.first_and_others());
    let clear: Vec<Vec<&str>> =
        places.filter(|(_, others)| others[0].to_fastest.differs()).map(|(first, _)| names(first)).collect();
    let fastest = |strategies: &[&str]| clear.iter().filter(|winners| *winners == strategies).count();
    let winners = distinct(clear.iter()).into_iter();
    let mut wins: Vec<(&[&str], usize)> = winners.map(|winners| (winners.as_slice(), fastest(winners))).collect();
    wins.sort_by_key(|(_, wins)| std::cmp::Reverse(*wins));
    let level = contested.len() - clear.len();
    let Some(((first, most), others)) = wins.split_first() else {
        return (level > 0).then(|| "the fastest cannot be told apart".to_owned());
    };
    let mut others: String =
        others.iter().map(|(winners, wins)| format!(", {} in {wins}", together(winners))).collect();
    if level > 0 {
        others.push_str(&format!(", not to be told apart in {level}"));
    }
    let winners = format!("{} {}", together(first), if first.len() == 1 { "is" } else { "are" });
    match contested {
        [verdict] => Some(format!("{winners} fastest in {}", verdict.group.suite)),
        _ => Some(format!("{winners} fastest in {most} of {} suites{others}", contested.len())),
    }
}

/// The contestants at one place, in an order that times have no part in.
fn names<'a>(level: &[Ranked<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = level.iter().map(|ranked| ranked.strategy).collect();
    names.sort_unstable();
    names
}

/// What to call contestants at one place.
fn together(names: &[&str]) -> String {
    match names {
        [name] => (*name).to_owned(),
        _ => format!("{} (one program)", names.join(" and ")),
    }
}

/// Whom no other program was there to compete with, and where.
fn without_rival(alone: &[&Verdict]) -> Option<String> {
    let first = |verdict: &&Verdict| together(&names(verdict.first_and_others().0));
    let suites = |name: &String| {
        let theirs = alone.iter().filter(|verdict| first(verdict) == *name);
        theirs.map(|verdict| verdict.group.suite).collect::<Vec<_>>().join(", ")
    };
    let each = distinct(alone.iter().map(first)).into_iter().map(|name| format!("{name} in {}", suites(&name)));
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| format!("without a rival that finished: {}", each.join("; ")))
}

/// How far the others are behind the fastest over the cells that all finished.
fn behind(verdict: &Verdict) -> String {
    let takes = |level: &[Ranked]| {
        let verb = if level.len() == 1 { "takes" } else { "take" };
        format!("{} {verb} {}×", together(&names(level)), three_digits(level[0].to_fastest.ratio))
    };
    let others: Vec<String> = verdict.places().skip(1).map(takes).collect();
    let cells = verdict.contests.len();
    let cells = if cells == 1 { "cell".to_owned() } else { format!("{cells} cells") };
    let fastest = together(&names(verdict.first_and_others().0));
    format!("over the {cells} that all finished, {} the time of {fastest}", others.join(", "))
}

fn provenance(manifest: &Manifest) -> Vec<(String, String)> {
    let Manifest { machine, environment, models, inputs, .. } = manifest;
    let caches = machine.caches.iter().map(|(name, bytes)| format!("{name} {}", quantity(*bytes as f64, Unit::Bytes)));
    let fixed = [
        ("schema version", manifest.schema_version.to_string()),
        ("adjudicate", sentence(&[&manifest.version, &manifest.commit])),
        ("profile", manifest.profile.clone()),
        ("seed", manifest.seed.to_string()),
        ("system", machine.kernel.clone()),
        ("caches", caches.collect::<Vec<_>>().join(", ")),
        ("CPU flags", machine.flags.join(" ")),
        ("never ranked", manifest.oracles.join(", ")),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value));
    let prefixed =
        |prefix: &'static str| move |(name, value): (&String, &String)| (format!("{prefix} {name}"), value.clone());
    let mapped = environment.iter().map(prefixed("environment")).chain(models.iter().map(prefixed("model")));
    let mapped = mapped.chain(inputs.iter().map(prefixed("input")));
    fixed.into_iter().chain(mapped).filter(|(_, value)| !value.is_empty()).collect()
}
