//! Programs that nobody would write: they are lowered or rejected, never a panic or an overflow.

use proptest::prelude::*;

use super::{front_end, verified};

/// Programs between them of every construct, to be mutated.
const SEEDS: &[&str] = &[
    include_str!("errors/functions.rs"),
    include_str!("errors/left_out.rs"),
    include_str!("errors/mutation.rs"),
    include_str!("errors/names.rs"),
    include_str!("errors/returns.rs"),
    include_str!("errors/syntax.rs"),
    include_str!("errors/variables.rs"),
    include_str!("graphs/branches.rs"),
    include_str!("graphs/exits.rs"),
    include_str!("graphs/expressions.rs"),
    include_str!("graphs/functions.rs"),
    include_str!("graphs/loops.rs"),
    include_str!("graphs/structures.rs"),
    include_str!("values.rs"),
];

/// The programs in the raw strings of the neighbouring tests.
fn programs() -> Vec<String> {
    let raw = |file: &&'static str| file.split("r#\"").skip(1).filter_map(|rest| rest.split("\"#").next());
    let programs = SEEDS.iter().flat_map(raw).map(super::dedent);
    programs.filter(|text| !text.contains("module source") && !text.starts_with("error")).collect()
}

/// Lowers a program, checks what comes out, and says whether it was accepted.
fn survives(python: &str) -> bool {
    let module = front_end(python);
    module.as_ref().ok().inspect(|module| verified(module)).is_some()
}

#[test]
fn seeds() {
    let programs = programs();
    let accepted = programs.iter().filter(|program| survives(program)).count();
    assert!(programs.len() >= 100 && accepted >= 60, "{accepted} of {} programs accepted", programs.len());
}

#[test]
fn nothing_at_all() {
    assert!(survives(""));
    assert!(survives("\u{feff}# only a comment"));
    assert!(!survives("\0"));
    assert!(survives("def f(x):\r\n    return x\r\n"));
}

#[test]
fn deep_expressions() {
    let n = 10_000;
    let function = |body: String| format!("def f(x):\n    return {body}\n");
    assert!(!survives(&function("(".repeat(n) + "x" + &")".repeat(n))));
    assert!(!survives(&function("[".repeat(n))));
    assert!(survives(&function("x + ".repeat(5_000) + "x")));
    assert!(survives(&function("-".repeat(n) + "x")));
    assert!(survives(&function("not ".repeat(n) + "x")));
    assert!(survives(&function("x".to_owned() + &".T".repeat(9_000))));
    assert!(!survives(&function("x and ".repeat(n - 1) + "x")));
    assert!(!survives(&function("x < ".repeat(n - 1) + "x")));
    assert!(!survives(&function("x if x else ".repeat(4_000) + "x")));
    assert!(survives(&function("lambda: ".repeat(4_000) + "x")));
    assert!(!survives(&function((0..300).map(|i| format!("lambda x{i}: x{i} + ")).collect::<String>() + "x")));
    assert!(!survives(&function("x + ".repeat(1_000_000) + "x")));
    assert!(!survives(&function("x ** -".repeat(200_000) + "x")));
    assert!(survives(&function("(x, -x, x), ".repeat(100_000))));
    assert!(survives(&function("f(".repeat(150) + "x" + &")".repeat(150))));
}

#[test]
fn deep_statements() {
    let nested = |head: &str, n: usize| {
        let lines = (0..n).map(|depth| "    ".repeat(depth + 1) + head + "\n");
        format!("def f(x):\n{}{}return x\n    return x\n", lines.collect::<String>(), "    ".repeat(n + 1))
    };
    assert!(!survives(&nested("if x:", 5_000)));
    assert!(survives(&nested("if x:", 90)));
    assert!(survives(&nested("while x:", 90)));
    assert!(survives(&nested("for x in x:", 90)));
    assert!(!survives(&nested("def f(x):", 90)));
    assert!(!survives(&nested("try:", 90)));
    let branches = "    elif x:\n        x = x + 1\n".repeat(5_000);
    assert!(!survives(&format!("def f(x):\n    if x:\n        x = 1\n{branches}    return x\n")));
    let guards = "    if x:\n        return x\n".repeat(5_000);
    assert!(!survives(&format!("def f(x):\n{guards}    return x\n")));
    let lines = "    x = x + 1\n    if x:\n        x = x * 2\n".repeat(5_000);
    assert!(survives(&format!("def f(x):\n{lines}    return x\n")));
}

#[test]
fn many_functions() {
    let chain: String = (0..2_000).map(|i| format!("def f{i}(x):\n    return f{}(x)\n", (i + 1) % 2_000)).collect();
    assert!(survives(&chain));
    let copies = |depth: usize| {
        let mut program = String::from("def f(x):\n");
        for i in 0..depth {
            let indent = "    ".repeat(i + 1);
            program += &format!("{indent}def g{i}(y{i}):\n");
        }
        let indent = "    ".repeat(depth + 1);
        program += &format!("{indent}return x\n");
        for i in (0..depth).rev() {
            let indent = "    ".repeat(i + 1);
            program += &format!("{indent}a = g{i}(x)\n{indent}x{i} = a\n{indent}return g{i}(a)\n");
        }
        program
    };
    assert!(survives(&copies(30)));
}

/// A mutation of a program: where, how, and with what.
#[derive(Clone, Debug)]
enum Mutation {
    Delete(usize, usize),
    Insert(usize, String),
    CopyLine(usize, usize),
    DropLine(usize),
    Indent(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0..10_000_usize;
    let words = "x|y|f|g|n|if |else|elif |while |for |in |def |lambda |return |break|continue|class |import |np|grad\
        |\\(|\\)|\\[|\\]|\\{|\\}|:|,|=|\\+=|\\*|\\*\\*|@|\\.|\"|'|#|\n|    |0|1\\.5|1e999|yield |await |del |not |and |or \
        |:=|->|;|\\\\|é|\u{1F600}|\t|\r|0x|1j|b'|f\"|\\{x\\}";
    prop_oneof![
        (at.clone(), 1..40_usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        (at.clone(), words).prop_map(|(at, text)| Mutation::Insert(at, text)),
        (at.clone(), at.clone()).prop_map(|(from, to)| Mutation::CopyLine(from, to)),
        at.clone().prop_map(Mutation::DropLine),
        (at, 0..6_usize).prop_map(|(at, depth)| Mutation::Indent(at, depth)),
    ]
}

fn mutate(text: &str, mutation: &Mutation) -> String {
    let boundary = |at: usize| (0..=at % (text.len() + 1)).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = |at: usize| at % lines.len().max(1);
    match mutation {
        Mutation::Delete(at, length) => {
            let start = boundary(*at);
            return text[..start].chars().chain(text[start..].chars().skip(*length)).collect();
        }
        Mutation::Insert(at, inserted) => {
            let (before, after) = text.split_at(boundary(*at));
            return [before, inserted, after].concat();
        }
        Mutation::CopyLine(from, to) if !lines.is_empty() => {
            let (to, copied) = (line(*to), lines[line(*from)].clone());
            lines.insert(to, copied);
        }
        Mutation::DropLine(at) if !lines.is_empty() => {
            lines.remove(line(*at));
        }
        Mutation::Indent(at, depth) if !lines.is_empty() => {
            let at = line(*at);
            lines[at] = "    ".repeat(*depth) + lines[at].trim_start();
        }
        Mutation::CopyLine(..) | Mutation::DropLine(_) | Mutation::Indent(..) => {}
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutations(seed in 0..1_000_usize, mutations in prop::collection::vec(mutation(), 1..6)) {
        let programs = programs();
        let mut program = programs[seed % programs.len()].clone();
        for mutation in &mutations {
            program = mutate(&program, mutation);
        }
        survives(&program);
    }

    #[test]
    fn any_text(text in "\\PC{0,60}") {
        survives(&text);
    }
}
