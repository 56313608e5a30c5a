//! Loops over scalars, which the executor runs as programs of their own: against the interpreter, errors included.

use adjudicate_ir::exec::{Executable, Machine, Plain};
use adjudicate_ir::interp;
use adjudicate_ir::text::parse;
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::{Array, counts};

/// Runs the entry on the arguments: the result or the error is the interpreter's, and kernels are called as in a program for
/// any domain. `loops` loops are programs of their own.
#[track_caller]
fn check(graphs: &str, loops: usize, args: &[Value]) -> Result<Vec<Value>, String> {
    let module = parse(&format!("module closed entry @0\n{graphs}")).unwrap_or_else(|why| panic!("{why}"));
    verify(&module).unwrap_or_else(|why| panic!("{why}"));
    let exe = Executable::planned(&module).0;
    assert_eq!(exe.scalar_loops(), loops, "{exe:#?}");
    let wanted = interp::eval(&module, args.to_vec()).map_err(|e| (e.span, e.message));
    let wanted = wanted.map(|value| match value {
        Value::Tuple(fields) => fields.into_vec(),
        other => vec![other],
    });
    let mut machine = Machine::new();
    let mut run = |exe: &Executable| {
        counts::measure(|| exe.run(&mut machine, &mut Plain, args.iter().cloned()).map_err(|e| (e.span, e.message)))
    };
    let (_, plain) = run(&Executable::new(&module));
    for _ in 0..2 {
        let (found, counts) = run(&exe);
        assert_eq!(format!("{found:?}"), format!("{wanted:?}"), "{exe:#?}");
        if found.is_ok() {
            assert_eq!(counts.iter().collect::<Vec<_>>(), plain.iter().collect::<Vec<_>>());
        }
    }
    wanted.map_err(|(_, message)| message)
}

/// Pushes what it adds up, negated if that is odd, on one stack, and whether it was, on another; then takes them off, in a loop
/// that ends when nothing is left of the sum.
const STACKS: &str = "
graph @0 f(%0: i64, %1: f64[3]) -> (f64, i64) {
  %2 = const 0 : i64
  %3 = const 0.0 : f64
  %4 = zero : stack f64
  %5 = zero : stack bool
  %6 = zero : stack i64
  %7 = loop @1 @2 (%2, %3, %4, %5, %6, %0, %1) : (i64, f64, stack f64, stack bool, stack i64)
  %8 = get 0 %7 : i64
  %9 = get 1 %7 : f64
  %10 = get 2 %7 : stack f64
  %11 = get 3 %7 : stack bool
  %12 = get 4 %7 : stack i64
  %13 = loop @5 @6 (%8, %9, %2, %10, %11, %12) : (i64, f64, i64, stack f64, stack bool, stack i64)
  %14 = get 1 %13 : f64
  %15 = get 2 %13 : i64
  %16 = tuple (%14, %15) : (f64, i64)
  return %16
}

graph @1 more(%0: i64, %1: f64, %2: stack f64, %3: stack bool, %4: stack i64, %5: i64, %6: f64[3]) -> bool {
  %7 = lt %0 %5 : bool
  return %7
}

graph @2 trip(%0: i64, %1: f64, %2: stack f64, %3: stack bool, %4: stack i64, %5: i64, %6: f64[3]) -> (i64, f64, stack f64, stack bool, stack i64) {
  %7 = const 1 : i64
  %8 = add %0 %7 : i64
  %9 = index %6 %0 : f64
  %10 = const 2 : i64
  %11 = mod %0 %10 : i64
  %12 = eq %11 %7 : bool
  %13 = if %12 @3 @4 (%9) : f64
  %14 = add %1 %13 : f64
  %15 = push %2 %13 : stack f64
  %16 = push %3 %12 : stack bool
  %17 = push %4 %0 : stack i64
  %18 = tuple (%8, %14, %15, %16, %17) : (i64, f64, stack f64, stack bool, stack i64)
  return %18
}

graph @3 odd(%0: f64) -> f64 {
  %1 = neg %0 : f64
  return %1
}

graph @4 even(%0: f64) -> f64 {
  return %0
}

graph @5 left(%0: i64, %1: f64, %2: i64, %3: stack f64, %4: stack bool, %5: stack i64) -> bool {
  %6 = const -1 : i64
  %7 = ge %0 %6 : bool
  return %7
}

graph @6 back(%0: i64, %1: f64, %2: i64, %3: stack f64, %4: stack bool, %5: stack i64) -> (i64, f64, i64, stack f64, stack bool, stack i64) {
  %6 = pop %3 : (stack f64, f64)
  %7 = get 0 %6 : stack f64
  %8 = get 1 %6 : f64
  %9 = pop %4 : (stack bool, bool)
  %10 = get 0 %9 : stack bool
  %11 = get 1 %9 : bool
  %12 = pop %5 : (stack i64, i64)
  %13 = get 0 %12 : stack i64
  %14 = get 1 %12 : i64
  %15 = const 1 : i64
  %16 = sub %0 %15 : i64
  %17 = mul %1 %8 : f64
  %18 = const 0.5 : f64
  %19 = add %17 %18 : f64
  %20 = to_i64 %11 : i64
  %21 = add %14 %20 : i64
  %22 = add %2 %21 : i64
  %23 = tuple (%16, %19, %22, %7, %10, %13) : (i64, f64, i64, stack f64, stack bool, stack i64)
  return %23
}
";

#[test]
fn stacks_of_scalars_are_pushed_and_popped_and_zero_when_empty() {
    let vector = || Value::array(Array::from_slice(&[3], &[1.5, -2.5, 4.0]));
    let shown = check(STACKS, 2, &[Value::I64(3), vector()]).unwrap();
    // 8 = 1.5 + 2.5 + 4; then (8 · 4 + ½) · 2.5 + ½, · 1.5 + ½, and twice more with a factor of 0.
    assert_eq!(format!("{shown:?}"), format!("{:?}", [Value::f64(0.5), Value::I64(4)]));
    check(STACKS, 2, &[Value::I64(0), vector()]).unwrap();
    let error = check(STACKS, 2, &[Value::I64(4), vector()]).unwrap_err();
    assert!(error.contains("index 3"), "{error}");
}

/// Two stacks that a loop pushes together, one of them with an item more below; a loop that pops them together, in another
/// order and so often as is said, one that pops the first alone, and what is left of them.
const TOGETHER: &str = "
graph @0 f(%0: i64, %1: f64, %2: i64) -> (f64, f64, f64, f64, f64) {
  %3 = const 0 : i64
  %4 = zero : stack f64
  %5 = push %4 %1 : stack f64
  %6 = loop @1 @2 (%3, %1, %5, %4, %0) : (i64, f64, stack f64, stack f64)
  %7 = get 1 %6 : f64
  %8 = get 2 %6 : stack f64
  %9 = get 3 %6 : stack f64
  %10 = loop @6 @3 (%3, %7, %9, %8, %2) : (i64, f64, stack f64, stack f64)
  %11 = get 1 %10 : f64
  %12 = get 2 %10 : stack f64
  %13 = get 3 %10 : stack f64
  %14 = loop @4 @5 (%3, %7, %8, %0) : (i64, f64, stack f64)
  %15 = get 1 %14 : f64
  %16 = pop %13 : (stack f64, f64)
  %17 = get 1 %16 : f64
  %18 = push %12 %11 : stack f64
  %19 = pop %18 : (stack f64, f64)
  %20 = get 0 %19 : stack f64
  %21 = get 1 %19 : f64
  %22 = pop %20 : (stack f64, f64)
  %23 = get 1 %22 : f64
  %24 = tuple (%11, %15, %17, %21, %23) : (f64, f64, f64, f64, f64)
  return %24
}

graph @1 more(%0: i64, %1: f64, %2: stack f64, %3: stack f64, %4: i64) -> bool {
  %5 = lt %0 %4 : bool
  return %5
}

graph @2 trip(%0: i64, %1: f64, %2: stack f64, %3: stack f64, %4: i64) -> (i64, f64, stack f64, stack f64) {
  %5 = const 1 : i64
  %6 = add %0 %5 : i64
  %7 = sin %1 : f64
  %8 = sub %7 %1 : f64
  %9 = push %2 %7 : stack f64
  %10 = push %3 %8 : stack f64
  %11 = tuple (%6, %8, %9, %10) : (i64, f64, stack f64, stack f64)
  return %11
}

graph @3 back(%0: i64, %1: f64, %2: stack f64, %3: stack f64, %4: i64) -> (i64, f64, stack f64, stack f64) {
  %5 = const 1 : i64
  %6 = add %0 %5 : i64
  %7 = pop %2 : (stack f64, f64)
  %8 = get 0 %7 : stack f64
  %9 = get 1 %7 : f64
  %10 = pop %3 : (stack f64, f64)
  %11 = get 0 %10 : stack f64
  %12 = get 1 %10 : f64
  %13 = mul %9 %12 : f64
  %14 = sub %13 %1 : f64
  %15 = tuple (%6, %14, %8, %11) : (i64, f64, stack f64, stack f64)
  return %15
}

graph @4 fewer(%0: i64, %1: f64, %2: stack f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @5 alone(%0: i64, %1: f64, %2: stack f64, %3: i64) -> (i64, f64, stack f64) {
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = pop %2 : (stack f64, f64)
  %7 = get 0 %6 : stack f64
  %8 = get 1 %6 : f64
  %9 = sub %8 %1 : f64
  %10 = tuple (%5, %9, %7) : (i64, f64, stack f64)
  return %10
}

graph @6 often(%0: i64, %1: f64, %2: stack f64, %3: stack f64, %4: i64) -> bool {
  %5 = lt %0 %4 : bool
  return %5
}
";

#[test]
fn stacks_that_are_pushed_and_popped_together_are_stacks_of_their_own_as_well() {
    for (pushed, popped) in [(0, 0), (0, 2), (1, 1), (3, 3), (3, 2), (3, 4), (3, 6), (20, 20), (20, 0)] {
        check(TOGETHER, 3, &[Value::I64(pushed), Value::f64(0.7), Value::I64(popped)]).unwrap();
    }
}

/// For each of so many trips an inner loop of so many, whose stack is kept on a stack; then all is taken off again.
const NESTED: &str = "
graph @0 f(%0: i64, %1: f64) -> f64 {
  %2 = const 0 : i64
  %3 = zero : stack stack f64
  %4 = loop @1 @2 (%2, %1, %3, %0) : (i64, f64, stack stack f64)
  %5 = get 1 %4 : f64
  %6 = get 2 %4 : stack stack f64
  %7 = loop @7 @4 (%2, %5, %6, %0) : (i64, f64, stack stack f64)
  %8 = get 1 %7 : f64
  return %8
}

graph @1 more(%0: i64, %1: f64, %2: stack stack f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 trip(%0: i64, %1: f64, %2: stack stack f64, %3: i64) -> (i64, f64, stack stack f64) {
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = const 0 : i64
  %7 = zero : stack f64
  %8 = loop @5 @3 (%6, %1, %7, %0) : (i64, f64, stack f64)
  %9 = get 1 %8 : f64
  %10 = get 2 %8 : stack f64
  %11 = push %2 %10 : stack stack f64
  %12 = tuple (%5, %9, %11) : (i64, f64, stack stack f64)
  return %12
}

graph @3 inner(%0: i64, %1: f64, %2: stack f64, %3: i64) -> (i64, f64, stack f64) {
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = sin %1 : f64
  %7 = sub %6 %1 : f64
  %8 = push %2 %7 : stack f64
  %9 = tuple (%5, %6, %8) : (i64, f64, stack f64)
  return %9
}

graph @4 back(%0: i64, %1: f64, %2: stack stack f64, %3: i64) -> (i64, f64, stack stack f64) {
  %4 = pop %2 : (stack stack f64, stack f64)
  %5 = get 0 %4 : stack stack f64
  %6 = get 1 %4 : stack f64
  %7 = const 1 : i64
  %8 = add %0 %7 : i64
  %9 = const 0 : i64
  %10 = loop @8 @6 (%9, %1, %6, %3) : (i64, f64, stack f64)
  %11 = get 1 %10 : f64
  %12 = tuple (%8, %11, %5) : (i64, f64, stack stack f64)
  return %12
}

graph @5 fewer(%0: i64, %1: f64, %2: stack f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @6 off(%0: i64, %1: f64, %2: stack f64, %3: i64) -> (i64, f64, stack f64) {
  %4 = pop %2 : (stack f64, f64)
  %5 = get 0 %4 : stack f64
  %6 = get 1 %4 : f64
  %7 = const 1 : i64
  %8 = add %0 %7 : i64
  %9 = mul %1 %1 : f64
  %10 = add %9 %6 : f64
  %11 = tuple (%8, %10, %5) : (i64, f64, stack f64)
  return %11
}

graph @7 rest(%0: i64, %1: f64, %2: stack stack f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}

graph @8 others(%0: i64, %1: f64, %2: stack f64, %3: i64) -> bool {
  %4 = lt %0 %3 : bool
  return %4
}
";

#[test]
fn inner_loops_keep_their_stacks_on_stacks() {
    for trips in 0..5 {
        check(NESTED, 2, &[Value::I64(trips), Value::f64(0.75)]).unwrap();
    }
}

/// Trips until 2 ** trips does not fit, or, from below 0, until something is divided by 0.
const FAILING: &str = "
graph @0 f(%0: i64, %1: i64) -> i64 {
  %2 = const 1 : i64
  %3 = loop @1 @2 (%0, %2, %1) : (i64, i64)
  %4 = get 1 %3 : i64
  return %4
}

graph @1 more(%0: i64, %1: i64, %2: i64) -> bool {
  %3 = lt %0 %2 : bool
  return %3
}

graph @2 trip(%0: i64, %1: i64, %2: i64) -> (i64, i64) {
  %3 = const 1 : i64
  %4 = add %0 %3 : i64
  %5 = add %1 %1 : i64
  %6 = floordiv %5 %4 : i64
  %7 = sub %5 %6 : i64
  %8 = add %7 %6 : i64
  %9 = tuple (%4, %8) : (i64, i64)
  return %9
}
";

#[test]
fn errors_that_depend_on_data_are_found_where_they_are() {
    let run = |from, to| check(FAILING, 1, &[Value::I64(from), Value::I64(to)]);
    assert_eq!(format!("{:?}", run(3, 6).unwrap()), format!("{:?}", [Value::I64(8)]));
    let overflow = run(0, 70).unwrap_err();
    assert!(overflow.contains("64-bit"), "{overflow}");
    let zero = run(-3, 1).unwrap_err();
    assert!(zero.contains("zero"), "{zero}");
}

/// The results of a step stand where its operands are, and are needed by later ones; two swap.
const CROSSED: &str = "
graph @0 f(%0: f64, %1: f64) -> (f64, f64) {
  %2 = const 0 : i64
  %3 = loop @1 @2 (%2, %0, %1) : (i64, f64, f64)
  %4 = get 1 %3 : f64
  %5 = get 2 %3 : f64
  %6 = tuple (%4, %5) : (f64, f64)
  return %6
}

graph @1 more(%0: i64, %1: f64, %2: f64) -> bool {
  %3 = const 5 : i64
  %4 = lt %0 %3 : bool
  return %4
}

graph @2 trip(%0: i64, %1: f64, %2: f64) -> (i64, f64, f64) {
  %3 = const 1 : i64
  %4 = add %0 %3 : i64
  %5 = fused @3 (%1, %2) : (f64, f64)
  %6 = get 0 %5 : f64
  %7 = get 1 %5 : f64
  %8 = tuple (%4, %6, %7) : (i64, f64, f64)
  return %8
}

graph @3 fused(%0: f64, %1: f64) -> (f64, f64) {
  %2 = sub %1 %0 : f64
  %3 = sin %2 : f64
  %4 = mul %0 %3 : f64
  %5 = add %4 %1 : f64
  %6 = tuple (%3, %5) : (f64, f64)
  return %6
}
";

#[test]
fn a_result_does_not_overwrite_what_is_still_read() {
    check(CROSSED, 1, &[Value::f64(0.25), Value::f64(1.75)]).unwrap();
    let swapped = CROSSED.replace("tuple (%4, %6, %7)", "tuple (%4, %7, %6)");
    check(&swapped, 1, &[Value::f64(0.25), Value::f64(1.75)]).unwrap();
    let turned = CROSSED.replace("tuple (%4, %6, %7)", "tuple (%4, %2, %1)");
    check(&turned, 1, &[Value::f64(0.25), Value::f64(1.75)]).unwrap();
}

/// A loop in which an array is made is none over scalars; the one within it is.
const OF_ARRAYS: &str = "
graph @0 f(%0: f64[2]) -> f64[2] {
  %1 = const 0 : i64
  %2 = loop @1 @2 (%1, %0) : (i64, f64[2])
  %3 = get 1 %2 : f64[2]
  return %3
}

graph @1 more(%0: i64, %1: f64[2]) -> bool {
  %2 = const 3 : i64
  %3 = lt %0 %2 : bool
  return %3
}

graph @2 trip(%0: i64, %1: f64[2]) -> (i64, f64[2]) {
  %2 = const 1 : i64
  %3 = add %0 %2 : i64
  %4 = const 0 : i64
  %5 = const 1.0 : f64
  %6 = loop @3 @4 (%4, %5, %1) : (i64, f64)
  %7 = get 1 %6 : f64
  %8 = mul %1 %7 : f64[2]
  %9 = tuple (%3, %8) : (i64, f64[2])
  return %9
}

graph @3 fewer(%0: i64, %1: f64, %2: f64[2]) -> bool {
  %3 = const 2 : i64
  %4 = lt %0 %3 : bool
  return %4
}

graph @4 inner(%0: i64, %1: f64, %2: f64[2]) -> (i64, f64) {
  %3 = const 1 : i64
  %4 = add %0 %3 : i64
  %5 = index %2 %0 : f64
  %6 = add %1 %5 : f64
  %7 = tuple (%4, %6) : (i64, f64)
  return %7
}
";

#[test]
fn loops_over_arrays_stay_as_they_are() {
    check(OF_ARRAYS, 1, &[Value::array(Array::from_slice(&[2], &[0.5, -0.25]))]).unwrap();
}
