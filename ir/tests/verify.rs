//! The rules of well-formed IR, each with a module that breaks it and nothing else.

use adjudicate_ir::text::parse_with;
use adjudicate_ir::verify::verify;
use expect_test::{Expect, expect};

/// The module is well formed.
#[track_caller]
fn accept(text: &str) {
    let module = parse_with(text, &builtin).unwrap_or_else(|why| panic!("{why}"));
    verify(&module).unwrap_or_else(|why| panic!("{why}"));
}

/// The module is not well formed.
#[track_caller]
fn refuse(text: &str, why: Expect) {
    let module = parse_with(text, &builtin).unwrap_or_else(|why| panic!("{why}"));
    why.assert_eq(&verify(&module).expect_err("an error").to_string());
}

fn builtin(name: &str) -> Option<&'static str> {
    (name == "len").then_some("len")
}

/// Functions for the body under test to use.
const TYPED: &str = "
graph @1 pair(%0: f64[3], %1: i64) -> (i64, f64) {
  %2 = sum[0] %0 : f64
  %3 = tuple (%1, %2) : (i64, f64)
  return %3
}

graph @2 less(%0: i64, %1: f64, %2: i64) -> bool {
  %3 = lt %0 %2 : bool
  return %3
}

graph @3 next(%0: i64, %1: f64, %2: i64) -> (i64, f64) {
  %3 = add %0 %2 : i64
  %4 = tuple (%3, %1) : (i64, f64)
  return %4
}

graph @4 same(%0: f64) -> f64 {
  return %0
}
";

fn typed(body: &str) -> String {
    let params = "%0: f64[3], %1: i64, %2: f64, %3: bool";
    format!("module closed entry @0\n\ngraph @0 f({params}) -> f64 {{\n{body}  return %2\n}}\n{TYPED}")
}

/// A body, whose parameters are `%0: f64[3]`, `%1: i64`, `%2: f64` and `%3: bool`, is refused.
#[track_caller]
fn refuse_typed(body: &str, why: Expect) {
    refuse(&typed(body), why);
}

/// As [`TYPED`], for the source stage.
const SOURCE: &str = "
graph @1 inner(%0, %1) named (x, y) defaults 1 in @0 {
  return %0
}

graph @2 branch() in @0 {
  %0 = outer @0 %0
  return %0
}

graph @3 innermost(%0) named (x) in @1 {
  return %0
}
";

fn source(body: &str) -> String {
    format!("module source entry @0\n\ngraph @0 f(%0) named (x) {{\n{body}  return %0\n}}\n{SOURCE}")
}

/// A body, whose parameter is `%0`, is refused.
#[track_caller]
fn refuse_source(body: &str, why: Expect) {
    refuse(&source(body), why);
}

#[test]
fn a_module_with_every_typed_operation() {
    accept(&typed(
        "  %4 = zero : (f64, stack env)
  %5 = const i64[2] (1, 2) : i64[2]
  %6 = call @1 (%0, %1) : (i64, f64)
  %7 = get 1 %6 : f64
  %8 = closure @1 (%0) : fn(i64) -> (i64, f64)
  %9 = apply %8 (%1) : (i64, f64)
  %10 = if %3 @4 @4 (%7) : f64
  %11 = loop @2 @3 (%1, %10, %1) : (i64, f64)
  %12 = vjp @1 wrt [0] (%0, %1, %7) : (i64, f64, f64[3])
  %13 = vjp @4 wrt [0, 0] (%7, %7) : (f64, f64, f64)
  %14 = zero : env
  %15 = env_get[0] %14 : f64[3]
",
    ));
}

#[test]
fn a_module_with_every_source_operation() {
    accept(&source(
        "  %1 = const \"axis\"
  %2 = fn @1 (%0)
  %3 = builtin len
  %4 = apply %2 (%0, y=%1)
  %5 = if %0 @2 @2 ()
  %6 = tuple (%5, %4)
  %7 = record Point{x, y} (%0, %6)
  %8 = loop @1 @1 (%0, %7)
",
    ));
}

#[test]
fn the_entry_is_a_graph() {
    refuse("module closed entry @0", expect!["@0: the entry is not a graph of the module"]);
}

#[test]
fn graphs_referred_to_are_of_the_module() {
    refuse_typed("  %4 = call @9 () : f64\n", expect!["@0 %4: @9 is not a graph of the module"]);
}

#[test]
fn return_nodes_and_parameters_are_of_the_graph() {
    refuse(
        "module closed entry @0\n\ngraph @0 f() {\n  return %0\n}",
        expect!["@0: the return node %0 is not defined"],
    );
    refuse(
        "module closed entry @0\n\ngraph @0 f(%0: f64, node %7) {\n  return %0\n}",
        expect!["@0: the parameter %7 is not defined"],
    );
}

#[test]
fn operands_stand_before_their_users() {
    refuse_typed("  %4 = neg %4 : f64\n", expect!["@0 %4: the operand %4 does not stand before its user"]);
    refuse_typed(
        "  %4 = neg %5 : f64\n  %5 = zero : f64\n",
        expect!["@0 %4: the operand %5 does not stand before its user"],
    );
    refuse_typed("  %4 = neg %9 : f64\n", expect!["@0 %4: the operand %9 does not stand before its user"]);
}

#[test]
fn parameters_are_listed_once() {
    refuse(
        "module closed entry @0\n\ngraph @0 f(%0: f64, node %0) {\n  return %0\n}",
        expect!["@0: parameter 1 is %0, which is not `param 1`"],
    );
    refuse_typed("  %4 = param 4 : f64\n", expect!["@0 %4: the parameter list does not have this node"]);
    refuse_typed("  %4 = param 2 : f64\n", expect!["@0 %4: the parameter list does not have this node"]);
}

#[test]
fn leaves_have_no_operands() {
    refuse_typed("  %4 = const 1.0 %2 : f64\n", expect!["@0 %4: this operation has no operands"]);
    refuse_typed("  %4 = zero %2 : f64\n", expect!["@0 %4: this operation has no operands"]);
    refuse_source("  %1 = builtin len %0\n", expect!["@0 %1: this operation has no operands"]);
    refuse(
        "module closed entry @0\n\ngraph @0 f(%0: f64, node %1) {\n  %1 = param 1 %0 : f64\n  return %0\n}",
        expect!["@0 %1: this operation has no operands"],
    );
    refuse(
        "module source entry @0\n\ngraph @0 f(%0) named (x) {\n  return %0\n}\n\n\
         graph @1 g(%0) named (x) in @0 {\n  %1 = outer @0 %0 %0\n  return %1\n}",
        expect!["@1 %1: this operation has no operands"],
    );
}

#[test]
fn operations_belong_to_stages() {
    refuse_typed("  %4 = fn @4 () : f64\n", expect!["@0 %4: this operation occurs in source graphs only"]);
    refuse_typed("  %4 = outer @1 %0 : f64\n", expect!["@0 %4: this operation occurs in source graphs only"]);
    refuse_typed("  %4 = builtin len : f64\n", expect!["@0 %4: this operation occurs in source graphs only"]);
    refuse_typed("  %4 = record R{} () : ()\n", expect!["@0 %4: this operation occurs in source graphs only"]);
    for op in ["zero", "neg %0", "call @3 (%0)", "closure @3 ()", "vjp @3 wrt [] (%0)"] {
        let text = source(&format!("  %1 = {op}\n")).replace("in @1", "in @0");
        refuse(&text, expect!["@0 %1: this operation does not occur in source graphs"]);
    }
}

#[test]
fn source_nodes_have_no_type() {
    refuse_source("  %1 = const 1 : i64\n", expect!["@0 %1: a node of a source graph has no type"]);
}

#[test]
fn source_signatures_fit_the_parameters() {
    let graph = |header: &str| format!("module source entry @0\n\ngraph @0 f{header} {{\n  return %0\n}}\n");
    refuse(&graph("(%0)"), expect!["@0: 0 names for 1 parameters"]);
    refuse(&graph("(%0) named (x, y)"), expect!["@0: 2 names for 1 parameters"]);
    refuse(&graph("(%0) named (x) defaults 2"), expect!["@0: 2 defaults for 1 parameters"]);
}

#[test]
fn source_graphs_are_nested_in_graphs() {
    let graph =
        |parent: &str| format!("module source entry @0\n\ngraph @0 f(%0) named (x) in {parent} {{\n  return %0\n}}\n");
    refuse(&graph("@0"), expect!["@0: the graph is nested in itself"]);
    refuse(&graph("@3"), expect!["@0: @3 is not a graph of the module"]);
    refuse(&source("").replace("(x) {", "(x) in @3 {"), expect!["@0: the graph is nested in itself"]);
}

#[test]
fn outer_is_a_node_of_an_enclosing_graph() {
    refuse_source("  %1 = outer @0 %0\n", expect!["@0 %1: @0 does not enclose this graph"]);
    refuse_source("  %1 = outer @1 %0\n", expect!["@0 %1: @1 does not enclose this graph"]);
    let text = source("").replace("outer @0 %0", "outer @0 %7");
    refuse(&text, expect!["@2 %0: @0 has no node %7"]);
}

#[test]
fn source_graphs_are_referred_to_where_they_are_visible() {
    refuse_source("  %1 = fn @3 ()\n", expect!["@0 %1: @3 is nested in a graph that does not enclose this one"]);
}

#[test]
fn source_operands_are_as_many_as_stated() {
    refuse_source("  %1 = fn @1 ()\n", expect!["@0 %1: 0 operands where 1 expected"]);
    refuse_source("  %1 = apply ()\n", expect!["@0 %1: 0 operands where more expected"]);
    refuse_source("  %1 = apply %0 (a=)\n", expect!["@0 %1: 1 operand where more expected"]);
    refuse_source("  %1 = apply %0 (a=%0, a=%0)\n", expect!["@0 %1: keywords are not distinct"]);
    refuse_source("  %1 = record R{x, y} (%0)\n", expect!["@0 %1: 1 operand where 2 expected"]);
    refuse_source("  %1 = record R{x, x} (%0, %0)\n", expect!["@0 %1: fields are not distinct"]);
    refuse_source("  %1 = if %0 @2 @2 (%0)\n", expect!["@0 %1: 2 operands where 1 expected"]);
    refuse_source("  %1 = if %0 @2 @1 ()\n", expect!["@0 %1: @1 has 2 parameters where 0 expected"]);
    refuse_source("  %1 = loop @1 @2 (%0, %0)\n", expect!["@0 %1: @2 has 0 parameters where 2 expected"]);
}

#[test]
fn types_are_known() {
    refuse_typed("  %4 = zero\n", expect!["@0 %4: the type ? is not known"]);
    refuse_typed(
        "  %4 = zero : fn(f64) -> stack (f64, ?)\n",
        expect!["@0 %4: the type fn(f64) -> stack (f64, ?) is not known"],
    );
}

#[test]
fn typed_graphs_have_no_signature() {
    let text = typed("").replace("-> f64 {\n  return %2", "-> f64 in @1 {\n  return %2");
    refuse(&text, expect!["@0: only source graphs have a signature"]);
}

#[test]
fn constants_have_their_own_type() {
    refuse_typed("  %4 = const 1 : f64\n", expect!["@0 %4: the node has type f64, not i64"]);
    refuse_typed("  %4 = const f64[2] (0.0, 1.0) : f64[1]\n", expect!["@0 %4: the node has type f64[1], not f64[2]"]);
    for constant in ["\"text\"", "none", "undefined"] {
        refuse_typed(
            &format!("  %4 = const {constant} : i64\n"),
            expect!["@0 %4: this constant occurs in source graphs only"],
        );
    }
}

#[test]
fn primitives_have_the_types_of_their_rules() {
    refuse_typed("  %4 = mul %0 %2 : f64\n", expect!["@0 %4: the node has type f64, not f64[3]"]);
    refuse_typed(
        "  %4 = sum[1] %0 : f64\n",
        expect!["@0 %4: `sum[1]` does not fit its operands: axis 1 is not one of an operand of rank 1"],
    );
    refuse_typed(
        "  %4 = sum[0] : f64\n",
        expect!["@0 %4: `sum[0]` does not fit its operands: 1 operands were expected, not 0"],
    );
}

#[test]
fn tuples_have_the_types_of_their_items() {
    refuse_typed(
        "  %4 = tuple (%2, %1) : (i64, f64)\n",
        expect!["@0 %4: the node has type (i64, f64), not (f64, i64)"],
    );
    refuse_typed("  %4 = get 0 : f64\n", expect!["@0 %4: 0 operands where 1 expected"]);
    refuse_typed("  %4 = get 0 %2 : f64\n", expect!["@0 %4: f64 is not a tuple"]);
    let get = |get: &str| format!("  %4 = tuple (%2, %1) : (f64, i64)\n  %5 = {get}\n");
    refuse_typed(&get("get 2 %4 : f64"), expect!["@0 %5: (f64, i64) has no item 2"]);
    refuse_typed(&get("get 1 %4 : f64"), expect!["@0 %5: the node has type f64, not i64"]);
}

#[test]
fn calls_fit_the_graph() {
    refuse_typed("  %4 = call @4 () : f64\n", expect!["@0 %4: the operands are 0 where 1 are expected"]);
    refuse_typed("  %4 = call @4 (%1) : f64\n", expect!["@0 %4: number 0 of the operands has type i64, not f64"]);
    refuse_typed("  %4 = call @4 (%2) : i64\n", expect!["@0 %4: the node has type i64, not f64"]);
}

#[test]
fn closures_fit_the_graph() {
    refuse_typed(
        "  %4 = closure @4 (%2, %2) : fn() -> f64\n",
        expect!["@0 %4: there are more captures than parameters"],
    );
    refuse_typed(
        "  %4 = closure @4 (%1) : fn() -> f64\n",
        expect!["@0 %4: number 0 of the captures has type i64, not f64"],
    );
    refuse_typed(
        "  %4 = closure @4 () : fn() -> f64\n",
        expect!["@0 %4: the node has type fn() -> f64, not fn(f64) -> f64"],
    );
}

#[test]
fn applications_fit_the_function() {
    let apply = |apply: &str| format!("  %4 = closure @4 () : fn(f64) -> f64\n  %5 = {apply}\n");
    refuse_typed(&apply("apply () : f64"), expect!["@0 %5: 0 operands where more expected"]);
    refuse_typed(&apply("apply %2 () : f64"), expect!["@0 %5: f64 is not a function"]);
    refuse_typed(&apply("apply %4 () : f64"), expect!["@0 %5: the operands are 0 where 1 are expected"]);
    refuse_typed(&apply("apply %4 (%1) : f64"), expect!["@0 %5: number 0 of the operands has type i64, not f64"]);
    refuse_typed(&apply("apply %4 (%2) : i64"), expect!["@0 %5: the node has type i64, not f64"]);
    refuse_typed(&apply("apply %4 (x=%2) : f64"), expect!["@0 %5: keywords occur in source graphs only"]);
}

#[test]
fn conditionals_fit_both_branches() {
    refuse_typed("  %4 = if @4 @4 () : f64\n", expect!["@0 %4: 0 operands where more expected"]);
    refuse_typed("  %4 = if %1 @4 @4 (%2) : f64\n", expect!["@0 %4: the condition has type i64, not bool"]);
    refuse_typed(
        "  %4 = if %3 @4 @4 (%1) : f64\n",
        expect!["@0 %4: number 0 of the operands of @4 has type i64, not f64"],
    );
    refuse_typed(
        "  %4 = if %3 @1 @4 (%0, %1) : (i64, f64)\n",
        expect!["@0 %4: the operands of @4 are 2 where 1 are expected"],
    );
    refuse_typed("  %4 = if %3 @4 @4 (%2) : i64\n", expect!["@0 %4: the result of @4 has type f64, not i64"]);
    refuse_typed(
        "  %4 = if %3 @2 @3 (%1, %2, %1) : bool\n",
        expect!["@0 %4: the result of @3 has type (i64, f64), not bool"],
    );
}

#[test]
fn loops_fit_condition_and_body() {
    refuse_typed(
        "  %4 = loop @2 @3 (%1, %2) : (i64, f64)\n",
        expect!["@0 %4: the operands of the condition are 2 where 3 are expected"],
    );
    refuse_typed(
        "  %4 = loop @2 @4 (%1, %2, %1) : (i64, f64)\n",
        expect!["@0 %4: the operands of the body are 3 where 1 are expected"],
    );
    refuse_typed(
        "  %4 = loop @3 @3 (%1, %2, %1) : (i64, f64)\n",
        expect!["@0 %4: the condition has type (i64, f64), not bool"],
    );
    refuse_typed(
        "  %4 = loop @2 @2 (%1, %2, %1) : (i64, f64)\n",
        expect!["@0 %4: the body returns bool, which is not a tuple"],
    );
    refuse_typed(
        "  %4 = loop @2 @3 (%1, %2, %1) : (i64, f64, i64)\n",
        expect!["@0 %4: the node has type (i64, f64, i64), not (i64, f64)"],
    );
    let body = |result: &str| {
        let body = "  %4 = loop @2 @3 (%1, %2, %1) : (i64, f64)\n";
        typed(body)
            .replace("-> (i64, f64) {\n  %3 = add", "{\n  %3 = add")
            .replace("  %4 = tuple (%3, %1) : (i64, f64)", result)
    };
    refuse(&body("  %4 = tuple (%1, %3) : (f64, i64)"), expect!["@0 %4: number 0 of the state has type i64, not f64"]);
    refuse(
        &body("  %4 = tuple (%3, %1, %3, %3) : (i64, f64, i64, i64)"),
        expect!["@0 %4: the body returns more than there are operands"],
    );
}

#[test]
fn derivatives_fit_the_graph() {
    refuse_typed(
        "  %4 = vjp @1 wrt [0] (%0, %1) : (i64, f64, f64[3])\n",
        expect!["@0 %4: the operands are 2 where 3 are expected"],
    );
    refuse_typed(
        "  %4 = vjp @1 wrt [0] (%0, %1, %1) : (i64, f64, f64[3])\n",
        expect!["@0 %4: number 2 of the operands has type i64, not f64"],
    );
    refuse_typed("  %4 = vjp @1 wrt [2] (%0, %1, %2) : (i64, f64)\n", expect!["@0 %4: there is no parameter 2"]);
    refuse_typed(
        "  %4 = vjp @1 wrt [1] (%0, %1, %2) : (i64, f64, i64)\n",
        expect!["@0 %4: parameter 1 has type i64, which is not float"],
    );
    refuse_typed("  %4 = vjp @4 wrt [0] (%2, %2) : f64\n", expect!["@0 %4: the node has type f64, not (f64, f64)"]);
}
