//! How fast the kernels are: elementwise and sums over 32 768 floats, matrix products through every backend compiled in,
//! and what a call on a small array costs. `scripts/compare-numpy.sh` sets the same kernels beside NumPy's.

use std::hint::black_box;

use adjudicate_kernels::gemm::{Backend, gemm, matmul, set_backend};
use adjudicate_kernels::reduce::reduce;
use adjudicate_kernels::*;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn floats(shape: &[usize]) -> Array<f64> {
    let n: usize = shape.iter().product();
    Array::from_vec(shape, (0..n).map(|i| (i as f64 * 0.618).sin() + 1.1).collect())
}

fn elementwise(c: &mut Criterion) {
    const N: usize = 32_768;
    let (x, y) = (floats(&[N]), floats(&[N]));
    let mut group = c.benchmark_group("elementwise_32768");
    group.throughput(Throughput::Elements(N as u64));
    for &op in Unary::ALL {
        group.bench_function(op.name(), |b| b.iter(|| unary(op, black_box(&x))));
    }
    for &op in Binary::ALL {
        group.bench_function(op.name(), |b| b.iter(|| binary(op, black_box(&x).into(), (&y).into())));
    }
    group.bench_function("sum", |b| b.iter(|| reduce(Reduce::Sum, black_box(&x), &[0])));
    group.finish();
}

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("gemm");
    for n in [64, 128, 256, 512, 1024] {
        let (a, b) = (floats(&[n, n]), floats(&[n, n]));
        let mut out = Array::zeros(&[n, n]);
        group.throughput(Throughput::Elements(2 * (n * n * n) as u64));
        for &backend in Backend::AVAILABLE {
            set_backend(backend);
            group.bench_function(format!("{}/{n}", backend.name()), |bench| {
                bench.iter(|| gemm(Gemm::PLAIN, black_box(&a), &b, &mut out));
            });
        }
    }
    group.finish();
}

fn small(c: &mut Criterion) {
    let mut group = c.benchmark_group("small");
    for n in [1, 8, 64] {
        let (x, y) = (floats(&[n]), floats(&[n]));
        group.bench_function(format!("add/{n}"), |b| b.iter(|| binary(Binary::Add, black_box(&x).into(), (&y).into())));
        group.bench_function(format!("tanh/{n}"), |b| b.iter(|| unary(Unary::Tanh, black_box(&x))));
        group.bench_function(format!("sum/{n}"), |b| b.iter(|| reduce(Reduce::Sum, black_box(&x), &[0])));
    }
    let (a, b, v) = (floats(&[8, 8]), floats(&[8, 8]), floats(&[8]));
    group.bench_function("row_add/8x8", |bench| bench.iter(|| binary(Binary::Add, black_box(&a).into(), (&v).into())));
    group.bench_function("matmul/8x8", |bench| bench.iter(|| matmul(black_box(&a), &b, false, false)));
    group.bench_function("matvec/8x8", |bench| bench.iter(|| matmul(black_box(&a), &v, false, false)));
    group.bench_function("clone_drop", |bench| bench.iter(|| black_box(&a).clone()));
    group.bench_function("eval/exp", |bench| bench.iter(|| Unary::Exp.eval(black_box(0.3))));
    counts::enable(true);
    group
        .bench_function("counted_add/8", |bench| bench.iter(|| binary(Binary::Add, black_box(&v).into(), (&v).into())));
    counts::enable(false);
    group.finish();
}

criterion_group!(benches, small, elementwise, products);
criterion_main!(benches);
