//! The pass `vectors`: text in, text out.

use adjudicate_ir::passes::{self, FINISH};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

#[track_caller]
fn check(body: &str, wanted: &Expect) {
    let text = format!("module closed entry @0\n\ngraph @0 f(%0: f64[3], %1: f64[2, 3]) -> f64[2] {{\n{body}}}\n");
    let mut module = parse(&text).unwrap_or_else(|why| panic!("{why}"));
    let pass: Vec<_> = FINISH.iter().copied().filter(|p| p.name == "vectors").collect();
    passes::run_once(&mut module, &pass, &mut |_, _| {});
    verify(&module).unwrap_or_else(|why| panic!("{why:?}"));
    wanted.assert_eq(&print(&module));
}

#[test]
fn rows_and_columns_that_are_vectors_stay_vectors() {
    check(
        "  %2 = reshape[1,3] %0 : f64[1, 3]\n  %3 = matmul[0,1] %2 %1 : f64[1, 2]\n  %4 = reshape[2] %3 : f64[2]\n  return %4\n",
        &expect![[r#"
            module closed entry @0

            graph @0 f(%0: f64[3], %1: f64[2, 3]) -> f64[2] {
              %2 = matmul[0,1] %0 %1 : f64[2]
              return %2
            }
        "#]],
    );
    check(
        "  %2 = reshape[3,1] %0 : f64[3, 1]\n  %3 = matmul[0,0] %1 %2 : f64[2, 1]\n  %4 = reshape[2] %3 : f64[2]\n  return %4\n",
        &expect![[r#"
            module closed entry @0

            graph @0 f(%0: f64[3], %1: f64[2, 3]) -> f64[2] {
              %2 = matmul[0,0] %1 %0 : f64[2]
              return %2
            }
        "#]],
    );
}

#[test]
fn a_product_that_others_read_as_a_matrix_stays_one() {
    check(
        "  %2 = reshape[1,3] %0 : f64[1, 3]\n  %3 = matmul[0,1] %2 %1 : f64[1, 2]\n  %4 = reshape[2] %3 : f64[2]\n  %5 = sum[0] %3 : f64[2]\n  %6 = add %4 %5 : f64[2]\n  return %6\n",
        &expect![[r#"
            module closed entry @0

            graph @0 f(%0: f64[3], %1: f64[2, 3]) -> f64[2] {
              %2 = reshape[1,3] %0 : f64[1, 3]
              %3 = matmul[0,1] %2 %1 : f64[1, 2]
              %4 = reshape[2] %3 : f64[2]
              %5 = sum[0] %3 : f64[2]
              %6 = add %4 %5 : f64[2]
              return %6
            }
        "#]],
    );
}

#[test]
fn a_column_times_a_row_is_an_outer_product_of_vectors() {
    let text = "module closed entry @0\n\ngraph @0 f(%0: f64[3], %1: f64[2]) -> f64[2, 3] {
  %2 = reshape[1,3] %0 : f64[1, 3]
  %3 = reshape[1,2] %1 : f64[1, 2]
  %4 = matmul[1,0] %3 %2 : f64[2, 3]
  return %4
}
";
    let mut module = parse(text).unwrap_or_else(|why| panic!("{why}"));
    passes::run_once(&mut module, FINISH, &mut |_, _| {});
    verify(&module).unwrap_or_else(|why| panic!("{why:?}"));
    expect![[r#"
        module closed entry @0

        graph @0 f(%0: f64[3], %1: f64[2]) -> f64[2, 3] {
          %2 = matmul[1,1] %1 %0 : f64[2, 3]
          return %2
        }
    "#]]
    .assert_eq(&print(&module));
}
