//! Independent operations side by side: the gradients of the suites to the last bit, by the same kernel calls.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::exec::{Executable, Machine, Plain, Worth};
use adjudicate_ir::graph::Module;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::{Counts, counts, threads};
use adjudicate_strategies::dataflow::DATAFLOW;
use adjudicate_strategies::find;
use adjudicate_suites::suites::{SUITES, Size, Suite};
use expect_test::expect;

/// What must be the same: values, and all counts but of what is alive.
fn measured<R: std::fmt::Debug>(run: impl FnOnce() -> R) -> (String, Vec<(&'static str, u64)>) {
    let (result, counts) = counts::measure(run);
    let same = |counts: &Counts| counts.iter().filter(|(name, _)| !name.ends_with("live_bytes")).collect();
    (format!("{result:?}"), same(&counts))
}

/// The graph of the gradient of a suite, and its arguments.
fn gradient(suite: &Suite, size: &Size) -> Option<(Module, Vec<Datum>)> {
    let program = suite.program().expect("the model parses");
    let arguments = suite.arguments(Ask::Gradient, size, 1);
    let specialised = program.specialise(&suite.request(Ask::Gradient, size, &arguments)).expect("types");
    let module = DATAFLOW.transform(&specialised.module, &program.sources, &mut |_, _| {}).ok()?;
    Some((module, arguments))
}

/// How many groups there are in the gradient of a suite, if everything counts as large.
fn groups(suite: &Suite) -> Option<usize> {
    let (module, arguments) = gradient(suite, &suite.sizes[0])?;
    let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    let run = |exe: &Executable| measured(|| exe.run(&mut Machine::new(), &mut Plain, leaves.iter().cloned()));
    let (together, _) = Executable::parallel(&module, Worth { multiply_adds: 0, elements: 0 });
    assert!(run(&together) == run(&Executable::new(&module)), "{}", suite.name);
    Some(together.together().len())
}

#[test]
fn nothing_but_time_changes() {
    threads::set_threads(2);
    let found: Vec<Option<usize>> =
        SUITES.iter().filter(|s| s.asks.contains(&Ask::Gradient)).map(|s| groups(s)).collect();
    let with_groups = found.iter().flatten().filter(|&&groups| groups > 0).count();
    assert!(with_groups > SUITES.len() / 2, "{found:?}");
}

#[test]
fn the_variant_runs_large_products_at_once_and_computes_the_same() {
    let mlp = SUITES.iter().find(|suite| suite.name == "mlp").expect("a suite");
    let size = mlp.sizes.iter().find(|size| size.name == "128x(64-256-256-10)").expect("a size");
    let program = mlp.program().expect("the model parses");
    let arguments = mlp.arguments(Ask::Gradient, size, 1);
    let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    let request = mlp.request(Ask::Gradient, size, &arguments);
    let run = |strategy: &str| {
        let mut prepared = find(strategy).expect("a strategy").prepare(&program, &request).expect("no refusal");
        measured(|| prepared.run(&leaves).expect("a gradient"))
    };
    let (module, _) = gradient(mlp, size).expect("a gradient");
    let (exe, _) = Executable::parallel(&module, Worth::default());
    expect!["r1 = matmul(r1, r2!) | r2 = matmul(r0, r1!)"].assert_eq(&exe.together().join("\n"));
    threads::set_threads(2);
    assert!(run("dataflow:parallel") == run("dataflow"));
}
