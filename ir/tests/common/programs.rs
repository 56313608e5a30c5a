//! Programs that several tests run.

/// Pushes the counter, then pops and adds: the time is linear in the trips.
pub(crate) const STACKED: &str = "
graph @0 f(%0: i64) -> (i64, stack i64, i64) {
  %1 = const 0 : i64
  %2 = zero : stack i64
  %3 = loop @1 @2 (%1, %2, %0) : (i64, stack i64)
  %4 = get 1 %3 : stack i64
  %5 = get 0 %3 : i64
  %6 = neg %5 : i64
  %7 = loop @3 @4 (%6, %4, %1) : (i64, stack i64, i64)
  return %7
}

graph @1 below(%0: i64, %1: stack i64, %2: i64) -> bool {
  %3 = lt %0 %2 : bool
  return %3
}

graph @2 pushed(%0: i64, %1: stack i64, %2: i64) -> (i64, stack i64) {
  %3 = push %1 %0 : stack i64
  %4 = const 1 : i64
  %5 = add %0 %4 : i64
  %6 = tuple (%5, %3) : (i64, stack i64)
  return %6
}

graph @3 negative(%0: i64, %1: stack i64, %2: i64) -> bool {
  %3 = const 0 : i64
  %4 = lt %0 %3 : bool
  return %4
}

graph @4 popped(%0: i64, %1: stack i64, %2: i64) -> (i64, stack i64, i64) {
  %3 = pop %1 : (stack i64, i64)
  %4 = get 0 %3 : stack i64
  %5 = get 1 %3 : i64
  %6 = add %2 %5 : i64
  %7 = const 1 : i64
  %8 = add %0 %7 : i64
  %9 = tuple (%8, %4, %6) : (i64, stack i64, i64)
  return %9
}
";
