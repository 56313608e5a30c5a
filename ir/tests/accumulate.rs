//! The pass `accumulate`: text in, text out.

use adjudicate_ir::passes::{self, DISTRIBUTE};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

fn check(body: &str, wanted: &Expect) {
    let text = format!("module closed entry @0\n\ngraph @0 f(%0: f64[3], %1: i64, %2: f64) -> f64[3] {{\n{body}}}\n");
    let mut module = parse(&text).unwrap_or_else(|why| panic!("{why}"));
    let pass: Vec<_> = DISTRIBUTE.iter().copied().filter(|p| p.name == "accumulate").collect();
    passes::optimise(&mut module, &pass, &mut |_, _| {}).expect("within the limit");
    verify(&module).unwrap_or_else(|why| panic!("{why:?}"));
    wanted.assert_eq(&print(&module));
}

#[test]
fn elements_are_added_to_the_sum_so_far() {
    check(
        "  %3 = zero : f64[3]\n  %4 = index_add %3 %1 %2 : f64[3]\n  %5 = index_add %4 %1 %2 : f64[3]\n  %6 = add %0 %5 : f64[3]\n  return %6\n",
        &expect![[r#"
            module closed entry @0

            graph @0 f(%0: f64[3], %1: i64, %2: f64) -> f64[3] {
              %3 = index_add %0 %1 %2 : f64[3]
              %4 = index_add %3 %1 %2 : f64[3]
              return %4
            }
        "#]],
    );
}

#[test]
fn what_others_read_and_what_starts_from_numbers_stays() {
    check(
        "  %3 = zero : f64[3]\n  %4 = index_add %3 %1 %2 : f64[3]\n  %5 = add %0 %4 : f64[3]\n  %6 = mul %5 %4 : f64[3]\n  return %6\n",
        &expect![[r#"
            module closed entry @0

            graph @0 f(%0: f64[3], %1: i64, %2: f64) -> f64[3] {
              %3 = zero : f64[3]
              %4 = index_add %3 %1 %2 : f64[3]
              %5 = add %0 %4 : f64[3]
              %6 = mul %5 %4 : f64[3]
              return %6
            }
        "#]],
    );
    check(
        "  %3 = index_add %0 %1 %2 : f64[3]\n  %4 = add %0 %3 : f64[3]\n  return %4\n",
        &expect![[r#"
        module closed entry @0

        graph @0 f(%0: f64[3], %1: i64, %2: f64) -> f64[3] {
          %3 = index_add %0 %1 %2 : f64[3]
          %4 = add %0 %3 : f64[3]
          return %4
        }
    "#]],
    );
}

#[test]
fn parts_at_several_indices_are_added_to_the_sum_so_far() {
    check(
        "  %3 = const i64[2] (2, 2) : i64[2]\n  %4 = const f64[2] (1.0, 3.0) : f64[2]\n  %5 = scatter[0,3] %3 %4 : f64[3]\n  %6 = index_add %5 %1 %2 : f64[3]\n  %7 = add %6 %0 : f64[3]\n  return %7\n",
        &expect![[r#"
            module closed entry @0

            graph @0 f(%0: f64[3], %1: i64, %2: f64) -> f64[3] {
              %3 = const i64[2] (2, 2) : i64[2]
              %4 = const f64[2] (1.0, 3.0) : f64[2]
              %5 = scatter_add[0] %0 %3 %4 : f64[3]
              %6 = index_add %5 %1 %2 : f64[3]
              return %6
            }
        "#]],
    );
}
