//! Suites × functions × contestants through criterion: `cargo bench`, or for some of them
//! `cargo bench -- mlp/gradient`.
//!
//! Names are `suite/function/contestant/size`. A cell whose result differs from the baseline's or
//! from the first strategy's is reported and not timed; what a strategy refuses is left out.
//! Throughput is in floating-point operations of one value, for every function and contestant alike.
//! `adjudicate import criterion target/criterion --out RUN` puts the results into a run folder. For
//! intervals of ratios, checks against independent oracles and reports, use `adjudicate run`.

use std::time::Duration;

use adjudicate_ir::datum::Datum;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::counts;
use adjudicate_suites::measure::check::compare::compare;
use adjudicate_suites::measure::check::{DERIVATIVE_TOLERANCE, VALUE_TOLERANCE};
use adjudicate_suites::measure::contestant::{Runner, prepare};
use adjudicate_suites::measure::{Cell, Group, Plan, Profile, Selection};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn suites(criterion: &mut Criterion) {
    let plan = Plan::new(&Selection::default(), Profile::Quick.settings());
    for group in plan.expect("everything can be selected").groups {
        let mut asks: Vec<Ask> = group.cells.iter().map(|c| c.ask).collect();
        asks.dedup();
        for ask in asks {
            let name = format!("{}/{}", group.suite.name, ask.name());
            let mut benches = criterion.benchmark_group(name);
            bench(&mut benches, &group, ask);
            benches.finish();
        }
    }
}

/// Benches one function of a group by every contestant whose result agrees with the first.
fn bench(benches: &mut BenchmarkGroup<'_, WallTime>, group: &Group, ask: Ask) {
    let program = group.suite.program().expect("the model parses");
    let arguments = group.suite.arguments(ask, group.size, 1);
    let args: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    let work = work(group);
    let tolerance = if ask == Ask::Value { VALUE_TOLERANCE } else { DERIVATIVE_TOLERANCE };
    let mut reference: Option<Vec<Value>> = None;
    for cell in contestants(group, ask) {
        let Ok(mut runner) = prepare(cell, &program, group.suite, group.size, &arguments) else { continue };
        let Ok(result) = runner.run(&args) else { continue };
        let reference = reference.get_or_insert_with(|| result.clone());
        let id = BenchmarkId::new(cell.contestant(), group.size.name);
        assert!(
            compare(&result, reference, tolerance).is_within(),
            "{cell:?} at {}: the results differ",
            group.size.name
        );
        benches.throughput(Throughput::Elements(work));
        time(benches, id, &mut runner, &args);
    }
}

/// Floating-point operations of one value at the size of a group, at least 1.
fn work(group: &Group) -> u64 {
    let arguments = group.suite.arguments(Ask::Value, group.size, 1);
    let args: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    let program = group.suite.program().expect("the model parses");
    let counted = contestants(group, Ask::Value).find_map(|cell| {
        let mut runner = prepare(cell, &program, group.suite, group.size, &arguments).ok()?;
        let (result, counts) = counts::measure(|| runner.run(&args));
        result.ok().map(|_| counts.flops)
    });
    counted.unwrap_or(1).max(1)
}

/// The baseline first: it is the reference where there is one.
fn contestants(group: &Group, ask: Ask) -> impl Iterator<Item = &Cell> {
    let asked = move |c: &&Cell| c.ask == ask;
    let baseline = group.cells.iter().filter(asked).filter(|c| c.strategy.is_none());
    baseline.chain(group.cells.iter().filter(asked).filter(|c| c.strategy.is_some()))
}

fn time(benches: &mut BenchmarkGroup<'_, WallTime>, id: BenchmarkId, runner: &mut Runner, args: &[Value]) {
    benches.bench_function(id, |bencher| bencher.iter(|| runner.run(args).expect("it ran before")));
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(200))
}

criterion_group! { name = benches; config = short(); targets = suites }
criterion_main!(benches);
