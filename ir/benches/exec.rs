//! What the machine costs by itself: nanoseconds per scalar instruction, call and function value.
//!
//! Throughput is given in elements: one element is one primitive (`scalar`, `array`), one call that
//! is not a tail call (`call`), one function value made and called (`closure`), one run of as many primitives as
//! the name says, fused or one by one (`scalars_3_fused`, `scalars_3_apart`).

use std::hint::black_box;

use adjudicate_ir::exec::{Executable, Machine, Plain};
use adjudicate_ir::text::parse;
use adjudicate_ir::value::Value;
use adjudicate_kernels::Array;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Five primitives each trip: three of floats, one of integers, the comparison.
const SCALAR: &str = "
graph @0 f(%0: f64, %1: i64) -> (i64, f64) {
  %2 = const 0 : i64
  %3 = loop @1 @2 (%2, %0, %1) : (i64, f64)
  return %3
}

graph @1 less(%0: i64, %1: f64, %2: i64) -> bool {
  %3 = lt %0 %2 : bool
  return %3
}

graph @2 step(%0: i64, %1: f64, %2: i64) -> (i64, f64) {
  %3 = const 1 : i64
  %4 = add %0 %3 : i64
  %5 = const 0.5 : f64
  %6 = mul %1 %5 : f64
  %7 = add %6 %1 : f64
  %8 = sub %7 %6 : f64
  %9 = tuple (%4, %8) : (i64, f64)
  return %9
}
";

/// Three primitives on arrays of 8 each trip.
const ARRAY: &str = "
graph @0 f(%0: f64[8], %1: i64) -> (i64, f64[8]) {
  %2 = const 0 : i64
  %3 = loop @1 @2 (%2, %0, %1) : (i64, f64[8])
  return %3
}

graph @1 less(%0: i64, %1: f64[8], %2: i64) -> bool {
  %3 = lt %0 %2 : bool
  return %3
}

graph @2 step(%0: i64, %1: f64[8], %2: i64) -> (i64, f64[8]) {
  %3 = const 1 : i64
  %4 = add %0 %3 : i64
  %5 = const 0.5 : f64
  %6 = mul %1 %5 : f64[8]
  %7 = add %6 %5 : f64[8]
  %8 = neg %7 : f64[8]
  %9 = tuple (%4, %8) : (i64, f64[8])
  return %9
}
";

const CALL: &str = "
graph @0 f(%0: f64, %1: i64) -> f64 {
  %2 = const 0 : i64
  %3 = gt %1 %2 : bool
  %4 = if %3 @1 @2 (%0, %1) : f64
  return %4
}

graph @1 more(%0: f64, %1: i64) -> f64 {
  %2 = const 1 : i64
  %3 = sub %1 %2 : i64
  %4 = call @0 (%0, %3) : f64
  %5 = mul %4 %0 : f64
  return %5
}

graph @2 end(%0: f64, %1: i64) -> f64 {
  return %0
}
";

const CLOSURE: &str = "
graph @0 f(%0: f64, %1: i64) -> (i64, f64) {
  %2 = const 0 : i64
  %3 = loop @1 @2 (%2, %0, %1) : (i64, f64)
  return %3
}

graph @1 less(%0: i64, %1: f64, %2: i64) -> bool {
  %3 = lt %0 %2 : bool
  return %3
}

graph @2 step(%0: i64, %1: f64, %2: i64) -> (i64, f64) {
  %3 = const 1 : i64
  %4 = add %0 %3 : i64
  %5 = closure @3 (%1) : fn(f64) -> f64
  %6 = apply %5 (%1) : f64
  %7 = tuple (%4, %6) : (i64, f64)
  return %7
}

graph @3 times(%0: f64, %1: f64) -> f64 {
  %2 = mul %0 %1 : f64
  return %2
}
";

/// So many primitives in a row on two values; the first result is `%{at}`.
fn steps(ty: &str, n: usize, [x, y]: [usize; 2], at: usize) -> String {
    let op = |i: usize| {
        let from = if i == 0 { x } else { at + i - 1 };
        [format!("mul %{from} %{y}"), format!("add %{from} %{y}"), format!("neg %{from}")][i % 3].clone()
    };
    (0..n).map(|i| format!("  %{} = {} : {ty}\n", at + i, op(i))).collect()
}

/// A loop that computes so many primitives in a row each trip, on values of one type: one by one, or fused.
fn row(ty: &str, n: usize, fused: bool) -> String {
    let (body, last) =
        if fused { (format!("  %6 = fused @3 (%1, %2) : {ty}\n"), 6) } else { (steps(ty, n, [1, 2], 6), n + 5) };
    let (inside, result, next) = (steps(ty, n, [0, 1], 2), n + 1, last + 1);
    format!(
        "
graph @0 f(%0: {ty}, %1: i64) -> (i64, {ty}, {ty}) {{
  %2 = const 0 : i64
  %3 = loop @1 @2 (%2, %0, %0, %1) : (i64, {ty}, {ty})
  return %3
}}

graph @1 less(%0: i64, %1: {ty}, %2: {ty}, %3: i64) -> bool {{
  %4 = lt %0 %3 : bool
  return %4
}}

graph @2 step(%0: i64, %1: {ty}, %2: {ty}, %3: i64) -> (i64, {ty}, {ty}) {{
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
{body}  %{next} = tuple (%5, %{last}, %2) : (i64, {ty}, {ty})
  return %{next}
}}

graph @3 row(%0: {ty}, %1: {ty}) -> {ty} {{
{inside}  return %{result}
}}
"
    )
}

const TRIPS: i64 = 1000;

fn bench(c: &mut Criterion, name: &str, graphs: &str, x: Value, elements: u64) {
    let module = parse(&format!("module closed entry @0\n{graphs}")).expect("a module");
    let exe = Executable::new(&module);
    let mut machine = Machine::new();
    let mut group = c.benchmark_group("exec");
    group.throughput(Throughput::Elements(elements));
    group.bench_function(name, |b| {
        b.iter(|| {
            let args = [x.clone(), Value::I64(black_box(TRIPS))];
            exe.run(&mut machine, &mut Plain, args).expect("no error")
        });
    });
    group.finish();
}

fn all(c: &mut Criterion) {
    let trips = TRIPS as u64;
    bench(c, "scalar", SCALAR, Value::f64(0.5), 5 * trips);
    bench(c, "array", ARRAY, Value::array(Array::full(&[8], 0.5)), 5 * trips);
    bench(c, "call", CALL, Value::f64(1.0), trips);
    for (name, ty, x) in [
        ("scalars", "f64", Value::f64(0.5)),
        ("arrays_of_1", "f64[1]", Value::array(Array::full(&[1], 0.5))),
        ("arrays_of_512", "f64[512]", Value::array(Array::full(&[512], 0.5))),
    ] {
        for (n, fused) in [2, 3, 4, 8].into_iter().flat_map(|n| [(n, false), (n, true)]) {
            let name = format!("{name}_{n}_{}", if fused { "fused" } else { "apart" });
            bench(c, &name, &row(ty, n, fused), x.clone(), trips);
        }
    }
    bench(c, "closure", CLOSURE, Value::f64(1.0), trips);
}

criterion_group!(benches, all);
criterion_main!(benches);
