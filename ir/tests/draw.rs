//! Pictures of modules: what is drawn, and that it is well formed.

use adjudicate_ir::draw::{MAX_NODES, dot, svg};
use adjudicate_ir::graph::Module;
use adjudicate_ir::text::parse;
use expect_test::expect;

/// `sum(c x²)` for a branch on the sign of `c`, with a node that nothing reaches.
const PROGRAM: &str = "module closed entry @0

graph @0 \"a \\\"name\\\"\"(%0: f64[2], %1: f64) -> f64 {
  %2 = const 0.0 : f64
  %3 = lt %2 %1 : bool
  %4 = exp %0 : f64[2]
  %5 = if %3 @1 @2 (%0) : f64[2]
  %6 = sum[0] %5 : f64
  return %6
}

graph @1 square(%0: f64[2]) -> f64[2] {
  %1 = mul %0 %0 : f64[2]
  return %1
}

graph @2 same(%0: f64[2]) -> f64[2] {
  return %0
}
";

fn program() -> Module {
    parse(PROGRAM).unwrap_or_else(|why| panic!("{why}"))
}

#[test]
fn a_module_becomes_a_digraph_of_its_live_nodes() {
    expect![[r##"
        digraph "close" {
          labelloc=t; fontname="monospace";
          label="close: 10 nodes";
          node [shape=box style=filled fontname="monospace" fontsize=11];
          subgraph cluster_0 {
            label="@0 a \"name\", the entry";
            g0n0 [label="%0 = parameter 0\nf64[2]" fillcolor="#ffffff"];
            g0n1 [label="%1 = parameter 1\nf64" fillcolor="#ffffff"];
            g0n2 [label="%2 = const 0.0\nf64" fillcolor="#eeeeee"];
            g0n3 [label="%3 = lt %2 %1\nbool" fillcolor="#d6eaf6"];
            g0n5 [label="%5 = if %3 @1 @2 (%0)\nf64[2]" fillcolor="#fbe3bf"];
            g0n6 [label="%6 = sum[0] %5\nf64" fillcolor="#d6eaf6" penwidth=2.5];
            g0n2 -> g0n3;
            g0n1 -> g0n3;
            g0n3 -> g0n5;
            g0n0 -> g0n5;
            g0n5 -> g0n6;
          }
          subgraph cluster_1 {
            label="@1 square";
            g1n0 [label="%0 = parameter 0\nf64[2]" fillcolor="#ffffff"];
            g1n1 [label="%1 = mul %0 %0\nf64[2]" fillcolor="#d6eaf6" penwidth=2.5];
            g1n0 -> g1n1;
            g1n0 -> g1n1;
          }
          subgraph cluster_2 {
            label="@2 same";
            g2n0 [label="%0 = parameter 0\nf64[2]" fillcolor="#ffffff" penwidth=2.5];
          }
        }
    "##]]
    .assert_eq(&dot("close", &program()));
}

#[test]
fn a_picture_shows_every_live_node_and_every_arrow_once() {
    let picture = svg(&[("specialise".to_owned(), program()), ("close".to_owned(), program())]).expect("small");
    let count = |what: &str| picture.matches(what).count();
    assert_eq!(count("class=\"stage\""), 2);
    assert_eq!(count("class=\"panel\""), 2 * 3);
    assert_eq!(count("class=\"type\""), 2 * (6 + 2 + 1), "a box for each live node and each parameter");
    assert_eq!(count("marker-end"), 2 * (5 + 1), "`mul %0 %0` has one arrow");
    assert_eq!(count("exp"), 0, "what nothing reaches is not drawn");
    assert_eq!(count("a &quot;name&quot;"), 2);
    for tag in ["<g ", "<text", "<svg "] {
        let close = format!("</{}>", tag[1..].trim());
        assert_eq!(count(tag), count(&close), "{tag} and {close}");
    }
}

#[test]
fn a_picture_that_nobody_could_read_is_refused() {
    let module = program();
    let stages = vec![("close".to_owned(), module.clone()); MAX_NODES / module.node_count() + 1];
    assert!(svg(&stages).is_err_and(|e| e.nodes > MAX_NODES));
}
