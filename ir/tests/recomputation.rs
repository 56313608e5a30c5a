//! Values that a loop computes again rather than taking them off a stack: what the pass makes of a module, and that it
//! means the same.

use adjudicate_ir::graph::Module;
use adjudicate_ir::interp;
use adjudicate_ir::passes::{self, Pass};
use adjudicate_ir::text::{parse, print};
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_kernels::Array;
use expect_test::expect;

/// A loop that keeps the exponential, `second` and a third value of each element, and one that takes them off.
fn module(second: &str, third: &str) -> Module {
    with_more(&["abs %7"], second, third)
}

/// The same, where the first loop has more values that it does not keep, from `%9` on.
fn with_more(more: &[&str], second: &str, third: &str) -> Module {
    parsed(&text(more, second, third))
}

fn text(more: &[&str], second: &str, third: &str) -> String {
    let lines: String = more.iter().zip(9..).map(|(step, id)| format!("  %{id} = {step} : f64\n")).collect();
    let [a, b, c, d, e, f, g, h] = std::array::from_fn(|i| 9 + more.len() + i);
    format!(
        "module closed entry @0

graph @0 f(%0: f64[5], %1: f64) -> (f64) {{
  %2 = zero : stack f64
  %3 = const 0 : i64
  %4 = loop @1 @2 (%3, %2, %2, %2, %0, %1) : (i64, stack f64, stack f64, stack f64)
  %5 = get 1 %4 : stack f64
  %6 = get 2 %4 : stack f64
  %7 = get 3 %4 : stack f64
  %8 = const 0.0 : f64
  %9 = loop @3 @4 (%3, %8, %5, %6, %7, %1) : (i64, f64, stack f64, stack f64, stack f64)
  %10 = get 1 %9 : f64
  %11 = tuple (%10) : (f64)
  return %11
}}

graph @1 again(%0: i64, %1: stack f64, %2: stack f64, %3: stack f64, %4: f64[5], %5: f64) -> bool {{
  %6 = const 5 : i64
  %7 = lt %0 %6 : bool
  return %7
}}

graph @2 trip(%0: i64, %1: stack f64, %2: stack f64, %3: stack f64, %4: f64[5], %5: f64) -> (i64, stack f64, stack f64, stack f64) {{
  %6 = index %4 %0 : f64
  %7 = exp %6 : f64
  %8 = const 1.0 : f64
{lines}  %{a} = {second} : f64
  %{b} = {third} : f64
  %{c} = push %1 %7 : stack f64
  %{d} = push %2 %{a} : stack f64
  %{e} = push %3 %{b} : stack f64
  %{f} = const 1 : i64
  %{g} = add %0 %{f} : i64
  %{h} = tuple (%{g}, %{c}, %{d}, %{e}) : (i64, stack f64, stack f64, stack f64)
  return %{h}
}}

graph @3 more(%0: i64, %1: f64, %2: stack f64, %3: stack f64, %4: stack f64, %5: f64) -> bool {{
  %6 = const 5 : i64
  %7 = lt %0 %6 : bool
  return %7
}}

graph @4 back(%0: i64, %1: f64, %2: stack f64, %3: stack f64, %4: stack f64, %5: f64) -> (i64, f64, stack f64, stack f64, stack f64) {{
  %6 = pop %2 : (stack f64, f64)
  %7 = get 0 %6 : stack f64
  %8 = get 1 %6 : f64
  %9 = pop %3 : (stack f64, f64)
  %10 = get 0 %9 : stack f64
  %11 = get 1 %9 : f64
  %12 = pop %4 : (stack f64, f64)
  %13 = get 0 %12 : stack f64
  %14 = get 1 %12 : f64
  %15 = sub %8 %11 : f64
  %16 = mul %15 %14 : f64
  %17 = mul %1 %5 : f64
  %18 = add %17 %16 : f64
  %19 = const 1 : i64
  %20 = add %0 %19 : i64
  %21 = tuple (%20, %18, %7, %10, %13) : (i64, f64, stack f64, stack f64, stack f64)
  return %21
}}
"
    )
}

fn parsed(text: &str) -> Module {
    let module = parse(text).unwrap_or_else(|e| panic!("{e:?}"));
    verify(&module).expect("a well-formed module");
    module
}

/// The module after the pass and the optimiser, which means the same.
fn recomputed(module: &Module) -> Module {
    let pass: Vec<Pass> = passes::all().filter(|pass| pass.name == "recomputation").copied().collect();
    let mut after = module.clone();
    passes::run_once(&mut after, &pass, &mut |_, _| {});
    verify(&after).unwrap_or_else(|why| panic!("{why}\n{}", print(&after)));
    passes::optimise(&mut after, passes::OPTIMISE, &mut |_, _| {}).expect("it is small");
    let x = Array::from_vec(&[5], vec![0.3, -1.0, 2.0, 0.0, 0.7]);
    let value = |module: &Module| {
        format!("{:?}", interp::eval(module, vec![Value::array(x.clone()), Value::f64(0.9)]).expect("a value"))
    };
    assert_eq!(value(&after), value(module));
    after
}

fn stacks(module: &Module) -> usize {
    let nodes = module.reachable().into_iter().flat_map(|g| module.graph(g).nodes.iter());
    nodes.filter(|n| matches!(&n.op, adjudicate_ir::graph::Op::Prim(p) if p.def.name == "push")).count()
}

#[test]
fn steps_from_kept_values_constants_and_invariants_are_taken_again() {
    let after = recomputed(&module("add %7 %8", "div %5 %10"));
    assert_eq!(stacks(&after), 1, "{}", print(&after));
    let text = print(&after);
    expect![[r#"
        %0: i64, %1: f64, %2: stack f64, %3: f64) -> (i64, f64, stack f64) {
          %4 = pop %2 : (stack f64, f64)
          %5 = get 0 %4 : stack f64
          %6 = get 1 %4 : f64
          %7 = const 1.0 : f64
          %8 = add %6 %7 : f64
          %9 = div %3 %8 : f64
          %10 = sub %6 %8 : f64
          %11 = mul %10 %9 : f64
          %12 = mul %1 %3 : f64
          %13 = add %12 %11 : f64
          %14 = const 1 : i64
          %15 = add %0 %14 : i64
          %16 = tuple (%15, %13, %5) : (i64, f64, stack f64)
          return %16
        }
    "#]]
    .assert_eq(text.split_once(" back(").expect("the second loop").1);
}

#[test]
fn what_is_not_cheap_or_not_made_of_kept_values_is_kept() {
    assert_eq!(stacks(&recomputed(&module("tanh %7", "div %5 %10"))), 2);
    assert_eq!(stacks(&recomputed(&module("add %6 %8", "mul %6 %6"))), 3);
}

#[test]
fn a_few_steps_are_taken_again_also_where_nothing_between_them_is_kept() {
    let kept = |more: &[&str], second: &str| stacks(&recomputed(&with_more(more, second, "tanh %7")));
    assert_eq!(kept(&["mul %5 %7"], "sub %8 %9"), 2);
    assert_eq!(kept(&["mul %5 %7", "neg %9"], "sub %8 %10"), 2);
    assert_eq!(kept(&["mul %5 %7", "neg %9", "sub %10 %8"], "sub %8 %11"), 3, "too many steps");
    assert_eq!(kept(&["sin %7"], "sub %8 %9"), 3, "a step between is not cheap");
    assert_eq!(kept(&["mul %5 %6"], "sub %8 %9"), 3, "a step between reads what is not kept");
}

#[test]
fn what_the_second_loop_computes_anyway_is_not_kept() {
    let kept =
        |own: &str, third: &str| stacks(&recomputed(&parsed(&text(&[], "tanh %7", third).replace("mul %1 %5", own))));
    assert_eq!(kept("tanh %8", "div %5 %9"), 1, "the value, and what is cheap to make of it");
    assert_eq!(kept("tanh %8", "sin %9"), 2, "what is made of it is as dear as ever");
    assert_eq!(kept("tanh %14", "sin %7"), 3, "another value");
    assert_eq!(kept("sin %8", "cos %7"), 3, "another step");
}

#[test]
fn to_a_number_few_steps_lead_from_what_is_kept() {
    let kept = |more: &[&str], second: &str, third: &str| stacks(&recomputed(&with_more(more, second, third)));
    assert_eq!(kept(&["mul %5 %7"], "sub %8 %9", "add %10 %8"), 1);
    assert_eq!(kept(&["mul %5 %7", "neg %9"], "sub %8 %10", "add %11 %8"), 2, "the third is kept");
}

#[test]
fn a_number_that_the_second_loop_does_not_have_is_handed_to_it() {
    let given = |second: &str| text(&[], second, "tanh %7").replace("%6, %7, %1) :", "%6, %7, %8) :");
    let after = recomputed(&parsed(&given("mul %5 %7")));
    assert_eq!(stacks(&after), 2, "{}", print(&after));
    assert_eq!(stacks(&recomputed(&parsed(&given("mul %5 %6")))), 3, "not if it is not made again after all");
}
