//! The capability matrix where it is not plain: what a strategy runs only in another form, refuses or gets wrong, and why.

use crate::rows::{Matrix, MatrixCell, Outcome};
use crate::tables::{Field, Line, Table, heads};
use crate::view::View;

const NOTE: &str = "Small programs, one for each construct of the language, were differentiated as this run began and compared with \
                    derivatives written by hand; `adjudicate matrix` does the same alone. Whatever is not listed here runs as written.";

pub(super) fn table(view: &View) -> Table {
    let columns = heads(&["construct", "order#", "strategy", "outcome", "reason…"]);
    let rows = view.run.matrix.iter().flat_map(|Matrix { cells }| cells).filter(|cell| cell.outcome != Outcome::Runs);
    let rows = rows.map(line).collect();
    Table { name: "language", title: "Language constructs", note: NOTE, reference: false, columns, rows }
}

fn line(cell: &MatrixCell) -> Line {
    let MatrixCell { construct, order, strategy, outcome, reason } = cell;
    let fields = vec![
        Field::text(construct),
        Field::whole(Some(u64::from(*order))),
        Field::text(strategy),
        Field { strong: true, ..Field::text(outcome.word()) },
        Field::text(reason.clone().unwrap_or_default()),
    ];
    let mark = match outcome {
        Outcome::Runs | Outcome::Restructured => "",
        Outcome::Refused => "refused",
        Outcome::Wrong => "invalid",
    };
    Line { cells: Vec::new(), mark, fields }
}
