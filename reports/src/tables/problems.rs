//! What did not run, and what ran and is wrong: the reasons, each with the cells that it holds for.

use indexmap::IndexMap;

use crate::derive::is_preparation;
use crate::rows::{Cell, Key, Status};
use crate::tables::{Field, Line, Table, heads, mark, numbered};
use crate::view::{View, distinct, state};

const NOTE: &str = "A refusal is a result: the strategy says what it cannot express. What failed, timed out or is invalid is a \
                    defect or a limit of this run, and what is not controlled did other forward work than its rivals; neither is ever \
                    ranked. Rows are those of cells.csv.";

/// What the cells of a row share.
#[derive(PartialEq, Eq, Hash)]
struct Problem<'a> {
    suite: &'a str,
    strategy: &'a str,
    kernels: &'a str,
    threads: u32,
    state: &'static str,
    reason: &'a str,
}

pub(super) fn table(view: &View) -> Table {
    let mut problems: IndexMap<Problem, Vec<(usize, &Cell)>> = IndexMap::new();
    // What keeps a cell from running keeps it from being prepared, and is said once.
    for (number, cell) in numbered(view).filter(|(_, cell)| !mark(state(cell)).is_empty() && !is_preparation(cell)) {
        problems.entry(problem(cell)).or_default().push((number, cell));
    }
    let mut rows: Vec<Line> = problems.iter().map(|(problem, cells)| line(view, problem, cells)).collect();
    rows.sort_by_key(|line| ["invalid", "failed", "refused"].iter().position(|mark| *mark == line.mark));
    let mut columns = heads(&["suite", "strategy"]);
    if view.is_mixed() {
        columns.extend(heads(&["kernels", "threads#"]));
    }
    columns.extend(heads(&["cells…", "outcome", "reason…"]));
    Table {
        name: "problems",
        title: "Refused, failed, invalid, not controlled",
        note: NOTE,
        reference: false,
        columns,
        rows,
    }
}

fn problem(cell: &Cell) -> Problem<'_> {
    let Key { suite, size: _, function: _, strategy, kernels, threads } = &cell.key;
    let reason = cell.reason.as_deref().unwrap_or_default();
    Problem { suite, strategy, kernels, threads: *threads, state: state(cell), reason }
}

fn line(view: &View, problem: &Problem, cells: &[(usize, &Cell)]) -> Line {
    let Problem { suite, strategy, kernels, threads, state, reason } = *problem;
    let numbers: Vec<usize> = cells.iter().map(|(number, _)| *number).collect();
    // What ran has a row among the times.
    let ran = cells.iter().all(|(_, cell)| cell.status == Status::Ok);
    let from = if ran { numbers.clone() } else { Vec::new() };
    let listed = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let small = format!("({} {listed})", if numbers.len() == 1 { "row" } else { "rows" });
    let mut fields = vec![Field::text(suite), Field::text(strategy)];
    if view.is_mixed() {
        fields.extend([Field::text(kernels), Field::whole(Some(u64::from(threads)))]);
    }
    fields.push(Field { small, from, ..Field::text(covered(cells)) });
    fields.push(Field { strong: true, ..Field::text(state) });
    fields.push(Field::text(reason));
    Line { cells: if ran { Vec::new() } else { numbers }, mark: mark(state), fields }
}

/// The functions and sizes of some cells: `value, gradient at 10, 20; hvp at 10`.
fn covered(cells: &[(usize, &Cell)]) -> String {
    let mut sizes: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for (_, cell) in cells {
        sizes.entry(&cell.key.function).or_default().push(&cell.key.size);
    }
    let at = |all: &Vec<&str>| {
        let functions: Vec<&str> = sizes.iter().filter(|(_, sizes)| *sizes == all).map(|(name, _)| *name).collect();
        format!("{} at {}", functions.join(", "), all.join(", "))
    };
    distinct(sizes.values()).into_iter().map(at).collect::<Vec<_>>().join("; ")
}
