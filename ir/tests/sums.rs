//! Sums that are added to as soon as what is added is there.

use adjudicate_ir::graph::Module;
use adjudicate_ir::passes::{self, Pass};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

fn parsed(body: &str) -> Module {
    let module = parse(&format!("module closed entry @0\n\n{body}")).expect("a module");
    verify(&module).expect("a well-formed module");
    module
}

/// The module after the pass.
fn moved(module: &Module) -> Module {
    let pass: Vec<Pass> = passes::all().filter(|pass| pass.name == "sums").copied().collect();
    let mut after = module.clone();
    passes::run_once(&mut after, &pass, &mut |_, _| {});
    verify(&after).unwrap_or_else(|why| panic!("{why}\n{}", print(&after)));
    after
}

fn check(body: &str, expected: &Expect) {
    let text = print(&moved(&parsed(body)));
    expected.assert_eq(text.split_once("\n\n").expect("a head and a graph").1);
}

#[test]
fn a_sum_comes_before_other_readers_of_what_is_added() {
    check(
        "graph @0 f(%0: f64[2], %1: f64[2, 2], %2: f64[2]) -> (f64[2], f64[2], f64[2]) {
  %3 = tanh %0 : f64[2]
  %4 = matmul[0,0] %3 %1 : f64[2]
  %5 = matmul[0,1] %3 %1 : f64[2]
  %6 = add %2 %3 : f64[2]
  %7 = tuple (%4, %5, %6) : (f64[2], f64[2], f64[2])
  return %7
}
",
        &expect![[r#"
            graph @0 f(%0: f64[2], %1: f64[2, 2], %2: f64[2]) -> (f64[2], f64[2], f64[2]) {
              %3 = tanh %0 : f64[2]
              %4 = add %2 %3 : f64[2]
              %5 = matmul[0,0] %3 %1 : f64[2]
              %6 = matmul[0,1] %3 %1 : f64[2]
              %7 = tuple (%5, %6, %4) : (f64[2], f64[2], f64[2])
              return %7
            }
        "#]],
    );
}

/// The first sum comes before the second hyperbolic tangent, and the second sum, which reads both, after it.
#[test]
fn a_sum_that_reads_another_comes_after_all_that_it_reads() {
    check(
        "graph @0 f(%0: f64[2], %1: f64[2, 2], %2: f64[2]) -> (f64[2], f64[2], f64[2]) {
  %3 = tanh %0 : f64[2]
  %4 = matmul[0,0] %3 %1 : f64[2]
  %5 = tanh %4 : f64[2]
  %6 = matmul[0,1] %5 %1 : f64[2]
  %7 = add %2 %3 : f64[2]
  %8 = add %7 %5 : f64[2]
  %9 = tuple (%4, %6, %8) : (f64[2], f64[2], f64[2])
  return %9
}
",
        &expect![[r#"
            graph @0 f(%0: f64[2], %1: f64[2, 2], %2: f64[2]) -> (f64[2], f64[2], f64[2]) {
              %3 = tanh %0 : f64[2]
              %4 = add %2 %3 : f64[2]
              %5 = matmul[0,0] %3 %1 : f64[2]
              %6 = tanh %5 : f64[2]
              %7 = add %4 %6 : f64[2]
              %8 = matmul[0,1] %6 %1 : f64[2]
              %9 = tuple (%5, %8, %7) : (f64[2], f64[2], f64[2])
              return %9
            }
        "#]],
    );
}

#[test]
fn a_sum_whose_parts_are_read_elsewhere_or_of_numbers_stays() {
    let kept = "graph @0 f(%0: f64[2], %1: f64[2, 2], %2: f64[2], %3: f64) -> (f64[2], f64[2], f64, f64[2]) {
  %4 = tanh %0 : f64[2]
  %5 = sum[0] %4 : f64
  %6 = matmul[0,0] %4 %1 : f64[2]
  %7 = add %2 %4 : f64[2]
  %8 = mul %2 %5 : f64[2]
  %9 = mul %5 %5 : f64
  %10 = add %3 %5 : f64
  %11 = add %9 %10 : f64
  %12 = tuple (%6, %7, %11, %8) : (f64[2], f64[2], f64, f64[2])
  return %12
}
";
    let module = parsed(kept);
    assert_eq!(moved(&module), module);
}
