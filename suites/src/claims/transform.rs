//! What the paper claims of the transformation and of the program that comes out of it.

use adjudicate_ir::graph::{Module, Op};

use super::Claim;
use super::trial::Trial;

pub(super) const FIGURE_1: Claim = Claim {
    name: "figure-1",
    says: "After optimisation the gradient of x ** 3 is the program a person would write",
    source: "figure 1",
    command: "cargo run --release -- explain suites/src/claims.py cube --args '[2.0]' --derivative gradient",
    check: || {
        let trial = Trial::gradient("cube", "[2.0]");
        trial.expect("closure", &[12.0])?;
        let module = trial.program("closure")?;
        let operations = operations(&module)?;
        match operations.as_slice() {
            [power, times] if power == "powi[2]" && times == "mul" => Ok(format!("{}, by 3.0", operations.join(", "))),
            _ => Err(format!("the operations are {}", operations.join(", "))),
        }
    },
};

pub(super) const NO_TAPE: Claim = Claim {
    name: "no-tape",
    says: "The derivative needs no tape, and where the code is known no closure is left of it",
    source: "abstract: source transformation without a tape",
    command: "cargo run --release -- explain suites/src/claims.py two_layers \
              --args '[[[0.1, 0.2], [0.3, 0.4]], [1.0, -1.0], [[1.0, 2.0], [3.0, 4.0]]]' --derivative gradient",
    check: || {
        let (ours, tape) = (LAYERS.run("closure")?.facts, LAYERS.run("tape")?.facts);
        let entries = tape.tape_entries.unwrap_or(0);
        match (ours.tape_entries, ours.closures_made) {
            (None, Some(0)) if entries > 0 => {
                Ok(format!("no tape and no closures made; `tape` records {entries} entries"))
            }
            found => Err(format!("tape entries and closures of `closure`: {found:?}; of `tape`: {entries}")),
        }
    },
};

pub(super) const AHEAD_OF_TIME: Claim = Claim {
    name: "ahead-of-time",
    says: "The adjoint is an ordinary program, which an optimiser reduces before it runs",
    source: "abstract: ahead-of-time optimisation",
    command: "cargo run --release -- explain suites/src/claims.py two_layers \
              --args '[[[0.1, 0.2], [0.3, 0.4]], [1.0, -1.0], [[1.0, 2.0], [3.0, 4.0]]]' --derivative gradient",
    check: || {
        let plain = LAYERS.run("closure:unoptimised")?;
        LAYERS.expect("closure", &plain.numbers)?;
        let nodes = |strategy: &str| LAYERS.program(strategy).map(|module| module.node_count());
        let (before, after) = (nodes("closure:unoptimised")?, nodes("closure")?);
        let text = format!("{before} nodes before, {after} after, with equal results");
        if after < before { Ok(text) } else { Err(text) }
    },
};

pub(super) const UNASKED: Claim = Claim {
    name: "unasked",
    says: "What nobody asks for is not computed: dead code of the adjoint goes like any other",
    source: "abstract: ahead-of-time optimisation",
    command: "cargo run --release -- explain suites/src/claims.py two_layers \
              --args '[[[0.1, 0.2], [0.3, 0.4]], [1.0, -1.0], [[1.0, 2.0], [3.0, 4.0]]]' --derivative gradient --wrt 1",
    check: || {
        let last = Trial { wrt: &[1], ..LAYERS }.run("closure")?.products;
        let all = Trial { wrt: &[0, 1, 2], ..LAYERS }.run("closure")?.products;
        let products = if last == 1 { "product" } else { "products" };
        let text = format!("{last} {products} of matrices for the last layer alone, {all} for all arguments");
        if last < all { Ok(text) } else { Err(text) }
    },
};

pub(super) const AGAIN: Claim = Claim {
    name: "again",
    says: "The transformation applies to its own result, which gives derivatives of any order",
    source: "abstract: higher-order derivatives",
    command: "cargo run --release -- eval suites/src/claims.py fifth --args '[2.0]' --derivative gradient --order 5",
    check: || {
        let trial = Trial::gradient("fifth", "[2.0]");
        for (order, expected) in (1..).zip([80.0, 160.0, 240.0, 240.0, 120.0, 0.0]) {
            trial.order(order).expect("closure", &[expected])?;
        }
        Ok("orders 1 to 6 of x ** 5 at 2 are exact".to_owned())
    },
};

const LAYERS: Trial =
    Trial::gradient("two_layers", "[[[0.1, 0.2], [0.3, 0.4]], [1.0, -1.0], [[1.0, 2.0], [3.0, 4.0]]]");

/// The primitives of a program of one graph that has nothing but primitives, parameters and numbers
/// beside the tuple of its results.
fn operations(module: &Module) -> Result<Vec<String>, String> {
    let [entry] = module.reachable()[..] else { return Err("more than one graph is left".to_owned()) };
    let graph = module.graph(entry);
    let mut found = Vec::new();
    for (id, node) in graph.iter() {
        match &node.op {
            Op::Prim(prim) => found.push(prim.to_string()),
            Op::Param(_) | Op::Const(_) => {}
            Op::Tuple if id == graph.ret => {}
            other => return Err(format!("{other:?} is left")),
        }
    }
    Ok(found)
}
