//! What is put together for several threads, and that it changes nothing else.

use adjudicate_ir::exec::{Executable, Machine, Plain, Worth};
use adjudicate_ir::graph::Module;
use adjudicate_ir::text::parse;
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::{Array, counts, threads};
use expect_test::{Expect, expect};

/// Products of 4×4 matrices are worth a thread, and what works on 100 elements or more.
const WORTH: Worth = Worth { multiply_adds: 64, elements: 100 };

#[track_caller]
fn module(graphs: &str) -> Module {
    let module = parse(&format!("module closed entry @0\n{graphs}")).unwrap_or_else(|why| panic!("{why}"));
    verify(&module).unwrap_or_else(|why| panic!("{why}"));
    module
}

/// What is put together.
#[track_caller]
fn check(graphs: &str, wanted: Expect) {
    let (exe, _) = Executable::parallel(&module(graphs), WORTH);
    wanted.assert_eq(&exe.together().join("\n"));
}

/// `f` of three 4×4 matrices with these nodes and this result, a matrix.
fn matrices(nodes: &str, ret: &str) -> String {
    format!("\ngraph @0 f(%0: f64[4, 4], %1: f64[4, 4], %2: f64[4, 4]) -> f64[4, 4] {{{nodes}\n  return {ret}\n}}\n")
}

/// The second layer of a backward pass: both products need `d`, and neither needs the other.
const LAYER: &str = "
  %3 = matmul[0,0] %0 %1 : f64[4, 4]
  %4 = matmul[1,0] %0 %3 : f64[4, 4]
  %5 = matmul[0,1] %3 %1 : f64[4, 4]
  %6 = matmul[0,0] %4 %5 : f64[4, 4]";

#[test]
fn products_that_do_not_need_each_other() {
    check(&matrices(LAYER, "%6"), expect!["r0 = matmul(r0!, r2) | r1 = matmul(r2!, r1!)"]);
}

#[test]
fn what_is_small_is_moved_ahead_of_those_that_need_it() {
    let nodes = "
  %3 = matmul[0,0] %0 %1 : f64[4, 4]
  %4 = tanh %3 : f64[4, 4]
  %5 = exp %2 : f64[4, 4]
  %6 = matmul[0,0] %5 %1 : f64[4, 4]
  %7 = matmul[0,0] %4 %6 : f64[4, 4]";
    check(&matrices(nodes, "%7"), expect!["r0 = matmul(r0!, r1) | r1 = matmul(r2!, r1!)"]);
}

#[test]
fn not_over_what_they_need() {
    let nodes = "
  %3 = matmul[0,0] %0 %1 : f64[4, 4]
  %4 = tanh %3 : f64[4, 4]
  %5 = matmul[0,0] %4 %1 : f64[4, 4]
  %6 = matmul[0,0] %5 %2 : f64[4, 4]";
    check(&matrices(nodes, "%6"), expect![""]);
}

/// The second product is added to what the first reads: at once with it, or before, that would have to be copied.
#[test]
fn not_with_a_reader_of_what_is_written_over() {
    let nodes = "
  %3 = matmul[0,0] %0 %1 : f64[4, 4]
  %4 = matmul[0,0] %3 %1 : f64[4, 4]
  %5 = gemm_add[0,0] %0 %2 %3 : f64[4, 4]
  %6 = add %4 %5 : f64[4, 4]";
    check(&matrices(nodes, "%6"), expect![""]);
}

/// The same through a view, which shares its elements.
#[test]
fn nor_with_a_reader_of_a_view_of_it() {
    let nodes = "
  %3 = matmul[0,0] %0 %1 : f64[4, 4]
  %4 = reshape[4,4] %3 : f64[4, 4]
  %5 = matmul[0,0] %4 %1 : f64[4, 4]
  %6 = gemm_add[0,0] %0 %2 %3 : f64[4, 4]
  %7 = add %5 %6 : f64[4, 4]";
    check(&matrices(nodes, "%7"), expect![""]);
}

/// Two that may fail, of which the second does, and one that comes after and fails too.
const FAILING: &str = "
graph @0 f(%0: f64[50, 2], %1: i64[100], %2: i64[100], %3: i64[100]) -> (f64[100, 2], f64[100, 2], f64[100, 2]) {
  %4 = gather[0] %0 %1 : f64[100, 2]
  %5 = gather[0] %0 %2 : f64[100, 2]
  %6 = gather[0] %0 %3 : f64[100, 2]
  %7 = tuple (%4, %5, %6) : (f64[100, 2], f64[100, 2], f64[100, 2])
  return %7
}
";

#[test]
fn the_first_error_in_the_order_of_the_program_is_reported() {
    check(FAILING, expect!["r0 = gather(r0, r1!) | r1 = gather(r0, r2!) | r2 = gather(r0!, r3!)"]);
    let indices = |i: i64| Value::ints(Array::full(&[100], i));
    let args = |second: i64| [Value::array(Array::full(&[50, 2], 1.0)), indices(0), indices(second), indices(300)];
    let module = module(FAILING);
    let (exe, _) = Executable::parallel(&module, WORTH);
    threads::set_threads(2);
    for (second, named) in [(200, "200"), (1, "300")] {
        let mut machine = Machine::new();
        let alone = Executable::new(&module).run(&mut Machine::new(), &mut Plain, args(second)).expect_err("an error");
        let found = exe.run(&mut machine, &mut Plain, args(second)).expect_err("an error");
        assert!(found.message.contains(named), "{found}");
        assert_eq!(found, alone);
        // What an error left behind does not disturb the next run.
        assert_eq!(exe.run(&mut machine, &mut Plain, args(second)).expect_err("an error"), alone);
    }
}

#[test]
fn values_and_counts_are_those_of_one_thread() {
    let module = module(&matrices(LAYER, "%6"));
    let matrix = |from: usize| Array::from_vec(&[4, 4], (from..from + 16).map(|i| (i as f64).sin()).collect());
    let args = [0, 3, 8].map(|from| Value::array(matrix(from)));
    let run = |exe: &Executable| {
        let mut machine = Machine::new();
        counts::measure(|| format!("{:?}", exe.run(&mut machine, &mut Plain, args.clone())))
    };
    threads::set_threads(2);
    let (alone, mut once) = run(&Executable::new(&module));
    let (together, mut twice) = run(&Executable::parallel(&module, WORTH).0);
    assert_eq!(alone, together);
    (once.peak_live_bytes, twice.peak_live_bytes) = (0, 0);
    assert_eq!(once, twice);
}
