//! Running several instructions at once, on the threads of the kernels.
//!
//! Each has a lane: operands are moved or copied into it first, in order; results are moved out of it when all have been run, in
//! order. So the threads share nothing but what they read, and it does not matter who comes first. What a lane was given is
//! dropped by the thread that gave it. Of several errors the first in the order of the program is reported.

use adjudicate_kernels::fused::Scratch;
use adjudicate_kernels::together;

use super::code::{Executable, Part, Work};
use super::domain::ExecError;
use super::fused::Frame;
use super::machine::Machine;
use super::slots::{EMPTY, put, take};
use crate::prims::Args;
use crate::value::Value;

/// A frame of one part, kept from run to run.
#[derive(Debug, Default)]
pub(super) struct Lane {
    regs: Vec<Value>,
    /// What block programs need.
    blocks: Scratch,
    rows: Vec<usize>,
    failed: Option<ExecError>,
}

impl Machine {
    /// Runs parts at once.
    #[cold]
    pub(super) fn together(&mut self, exe: &Executable, base: usize, parts: &[Part]) -> Result<(), ExecError> {
        let mut lanes = std::mem::take(&mut self.lanes);
        if lanes.len() < parts.len() {
            lanes.resize_with(parts.len(), Lane::default);
        }
        for (lane, part) in lanes.iter_mut().zip(parts) {
            let operands = exe.operands[part.args.range()].iter();
            lane.regs.extend(
                operands.map(|&operand| if operand.is_const() { EMPTY } else { self.read(exe, base, operand) }),
            );
            lane.regs.resize(lane.regs.len() + part.results.len as usize, EMPTY);
        }
        let mut work: Vec<(&Part, &mut Lane)> = parts.iter().zip(&mut lanes).collect();
        together(&mut work, |(part, lane)| lane.failed = lane.run(exe, part).err());
        let failed = lanes.iter_mut().filter_map(|lane| lane.failed.take()).reduce(|first, _| first);
        for (lane, part) in lanes.iter_mut().zip(parts) {
            let results = exe.results[part.results.range()].iter().zip(&exe.results[part.lane_results.range()]);
            results.for_each(|(to, from)| {
                put(&mut self.regs[base + to.0 as usize], take(&mut lane.regs[from.0 as usize]));
            });
            lane.regs.clear();
        }
        self.lanes = lanes;
        failed.map_or(Ok(()), Err)
    }
}

impl Lane {
    fn run(&mut self, exe: &Executable, part: &Part) -> Result<(), ExecError> {
        let Lane { regs, blocks, rows, failed: _ } = self;
        let (operands, results) = (&exe.operands[part.lane_args.range()], &exe.results[part.lane_results.range()]);
        match part.work {
            Work::Prim(site) => {
                let result = exe.prims[site as usize].eval(&mut Args::of_frame(regs, &exe.consts, operands));
                let value = result.map_err(|message| ExecError::new(part.span, message))?;
                put(&mut regs[results[0].0 as usize], value);
                Ok(())
            }
            Work::Fused(program) => {
                exe.fused[program as usize].run(Frame { regs, consts: &exe.consts, operands, results }, blocks, rows)
            }
        }
    }
}
