//! The text form: what is printed is read back, and what is wrong is refused where it is wrong.

use std::sync::Arc;

use adjudicate_ir::graph::{
    Args, Const, Graph, GraphId, Keywords, Module, Node, NodeId, Op, RecordType, Signature, Stage, VjpSpec,
};
use adjudicate_ir::prims::{Attrs, PRIMS, Prim};
use adjudicate_ir::span::Span;
use adjudicate_ir::text::{Spans, TextError, parse_with, print, print_graph, print_with};
use adjudicate_ir::types::{Elem, Type};
use adjudicate_kernels::Array;
use expect_test::{Expect, expect};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const BUILTINS: &[&str] = &["len", "np.sin", "grad"];

fn read(text: &str) -> Result<Module, TextError> {
    parse_with(text, &|name| BUILTINS.iter().copied().find(|&builtin| builtin == name))
}

/// The text is what is printed for the module that it is.
#[track_caller]
fn check(text: &str) {
    let module = read(text).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(print_with(&module, Spans::Write), text);
}

/// A body of a graph is what is printed for it.
#[track_caller]
fn check_body(stage: &str, body: &str) {
    check(&in_graph(stage, body));
}

fn in_graph(stage: &str, body: &str) -> String {
    format!("module {stage} entry @0\n\ngraph @0 f(%0) {{\n{body}  return %0\n}}\n")
}

/// The text is refused.
#[track_caller]
fn refuse(text: &str, why: Expect) {
    why.assert_eq(&read(text).expect_err("an error").to_string());
}

/// A body of a graph is refused; its first line is the fourth.
#[track_caller]
fn refuse_body(body: &str, why: Expect) {
    refuse(&in_graph("source", body), why);
}

#[test]
fn every_operation_of_the_typed_stages() {
    check(
        "\
module closed entry @0

graph @0 f(%0: f64[3], %1: i64) -> (f64, f64[3]) {
  %2 = const 2.0 : f64
  %3 = mul %0 %2 : f64[3]
  %4 = sum[0] %3 : f64
  %5 = zero : stack f64[3]
  %6 = if %7 @3 @4 (%4) : f64
  %7 = loop @5 @6 (%1, %2) : (i64, f64)
  %8 = get 0 %7 : i64
  %9 = call @2 (%3) : (f64, f64)
  %10 = closure @7 (%4) : fn(f64) -> f64
  %11 = apply %10 (%4) : f64
  %12 = tuple (%4, %11) : (f64, f64)
  %13 = vjp @2 wrt [0] (%3, %4) : (f64, f64[3])
  return %13
}

graph @1 empty() -> () {
  %0 = tuple () : ()
  return %0
}
",
    );
}

#[test]
fn every_operation_of_the_source_stage() {
    check_body(
        "source",
        "  %1 = const 1
  %2 = fn @1 (%1)
  %3 = builtin np.sin
  %4 = outer @3 %7
  %5 = apply %3 (%1, %2, axis=%4, key=%1)
  %6 = if %1 @1 @2 ()
  %7 = loop @1 @2 (%1, %2)
  %8 = tuple (%1)
  %9 = record Point{x, y} (%1, %2)
  %10 = record \"a b\"{} ()
",
    );
}

#[test]
fn constants() {
    check_body(
        "source",
        r#"  %1 = const 0.0
  %2 = const -0.0
  %3 = const 1e300
  %4 = const -2.5e-308
  %5 = const 0.1
  %6 = const inf
  %7 = const -inf
  %8 = const nan
  %9 = const nan.fff8000000000001
  %10 = const 0
  %11 = const -9223372036854775808
  %12 = const true
  %13 = const "a \"b\" \\ \n\r\t\u{7f} é ∂"
  %14 = const none
  %15 = const undefined
"#,
    );
}

#[test]
fn constant_arrays() {
    check_body(
        "source",
        "  %1 = const f64[2, 2] (1.0, -0.0, nan, -inf)
  %2 = const i64[3] (1, -2, 3)
  %3 = const bool[1] (true)
  %4 = const f64[0, 3] ()
  %5 = const i64 (7)
  %6 = const f64 (7.0)
",
    );
}

#[test]
fn types() {
    check(
        "\
module specialised entry @0

graph @0 f(%0: fn() -> (), %1: fn(f64, fn(i64) -> env) -> bool[0], %2: stack (f64, stack env)) -> fn() -> () {
  return %0
}
",
    );
    check_body("source", "  %1 = zero : (?, f64)\n");
}

#[test]
fn signatures_and_names() {
    check(
        "\
module source entry @0

graph @0 \"<lambda 1>\"(%0, %1) named (x, \"λ\") defaults 1 in @2 {
  return %0
}
",
    );
}

#[test]
fn spans_are_an_option() {
    let text = "\
module source entry @0

graph @0 f(%0 ; 1:0-4, %1) { ; 0:10-20
  %2 = const 1 ; 0:12-13
  return %2
}
";
    check(text);
    let module = read(text).unwrap();
    assert_eq!(module.graphs[0].nodes[2].span, Span { file: 0, start: 12, end: 13 });
    let without = read(&print(&module)).unwrap();
    assert_eq!(without.graphs[0].nodes[2].span, Span::default());
    expect![[r#"
        graph @0 f(%0, %1) {
          %2 = const 1
          return %2
        }
    "#]]
    .assert_eq(&print_graph(&module, GraphId(0)));
}

#[test]
fn parameters_stand_anywhere() {
    check(
        "\
module closed entry @0

graph @0 f(%1: f64, node %1, node %9, %3: i64) -> f64 {
  %0 = zero : f64
  %2 = param 7 %0 : f64
  %4 = param 0 : f64
  return %1
}
",
    );
}

#[test]
fn layout_is_free_within_a_line() {
    let module = read("\n\nmodule  closed entry @0 \r\n graph @0 f( %0:f64 )->f64{\n\n  return %0\n\n}").unwrap();
    expect![[r#"
        module closed entry @0

        graph @0 f(%0: f64) -> f64 {
          return %0
        }
    "#]]
    .assert_eq(&print(&module));
}

#[test]
fn every_primitive_is_read_by_its_name() {
    for prim in PRIMS {
        check_body("closed", &format!("  %1 = {}[-1, 2] %0 %0\n", prim.name).replace(", ", ","));
    }
}

#[test]
fn modules_that_are_wrong() {
    refuse("", expect!["1:1: `module` was expected, not the end of the text"]);
    refuse("module open entry @0", expect!["1:8: `source`, `specialised` or `closed` was expected, not `open`"]);
    refuse("module closed entry 0", expect!["1:21: a graph was expected, not `0`"]);
    refuse("module closed entry @0\n\ngraph @1 f() {", expect!["3:7: `@0` was expected, not `@1`"]);
    refuse(
        "module closed entry @0\ngraph @0 f() {\n  return %0",
        expect!["3:12: `}` was expected, not the end of the text"],
    );
    refuse("module closed entry @0 graph", expect!["1:24: the end of the line was expected, not `graph`"]);
    refuse(
        "module closed entry @0\ngraph @0 f(%0: f64) -> i64 {\n  return %0\n}",
        expect!["2:24: what is returned has type f64"],
    );
    refuse(
        "module closed entry @0\ngraph @0 f() -> i64 {\n  return %0\n}",
        expect!["2:17: what is returned is not defined"],
    );
    refuse("module closed entry @0\ngraph @0 f(%0, %0) {\n  return %0\n}", expect!["2:16: %0 is defined twice"]);
}

#[test]
fn nodes_that_are_wrong() {
    refuse_body("  %1 = frobnicate %0\n", expect!["4:8: no operation is called `frobnicate`"]);
    refuse_body("  %1 = 3\n", expect!["4:8: an operation was expected, not `3`"]);
    refuse_body("  %2 = zero\n", expect!["6:1: %1 is not defined"]);
    refuse_body("  %1 = zero\n  %1 = zero\n", expect!["5:3: %1 is defined twice"]);
    refuse_body("  %1 = call @0\n", expect!["4:15: `(` was expected, not the end of the line"]);
    refuse_body("  %1 = call @0 (%0 %0)\n", expect!["4:20: `,` or `)` was expected, not `%0`"]);
    refuse_body("  %1 = call %0 ()\n", expect!["4:13: a graph was expected, not `%0`"]);
    refuse_body("  %1 = get %0\n", expect!["4:12: an integer was expected, not `%0`"]);
    refuse_body("  %1 = get -1 %0\n", expect!["4:12: `-1` is not an integer: invalid digit found in string"]);
    refuse_body("  %1 = builtin print\n", expect![[r#"4:16: no builtin is called "print""#]]);
    refuse_body("  %1 = apply %0 (a=%0, %0)\n", expect!["4:24: a keyword was expected, not `%0`"]);
    refuse_body("  %1 = vjp @0 [0] (%0)\n", expect!["4:15: `wrt` was expected, not `[`"]);
    refuse_body("  %4294967296 = zero\n", expect!["4:3: an id is a number below 2^32"]);
    refuse_body("  %1 = zero & %0\n", expect!["4:13: the character '&' means nothing here"]);
    refuse_body("  %1 = zero ; 0:7\n", expect!["4:18: `-` was expected, not the end of the line"]);
}

#[test]
fn constants_and_types_that_are_wrong() {
    refuse_body("  %1 = const\n", expect!["4:13: a constant was expected, not the end of the line"]);
    refuse_body(
        "  %1 = const 9223372036854775808\n",
        expect!["4:14: `9223372036854775808` is not an integer: number too large to fit in target type"],
    );
    refuse_body("  %1 = const 1.5x\n", expect!["4:14: `1.5x` is not a float: invalid float literal"]);
    refuse_body("  %1 = const nan.0\n", expect!["4:14: a constant was expected, not `nan.0`"]);
    refuse_body("  %1 = const \"abc\n", expect!["4:14: the closing quote is missing"]);
    refuse_body("  %1 = const \"\\q\"\n", expect![[r#"4:16: an escape is one of \" \\ \n \r \t \u{…}"#]]);
    refuse_body("  %1 = const f64[2] (1.0)\n", expect!["4:21: the shape has 2 elements, not 1"]);
    refuse_body("  %1 = const f64[2] (1.0, true)\n", expect!["4:27: a float was expected, not `true`"]);
    refuse_body("  %1 = zero : f32\n", expect!["4:15: a type was expected, not `f32`"]);
    refuse_body("  %1 = zero : fn(f64)\n", expect!["4:22: `->` was expected, not the end of the line"]);
    refuse_body(
        "  %1 = zero : f64[4294967296, 0, 4294967296]\n",
        expect!["4:18: a tensor this large has no place in memory"],
    );
    let deep = format!("  %1 = zero : {}\n", "(".repeat(100_000));
    refuse_body(&deep, expect!["4:215: types are nested more than 200 deep"]);
}

fn name() -> impl Strategy<Value = Arc<str>> {
    prop_oneof!["[a-z_.][a-z0-9_.]{0,5}", "\\PC{0,4}", any::<String>()].prop_map(Arc::from)
}

fn elem() -> impl Strategy<Value = Elem> {
    prop_oneof![Just(Elem::F64), Just(Elem::I64), Just(Elem::Bool)]
}

fn ty() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Unknown),
        Just(Type::Env),
        (elem(), vec(0_usize..5, 0..3)).prop_map(|(elem, shape)| Type::tensor(elem, &shape)),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Type::tuple),
            (vec(inner.clone(), 0..3), inner.clone()).prop_map(|(params, result)| Type::function(params, result)),
            inner.prop_map(Type::stack),
        ]
    })
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), any::<u64>().prop_map(f64::from_bits), any::<i32>().prop_map(f64::from)]
}

fn array<T: adjudicate_kernels::Element>(item: impl Strategy<Value = T>) -> impl Strategy<Value = Array<T>> {
    (vec(0_usize..4, 0..3), vec(item, 9)).prop_map(|(shape, items)| {
        let count = shape.iter().product();
        Array::from_vec(&shape, items[..count].to_vec())
    })
}

fn constant() -> impl Strategy<Value = Const> {
    prop_oneof![
        float().prop_map(Const::F64),
        any::<i64>().prop_map(Const::I64),
        any::<bool>().prop_map(Const::Bool),
        array(float()).prop_map(Const::Array),
        array(any::<i64>()).prop_map(Const::Ints),
        array(any::<bool>()).prop_map(Const::Bools),
        name().prop_map(Const::Str),
        Just(Const::None),
        Just(Const::Undefined),
    ]
}

fn graph_id() -> impl Strategy<Value = GraphId> {
    prop_oneof![0_u32..4, any::<u32>()].prop_map(GraphId)
}

fn node_id() -> impl Strategy<Value = NodeId> {
    prop_oneof![9 => 0_u32..9, 1 => any::<u32>()].prop_map(NodeId)
}

fn op() -> impl Strategy<Value = Op> {
    let prim = |(def, attrs): (usize, Vec<i64>)| Op::Prim(Prim { def: PRIMS[def], attrs: Attrs::from_vec(attrs) });
    prop_oneof![
        5 => (0_u32..4).prop_map(Op::Param),
        3 => constant().prop_map(Op::Const),
        1 => Just(Op::Zero),
        3 => (0..PRIMS.len(), vec(any::<i64>(), 0..3)).prop_map(prim),
        1 => Just(Op::Tuple),
        1 => any::<u32>().prop_map(Op::Get),
        1 => graph_id().prop_map(Op::Call),
        1 => graph_id().prop_map(Op::Closure),
        2 => vec(name(), 0..4).prop_map(|names| Op::Apply(Keywords::from_vec(names))),
        1 => (graph_id(), graph_id()).prop_map(|(then, other)| Op::If(then, other)),
        1 => (graph_id(), graph_id()).prop_map(|(cond, body)| Op::Loop { cond, body }),
        1 => (graph_id(), vec(any::<u32>(), 0..3), proptest::option::of(0..9_usize))
            .prop_map(|(graph, wrt, seeds)| Op::Vjp(VjpSpec { graph, wrt: wrt.into(), seeds })),
        1 => (graph_id(), node_id()).prop_map(|(graph, node)| Op::Outer(graph, node)),
        1 => graph_id().prop_map(Op::Fn),
        1 => (0..BUILTINS.len()).prop_map(|i| Op::Builtin(BUILTINS[i])),
        1 => (name(), vec(name(), 0..3)).prop_map(|(name, fields)| Op::Record(Arc::new(RecordType { name, fields }))),
    ]
}

fn span() -> impl Strategy<Value = Span> {
    (any::<u16>(), any::<u32>(), any::<u32>()).prop_map(|(file, start, end)| Span { file, start, end })
}

fn node() -> impl Strategy<Value = Node> {
    (op(), vec(node_id(), 0..4), ty(), span()).prop_map(|(op, args, ty, span)| Node {
        op,
        args: Args::from_vec(args),
        ty,
        span,
    })
}

fn signature() -> impl Strategy<Value = Signature> {
    let parts = (vec(name(), 0..3), 0_usize..3, 0_usize..3, option::of(graph_id()));
    parts.prop_map(|(names, defaults, keyword_only, parent)| Signature { names, defaults, keyword_only, parent })
}

/// Parameters that fit the parameter list, and others, mixed with other nodes.
fn graph() -> impl Strategy<Value = Graph> {
    (name(), vec(node_id(), 0..4), vec(node(), 0..9), node_id(), span(), signature(), any::<bool>()).prop_map(
        |(name, params, mut nodes, ret, span, signature, fit)| {
            for (index, param) in params.iter().enumerate().filter(|_| fit) {
                if let Some(node) = nodes.get_mut(param.0 as usize) {
                    node.op = Op::Param(index as u32);
                    node.args.clear();
                }
            }
            Graph { name, params, nodes, ret, span, signature }
        },
    )
}

fn module() -> impl Strategy<Value = Module> {
    let stage = prop_oneof![Just(Stage::Source), Just(Stage::Specialised), Just(Stage::Closed)];
    (stage, vec(graph(), 0..4), graph_id()).prop_map(|(stage, graphs, entry)| Module { stage, graphs, entry })
}

/// A change to a text: what to cut out, from where, and what to put there.
fn change() -> impl Strategy<Value = (prop::sample::Index, usize, String)> {
    let piece = prop_oneof!["[%@0-9a-z(){}\\[\\],:;=?\"\\\\> .-]{0,3}", "\\PC{0,2}", Just("\n".to_owned())];
    (any::<prop::sample::Index>(), 0_usize..6, piece)
}

proptest! {
    #[test]
    fn any_module_is_read_back(module in module()) {
        let text = print_with(&module, Spans::Write);
        let again = read(&text).map_err(|why| TestCaseError::fail(format!("{why}\n{text}")))?;
        prop_assert_eq!(&again, &module, "{}", text);
        prop_assert_eq!(print(&again), print(&module));
    }

    #[test]
    fn any_mangled_text_is_read_or_refused(module in module(), changes in vec(change(), 1..4)) {
        let mut chars: Vec<char> = print_with(&module, Spans::Write).chars().collect();
        for (at, cut, piece) in changes {
            let start = at.index(chars.len() + 1);
            let end = (start + cut).min(chars.len());
            chars.splice(start..end, piece.chars());
        }
        let text: String = chars.into_iter().collect();
        if let Err(TextError { line, column, .. }) = read(&text) {
            prop_assert!(line >= 1 && line <= text.matches('\n').count() + 1 && column >= 1);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = read(&text);
    }
}
