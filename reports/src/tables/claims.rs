//! The claims of the paper: what each says, the command that shows it, and what came out.

use crate::rows::Claim;
use crate::tables::{Field, Line, Table, heads};
use crate::view::View;

const NOTE: &str = "Each claim of van Merriënboer et al. (NeurIPS 2018, arXiv 1810.11530) was checked by running programs as \
                    this run began; anyone can check it again with the command, from the project's root.";

pub(super) fn table(view: &View) -> Table {
    let columns = heads(&["claim…", "holds", "what came out…", "command…"]);
    let line = |claim: &Claim| {
        let Claim { name: _, claim, source, command, holds, found } = claim;
        let verdict = Field { strong: true, ..Field::text(if *holds { "yes" } else { "no" }) };
        let fields = vec![
            Field { small: format!("({source})"), ..Field::text(claim) },
            verdict,
            Field::text(found),
            Field { code: true, ..Field::text(command) },
        ];
        Line { cells: Vec::new(), mark: if *holds { "" } else { "invalid" }, fields }
    };
    let rows = view.run.claims.iter().map(line).collect();
    Table { name: "claims", title: "The paper's claims", note: NOTE, reference: false, columns, rows }
}
