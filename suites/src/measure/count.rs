//! Counting: a run with the kernels' counters on. Counts are exact and equal from run to run, and so is the program that
//! was run.

use std::sync::Arc;

use adjudicate_ir::graph::Module;
use adjudicate_ir::value::Value;
use adjudicate_kernels::counts;
use adjudicate_reports::rows::{Cell, Count, Key, NODES_AFTER};
use adjudicate_strategies::Facts;

use super::contestant::{Runner, Trouble};
use super::kernels::Kernels;
use crate::digest::digest;

/// What one run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    kernels: Vec<(String, u64)>,
    /// Nodes of the program after each stage and pass, in order.
    nodes: Vec<(String, u64)>,
    facts: Facts,
    /// The digest of the program that ran, where that is known.
    program: Option<String>,
}

/// Counts the second run of a runner made for the purpose. Buffers that it keeps from run to run
/// are thus counted as live, and not as allocated each time.
pub fn count(
    make: impl FnOnce(&mut dyn FnMut(&str, Option<&Module>)) -> Result<Runner, Trouble>,
    args: &[Value],
    kernels: Kernels,
) -> Result<Counted, Trouble> {
    let mut nodes = Vec::new();
    let mut watch = |stage: &str, module: Option<&Module>| {
        nodes.extend(module.map(|module| (stage.to_owned(), module.node_count() as u64)));
    };
    let before = counts::snapshot().live_bytes;
    let (first, _) = counts::measure(|| {
        let mut runner = make(&mut watch)?;
        kernels.under(|| runner.run(args)).map(|_| runner)
    });
    let mut runner = first?;
    let (result, counts) = counts::measure(|| kernels.under(|| runner.run(args)));
    result?;
    let totals = counts.totals().map(|(name, n)| match name {
        "live_bytes" | "peak_live_bytes" => (name.to_owned(), n.saturating_sub(before)),
        _ => (name.to_owned(), n),
    });
    let calls = counts.calls_by_kind().filter(|(_, n)| *n > 0);
    let calls = calls.map(|(kind, n)| (format!("calls:{kind}"), n));
    let residual_bytes = kernels.under(|| runner.residual_bytes(args))?;
    let facts = Facts { residual_bytes, ..runner.facts() };
    let program = runner.program().map(|text| digest([text.as_str()]));
    Ok(Counted { kernels: totals.chain(calls).collect(), nodes, facts, program })
}

impl Counted {
    /// The number of a total of the kernels.
    pub fn total(&self, name: &str) -> Option<u64> {
        self.kernels.iter().find(|(n, _)| n == name).map(|(_, value)| *value)
    }

    /// One row for each thing counted.
    pub fn rows(&self, key: &Arc<Key>) -> impl Iterator<Item = Count> {
        let Facts { tape_entries, tape_bytes, residual_bytes, closures_made } = &self.facts;
        let facts = [
            ("tape_entries", tape_entries),
            ("tape_bytes", tape_bytes),
            ("residual_bytes", residual_bytes),
            ("closures_made", closures_made),
        ];
        let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), (*value)?)));
        let nodes = self.nodes.iter().map(|(stage, n)| (format!("{NODES_AFTER}{stage}"), *n));
        let all = self.kernels.iter().cloned().chain(facts).chain(nodes);
        all.map(|(metric, value)| Count { key: key.clone(), metric, value })
    }

    /// Fills the columns of counts of a cell.
    pub fn fill(&self, cell: &mut Cell) {
        cell.kernel_calls = self.total("kernel_calls");
        cell.flops = self.total("flops");
        cell.bytes_read = self.total("bytes_read");
        cell.bytes_written = self.total("bytes_written");
        cell.allocations = self.total("allocations");
        cell.bytes_allocated = self.total("bytes_allocated");
        cell.peak_live_bytes = self.total("peak_live_bytes");
        cell.residual_bytes = self.facts.residual_bytes;
        cell.tape_entries = self.facts.tape_entries;
        cell.tape_bytes = self.facts.tape_bytes;
        cell.closures_made = self.facts.closures_made;
        cell.ir_nodes = self.nodes.last().map(|(_, n)| *n);
        cell.program.clone_from(&self.program);
    }
}
