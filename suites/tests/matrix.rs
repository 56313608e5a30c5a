//! The capability matrix as stored: a gap that works now and a cell that broke both fail.
//!
//! `UPDATE_EXPECT=1 cargo test -p adjudicate-suites matrix` blesses it.

use std::fmt::Write;

use adjudicate_reports::rows::{MatrixCell, Outcome};
use adjudicate_suites::matrix::{CONSTRUCTS, contestants, matrix};
use expect_test::expect_file;

#[test]
fn the_matrix_is_as_stored() {
    let mut text = String::new();
    for MatrixCell { construct, order, strategy, outcome, reason } in matrix(&contestants()).cells {
        let _ = write!(text, "{construct}, order {order}, {strategy}: {}", outcome.word());
        let _ = writeln!(text, "{}", reason.map(|why| format!("\n    {why}")).unwrap_or_default());
    }
    expect_file!["matrix.txt"].assert_eq(&text);
}

/// What no strategy could do or all can would say nothing; and nothing is wrong.
#[test]
fn every_construct_runs_somewhere_and_is_wrong_nowhere() {
    let found = matrix(&contestants());
    for construct in CONSTRUCTS {
        let cells: Vec<_> = found.cells.iter().filter(|cell| cell.construct == construct.name()).collect();
        assert!(cells.len() >= 2 * contestants().len(), "{}: orders 1 and 2", construct.file);
        assert!(cells.iter().any(|cell| cell.outcome == Outcome::Runs), "{}", construct.file);
        assert!(!construct.about().is_empty(), "{}: it says what it is", construct.file);
    }
    let wrong: Vec<_> = found.cells.iter().filter(|cell| cell.outcome == Outcome::Wrong).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// A refusal names a function of the file and the line, and says what would make it expressible.
#[test]
fn refusals_say_where_and_what_to_write_instead() {
    for cell in matrix(&contestants()).cells {
        let Some(reason) = &cell.reason else { continue };
        let construct = CONSTRUCTS.iter().find(|construct| construct.name() == cell.construct).expect("its construct");
        let (message, help) = reason.split_once("; ").unwrap_or_else(|| panic!("no help: {cell:?}"));
        let mut named = message.split('`').skip(1).step_by(2);
        assert!(named.any(|name| construct.source.contains(&format!("def {name}("))) && !help.is_empty(), "{cell:?}");
        assert!(reason.starts_with(&format!("{}:", construct.file)), "{cell:?}");
    }
}

/// Different answers must be found wrong: the test is able to fail.
#[test]
fn a_wrong_answer_is_found() {
    let source =
        "def at():\n    return (2.0,)\n\n\ndef f(x):\n    return x * x\n\n\ndef first(x):\n    return 3.0 * x\n";
    let construct = adjudicate_suites::matrix::Construct { file: "wrong.py", source };
    let cells = construct.cells(&contestants());
    assert!(cells.iter().all(|cell| cell.outcome == Outcome::Wrong), "{cells:?}");
}
