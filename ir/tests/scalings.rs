//! Products with a matrix of one element as elementwise work: what the pass makes of them, and the same bits.

use adjudicate_ir::graph::Module;
use adjudicate_ir::interp;
use adjudicate_ir::passes;
use adjudicate_ir::text;
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::Array;
use expect_test::{Expect, expect};

/// A module after the pass, which computes what it did before.
#[track_caller]
fn check(graph: &str, args: &[Value], expected: &Expect) {
    let module = text::parse(&format!("module closed entry @0\n\n{graph}")).expect("a module");
    let pass: Vec<_> = passes::FINISH.iter().copied().filter(|p| p.name == "scalings").collect();
    assert_eq!(pass.len(), 1, "the pass is in the list");
    let mut after: Module = module.clone();
    passes::run_once(&mut after, &pass, &mut |_, _| {});
    verify(&after).unwrap_or_else(|why| panic!("{why}\n{}", text::print(&after)));
    let run = |module: &Module| format!("{:?}", interp::eval(module, args.to_vec()).expect("a value"));
    assert_eq!(run(&module), run(&after));
    expected.assert_eq(text::print(&after).split_once("\n\n").expect("a head and graphs").1);
}

fn array(shape: &[usize], numbers: &[f64]) -> Value {
    Value::array(Array::from_slice(shape, numbers))
}

#[test]
fn a_number_times_a_row_and_a_column_times_a_number() {
    check(
        "graph @0 f(%0: f64, %1: f64[3, 1], %2: f64[1, 3]) -> (f64[1, 3], f64[3, 1]) {
  %3 = reshape[1,1] %0 : f64[1, 1]
  %4 = matmul[0,1] %3 %1 : f64[1, 3]
  %5 = matmul[1,0] %2 %3 : f64[3, 1]
  %6 = tuple (%4, %5) : (f64[1, 3], f64[3, 1])
  return %6
}
",
        &[Value::f64(3.0), array(&[3, 1], &[1.0, f64::INFINITY, -2.5]), array(&[1, 3], &[0.5, f64::NAN, 7.0])],
        &expect![[r#"
            graph @0 f(%0: f64, %1: f64[3, 1], %2: f64[1, 3]) -> (f64[1, 3], f64[3, 1]) {
              %3 = reshape[1,3] %1 : f64[1, 3]
              %4 = mul %0 %3 : f64[1, 3]
              %5 = reshape[3,1] %2 : f64[3, 1]
              %6 = mul %5 %0 : f64[3, 1]
              %7 = tuple (%4, %6) : (f64[1, 3], f64[3, 1])
              return %7
            }
        "#]],
    );
}

#[test]
fn a_column_times_a_row_stays_a_product() {
    check(
        "graph @0 f(%0: f64[2, 1], %1: f64[1, 2]) -> f64[2, 2] {
  %2 = matmul[0,0] %0 %1 : f64[2, 2]
  return %2
}
",
        &[array(&[2, 1], &[1.0, 2.0]), array(&[1, 2], &[3.0, 4.0])],
        &expect![[r#"
            graph @0 f(%0: f64[2, 1], %1: f64[1, 2]) -> f64[2, 2] {
              %2 = matmul[0,0] %0 %1 : f64[2, 2]
              return %2
            }
        "#]],
    );
}
