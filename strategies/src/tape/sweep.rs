//! The backward sweep: from the end of the tape to where a derivative began.
//!
//! Each entry whose cotangent is known runs its staged rule, as one kernel if it is one; contributions are added in
//! place to the cotangents of its operands. The sweep of the outermost derivative takes what was kept off the
//! tape as it goes, so that buffers are freed or reused; that of an inner one leaves it for the
//! enclosing derivatives, and runs the rules in the recording domain.

use adjudicate_ir::exec::slots::{copy, put, put_copy, put_moved};
use adjudicate_ir::exec::{Domain, Machine, Plain, PrimInstr};
use adjudicate_ir::prims::Args;
use adjudicate_ir::types::Type;
use adjudicate_ir::value::{Mark, Value};
use adjudicate_kernels::fused::Scratch;
use adjudicate_kernels::{Binary, binary_assign};

use super::kernel::{Case, Held};
use super::record::Recorder;
use super::stage::{Finish, Output, Read, Rule};
use super::store::{ALIAS, Entry, Kept};

/// No cotangent yet.
pub(super) const NOTHING: Value = Value::Bool(false);

/// A sweep under way. If `RECORD`, its own operations go on the tape.
struct Sweep<'t, const RECORD: bool> {
    recorder: &'t mut Recorder,
    start: usize,
    /// How many cotangents at once.
    seeds: Option<usize>,
    /// Cotangents of the entries from `start` on.
    cotangents: Vec<Value>,
    machine: Machine,
    scratch: Scratch,
}

impl Recorder {
    /// Sweeps from the end of the tape back to `start`. `seeds` are cotangents of marked values;
    /// those of the entries `keep` can be asked for afterwards. If `count` is given, there are so many of each at
    /// once, along a leading axis.
    pub(super) fn sweep(
        &mut self,
        start: usize,
        count: Option<usize>,
        seeds: impl Iterator<Item = (Mark, Value)>,
        keep: &[Mark],
    ) -> Result<(), String> {
        self.tape.measure();
        if self.depth > 0 {
            return Sweep::<true>::run(self, start, count, seeds, keep);
        }
        if self.measure_residuals {
            self.residual_bytes = self.residual_bytes.max(self.tape.residual_bytes());
        }
        Sweep::<false>::run(self, start, count, seeds, keep)
    }

    /// The cotangent that the last sweep, which began at `start`, found for a kept entry.
    pub(super) fn cotangent(&self, start: usize, mark: Mark, ty: impl FnOnce() -> Type) -> Value {
        let found = (mark.0 as usize).checked_sub(start + 1).and_then(|i| self.cotangents.get(i));
        found.filter(|value| !is_nothing(value)).cloned().unwrap_or_else(|| Value::zero(&ty()))
    }
}

#[inline]
fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Bool(_))
}

#[inline]
fn take(value: &mut Value) -> Value {
    std::mem::replace(value, NOTHING)
}

impl<'t, const RECORD: bool> Sweep<'t, RECORD> {
    fn run(
        recorder: &'t mut Recorder,
        start: usize,
        count: Option<usize>,
        seeds: impl Iterator<Item = (Mark, Value)>,
        keep: &[Mark],
    ) -> Result<(), String> {
        let mut cotangents = std::mem::take(&mut recorder.cotangents);
        cotangents.clear();
        cotangents.resize(recorder.tape.len() - start, NOTHING);
        let (machine, scratch) = (std::mem::take(&mut recorder.machine), std::mem::take(&mut recorder.scratch));
        let mut sweep = Sweep::<'_, RECORD> { recorder, start, seeds: count, cotangents, machine, scratch };
        let mut kept = std::mem::take(&mut sweep.recorder.kept);
        kept.clear();
        kept.extend_from_slice(keep);
        kept.sort_unstable();
        let done = sweep.walk(seeds, &kept);
        sweep.recorder.kept = kept;
        let Sweep { recorder, cotangents, machine, scratch, .. } = sweep;
        (recorder.cotangents, recorder.machine, recorder.scratch) = (cotangents, machine, scratch);
        done
    }

    /// `kept` is sorted.
    fn walk(&mut self, seeds: impl Iterator<Item = (Mark, Value)>, kept: &[Mark]) -> Result<(), String> {
        let kept = |mark: Mark| kept.binary_search(&mark).is_ok();
        for (mark, seed) in seeds {
            self.pass_on(mark, seed)?;
        }
        for index in (self.start..self.start + self.cotangents.len()).rev() {
            let entry = self.recorder.tape.entries[index];
            if is_nothing(&self.cotangents[index - self.start]) {
                self.forget(entry);
                continue;
            }
            let mark = Mark(index as u32 + 1);
            if entry.rule == ALIAS {
                let cotangent = self.cotangents[index - self.start].clone();
                if !kept(mark) {
                    self.cotangents[index - self.start] = NOTHING;
                }
                self.pass_on(self.recorder.tape.links[entry.links as usize], cotangent)?;
                continue;
            }
            let rule = match self.seeds {
                None => self.recorder.rules.rules[entry.rule as usize].clone(),
                Some(count) => self.recorder.rules.many(entry.rule, count),
            };
            let keep = kept(mark);
            if rule.passes_any {
                self.pass(&rule, entry, mark, keep)?;
            }
            if rule.passes || !RECORD && self.fused(&rule, entry, mark, keep)? {
                continue;
            }
            self.gather(&rule, entry, mark, keep);
            let ran = if RECORD {
                rule.program.run_placed(&mut self.machine, self.recorder)
            } else {
                rule.program.run_placed(&mut self.machine, &mut Plain)
            };
            ran.map_err(|error| error.message)?;
            self.contribute(&rule, entry)?;
        }
        Ok(())
    }

    /// Adds the cotangent of an entry to those of the operands that it passes to as it is.
    #[inline]
    fn pass(&mut self, rule: &Rule, entry: Entry, mark: Mark, keep: bool) -> Result<(), String> {
        let own = mark.0 as usize - 1 - self.start;
        // Given to the first one that has none, if nobody needs it here any more.
        let mut given = None;
        for output in &rule.outputs {
            let Finish::Pass(add) = &output.finish else { continue };
            let link = self.recorder.tape.links[(entry.links + output.link) as usize];
            let Some(i) = self.place(link) else { continue };
            if given == Some(i) {
                // Twice the same operand: the first contribution is there when the second arrives.
                let cotangent = copy(&self.cotangents[own]);
                put(&mut self.cotangents[i], cotangent);
                given = None;
            }
            if rule.passes && !keep && given.is_none() && is_nothing(&self.cotangents[i]) {
                given = Some(i);
            } else if !self.add_in_place(i, own) {
                let cotangent = copy(&self.cotangents[own]);
                self.accumulate(add, i, cotangent)?;
            }
        }
        if rule.passes && !keep {
            let (older, rest) = self.cotangents.split_at_mut(own);
            match given {
                Some(i) => put_moved(&mut older[i], &mut rest[0]),
                None => put(&mut rest[0], NOTHING),
            }
        }
        Ok(())
    }

    /// Adds one cotangent to an older one, if that can be done in place.
    #[inline]
    fn add_in_place(&mut self, i: usize, own: usize) -> bool {
        if RECORD {
            return false;
        }
        let (older, rest) = self.cotangents.split_at_mut(own);
        match (&mut older[i], &rest[0]) {
            (Value::F64(old, _), Value::F64(new, _)) => *old += new,
            (Value::Array(old, _), Value::Array(new, _)) if old.is_unique() => {
                binary_assign(Binary::Add, old, new.into());
            }
            _ => return false,
        }
        true
    }

    /// Adds a value to a cotangent, in place if nobody else holds it.
    #[inline]
    fn accumulate(&mut self, add: &PrimInstr, i: usize, mut value: Value) -> Result<(), String> {
        let slot = &mut self.cotangents[i];
        let sum = match (&mut *slot, &value) {
            (Value::Bool(_), _) => {
                put_moved(slot, &mut value);
                return Ok(());
            }
            (Value::F64(old, _), Value::F64(new, _)) if !RECORD => {
                *old += new;
                return Ok(());
            }
            (Value::Array(old, _), Value::Array(new, _)) if !RECORD && old.is_unique() => {
                binary_assign(Binary::Add, old, new.into());
                return Ok(());
            }
            (old, _) => {
                let old = take(old);
                self.prim(add, &mut [old, value])?
            }
        };
        put(&mut self.cotangents[i], sum);
        Ok(())
    }

    /// Runs the rule of an entry as one kernel; false if it is none.
    #[inline]
    fn fused(&mut self, rule: &Rule, entry: Entry, mark: Mark, keep: bool) -> Result<bool, String> {
        let Some(case) = self.case(rule, entry) else { return Ok(false) };
        let own = mark.0 as usize - 1 - self.start;
        if case != Case::default() {
            let Some(kernel) = rule.kernel(case) else { return Ok(false) };
            let tape = &mut self.recorder.tape;
            let held = Held {
                cotangents: &mut self.cotangents,
                own,
                keep,
                start: self.start,
                links: &tape.links[entry.links as usize..],
                numbers: &tape.scalars[entry.scalars as usize..],
                arrays: &mut tape.arrays[entry.arrays as usize..],
            };
            kernel.run(&mut self.scratch, held);
            for (result, &(output, added)) in kernel.results.iter().enumerate() {
                let Output { link, finish } = &rule.outputs[output as usize];
                let i = self.place(self.recorder.tape.links[(entry.links + link) as usize]).expect("it is wanted");
                if added || is_nothing(&self.cotangents[i]) {
                    kernel.put(&mut self.scratch, result, &mut self.cotangents[i]);
                    continue;
                }
                let Finish::Add(add) = finish else { panic!("{finish:?} is not computed by a kernel") };
                let mut value = NOTHING;
                kernel.put(&mut self.scratch, result, &mut value);
                self.accumulate(add, i, value)?;
            }
        }
        self.forget(entry);
        if !keep {
            put(&mut self.cotangents[own], NOTHING);
        }
        Ok(true)
    }

    /// Which contributions of a rule are wanted, and which meet a cotangent; `None` if they are too many.
    #[inline]
    fn case(&self, rule: &Rule, entry: Entry) -> Option<Case> {
        if rule.outputs.len() > Case::OUTPUTS {
            return None;
        }
        let mark = |output: &Output| self.recorder.tape.links[(entry.links + output.link) as usize];
        let mut case = Case::default();
        for (at, output) in rule.outputs.iter().enumerate() {
            let Some(i) = self.place(mark(output)).filter(|_| output.finish.arity() > 0) else { continue };
            // What an output before this one contributes to is not what is there.
            let is_first = rule.outputs[..at].iter().all(|o| o.finish.arity() == 0 || mark(o) != mark(output));
            case.want(at, is_first && !is_nothing(&self.cotangents[i]));
        }
        Some(case)
    }

    /// Drops what an entry keeps, once nobody needs it.
    #[inline]
    fn forget(&mut self, entry: Entry) {
        if !RECORD {
            self.recorder.tape.arrays.truncate(entry.arrays as usize);
        }
    }

    /// The arguments of an entry's rule.
    #[inline]
    fn gather(&mut self, rule: &Rule, entry: Entry, mark: Mark, keep: bool) {
        let mut places = self.machine.arguments(&rule.program).iter_mut();
        let cotangent = &mut self.cotangents[mark.0 as usize - 1 - self.start];
        if rule.reads_cotangent {
            let place = places.next().expect("a parameter for the cotangent");
            if keep { put_copy(place, cotangent) } else { put_moved(place, cotangent) }
        }
        if !keep {
            *cotangent = NOTHING;
        }
        let (mut scalars, mut arrays) = (entry.scalars as usize, entry.arrays as usize);
        let tape = &mut self.recorder.tape;
        let mut read = |read: &Read, mark: Mark| {
            let place = places.next().expect("a parameter for each value read");
            if read.scalar {
                put(place, Value::F64(tape.scalars[scalars], if RECORD { mark } else { Mark::NONE }));
                scalars += 1;
                return;
            }
            let kept = &mut tape.arrays[arrays];
            if RECORD {
                put(place, kept.clone().value(&read.ty, mark));
            } else {
                put(place, std::mem::replace(kept, Kept::TAKEN).value(&read.ty, Mark::NONE));
            }
            arrays += 1;
        };
        for operand in &rule.operands {
            let origin = operand.link.map_or(Mark::NONE, |link| tape.links[(entry.links + link) as usize]);
            read(operand, origin);
        }
        if let Some(result) = &rule.result {
            read(result, mark);
        }
        self.forget(entry);
    }

    /// Adds what a rule returned to the cotangents of the operands.
    #[inline]
    fn contribute(&mut self, rule: &Rule, entry: Entry) -> Result<(), String> {
        let mut next = 0;
        for output in rule.outputs.iter().filter(|output| output.finish.arity() > 0) {
            let result = next;
            next += output.finish.arity();
            let link = self.recorder.tape.links[(entry.links + output.link) as usize];
            match self.place(link) {
                Some(i) => self.add(rule, i, &output.finish, result)?,
                None => (result..next).for_each(|r| drop(self.machine.result(&rule.program, r))),
            }
        }
        Ok(())
    }

    /// Where the cotangent of a mark stands, if its entry is of this sweep.
    #[inline]
    fn place(&self, mark: Mark) -> Option<usize> {
        (mark.0 as usize).checked_sub(self.start + 1)
    }

    /// Adds the contribution that begins with a result of the rule to a cotangent.
    #[inline]
    fn add(&mut self, rule: &Rule, i: usize, finish: &Finish, result: usize) -> Result<(), String> {
        let value = self.machine.result(&rule.program, result);
        let slot = &mut self.cotangents[i];
        let sum = match finish {
            Finish::Pass(add) | Finish::Add(add) => return self.accumulate(add, i, value),
            Finish::Product { first, more } => {
                let old = take(slot);
                let other = self.machine.result(&rule.program, result + 1);
                if is_nothing(&old) {
                    self.prim(first, &mut [value, other])?
                } else {
                    self.prim(more, &mut [value, other, old])?
                }
            }
            Finish::Element { zeros, add } => {
                let old = if is_nothing(slot) { zeros.clone() } else { take(slot) };
                let element = self.machine.result(&rule.program, result + 1);
                self.prim(add, &mut [old, value, element])?
            }
        };
        put(&mut self.cotangents[i], sum);
        Ok(())
    }

    /// Adds a whole cotangent to that of a mark.
    fn pass_on(&mut self, mark: Mark, cotangent: Value) -> Result<(), String> {
        let Some(i) = self.place(mark) else { return Ok(()) };
        let old = take(&mut self.cotangents[i]);
        self.cotangents[i] = if is_nothing(&old) {
            cotangent
        } else {
            let ty = cotangent.tensor_type().expect("a cotangent");
            let add = self.recorder.rules.adder(&ty);
            self.prim(&add, &mut [old, cotangent])?
        };
        Ok(())
    }

    fn prim(&mut self, instr: &PrimInstr, args: &mut [Value]) -> Result<Value, String> {
        let args = &mut Args::new(args);
        if RECORD { self.recorder.prim(instr, args) } else { instr.eval(args) }
    }
}
