//! The recording domain: what applying a primitive means while a derivative is wanted.
//!
//! A float that depends on an argument of a derivative being taken is marked with the index of its
//! tape entry, plus one. Marks travel inside tuples, function values and stacks. An operation on
//! unmarked operands is evaluated and not recorded; outside any derivative nothing is.
//!
//! A derivative (`vjp`) notes how long the tape is, gives each argument of `wrt` a fresh entry that
//! aliases the value's own (so that an enclosing derivative flows through), runs the graph, and
//! sweeps from the end of the tape back to where it was. Contributions to older entries
//! belong to enclosing derivatives and are not followed: so one derivative never takes another's
//! sensitivity for its own. Inside an enclosing derivative the sweep runs in this same domain and
//! is recorded like everything else; that is how orders nest.

use adjudicate_ir::exec::{Domain, ExecError, Machine, PrimInstr, Run, VjpInstr};
use adjudicate_ir::prims::{self, Args};
use adjudicate_ir::types::Type;
use adjudicate_ir::value::{Mark, Value};
use adjudicate_kernels::fused::Scratch;

use super::stage::{Mask, Rules};
use super::store::Store;

/// Storage of a derivative, used again by the next.
#[derive(Default)]
pub(super) struct Spare {
    seeds: Vec<(Mark, Value)>,
    marks: Vec<Mark>,
}

/// The recording domain.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) tape: Store,
    pub(super) rules: Rules,
    /// How many derivatives are being taken.
    pub(super) depth: u32,
    /// Cotangents of the entries of the sweep under way.
    pub(super) cotangents: Vec<Value>,
    /// Runs staged rules.
    pub(super) machine: Machine,
    /// Runs those that are kernels.
    pub(super) scratch: Scratch,
    /// Of marks that a sweep keeps.
    pub(super) kept: Vec<Mark>,
    pub(super) spare: Vec<Spare>,
    /// Whether to find out how many bytes are kept; costs time.
    pub(super) measure_residuals: bool,
    pub(super) residual_bytes: usize,
}

impl Recorder {
    /// Forgets what is on the tape; staged rules, storage and the facts of the run stay.
    pub(super) fn clear(&mut self) {
        self.tape.truncate(0);
        self.cotangents.clear();
        self.depth = 0;
    }

    /// Begins a run. Says whether to find out anew how many bytes are kept.
    pub(super) fn reset(&mut self, measure_residuals: bool) {
        self.tape.reset();
        self.measure_residuals = measure_residuals;
        if measure_residuals {
            self.residual_bytes = 0;
        }
    }

    /// Drops what the last sweep found.
    pub(super) fn forget_cotangents(&mut self) {
        self.cotangents.clear();
    }

    /// Which operands are marked. Their marks are pushed as the operands of an entry.
    #[inline]
    fn link(&mut self, args: &Args<'_>) -> Mask {
        let links = &mut self.tape.links;
        let from = links.len();
        // What a mask cannot tell apart is all recorded.
        let all = args.len() > 64;
        let mask = args.bits_where(|a| {
            let mark = a.mark();
            if all || mark.is_some() {
                links.push(mark);
            }
            mark.is_some()
        });
        if all && mask == 0 {
            links.truncate(from);
        }
        if all && mask != 0 { Mask::MAX } else { mask }
    }

    /// Applies a primitive to operands some of which are recorded; their marks lie on the tape from `links` on.
    #[inline]
    fn record(&mut self, instr: &PrimInstr, args: &mut Args<'_>, mask: Mask, links: usize) -> Result<Value, String> {
        let Some(index) = self.rules.find(instr, mask) else {
            self.tape.links.truncate(links);
            return Ok(instr.eval(args)?.marked(Mark::NONE));
        };
        let rule = &self.rules.rules[index as usize];
        let entry = self.tape.begin(index, links);
        // What the rule reads may not be written over, but belongs to the tape if nobody else reads it.
        args.hold(rule.kept);
        // It stays where it was written: see `exec::slots`.
        let mut result = instr.eval(args);
        args.hold(0);
        let Ok(value) = &mut result else { return result };
        for read in &rule.operands {
            self.tape.keep_operand(args, read.operand as usize);
        }
        if rule.result.is_some() {
            self.tape.keep(value);
        }
        value.mark_as(self.tape.push(entry));
        result
    }
}

impl Domain for Recorder {
    #[inline]
    fn prim(&mut self, instr: &PrimInstr, args: &mut Args<'_>) -> Result<Value, String> {
        if self.depth == 0 {
            return instr.eval(args);
        }
        let links = self.tape.links.len();
        let mask = self.link(args);
        if mask != 0 && instr.ty.is_float() {
            return self.record(instr, args, mask, links);
        }
        self.tape.links.truncate(links);
        if matches!(instr.ty, Type::Stack(_) | Type::Env) && adds_records(instr) {
            return Err(format!("`{}` cannot be recorded", instr.def.name));
        }
        instr.eval(args)
    }

    fn vjp(&mut self, run: &mut Run<'_>, instr: &VjpInstr, values: &mut Vec<Value>) -> Result<(), ExecError> {
        let Spare { mut seeds, mut marks } = self.spare.pop().unwrap_or_default();
        seeds.extend(instr.seeds(values).map(|seed| (Mark::NONE, seed)));
        let start = self.tape.len();
        for &i in instr.wrt.iter() {
            let arg = &mut values[i as usize];
            if arg.mark().0 as usize <= start {
                let mark = self.tape.alias(arg.mark());
                *arg = std::mem::replace(arg, Value::Bool(false)).marked(mark);
            }
        }
        marks.extend(instr.wrt.iter().map(|&i| values[i as usize].mark()));
        self.depth += 1;
        run.replace(self, instr.graph, values)?;
        self.depth -= 1;
        let floats = values.iter().zip(&instr.items).filter(|(_, ty)| ty.is_float());
        seeds.iter_mut().zip(floats).for_each(|((mark, _), (value, _))| *mark = value.mark());
        let located = |message| ExecError::new(instr.span, message);
        self.sweep(start, instr.seeds, seeds.drain(..), &marks).map_err(located)?;
        for (mark, &param) in marks.drain(..).zip(instr.wrt.iter()) {
            values.push(self.cotangent(start, mark, || instr.cotangent(param)));
        }
        self.forget_cotangents();
        if self.depth == 0 {
            self.finish(start, values);
        }
        self.spare.push(Spare { seeds, marks });
        Ok(())
    }
}

impl Recorder {
    /// The outermost derivative is done: nobody needs its part of the tape.
    fn finish(&mut self, start: usize, results: &mut [Value]) {
        for value in results.iter_mut() {
            *value = std::mem::replace(value, Value::Bool(false)).marked(Mark::NONE);
        }
        // Marks may be left inside function values and the like; then their entries stay.
        if results.iter().all(Value::is_tensor) {
            self.tape.truncate(start);
        }
    }
}

/// Whether this is a sum of records, whose additions inside would go unrecorded.
#[cold]
fn adds_records(instr: &PrimInstr) -> bool {
    std::ptr::eq(instr.def, &prims::STACK_ADD) || std::ptr::eq(instr.def, &prims::ENV_ADD)
}
