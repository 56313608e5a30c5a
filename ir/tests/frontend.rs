//! The front end: Python in, source graphs or diagnostics out.

use adjudicate_ir::frontend::{lower, render};
use adjudicate_ir::graph::{GraphId, Module, Stage};
use adjudicate_ir::span::SourceMap;
use adjudicate_ir::{text, verify};
use expect_test::{Expect, expect};

/// The graphs or the diagnostics of a program.
fn front_end(python: &str) -> Result<String, String> {
    let mut module = Module { stage: Stage::Source, graphs: Vec::new(), entry: GraphId(0) };
    let mut sources = SourceMap::default();
    match lower(&mut module, &mut sources, "model.py", python) {
        Ok(top) => {
            module.entry = top;
            let printed = text::print(&module);
            verify::verify(&module).unwrap_or_else(|e| panic!("{e}\n{printed}"));
            Ok(printed)
        }
        Err(errors) => Err(errors.iter().map(|e| render(e, &sources) + "\n").collect()),
    }
}

fn check(python: &str, expected: Expect) {
    expected.assert_eq(&front_end(python).unwrap_or_else(|errors| panic!("{errors}")));
}

fn check_error(python: &str, expected: Expect) {
    expected.assert_eq(&front_end(python).expect_err("the program is accepted"));
}

#[test]
fn straight_line() {
    check(
        "import numpy as np\n\ndef f(x, y=2.0):\n    a, b = x, -y\n    a += np.exp(b)\n    return a * b\n",
        expect![[r#"
            module source entry @0

            graph @0 module() {
              %0 = const 2.0
              %1 = fn @1 (%0)
              %2 = record module{f} (%1)
              return %2
            }

            graph @1 f(%0, %1) named (x, y) defaults 1 in @0 {
              %2 = builtin neg
              %3 = apply %2 (%1)
              %4 = builtin np.exp
              %5 = apply %4 (%3)
              %6 = builtin add
              %7 = apply %6 (%0, %5)
              %8 = builtin mul
              %9 = apply %8 (%7, %3)
              return %9
            }
        "#]],
    );
}

#[test]
fn early_returns() {
    check(
        "def f(x, n):\n    if n == 0:\n        return x\n    if n < 0:\n        x = -x\n    for i in range(n):\n        if x > 3:\n            break\n        x = x * i\n    return x + f(x, n - 1)\n",
        expect![[r#""#]],
    );
}
