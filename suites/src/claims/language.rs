//! What the paper claims of the programs that can be differentiated.

use super::Claim;
use super::trial::Trial;

/// A tree of four leaves at 2, whose value is 2⁴.
const TREE: Trial = Trial::gradient("tree", "[2.0, [1, 3, -1, -1, 5, -1, -1], [2, 4, -1, -1, 6, -1, -1]]");

pub(super) const HIGHER_ORDER: Claim = Claim {
    name: "higher-order",
    says: "Functions can be passed, returned and captured, and what they capture is differentiated",
    source: "abstract: higher-order functions, closures",
    command: "cargo run --release -- eval suites/src/claims.py composed --args '[0.5]' --derivative gradient",
    check: || {
        let x = 0.5_f64;
        let inner = x * x;
        let slope = 2.0 * 2.0 * x * inner.cos() * inner.sin().cos();
        for strategy in ["closure", "tape"] {
            Trial::gradient("composed", "[0.5]").expect(strategy, &[slope])?;
        }
        Ok(format!("the derivative of a fold of closures is {slope:.6}, as by hand"))
    },
};

pub(super) const RECURSION: Claim = Claim {
    name: "recursion",
    says: "Recursion on data is differentiated, its depth known only as it runs",
    source: "abstract: recursion",
    command: "cargo run --release -- eval suites/src/claims.py tree --derivative gradient \
              --args '[2.0, [1, 3, -1, -1, 5, -1, -1], [2, 4, -1, -1, 6, -1, -1]]'",
    check: || {
        let ran = TREE.expect("closure", &[32.0])?;
        Ok(format!("the gradient over a tree of 4 leaves is {}", ran.numbers[0]))
    },
};

pub(super) const DATAFLOW: Claim = Claim {
    name: "dataflow",
    says: "Dataflow graphs cannot express such recursion",
    source: "abstract: unlike dataflow representations",
    command: "cargo run --release -- eval suites/src/claims.py tree --derivative gradient --strategy dataflow \
              --args '[2.0, [1, 3, -1, -1, 5, -1, -1], [2, 4, -1, -1, 6, -1, -1]]'",
    check: || TREE.refusal("dataflow").map(|reason| format!("`dataflow` refuses it at {reason}")),
};

pub(super) const CONTROL_FLOW: Claim = Claim {
    name: "control-flow",
    says: "Loops that end on data are differentiated",
    source: "abstract: fully general differentiation",
    command: "cargo run --release -- eval suites/src/claims.py root --args '[2.0]' --derivative gradient",
    check: || {
        let slope = 0.5 / 2.0_f64.sqrt();
        for strategy in ["closure", "tape", "dataflow"] {
            Trial::gradient("root", "[2.0]").expect(strategy, &[slope])?;
        }
        Ok(format!("the derivative of Newton's iteration for the root of 2 is {slope:.6}"))
    },
};

pub(super) const SECOND_ORDER: Claim = Claim {
    name: "second-order",
    says: "The same holds at second order, through branches, loops, recursion and captures, where the published \
           implementation stopped",
    source: "beyond the paper",
    command: "cargo run --release -- eval suites/src/claims.py everything --args '[1.5]' --derivative hessian",
    check: || {
        let x = 1.5_f64;
        let trial = Trial::gradient("everything", "[1.5]");
        trial.expect("closure", &[6.0 * x.powi(5)])?;
        trial.order(2).expect("closure", &[30.0 * x.powi(4)])?;
        trial.order(3).expect("closure", &[120.0 * x.powi(3)])?;
        TREE.order(2).expect("closure", &[48.0])?;
        Ok("orders 1, 2 and 3 are exact".to_owned())
    },
};

pub(super) const NESTED: Claim = Claim {
    name: "nested",
    says: "The gradient is a function of the language, and sensitivities of nested ones are not confused",
    source: "abstract: higher-order derivatives",
    command: "cargo run --release -- eval suites/src/claims.py confusion --args '[3.0]' --derivative gradient",
    check: || {
        for strategy in ["closure", "tape", "dataflow"] {
            Trial::gradient("confusion", "[3.0]").expect(strategy, &[6.0])?;
        }
        Ok("x * grad(lambda y: x * y)(1.0) has derivative 2x under every strategy".to_owned())
    },
};
