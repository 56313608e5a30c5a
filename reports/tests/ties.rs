//! Strategies that ran one program share a place, and say how noisy the run was.

use std::collections::BTreeMap;

use adjudicate_reports::Run;
use adjudicate_reports::overview::overview;
use adjudicate_reports::tables::all;
use adjudicate_reports::twins::Twins;
use adjudicate_reports::view::View;
use expect_test::{Expect, expect};

use crate::reports::{fixture, text};

/// The fixture in which each strategy named ran the program named in the cells of `mlp gradient`.
fn with_programs(programs: &[(&str, &str)]) -> Run {
    let programs: BTreeMap<&str, &str> = programs.iter().copied().collect();
    let mut run = fixture();
    for cell in run.cells.iter_mut().filter(|cell| cell.key.suite == "mlp" && cell.key.function == "gradient") {
        cell.program = programs.get(cell.key.strategy.as_str()).map(|name| format!("{name} at {}", cell.key.size));
    }
    run
}

/// What is said of `mlp gradient`: its headline, its row of verdicts, its places, and the noise within the run.
fn check(run: &Run, expected: &Expect) {
    let view = View::new(run);
    let said = overview(&view);
    let headline = said.headlines.iter().find(|line| line.starts_with("gradient")).expect("a headline");
    let tables = all(&view);
    let verdicts = tables.iter().find(|table| table.name == "verdicts").expect("verdicts");
    let is_it = |fields: &[adjudicate_reports::tables::Field]| fields[0].text == "mlp" && fields[1].text == "gradient";
    let row = verdicts.rows.iter().find(|line| is_it(&line.fields)).expect("its row");
    let shown = row.fields[2..5].iter().zip(&verdicts.columns[2..5]);
    let shown: Vec<String> = shown
        .map(|(field, head)| {
            format!("{}: {} {}{}\n", head.text, field.text, field.small, if field.strong { " (strong)" } else { "" })
        })
        .collect();
    let summary = text("csv", "tables/summary.csv", run);
    let places = summary.lines().filter(|line| line.starts_with("mlp,gradient"));
    let places: Vec<&str> = places.flat_map(|line| line.split(',').skip(4).take(2)).collect();
    let noise = said.facts.iter().find(|(name, _)| *name == "noise within the run").map(|(_, value)| value.as_str());
    let found = format!("{headline}\n{}{}\n{}\n", shown.concat(), places.join(" "), noise.unwrap_or("no twins"));
    expected.assert_eq(&found);
}

#[test]
fn strategies_that_ran_one_program_share_a_place() {
    check(
        &with_programs(&[("dataflow", "p"), ("closure", "p")]),
        &expect![[r#"
            gradient: closure and dataflow (one program) are fastest in mlp; over the 3 cells that all finished, tape takes 1.55× the time of closure and dataflow (one program); without a rival that finished: closure in rnn
            tape: 1.55 [1.53, 1.55]
            dataflow: 1 fastest one program with closure (strong)
            closure: = 1.07 [1.05, 1.07], one program with dataflow (strong)
            dataflow 1 closure 1 tape 3
            3 pairs of cells ran one program each: their times are apart by 6.36 % (median), 8.11 % (95th percentile), 8.11 % (largest)
        "#]],
    );
}

#[test]
fn a_program_that_is_slower_is_one_program_too() {
    check(
        &with_programs(&[("tape", "p"), ("closure", "p"), ("dataflow", "q")]),
        &expect![[r#"
            gradient: dataflow is fastest in mlp; over the 3 cells that all finished, closure and tape (one program) take 1.07× the time of dataflow; without a rival that finished: closure in rnn
            tape: 1.55 [1.53, 1.55], one program with closure
            dataflow: 1 fastest  (strong)
            closure: 1.07 [1.05, 1.07], one program with tape
            dataflow 1 closure 2 tape 2
            3 pairs of cells ran one program each: their times are apart by 41.0 % (median), 54.3 % (95th percentile), 54.3 % (largest)
        "#]],
    );
}

#[test]
fn strategies_that_ran_different_or_unknown_programs_do_not_share_a_place() {
    check(
        &with_programs(&[("dataflow", "p"), ("closure", "q")]),
        &expect![[r#"
        gradient: dataflow is fastest in mlp; over the 3 cells that all finished, closure takes 1.07×, tape takes 1.55× the time of dataflow; without a rival that finished: closure in rnn
        tape: 1.55 [1.53, 1.55]
        dataflow: 1 fastest  (strong)
        closure: 1.07 [1.05, 1.07]
        dataflow 1 closure 2 tape 3
        no twins
    "#]],
    );
}

#[test]
fn who_runs_the_only_program_has_no_rival() {
    check(
        &with_programs(&[("dataflow", "p"), ("closure", "p"), ("tape", "p")]),
        &expect![[r#"
        gradient: without a rival that finished: closure and dataflow and tape (one program) in mlp; closure in rnn
        tape: = 1.55 [1.53, 1.55], one program with dataflow, closure (strong)
        dataflow: 1 no rival, one program with closure, tape (strong)
        closure: = 1.07 [1.05, 1.07], one program with dataflow, tape (strong)
        dataflow 1 closure 1 tape 1
        9 pairs of cells ran one program each: their times are apart by 41.0 % (median), 66.8 % (95th percentile), 66.8 % (largest)
    "#]],
    );
}

#[test]
fn a_tie_takes_one_program_at_every_size() {
    let mut run = with_programs(&[("dataflow", "p"), ("closure", "p")]);
    let cell = run.cells.iter_mut().rfind(|cell| cell.program.is_some()).expect("a cell with a program");
    cell.program = Some("q".to_owned());
    check(
        &run,
        &expect![[r#"
            gradient: dataflow is fastest in mlp; over the 3 cells that all finished, closure takes 1.07×, tape takes 1.55× the time of dataflow; without a rival that finished: closure in rnn
            tape: 1.55 [1.53, 1.55]
            dataflow: 1 fastest  (strong)
            closure: 1.07 [1.05, 1.07]
            dataflow 1 closure 2 tape 3
            2 pairs of cells ran one program each: their times are apart by 8.11 % (median), 8.11 % (95th percentile), 8.11 % (largest)
        "#]],
    );
}

#[test]
fn the_cells_of_one_program_are_all_fastest_and_keep_their_times() {
    let run = with_programs(&[("dataflow", "p"), ("closure", "p")]);
    let view = View::new(&run);
    let twins = |cell: &&adjudicate_reports::rows::Cell| cell.program.is_some();
    let (mut fastest, mut apart) = (0, 0);
    for cell in run.cells.iter().filter(twins) {
        fastest += usize::from(view.program_to_fastest(cell) == Some(1.0));
        apart += usize::from(view.to_fastest(cell) > Some(1.0));
    }
    assert_eq!((fastest, apart), (6, 3));
    assert_eq!(Twins::of(&View::new(&fixture())), None);
}
