//! The tape and the kernels keep their storage: from the second evaluation on nothing is allocated, whatever the number of
//! operations.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use adjudicate_ir::text::parse;
use adjudicate_ir::value::Value;
use adjudicate_kernels::{Array, counts};
use adjudicate_strategies::tape::Taped;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The gradient of `y = sin(y * x) + x`, again and again; of what it ends in the sum.
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

/// Heap allocations of the second evaluation, and how many arrays it makes.
fn second(ty: &str, axes: &str, x: &Value, trips: i64) -> (u64, u64) {
    let text = CHAIN.replace("AXES", axes).replace("[]", "").replace(": T", &format!(": {ty}"));
    let text = text.replace(", T)", &format!(", {ty})"));
    let mut taped = Taped::new(&parse(&text).expect("a module"));
    let args = [x.clone(), Value::I64(trips)];
    let run = |taped: &mut Taped| drop(taped.run(&args).expect("no error"));
    run(&mut taped);
    let before = ALLOCATIONS.get();
    run(&mut taped);
    let all = ALLOCATIONS.get() - before;
    let ((), counted) = counts::measure(|| run(&mut taped));
    (all, counted.allocations)
}

/// One allocation is left, of the list in which the results are handed out.
#[test]
fn the_second_evaluation_allocates_nothing() {
    for trips in [10, 1000] {
        assert_eq!(second("f64", "", &Value::f64(0.5), trips), (1, 0));
        let (all, arrays) = second("f64[8]", "0", &Value::array(Array::full(&[8], 0.5)), trips);
        assert_eq!(all, 1, "{trips} trips");
        assert!(arrays > trips as u64, "{arrays} arrays, from blocks that the kernels keep");
    }
}

/// An operation of two operands that keeps both takes 56 bytes beside the elements.
#[test]
fn an_entry_is_small() {
    let text = CHAIN.replace("AXES", "0").replace(": T", ": f64[8]").replace(", T)", ", f64[8])");
    let mut taped = Taped::new(&parse(&text).expect("a module"));
    taped.run(&[Value::array(Array::full(&[8], 0.5)), Value::I64(1000)]).expect("no error");
    let facts = taped.facts();
    let per_entry = facts.tape_bytes.expect("bytes") as f64 / facts.tape_entries.expect("entries") as f64;
    assert!(facts.tape_entries > Some(3000) && per_entry <= 64.0, "{facts:?}");
}
