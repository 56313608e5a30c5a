//! The memory plan against what runs of the suites allocate: never too little, close where nothing depends on data, and
//! all there before the first run.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::exec::MemoryPlan;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::{counts, fresh_blocks};
use adjudicate_strategies::find;
use adjudicate_suites::suites::{SUITES, Suite};

/// What a first run does.
struct First {
    plan: MemoryPlan,
    peak: u64,
    /// Blocks that it asks the allocator for.
    fresh: u64,
}

/// The first run on a thread of its own, which keeps no blocks of others; `None` if the strategy refuses.
fn first(suite: &'static Suite, size: usize, strategy: &'static str, ask: Ask) -> Option<First> {
    let run = move || {
        let size = &suite.sizes[size];
        let program = suite.program().expect("the model parses");
        let arguments = suite.arguments(ask, size, 1);
        let request = suite.request(ask, size, &arguments);
        let mut prepared = find(strategy).expect("a strategy").prepare(&program, &request).ok()?;
        let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
        let before = fresh_blocks();
        let (result, counts) = counts::measure(|| prepared.run(&leaves));
        let fresh = fresh_blocks() - before;
        drop(result.expect("it runs"));
        let plan = prepared.memory_plan().expect("a plan").clone();
        Some(First { plan, peak: counts.peak_live_bytes, fresh })
    };
    std::thread::spawn(run).join().expect("no panic")
}

#[test]
fn no_first_run_needs_more_than_planned() {
    let mut wrong = Vec::new();
    let mut whole = 0;
    for suite in SUITES.iter().filter(|suite| suite.asks.contains(&Ask::Gradient)) {
        for strategy in ["dataflow", "closure"] {
            let Some(First { plan, peak, fresh }) = first(suite, 0, strategy, Ask::Gradient) else { continue };
            if plan.open().next().is_some() {
                continue;
            }
            whole += 1;
            if plan.bytes() < peak as usize || fresh > 0 {
                wrong.push(format!("{}: {strategy}: {plan}, {peak} needed, {fresh} new", suite.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(whole >= 8, "hardly any is planned as a whole: {whole}");
}

#[test]
fn the_plan_of_a_program_without_branches_is_close() {
    let mlp = SUITES.iter().find(|suite| suite.name == "mlp").expect("a suite");
    for strategy in ["dataflow", "closure"] {
        for size in 0..3 {
            let First { plan, peak, fresh } = first(mlp, size, strategy, Ask::Gradient).expect("a plan");
            let planned = plan.bytes() as f64;
            assert!(planned <= 1.1 * peak as f64, "{strategy}: {plan}, {peak} needed");
            assert_eq!(fresh, 0, "{strategy}: {plan}");
        }
    }
}
