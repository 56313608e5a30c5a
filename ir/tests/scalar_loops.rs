//! Random loops over scalars: run as programs of their own they give what the plain executor and the interpreter give, errors
//! with their positions included, and call the same kernels.

use adjudicate_ir::exec::{Executable, Machine, Plain};
use adjudicate_ir::graph::Module;
use adjudicate_ir::text::parse;
use adjudicate_ir::value::Value;
use adjudicate_ir::verify::verify;
use adjudicate_ir::{interp, passes};
use adjudicate_kernels::{Array, counts};

const PROGRAMS: u64 = 1000;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % n
    }

    fn one_of<'n>(&mut self, names: &[&'n str]) -> &'n str {
        names[self.below(names.len())]
    }

    /// One of them, mostly of the last four.
    fn pick(&mut self, ids: &[usize]) -> usize {
        let n = ids.len();
        if self.below(3) == 0 { ids[self.below(n)] } else { ids[n - 1 - self.below(n.min(4))] }
    }
}

/// What a trip, or a branch in it, has at hand; `array` is from outside.
struct Scope {
    text: String,
    next: usize,
    floats: Vec<usize>,
    ints: Vec<usize>,
    bools: Vec<usize>,
    stacks: Vec<usize>,
    array: usize,
}

/// The graphs of a module in the making.
struct Writer {
    random: Random,
    graphs: Vec<String>,
}

const KINDS: &[&str] = &[
    "float", "float", "float", "float", "float", "float", "unary", "select", "cast", "compare", "compare", "logic",
    "int", "index", "push", "pop", "if", "if",
];
const BRANCH: &str = "(f64, i64, bool, stack f64)";
const STATE: &str = "(i64, f64, f64, f64, i64, bool, stack f64)";
const PARAMS: &str =
    "%0: i64, %1: f64, %2: f64, %3: f64, %4: i64, %5: bool, %6: stack f64, %7: f64, %8: f64[5], %9: i64";
const TESTS: [&str; 3] = [
    "  %10 = lt %0 %9 : bool\n  return %10\n",
    "  %10 = lt %0 %9 : bool\n  %11 = lt %1 %7 : bool\n  %12 = logical_or %11 %5 : bool\n  %13 = logical_and %12 %10 : bool\n  return %13\n",
    "  %10 = ge %0 %9 : bool\n  %11 = logical_not %10 : bool\n  return %11\n",
];

impl Scope {
    fn emit(&mut self, node: &str, ty: &str) -> usize {
        self.text += &format!("  %{} = {node} : {ty}\n", self.next);
        self.next += 1;
        self.next - 1
    }
}

impl Writer {
    fn step(&mut self, scope: &mut Scope, depth: usize) {
        let random = &mut self.random;
        let [a, b] = [(); 2].map(|()| random.pick(&scope.floats));
        let [i, j] = [(); 2].map(|()| random.pick(&scope.ints));
        let [p, q] = [(); 2].map(|()| random.pick(&scope.bools));
        let stack = random.pick(&scope.stacks);
        let float = |scope: &mut Scope, node: String| {
            let x = scope.emit(&node, "f64");
            scope.floats.push(x);
        };
        match random.one_of(KINDS) {
            "float" => {
                let op = random.one_of(&["add", "sub", "mul", "mul", "add", "sub"]);
                float(scope, format!("{op} %{a} %{b}"));
            }
            "unary" => float(scope, format!("{} %{a}", random.one_of(&["neg", "sin"]))),
            "select" => float(scope, format!("select %{p} %{a} %{b}")),
            "cast" => float(scope, format!("to_f64 %{i}")),
            "compare" => {
                let (op, x, y) =
                    if p % 2 == 0 { ("lt", a, b) } else { (random.one_of(&["lt", "eq", "ge", "ne"]), i, j) };
                let x = scope.emit(&format!("{op} %{x} %{y}"), "bool");
                scope.bools.push(x);
            }
            "logic" => {
                let op = random.one_of(&["logical_and", "logical_or", "eq", "logical_xor"]);
                let x = scope.emit(&format!("{op} %{p} %{q}"), "bool");
                scope.bools.push(x);
            }
            "int" => {
                let op = random.one_of(&["add", "sub", "maximum", "floordiv", "mod"]);
                let x = scope.emit(&format!("{op} %{i} %{j}"), "i64");
                let y = scope.emit(&format!("to_i64 %{p}"), "i64");
                scope.ints.extend([x, y]);
            }
            "index" => {
                let five = scope.emit("const 5", "i64");
                let at = scope.emit(&format!("mod %{i} %{five}"), "i64");
                float(scope, format!("index %{} %{at}", scope.array));
            }
            "push" => {
                let x = scope.emit(&format!("push %{stack} %{a}"), "stack f64");
                scope.stacks.push(x);
            }
            "pop" => {
                let both = scope.emit(&format!("pop %{stack}"), "(stack f64, f64)");
                let rest = scope.emit(&format!("get 0 %{both}"), "stack f64");
                scope.stacks.push(rest);
                float(scope, format!("get 1 %{both}"));
            }
            _ if depth < 2 => {
                let [then, other] = [(); 2].map(|()| self.branch(depth + 1));
                let operands = format!("(%{i}, %{a}, %{b}, %{q}, %{stack}, %{})", scope.array);
                let both = scope.emit(&format!("if %{p} @{then} @{other} {operands}"), BRANCH);
                float(scope, format!("get 0 %{both}"));
                let ids = [(1, "i64"), (2, "bool"), (3, "stack f64")]
                    .map(|(at, ty)| scope.emit(&format!("get {at} %{both}"), ty));
                scope.ints.push(ids[0]);
                scope.bools.push(ids[1]);
                scope.stacks.push(ids[2]);
            }
            _ => {}
        }
    }

    /// A graph for one side of an `if`.
    fn branch(&mut self, depth: usize) -> usize {
        let id = self.graphs.len();
        self.graphs.push(String::new());
        let (floats, ints, bools, stacks) = (vec![1, 2], vec![0], vec![3], vec![4]);
        let mut scope = Scope { text: String::new(), next: 6, floats, ints, bools, stacks, array: 5 };
        for _ in 0..self.random.below(10) {
            self.step(&mut scope, depth);
        }
        let x = self.random.pick(&scope.floats);
        let (i, b, s) =
            (self.random.pick(&scope.ints), self.random.pick(&scope.bools), self.random.pick(&scope.stacks));
        let ret = scope.emit(&format!("tuple (%{x}, %{i}, %{b}, %{s})"), BRANCH);
        let params = "%0: i64, %1: f64, %2: f64, %3: bool, %4: stack f64, %5: f64[5]";
        self.graphs[id] = format!("graph @{id} side({params}) -> {BRANCH} {{\n{}  return %{ret}\n}}\n", scope.text);
        id
    }

    /// A loop, of which the arguments decide the start, the number of trips and what is on the stack.
    fn module(&mut self) -> Module {
        self.graphs = vec![String::new(); 3];
        self.graphs[0] = format!(
            "graph @0 f(%0: f64, %1: f64, %2: f64[5], %3: i64, %4: bool, %5: i64) -> {STATE} {{\n  %6 = zero : stack f64\n  \
             %7 = push %6 %0 : stack f64\n  %8 = loop @1 @2 (%5, %0, %1, %0, %3, %4, %7, %1, %2, %3) : {STATE}\n  return %8\n}}\n"
        );
        let test = TESTS[self.random.below(TESTS.len())];
        self.graphs[1] = format!("graph @1 more({PARAMS}) -> bool {{\n{test}}}\n");
        let (floats, ints, bools, stacks) = (vec![1, 2, 3, 7], vec![0, 4], vec![5], vec![6]);
        let mut scope = Scope { text: String::new(), next: 10, floats, ints, bools, stacks, array: 8 };
        for _ in 0..3 + self.random.below(25) {
            self.step(&mut scope, 0);
        }
        let one = scope.emit("const 1", "i64");
        let next = scope.emit(&format!("add %0 %{one}"), "i64");
        let [x, y, z] = [(); 3].map(|()| self.random.pick(&scope.floats));
        let (i, b, s) =
            (self.random.pick(&scope.ints), self.random.pick(&scope.bools), self.random.pick(&scope.stacks));
        let ret = scope.emit(&format!("tuple (%{next}, %{x}, %{y}, %{z}, %{i}, %{b}, %{s})"), STATE);
        self.graphs[2] = format!("graph @2 trip({PARAMS}) -> {STATE} {{\n{}  return %{ret}\n}}\n", scope.text);
        let text = format!("module closed entry @0\n{}", self.graphs.join("\n"));
        let module = parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
        verify(&module).unwrap_or_else(|why| panic!("{why}\n{text}"));
        module
    }
}

#[test]
fn loops_over_scalars_run_as_any_others() {
    let (mut own, mut fine) = (0, 0);
    let mut machine = Machine::new();
    for seed in 0..PROGRAMS {
        let mut writer = Writer { random: Random(seed * 7919 + 13), graphs: Vec::new() };
        let mut module = writer.module();
        if seed % 3 > 0 {
            passes::run_once(&mut module, passes::FUSE, &mut |_, _| {});
        }
        let (planned, plain) = (Executable::planned(&module).0, Executable::new(&module));
        own += planned.scalar_loops();
        for x in [0.5, -1.25, 0.0, f64::INFINITY] {
            let array = Value::array(Array::from_slice(&[5], &[0.1, -0.0, 3.0, -2.0, 0.7]));
            let args = [Value::f64(x), Value::f64(0.75), array, Value::I64(6), Value::Bool(x > 0.0), Value::I64(0)];
            let mut run = |exe: &Executable| {
                let run = || exe.run(&mut machine, &mut Plain, args.iter().cloned());
                let (found, counts) = counts::measure(run);
                // A stack on which nothing is left may keep its room.
                let found = format!("{:?}", found.map_err(|e| (e.span, e.message))).replace("Some(Floats([]))", "None");
                (found, counts)
            };
            let ((found, counts), (wanted, called)) = (run(&planned), run(&plain));
            assert_eq!(found, wanted, "seed {seed}: {planned:#?}");
            let reference = interp::eval(&module, args.to_vec());
            assert_eq!(reference.is_ok(), found.starts_with("Ok"), "seed {seed}");
            if let Ok(reference) = reference {
                fine += 1;
                assert_eq!(counts.iter().collect::<Vec<_>>(), called.iter().collect::<Vec<_>>(), "seed {seed}");
                let reference = format!("Ok({:?})", reference.items()).replace("Some(Floats([]))", "None");
                assert_eq!(found, reference, "seed {seed}");
            }
        }
    }
    assert_eq!(own, PROGRAMS as usize, "loops that are programs of their own");
    assert!(fine > PROGRAMS, "hardly any program runs to its end: {fine}");
}
