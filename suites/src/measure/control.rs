//! Proof of control: that the contestants of a group differ in nothing but how they differentiate.
//!
//! The value of the suite is computed by the plain form of each contestant, `<family>:unoptimised` where
//! there is one, which does not rewrite the program. It must make exactly the kernel calls that the
//! tape makes, which runs the program as it is, and give the same bits. So must the value of the
//! contestant itself have the same bits, unless it ran other kernels: fused ones may reorder a sum, as may one product of matrices for
//! many, and are held to the tolerance of [`check`](super::check).
//!
//! Forced copies are not among the calls: keeping values is the strategy's own business. Of a program that takes
//! derivatives itself the value is no forward pass alone, and nothing is claimed.

use adjudicate_ir::datum::Datum;
use adjudicate_ir::graph::Op;
use adjudicate_ir::program::Ask;
use adjudicate_ir::value::Value;
use adjudicate_kernels::counts::{self, Counts};
use adjudicate_kernels::{Kind, Other};
use adjudicate_strategies::{Strategy, find};

use super::check::point::floats;
use super::contestant::Trouble;
use super::entry::{Entry, prepare_from_text};
use super::group::Bench;
use super::plan::{Cell, Group};

/// The strategy that all others are compared with.
const REFERENCE: &str = "tape";

/// A value and what was done for it.
struct Forward {
    bits: Vec<u64>,
    counts: Counts,
}

impl Bench<'_> {
    /// Finds out of every contestant whether it is controlled; one that is not counts as a failure.
    pub(super) fn control_all(&mut self, group: &Group, entries: &mut [Entry]) {
        let strategies = entries.iter().filter_map(|e| e.cell.strategy);
        let mut proofs: Vec<(&str, Result<(), String>)> = Vec::new();
        let control = self.may_evaluate(group, find(REFERENCE)).then(|| Control::new(group, self.settings.seed));
        if let Some(control) = control.flatten() {
            for strategy in strategies {
                let may = [strategy, plain(strategy)].into_iter().all(|form| self.may_evaluate(group, Some(form)));
                if may && !proofs.iter().any(|(name, _)| *name == strategy.name()) {
                    proofs.extend(control.prove(strategy).map(|proof| (strategy.name(), proof)));
                }
            }
        }
        self.tally.failed += proofs.iter().filter(|(_, proof)| proof.is_err()).count();
        for entry in entries {
            entry.control = proofs.iter().find(|(name, _)| *name == entry.cell.contestant()).map(|(_, p)| p.clone());
        }
    }
}

/// What the contestants of a group are compared with.
struct Control<'g> {
    group: &'g Group,
    arguments: Vec<Datum>,
    reference: Forward,
}

impl<'g> Control<'g> {
    /// `None` if there is nothing to compare with.
    fn new(group: &'g Group, seed: u64) -> Option<Self> {
        let arguments = group.suite.arguments(Ask::Value, group.size, seed);
        if differentiates(group, &arguments) {
            return None;
        }
        let reference = forward(group, &arguments, find(REFERENCE)?).ok()?;
        Some(Self { group, arguments, reference })
    }

    /// Whether a contestant is controlled, or what differs; `None` if it cannot compute the value at all.
    fn prove(&self, strategy: &'static dyn Strategy) -> Option<Result<(), String>> {
        let own = forward(self.group, &self.arguments, strategy).ok()?;
        let plain = forward(self.group, &self.arguments, plain(strategy)).ok()?;
        let calls = |form: &Forward| calls_apart(&form.counts, &self.reference.counts);
        if let Some(calls) = calls(&plain) {
            let why = "not controlled: the forward pass makes other kernel calls than";
            return Some(Err(format!("{why} {REFERENCE}'s: {calls}")));
        }
        let as_it_is = own.counts.fused_kernels == 0 && calls(&own).is_none();
        let bits = [Some(&plain), Some(&own).filter(|_| as_it_is)].into_iter().flatten();
        let apart = bits.filter_map(|form| bits_apart(&form.bits, &self.reference.bits)).next();
        let why = "not controlled: the same kernels give another value than";
        Some(apart.map_or(Ok(()), |apart| Err(format!("{why} {REFERENCE}'s: {apart}"))))
    }
}

/// The form of a strategy that does not rewrite the program.
fn plain(strategy: &'static dyn Strategy) -> &'static dyn Strategy {
    let family = strategy.name().split(':').next().unwrap_or_default();
    find(&format!("{family}:unoptimised")).unwrap_or(strategy)
}

/// Whether the program of a value takes derivatives itself.
fn differentiates(group: &Group, arguments: &[Datum]) -> bool {
    let request = group.suite.request(Ask::Value, group.size, arguments);
    let Ok(program) = group.suite.program() else { return true };
    let Ok(specialised) = program.specialise(&request) else { return true };
    specialised.module.graphs.iter().flat_map(|graph| &graph.nodes).any(|node| matches!(node.op, Op::Vjp(_)))
}

fn forward(group: &Group, arguments: &[Datum], strategy: &'static dyn Strategy) -> Result<Forward, Trouble> {
    let cell = Cell::new(Ask::Value, Some(strategy));
    let mut runner = prepare_from_text(group, &cell, arguments, &mut |_, _| {})?;
    let leaves: Vec<Value> = arguments.iter().flat_map(Datum::leaves).collect();
    let (result, counts) = counts::measure(|| runner.run(&leaves));
    let bits = result?.iter().flat_map(floats).map(|x| x.to_bits()).collect();
    Ok(Forward { bits, counts })
}

/// The first element that is not the same to the last bit, with both values.
fn bits_apart(ours: &[u64], theirs: &[u64]) -> Option<String> {
    if ours.len() != theirs.len() {
        return Some(format!("{} elements instead of {}", ours.len(), theirs.len()));
    }
    let at = ours.iter().zip(theirs).position(|(a, b)| a != b)?;
    let [ours, theirs] = [ours[at], theirs[at]].map(f64::from_bits);
    Some(format!("element {at} is {ours:e} instead of {theirs:e}, {:.1e} apart", (ours - theirs).abs()))
}

/// The kinds of calls that are made more or less often, with both numbers.
fn calls_apart(ours: &Counts, theirs: &Counts) -> Option<String> {
    let kinds = Kind::all().filter(|kind| *kind != Kind::Other(Other::Copy));
    let differing = kinds.map(|kind| (kind.name(), ours.calls(kind), theirs.calls(kind))).filter(|(_, a, b)| a != b);
    let texts: Vec<String> = differing.map(|(name, a, b)| format!("{name} {a} instead of {b}")).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suites::SUITES;

    fn groups() -> impl Iterator<Item = Group> {
        SUITES.iter().map(|suite| Group { suite, size: &suite.sizes[0], cells: Vec::new() })
    }

    #[test]
    fn every_suite_is_controlled() {
        let mut proven = 0;
        for group in groups() {
            let Some(control) = Control::new(&group, 1) else { continue };
            for name in ["tape", "dataflow", "closure"] {
                let proof = control.prove(find(name).expect("a strategy"));
                assert!(proof.is_none() || proof == Some(Ok(())), "{}: {name}: {proof:?}", group.suite.name);
                proven += usize::from(proof.is_some());
            }
        }
        assert!(proven >= 3 * (SUITES.len() - 2), "{proven} proofs");
    }

    #[test]
    fn a_value_of_other_bits_is_shown_with_its_difference() {
        assert_eq!(bits_apart(&[1.0_f64.to_bits()], &[1.0_f64.to_bits()]), None);
        let apart = bits_apart(&[1.0, 2.5].map(f64::to_bits), &[1.0, 2.0].map(f64::to_bits));
        assert_eq!(apart.as_deref(), Some("element 1 is 2.5e0 instead of 2e0, 5.0e-1 apart"));
    }

    /// Without fusion a program may still be rewritten so that its sums are ordered otherwise.
    #[test]
    fn one_product_for_many_may_round_otherwise() {
        for suite in SUITES.iter().filter(|suite| ["lstm", "rnn_batch"].contains(&suite.name)) {
            for size in &suite.sizes[..2] {
                let group = Group { suite, size, cells: Vec::new() };
                let control = Control::new(&group, 1).expect("a reference");
                for name in ["closure:no-fusion", "dataflow:no-fusion"] {
                    let proof = control.prove(find(name).expect("a strategy"));
                    assert!(
                        proof.is_none() || proof == Some(Ok(())),
                        "{} {}: {name}: {proof:?}",
                        suite.name,
                        size.name
                    );
                }
            }
        }
    }

    #[test]
    fn another_program_is_not_controlled() {
        let mut groups = groups();
        let (first, second) = (groups.next().expect("a suite"), groups.next().expect("another suite"));
        let own = Control::new(&second, 1).expect("a reference");
        let swapped = Control { reference: Control::new(&first, 1).expect("a reference").reference, ..own };
        let proof = swapped.prove(find("closure").expect("a strategy"));
        assert!(matches!(&proof, Some(Err(why)) if why.contains("gemm")), "{proof:?}");
    }
}
