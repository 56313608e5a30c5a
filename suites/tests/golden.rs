//! What is left of a derivative of every suite after preparation by `closure`: how many nodes, and
//! that nothing of the transform is among them.
//!
//! Programs are those of the smallest sizes. `UPDATE_EXPECT=1 cargo test -p adjudicate-suites golden`
//! blesses the node counts, which are stored in `golden_nodes.txt`.

use std::fmt::Write;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::graph::{Graph, Module, Node, NodeId, Op};
use adjudicate_ir::passes;
use adjudicate_ir::program::Ask;
use adjudicate_ir::types::Type;
use adjudicate_ir::value::Value;
use adjudicate_kernels::counts::{self, Counts};
use adjudicate_kernels::{Kind, Other};
use adjudicate_strategies::closure::CLOSURE;
use adjudicate_strategies::{Strategy, find};
use adjudicate_suites::measure::contestant::{Runner, prepare};
use adjudicate_suites::measure::plan::Cell;
use adjudicate_suites::suites::{self, SUITES, Size, Suite};
use expect_test::expect_file;

/// A derivative of a suite at its smallest size.
struct Golden {
    name: String,
    /// Whether the model recurses where no loop can take its place: the pairs of its forward and
    /// backward pass are then made as it runs.
    recurses: bool,
    /// Its program after the last pass.
    optimised: Module,
}

/// The derivatives that every suite asks for, in order of the suites.
fn goldens() -> impl Iterator<Item = Golden> {
    let derivatives = |suite: &'static Suite| {
        let asked = suite.asks.iter().filter(|ask| matches!(ask, Ask::Gradient | Ask::Hvp | Ask::Hessian));
        asked.map(move |&ask| golden(suite, ask))
    };
    SUITES.iter().copied().flat_map(derivatives)
}

fn golden(suite: &Suite, ask: Ask) -> Golden {
    let size = &suite.sizes[0];
    let program = suite.program().expect("the model parses");
    let request = suite.request(ask, size, &suite.arguments(ask, size, 1));
    let mut module = program.specialise(&request).expect("the model is typed").module;
    let optimised = CLOSURE.transform(&module, &program.sources, &mut |_, _| {}).expect("the model is expressible");
    passes::close(&mut module);
    let recurses = passes::recursive(&module).into_values().any(|recursive| recursive);
    Golden { name: format!("{} {ask:?}", suite.name).to_lowercase(), recurses, optimised }
}

#[test]
fn programs_do_not_grow() {
    let mut counts = String::new();
    for Golden { name, optimised, .. } in goldens() {
        let _ = writeln!(counts, "{name:<20} {:>5}", optimised.node_count());
    }
    expect_file!["golden_nodes.txt"].assert_eq(&counts);
}

/// Where the code is known before the run, functions are called, not made; several values are one
/// only as the result of a graph; and a zero is only what a sum of sensitivities or a stack starts from.
#[test]
fn nothing_of_the_transform_survives() {
    let mut known = 0;
    let mut left = String::new();
    for Golden { name, optimised, .. } in goldens().filter(|golden| !golden.recurses) {
        known += 1;
        for id in optimised.reachable() {
            let graph = optimised.graph(id);
            for (node, Node { op, ty, .. }) in graph.iter().filter(|(node, _)| survives(graph, *node)) {
                let _ = writeln!(left, "{name}: {node} of {id} {}: {op:?} : {ty}", graph.name);
            }
        }
    }
    assert!(known > 0, "every suite recurses");
    assert!(left.is_empty(), "{left}");
}

/// Whether a node belongs to the transform. What returns several values (a graph, a loop, a stack
/// that is popped) returns them as a tuple without tuples, which is taken apart where it is received.
fn survives(graph: &Graph, node: NodeId) -> bool {
    let returns = |op: &Op| matches!(op, Op::Call(_) | Op::If(..) | Op::Loop { .. } | Op::Fused(_) | Op::Prim(_));
    let is_result = |ty: &Type| match ty {
        Type::Tuple(items) => items.iter().all(is_value),
        ty => is_value(ty),
    };
    let found = graph.node(node);
    match &found.op {
        Op::Closure(_) | Op::Apply(_) => true,
        Op::Zero => node == graph.ret || !graph.nodes.iter().all(|reader| starts_from(reader, node)),
        Op::Tuple => node != graph.ret || !is_result(&found.ty),
        Op::Get(_) => !returns(&graph.node(found.args[0]).op) || !is_value(&found.ty),
        op if returns(op) => !is_result(&found.ty),
        _ => !is_value(&found.ty),
    }
}

/// Whether values of this type are numbers, or stacks of those.
fn is_value(ty: &Type) -> bool {
    match ty {
        Type::Tensor(..) => true,
        Type::Stack(item) => is_value(item),
        Type::Tuple(_) | Type::Fn(_) | Type::Env | Type::Unknown => false,
    }
}

/// Whether a node, if it reads the other at all, does so to start from it: a loop its state, an array
/// to which elements are added those elements, a stack its rows.
fn starts_from(reader: &Node, start: NodeId) -> bool {
    let starts = match (&reader.op, &reader.ty) {
        (Op::Loop { .. }, Type::Tuple(state)) => state.len(),
        (Op::Prim(prim), _) if matches!(prim.def.name, "index_add" | "scatter_add" | "push_rows") => 1,
        _ => 0,
    };
    !reader.args[starts..].contains(&start)
}

/// The kernel calls of the second gradient of a suite: buffers are then at hand.
fn kernel_calls(suite: &Suite, size: &Size, strategy: Option<&'static dyn Strategy>) -> Counts {
    let program = suite.program().expect("the model parses");
    let arguments = suite.arguments(Ask::Gradient, size, 1);
    let cell = Cell::new(Ask::Gradient, strategy);
    let mut runner: Runner = prepare(&cell, &program, suite, size, &arguments).expect("it is expressible");
    let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    runner.run(&leaves).expect("it runs");
    let (result, counts) = counts::measure(|| runner.run(&leaves));
    result.expect("it runs again");
    counts
}

/// As many products of matrices as a person needs, and elements moved from one array to another no
/// more often.
#[test]
fn the_adjoint_of_the_classifier_is_that_of_a_person() {
    let suite = suites::find("mlp").expect("a suite of this name");
    // The larger sizes have no other depths.
    for size in &suite.sizes[..3] {
        let (ours, theirs) = (kernel_calls(suite, size, find("closure")), kernel_calls(suite, size, None));
        let products = |counts: &Counts| PRODUCTS.map(|kind| counts.calls(Kind::Other(kind)));
        assert_eq!(products(&ours), products(&theirs), "{}: {PRODUCTS:?}", size.name);
        assert!(ours.calls(Kind::Other(Other::Gemm)) > 0, "{}: no products", size.name);
        for kind in MOVES {
            let (ours, theirs) = (ours.calls(Kind::Other(kind)), theirs.calls(Kind::Other(kind)));
            assert!(ours <= theirs, "{}: {kind:?}: {ours}, by a person {theirs}", size.name);
        }
    }
}

/// Products of matrices and vectors.
const PRODUCTS: [Other; 4] = [Other::Gemm, Other::Gemv, Other::Dot, Other::Outer];

/// What only moves elements. Repeating them (`broadcast_to`) is left out: a fused kernel counts as a
/// call of what it stands for, but reads the element again where it is used.
const MOVES: [Other; 5] = [Other::Copy, Other::Transpose, Other::Slice, Other::Concatenate, Other::Gather];
