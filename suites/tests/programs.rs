//! Which strategies run one program.

use adjudicate_ir::program::Ask;
use adjudicate_strategies::find;
use adjudicate_suites::suites::{SUITES, Suite, find as suite};
use expect_test::expect;

/// The program of a strategy at the first size; nothing if it refuses or its program is not known before it runs.
fn program(suite: &Suite, ask: Ask, strategy: &str) -> Option<String> {
    let size = &suite.sizes[0];
    let program = suite.program().expect("the model parses");
    let request = suite.request(ask, size, &suite.arguments(ask, size, 1));
    find(strategy).expect("a strategy").prepare(&program, &request).ok()?.program()
}

#[test]
fn dataflow_and_closure_mostly_run_one_program() {
    let (mut same, mut others) = (0, Vec::new());
    for suite in SUITES {
        for &ask in suite.asks {
            let programs = [program(suite, ask, "dataflow"), program(suite, ask, "closure")];
            match programs {
                [Some(a), Some(b)] if a == b => same += 1,
                [Some(_), Some(_)] => others.push(format!("{} {}\n", suite.name, ask.name())),
                [None, _] | [_, None] => {}
            }
        }
    }
    expect![[r#"
        34 the same, and not:
        rnn hvp
    "#]]
    .assert_eq(&format!("{same} the same, and not:\n{}", others.concat()));
}

#[test]
fn what_the_optimiser_does_is_seen() {
    let rnn = suite("rnn").expect("a suite");
    for strategy in ["dataflow", "closure"] {
        let (whole, bare) =
            (program(rnn, Ask::Gradient, strategy), program(rnn, Ask::Gradient, &format!("{strategy}:unoptimised")));
        assert!(whole.is_some() && bare.is_some() && whole != bare, "{strategy}");
        assert_eq!(whole, program(rnn, Ask::Gradient, strategy));
    }
}

#[test]
fn tapes_do_not_know_their_program_before() {
    let cube = suite("cube").expect("a suite");
    for strategy in ["tape", "tape:scalar"] {
        assert_eq!(program(cube, Ask::Gradient, strategy), None);
    }
}
