//! The claims of the paper, each checked by running.
//!
//! A [`Claim`] says in our words what B. van Merriënboer, O. Breuleux, A. Bergeron and P. Lamblin,
//! "Automatic differentiation in ML: Where we are and where we should be going" (NeurIPS 2018, arXiv
//! 1810.11530), say of closure-based source transformation or of its rivals; its check runs programs
//! of `claims.py` and returns what came out. Nothing is asserted that is not computed.

mod language;
mod transform;
mod trial;

use adjudicate_reports::rows::Claim as Row;

/// One claim.
#[derive(Debug)]
pub struct Claim {
    /// The name on the command line and in files.
    pub name: &'static str,
    /// What is claimed.
    pub says: &'static str,
    /// Where the paper says so.
    pub source: &'static str,
    /// A command, run from the root of the project, that shows it.
    pub command: &'static str,
    /// What came out, if it holds; what contradicts it, if not.
    pub check: fn() -> Result<String, String>,
}

/// The claims in the order of the paper's argument.
pub const CLAIMS: &[&Claim] = &[
    &transform::FIGURE_1,
    &transform::NO_TAPE,
    &transform::AHEAD_OF_TIME,
    &transform::UNASKED,
    &transform::AGAIN,
    &language::HIGHER_ORDER,
    &language::RECURSION,
    &language::DATAFLOW,
    &language::CONTROL_FLOW,
    &language::SECOND_ORDER,
    &language::NESTED,
];

/// The model file.
const SOURCE: &str = include_str!("claims.py");

impl Claim {
    /// Checks it.
    pub fn row(&self) -> Row {
        let found = crate::guard::guarded(self.check).unwrap_or_else(Err);
        Row {
            name: self.name.to_owned(),
            claim: self.says.to_owned(),
            source: self.source.to_owned(),
            command: self.command.to_owned(),
            holds: found.is_ok(),
            found: found.unwrap_or_else(|contradiction| contradiction),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_holds() {
        for claim in CLAIMS {
            let row = claim.row();
            assert!(row.holds, "{}: {}", claim.name, row.found);
        }
    }

    #[test]
    fn commands_name_the_model_file_and_a_function_of_it() {
        for claim in CLAIMS {
            let mut words = claim.command.split(' ').skip_while(|w| *w != "suites/src/claims.py");
            let function = words.nth(1).unwrap_or_else(|| panic!("{}: {}", claim.name, claim.command));
            assert!(SOURCE.contains(&format!("def {function}(")), "{}", claim.name);
        }
    }
}
