//! What the machine costs by itself: nanoseconds per scalar instruction, call and function value.
//!
//! Throughput is given in elements: one element is one primitive (`scalar`, `array`), one call that
//! is not a tail call (`call`), one function value made and called (`closure`).

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
    bench(c, "closure", CLOSURE, Value::f64(1.0), trips);
}

criterion_group!(benches, all);
criterion_main!(benches);
