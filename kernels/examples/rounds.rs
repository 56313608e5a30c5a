//! One side of `scripts/compare-numpy.sh`: for each kernel named on standard input, one line with its nanoseconds per call,
//! from as many calls as take [`SAMPLE`]. `name@backend` picks a backend; the line `names` lists what there is.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use adjudicate_kernels::gemm::{Backend, gemm, matmul, set_backend};
use adjudicate_kernels::reduce::reduce;
use adjudicate_kernels::*;

/// The time one sample takes.
const SAMPLE: Duration = Duration::from_micros(500);

type Kernel = Box<dyn FnMut()>;

fn floats(shape: &[usize]) -> Array<f64> {
    let n: usize = shape.iter().product();
    Array::from_vec(
        shape,
        (0..n).map(|i| (i as f64 * 0.618).sin() + 1.1).collect(),
    )
}

fn kernels() -> BTreeMap<String, Kernel> {
    let mut all: BTreeMap<String, Kernel> = BTreeMap::new();
    for n in [8, 32_768] {
        let (x, y) = (floats(&[n]), floats(&[n]));
        for op in [
            Unary::Exp,
            Unary::Tanh,
            Unary::Log,
            Unary::Sigmoid,
            Unary::Sin,
            Unary::Sqrt,
        ] {
            let x = x.clone();
            all.insert(
                format!("{}/{n}", op.name()),
                Box::new(move || drop(black_box(unary(op, black_box(&x))))),
            );
        }
        for op in [Binary::Add, Binary::Mul, Binary::Pow] {
            let (x, y) = (x.clone(), y.clone());
            let run = move || drop(black_box(binary(op, black_box(&x).into(), (&y).into())));
            all.insert(format!("{}/{n}", op.name()), Box::new(run));
        }
        all.insert(
            format!("sum/{n}"),
            Box::new(move || drop(black_box(reduce(Reduce::Sum, black_box(&x), &[0])))),
        );
    }
    let (a, b, v) = (floats(&[8, 8]), floats(&[8, 8]), floats(&[8]));
    let (a1, a2, b1, v1) = (a.clone(), a.clone(), v.clone(), v);
    let row_add = move || {
        drop(black_box(binary(
            Binary::Add,
            black_box(&a).into(),
            (&b1).into(),
        )))
    };
    all.insert("row_add/8".into(), Box::new(row_add));
    all.insert(
        "matmul/8".into(),
        Box::new(move || drop(black_box(matmul(black_box(&a1), &b, false, false)))),
    );
    all.insert(
        "matvec/8".into(),
        Box::new(move || drop(black_box(matmul(black_box(&a2), &v1, false, false)))),
    );
    for n in [64, 128, 256, 512, 1024] {
        for &backend in Backend::AVAILABLE {
            let (a, b) = (floats(&[n, n]), floats(&[n, n]));
            let mut c = Array::zeros(&[n, n]);
            let run = move || {
                set_backend(backend);
                gemm(Gemm::PLAIN, black_box(&a), &b, &mut c);
            };
            all.insert(format!("gemm/{n}@{}", backend.name()), Box::new(run));
        }
    }
    all
}

/// Nanoseconds per call.
fn sample(kernel: &mut Kernel) -> f64 {
    let mut calls = 1u32;
    loop {
        let start = Instant::now();
        (0..calls).for_each(|_| kernel());
        let taken = start.elapsed();
        if taken >= SAMPLE / 2 {
            return taken.as_nanos() as f64 / f64::from(calls);
        }
        calls *= 2;
    }
}

fn main() {
    threads::set_threads(1);
    let mut kernels = kernels();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("text on standard input");
        match kernels.get_mut(line.trim()) {
            Some(kernel) => println!("{}", sample(kernel)),
            None if line.trim() == "names" => {
                println!("{}", kernels.keys().cloned().collect::<Vec<_>>().join(" "))
            }
            None => println!("unknown"),
        }
        std::io::stdout()
            .flush()
            .expect("standard output takes a line");
    }
}
