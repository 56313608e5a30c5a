//! What the tape costs by itself: the gradient of a chain of small operations, beside the same kernel
//! calls made directly. One element of throughput is one recorded operation, forward and backward;
//! the difference of `tape` and `direct` is what the tape adds. On null kernels (`tape-null`) what is
//! left of the time is the tape's own, dispatch and allocation included.

use adjudicate_ir::text::parse;
use adjudicate_ir::value::Value;
use adjudicate_kernels::{Array, Binary, Mode, Unary, binary, binary_assign, set_mode, unary, unary_assign};
use adjudicate_strategies::tape::{Tape, Taped};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// `y = sin(y * x) + x`, again and again; the sum at the end.
const CHAIN: &str = "module closed entry @0

graph @0 gradient(%0: T, %1: i64) -> (f64, T) {
  %2 = const 1.0 : f64
  %3 = vjp @1 wrt [0] (%0, %1, %2) : (f64, T)
  return %3
}

graph @1 f(%0: T, %1: i64) -> f64 {
  %2 = const 0 : i64
  %3 = loop @2 @3 (%2, %0, %0, %1) : (i64, T)
  %4 = get 1 %3 : T
  %5 = sum[AXES] %4 : f64
  return %5
}

graph @2 less(%0: i64, %1: T, %2: T, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @3 step(%0: i64, %1: T, %2: T, %3: i64) -> (i64, T) {
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = mul %1 %2 : T
  %7 = sin %6 : T
  %8 = add %7 %2 : T
  %9 = tuple (%5, %8) : (i64, T)
  return %9
}
";

const TRIPS: usize = 1000;

/// Operations recorded in each trip.
const OPERATIONS: u64 = 3;

/// The same kernel calls, with a vector of arrays for a tape.
fn direct(x: &Array<f64>) -> Array<f64> {
    let mut kept = Vec::with_capacity(TRIPS);
    let mut y = x.clone();
    for _ in 0..TRIPS {
        let product = binary(Binary::Mul, (&y).into(), x.into());
        let mut next = unary(Unary::Sin, &product);
        binary_assign(Binary::Add, &mut next, x.into());
        kept.push((y, product));
        y = next;
    }
    let mut dy = Array::full(x.shape(), 1.0);
    let mut dx = Array::zeros(x.shape());
    for (y, mut product) in kept.into_iter().rev() {
        binary_assign(Binary::Add, &mut dx, (&dy).into());
        unary_assign(Unary::Cos, &mut product);
        binary_assign(Binary::Mul, &mut dy, (&product).into());
        let shared = binary(Binary::Mul, (&dy).into(), (&y).into());
        binary_assign(Binary::Add, &mut dx, (&shared).into());
        binary_assign(Binary::Mul, &mut dy, x.into());
    }
    dx
}

fn all(c: &mut Criterion) {
    let mut group = c.benchmark_group("tape");
    group.throughput(Throughput::Elements(OPERATIONS * TRIPS as u64));
    for n in [8, 64] {
        let x = Array::full(&[n], 0.5);
        let text = CHAIN.replace('T', &format!("f64[{n}]")).replace("AXES", "0");
        let mut taped = Taped::new(&parse(&text).expect("a module"));
        let args = [Value::array(x.clone()), Value::I64(TRIPS as i64)];
        group.bench_function(format!("tape/{n}"), |b| b.iter(|| taped.run(&args).expect("no error")));
        group.bench_function(format!("direct/{n}"), |b| b.iter(|| direct(&x)));
        set_mode(Mode::Null);
        group.bench_function(format!("tape-null/{n}"), |b| b.iter(|| taped.run(&args).expect("no error")));
        group.bench_function(format!("direct-null/{n}"), |b| b.iter(|| direct(&x)));
        set_mode(Mode::Real);
    }
    let text = CHAIN.replace('T', "f64").replace("[AXES]", "");
    let mut taped = Taped::new(&parse(&text).expect("a module"));
    let args = [Value::f64(0.5), Value::I64(TRIPS as i64)];
    group.bench_function("tape/scalar", |b| b.iter(|| taped.run(&args).expect("no error")));
    group.bench_function("var/scalar", |b| {
        b.iter(|| {
            let tape = Tape::new();
            let x = tape.var(0.5);
            let mut y = x.clone();
            for _ in 0..TRIPS {
                y = (&y * &x).sin() + &x;
            }
            tape.gradient(&y, &[&x]).remove(0).item()
        });
    });
    group.finish();
}

criterion_group!(benches, all);
criterion_main!(benches);
