//! The executor against the reference interpreter, and what only the executor promises: in-place
//! update, deep calls, storage kept between runs.

use adjudicate_ir::exec::{Executable, Machine, Plain};
use adjudicate_ir::graph::Module;
use adjudicate_ir::interp;
use adjudicate_ir::text::parse;
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::{Array, counts};

/// The executor and the interpreter agree on the entry applied to the arguments, twice.
#[track_caller]
fn check(graphs: &str, args: &[Value]) -> Vec<Value> {
    let module = module(graphs);
    let expected = interp::eval(&module, args.to_vec()).map(items).map_err(|e| (e.span, e.message));
    for exe in [Executable::new(&module), Executable::planned(&module).0] {
        let mut machine = Machine::new();
        for _ in 0..2 {
            let found = exe.run(&mut machine, &mut Plain, args.iter().cloned()).map_err(|e| (e.span, e.message));
            let (shown, wanted) = (format!("{found:?}"), format!("{expected:?}"));
            assert!(shown == wanted, "{shown:.2000}\nis not\n{wanted:.2000}\nin {exe:#?}");
        }
    }
    expected.unwrap_or_default()
}

fn items(value: Value) -> Vec<Value> {
    match value {
        Value::Tuple(fields) => fields.into_vec(),
        other => vec![other],
    }
}

#[track_caller]
fn module(graphs: &str) -> Module {
    let module = parse(&format!("module closed entry @0\n{graphs}")).unwrap_or_else(|why| panic!("{why}"));
    verify(&module).unwrap_or_else(|why| panic!("{why}"));
    module
}

fn vector(items: &[f64]) -> Value {
    Value::array(Array::from_slice(&[items.len()], items))
}

/// Swaps and rotates state, keeps some of it, and ends with part of it dead.
const ROTATE: &str = "
graph @0 f(%0: i64, %1: f64, %2: f64, %3: f64) -> (f64, f64, f64) {
  %4 = const 0 : i64
  %5 = loop @1 @2 (%4, %1, %2, %3, %1, %0) : (i64, f64, f64, f64, f64)
  %6 = get 1 %5 : f64
  %7 = get 2 %5 : f64
  %8 = get 4 %5 : f64
  %9 = tuple (%6, %7, %8) : (f64, f64, f64)
  return %9
}

graph @1 less(%0: i64, %1: f64, %2: f64, %3: f64, %4: f64, %5: i64) -> bool {
  %6 = lt %0 %5 : bool
  return %6
}

graph @2 step(%0: i64, %1: f64, %2: f64, %3: f64, %4: f64, %5: i64) -> (i64, f64, f64, f64, f64) {
  %6 = const 1 : i64
  %7 = add %0 %6 : i64
  %8 = add %3 %4 : f64
  %9 = tuple (%7, %2, %8, %1, %4) : (i64, f64, f64, f64, f64)
  return %9
}
";

#[test]
fn loops_move_their_state_all_at_once() {
    for trips in 0..7 {
        check(ROTATE, &[Value::I64(trips), Value::f64(1.0), Value::f64(20.0), Value::f64(300.0)]);
    }
}

/// Operands that are one value, at its last use: none may be moved from under another, nor written over while it is read.
const TWICE: &str = "
graph @0 f(%0: f64[2, 2], %1: f64[2, 2]) -> (f64[2, 2], f64[2, 2]) {
  %2 = add %0 %1 : f64[2, 2]
  %3 = mul %2 %2 : f64[2, 2]
  %4 = sub %0 %1 : f64[2, 2]
  %5 = gemm_add[0,0] %4 %4 %4 : f64[2, 2]
  %6 = tanh %3 : f64[2, 2]
  %7 = concat[0] %6 %6 %6 %6 %6 %6 : f64[12, 2]
  %8 = slice[10,12,1,0,2,1] %7 : f64[2, 2]
  %9 = tuple (%8, %5) : (f64[2, 2], f64[2, 2])
  return %9
}
";

#[test]
fn a_value_may_be_several_operands() {
    let matrix = |items: [f64; 4]| Value::array(Array::from_slice(&[2, 2], &items));
    check(TWICE, &[matrix([0.1, -0.2, 0.3, 0.4]), matrix([0.5, 0.6, -0.7, 0.8])]);
}

/// Branches inside a loop, branches inside branches, values used on one path only.
const COLLATZ: &str = "
graph @0 f(%0: i64, %1: f64[3], %2: f64[3]) -> (i64, f64[3]) {
  %3 = const 0 : i64
  %4 = loop @1 @2 (%0, %3, %1, %2) : (i64, i64, f64[3])
  %5 = get 1 %4 : i64
  %6 = get 2 %4 : f64[3]
  %7 = const 100 : i64
  %8 = gt %5 %7 : bool
  %9 = if %8 @5 @6 (%5, %6, %2) : (i64, f64[3])
  return %9
}

graph @1 more(%0: i64, %1: i64, %2: f64[3], %3: f64[3]) -> bool {
  %4 = const 1 : i64
  %5 = gt %0 %4 : bool
  return %5
}

graph @2 step(%0: i64, %1: i64, %2: f64[3], %3: f64[3]) -> (i64, i64, f64[3]) {
  %4 = const 2 : i64
  %5 = mod %0 %4 : i64
  %6 = const 0 : i64
  %7 = eq %5 %6 : bool
  %8 = const 1 : i64
  %9 = add %1 %8 : i64
  %10 = if %7 @3 @4 (%0, %2, %3) : (i64, f64[3])
  %11 = get 0 %10 : i64
  %12 = get 1 %10 : f64[3]
  %13 = tuple (%11, %9, %12) : (i64, i64, f64[3])
  return %13
}

graph @3 even(%0: i64, %1: f64[3], %2: f64[3]) -> (i64, f64[3]) {
  %3 = const 2 : i64
  %4 = floordiv %0 %3 : i64
  %5 = add %1 %2 : f64[3]
  %6 = tuple (%4, %5) : (i64, f64[3])
  return %6
}

graph @4 odd(%0: i64, %1: f64[3], %2: f64[3]) -> (i64, f64[3]) {
  %3 = const 3 : i64
  %4 = mul %0 %3 : i64
  %5 = const 1 : i64
  %6 = add %4 %5 : i64
  %7 = tuple (%6, %1) : (i64, f64[3])
  return %7
}

graph @5 many(%0: i64, %1: f64[3], %2: f64[3]) -> (i64, f64[3]) {
  %3 = tuple (%0, %2) : (i64, f64[3])
  return %3
}

graph @6 few(%0: i64, %1: f64[3], %2: f64[3]) -> (i64, f64[3]) {
  %3 = const 8 : i64
  %4 = lt %0 %3 : bool
  %5 = if %4 @7 @8 (%0, %1) : (i64, f64[3])
  return %5
}

graph @7 keep(%0: i64, %1: f64[3]) -> (i64, f64[3]) {
  %2 = tuple (%0, %1) : (i64, f64[3])
  return %2
}

graph @8 negate(%0: i64, %1: f64[3]) -> (i64, f64[3]) {
  %2 = neg %1 : f64[3]
  %3 = tuple (%0, %2) : (i64, f64[3])
  return %3
}
";

#[test]
fn branches_in_loops() {
    for n in [1, 2, 3, 6, 7, 27] {
        check(COLLATZ, &[Value::I64(n), vector(&[1.0, 2.0, 3.0]), vector(&[0.5, 0.25, 0.125])]);
    }
}

#[test]
fn values_given_stay_as_they_were() {
    let (a, b) = (vector(&[1.0, 2.0, 3.0]), vector(&[4.0, 5.0, 6.0]));
    check(COLLATZ, &[Value::I64(6), a.clone(), b.clone()]);
    assert_eq!(format!("{a:?} {b:?}"), format!("{:?} {:?}", vector(&[1.0, 2.0, 3.0]), vector(&[4.0, 5.0, 6.0])));
}

/// A loop that updates its state array by index, and one that pushes every state on a stack.
const IN_PLACE: &str = "
graph @0 f(%0: f64[1000], %1: i64) -> (i64, f64[1000], stack f64) {
  %2 = const 0 : i64
  %3 = zero : stack f64
  %4 = loop @1 @2 (%2, %0, %3, %1) : (i64, f64[1000], stack f64)
  return %4
}

graph @1 less(%0: i64, %1: f64[1000], %2: stack f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 step(%0: i64, %1: f64[1000], %2: stack f64, %3: i64) -> (i64, f64[1000], stack f64) {
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = const 999 : i64
  %7 = mod %0 %6 : i64
  %8 = index %1 %7 : f64
  %9 = const 0.5 : f64
  %10 = index_add %1 %5 %9 : f64[1000]
  %11 = push %2 %8 : stack f64
  %12 = tuple (%5, %10, %11) : (i64, f64[1000], stack f64)
  return %12
}
";

#[test]
fn state_is_updated_in_place() {
    let args = [vector(&[0.0; 1000]), Value::I64(900)];
    check(IN_PLACE, &args);
    let exe = Executable::new(&module(IN_PLACE));
    let mut machine = Machine::new();
    let (_, counts) = counts::measure(|| exe.run(&mut machine, &mut Plain, args.iter().cloned()).unwrap());
    assert_eq!(counts.allocations, 1, "the argument is copied once, then updated in place");
}

/// Not a tail call: `1 + down(n - 1)`, with an array that is used up on the way.
const DEEP: &str = "
graph @0 down(%0: i64, %1: f64[3]) -> (i64, f64[3]) {
  %2 = const 0 : i64
  %3 = eq %0 %2 : bool
  %4 = if %3 @1 @2 (%0, %1) : (i64, f64[3])
  return %4
}

graph @1 end(%0: i64, %1: f64[3]) -> (i64, f64[3]) {
  %2 = tuple (%0, %1) : (i64, f64[3])
  return %2
}

graph @2 more(%0: i64, %1: f64[3]) -> (i64, f64[3]) {
  %2 = const 1 : i64
  %3 = sub %0 %2 : i64
  %4 = call @0 (%3, %1) : (i64, f64[3])
  %5 = get 0 %4 : i64
  %6 = add %5 %2 : i64
  %7 = get 1 %4 : f64[3]
  %8 = add %7 %7 : f64[3]
  %9 = tuple (%6, %8) : (i64, f64[3])
  return %9
}
";

#[test]
fn recursion_does_not_use_the_host_stack() {
    check(DEEP, &[Value::I64(0), vector(&[1.0, 2.0, 3.0])]);
    check(DEEP, &[Value::I64(1_000_000), vector(&[1.0, 2.0, 3.0])]);
}

/// Mutual recursion through tail calls, direct and of function values.
const TAIL: &str = "
graph @0 f(%0: i64) -> f64 {
  %1 = closure @2 () : fn(i64, f64) -> f64
  %2 = const 0.0 : f64
  %3 = call @1 (%0, %2, %1) : f64
  return %3
}

graph @1 even(%0: i64, %1: f64, %2: fn(i64, f64) -> f64) -> f64 {
  %3 = const 0 : i64
  %4 = gt %0 %3 : bool
  %5 = if %4 @4 @3 (%0, %1, %2) : f64
  return %5
}

graph @2 odd(%0: i64, %1: f64) -> f64 {
  %2 = closure @2 () : fn(i64, f64) -> f64
  %3 = const 1.0 : f64
  %4 = add %1 %3 : f64
  %5 = call @1 (%0, %4, %2) : f64
  return %5
}

graph @3 end(%0: i64, %1: f64, %2: fn(i64, f64) -> f64) -> f64 {
  return %1
}

graph @4 more(%0: i64, %1: f64, %2: fn(i64, f64) -> f64) -> f64 {
  %3 = const 1 : i64
  %4 = sub %0 %3 : i64
  %5 = apply %2 (%4, %1) : f64
  return %5
}
";

#[test]
fn tail_calls_reuse_the_frame() {
    check(TAIL, &[Value::I64(1000)]);
    let exe = Executable::new(&module(TAIL));
    let mut machine = Machine::new();
    let found = exe.run(&mut machine, &mut Plain, [Value::I64(1_000_000)]).unwrap();
    assert_eq!(format!("{found:?}"), format!("{:?}", [Value::f64(1_000_000.0)]));
    assert_eq!((machine.peak_frames(), machine.closures_made()), (0, 1_000_001));
}

/// A chain of closures, each capturing the one before; tuples inside tuples; a graph that two `If`s
/// share, hence called.
const MIXED: &str = "
graph @0 f(%0: i64, %1: f64) -> ((f64, i64), f64, (f64, (f64, i64))) {
  %2 = const 0 : i64
  %3 = closure @3 () : fn(f64) -> f64
  %4 = loop @1 @2 (%2, %3, %0) : (i64, fn(f64) -> f64)
  %5 = get 1 %4 : fn(f64) -> f64
  %6 = apply %5 (%1) : f64
  %7 = get 0 %4 : i64
  %8 = tuple (%6, %7) : (f64, i64)
  %9 = tuple (%1, %8) : (f64, (f64, i64))
  %10 = gt %0 %2 : bool
  %11 = if %10 @5 @6 (%9, %1) : (f64, f64)
  %12 = get 1 %11 : f64
  %13 = lt %0 %2 : bool
  %14 = if %13 @6 @5 (%9, %12) : (f64, f64)
  %15 = get 0 %14 : f64
  %16 = call @7 (%9, %15) : ((f64, i64), f64, (f64, (f64, i64)))
  return %16
}

graph @1 less(%0: i64, %1: fn(f64) -> f64, %2: i64) -> bool {
  %3 = lt %0 %2 : bool
  return %3
}

graph @2 compose(%0: i64, %1: fn(f64) -> f64, %2: i64) -> (i64, fn(f64) -> f64) {
  %3 = closure @4 (%1) : fn(f64) -> f64
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = tuple (%5, %3) : (i64, fn(f64) -> f64)
  return %6
}

graph @3 identity(%0: f64) -> f64 {
  return %0
}

graph @4 increment(%0: fn(f64) -> f64, %1: f64) -> f64 {
  %2 = apply %0 (%1) : f64
  %3 = const 1.0 : f64
  %4 = add %2 %3 : f64
  return %4
}

graph @5 first(%0: (f64, (f64, i64)), %1: f64) -> (f64, f64) {
  %2 = get 1 %0 : (f64, i64)
  %3 = get 0 %2 : f64
  %4 = tuple (%1, %3) : (f64, f64)
  return %4
}

graph @6 second(%0: (f64, (f64, i64)), %1: f64) -> (f64, f64) {
  %2 = get 0 %0 : f64
  %3 = tuple (%2, %2) : (f64, f64)
  return %3
}

graph @7 spread(%0: (f64, (f64, i64)), %1: f64) -> ((f64, i64), f64, (f64, (f64, i64))) {
  %2 = get 1 %0 : (f64, i64)
  %3 = tuple (%2, %1, %0) : ((f64, i64), f64, (f64, (f64, i64)))
  return %3
}
";

#[test]
fn structures_and_shared_branches() {
    for n in [-1, 0, 1, 5] {
        check(MIXED, &[Value::I64(n), Value::f64(0.5)]);
    }
    check(MIXED, &[Value::I64(1_000_000), Value::f64(0.5)]);
}

/// Pushes a row for each trip on two stacks, and takes three off the one and three, the topmost first, off the other.
const ROWS: &str = "
graph @0 f(%0: i64, %1: f64[2]) -> (f64[3, 2], f64[3, 2], f64[2]) {
  %2 = zero : stack f64[2]
  %3 = loop @1 @2 (%0, %1, %2, %2) : (i64, f64[2], stack f64[2], stack f64[2])
  %4 = get 2 %3 : stack f64[2]
  %5 = pop_rows[3,0,0] %4 : (stack f64[2], f64[3, 2])
  %6 = get 3 %3 : stack f64[2]
  %7 = pop_rows[3,1,0] %6 : (stack f64[2], f64[3, 2])
  %8 = get 1 %5 : f64[3, 2]
  %9 = get 1 %7 : f64[3, 2]
  %10 = get 0 %7 : stack f64[2]
  %11 = pop %10 : (stack f64[2], f64[2])
  %12 = get 1 %11 : f64[2]
  %13 = tuple (%8, %9, %12) : (f64[3, 2], f64[3, 2], f64[2])
  return %13
}

graph @1 more(%0: i64, %1: f64[2], %2: stack f64[2], %3: stack f64[2]) -> bool {
  %4 = const 0 : i64
  %5 = gt %0 %4 : bool
  return %5
}

graph @2 step(%0: i64, %1: f64[2], %2: stack f64[2], %3: stack f64[2]) -> (i64, f64[2], stack f64[2], stack f64[2]) {
  %4 = const 1 : i64
  %5 = sub %0 %4 : i64
  %6 = sin %1 : f64[2]
  %7 = push %2 %6 : stack f64[2]
  %8 = push %3 %1 : stack f64[2]
  %9 = tuple (%5, %6, %7, %8) : (i64, f64[2], stack f64[2], stack f64[2])
  return %9
}
";

#[test]
fn rows_are_taken_off_at_once_whether_they_fill_the_room_or_not() {
    for trips in 0..6 {
        check(ROWS, &[Value::I64(trips), vector(&[1.0, -2.0])]);
    }
    let exe = Executable::new(&module(ROWS));
    let args = [Value::I64(3), vector(&[1.0, -2.0])];
    let (_, counts) =
        counts::measure(|| exe.run(&mut Machine::new(), &mut Plain, args.iter().cloned()).expect("results"));
    assert_eq!(counts.allocations, 3 + 2 + 1, "a sine for each trip, the rows of each stack, the zero below them");
}

#[test]
fn stacks_are_pushed_and_popped_in_place() {
    check(crate::common::programs::STACKED, &[Value::I64(0)]);
    check(crate::common::programs::STACKED, &[Value::I64(3)]);
    check(crate::common::programs::STACKED, &[Value::I64(1_000_000)]);
}

#[test]
fn errors_carry_the_position_of_their_node_and_leave_the_machine_usable() {
    let graphs = "
graph @0 f(%0: f64[2], %1: i64) -> f64 {
  %2 = index %0 %1 : f64 ; 0:40-44
  return %2
}
";
    check(graphs, &[vector(&[1.0, 2.0]), Value::I64(5)]);
    let exe = Executable::new(&module(graphs));
    let mut machine = Machine::new();
    let error = exe.run(&mut machine, &mut Plain, [vector(&[1.0, 2.0]), Value::I64(5)]).unwrap_err();
    assert_eq!((error.span.start, error.span.end), (40, 44));
    let found = exe.run(&mut machine, &mut Plain, [vector(&[1.0, 2.0]), Value::I64(1)]).unwrap();
    assert_eq!(format!("{found:?}"), format!("{:?}", [Value::f64(2.0)]));
}

#[test]
fn what_is_not_reached_is_not_run_and_unused_arguments_are_dropped() {
    check(
        "
graph @0 f(%0: f64[2], %1: i64) -> (i64, i64) {
  %2 = index %0 %1 : f64
  %3 = add %2 %2 : f64
  %4 = tuple (%1, %1) : (i64, i64)
  return %4
}
",
        &[vector(&[1.0, 2.0]), Value::I64(7)],
    );
}

#[test]
fn the_zero_of_a_function_type_has_no_code() {
    check(
        "
graph @0 f() -> f64 {
  %0 = zero : fn() -> f64
  %1 = apply %0 () : f64 ; 0:5-6
  return %1
}
",
        &[],
    );
}

#[test]
fn recursion_without_end_is_an_error_with_a_position() {
    let exe = Executable::new(&module(
        "
graph @0 f(%0: i64) -> i64 {
  %1 = call @0 (%0) : i64 ; 0:7-8
  %2 = add %1 %0 : i64
  return %2
}
",
    ));
    let mut machine = Machine::new();
    let error = exe.run(&mut machine, &mut Plain, [Value::I64(1)]).unwrap_err();
    assert_eq!((error.span.start, error.span.end), (7, 8));
    assert!(error.message.contains("8388608 deep"), "{}", error.message);
}

#[test]
#[should_panic(expected = "as many arguments as parameters")]
fn a_surplus_argument_is_not_ignored() {
    let exe = Executable::new(&module("\ngraph @0 f(%0: i64) -> i64 {\n  return %0\n}\n"));
    drop(exe.run(&mut Machine::new(), &mut Plain, [Value::I64(1), Value::I64(2)]));
}
