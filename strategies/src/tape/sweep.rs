//! The backward sweep: from the end of the tape to where a derivative began.
//!
//! Each entry whose cotangent is known runs its staged rule; contributions are added in place to the
//! cotangents of its operands. The sweep of the outermost derivative takes what was kept off the
//! tape as it goes, so that buffers are freed or reused; that of an inner one leaves it for the
//! enclosing derivatives, and runs the rules in the recording domain.

use adjudicate_ir::exec::{Domain, Machine, Plain, PrimInstr};
use adjudicate_ir::types::Type;
use adjudicate_ir::value::{Mark, Value};

use super::record::Recorder;
use super::stage::{Finish, Read, Rule};
use super::store::{ALIAS, Entry};

/// No cotangent yet.
const NOTHING: Value = Value::Bool(false);

/// A sweep under way. If `RECORD`, its own operations go on the tape.
struct Sweep<'t, const RECORD: bool> {
    recorder: &'t mut Recorder,
    start: usize,
    /// Cotangents of the entries from `start` on.
    cotangents: Vec<Value>,
    machine: Machine,
}

impl Recorder {
    /// Sweeps from the end of the tape back to `start`. `seeds` are cotangents of marked values;
    /// those of the entries `keep` can be asked for afterwards.
    pub(super) fn sweep(&mut self, start: usize, seeds: Vec<(Mark, Value)>, keep: &[Mark]) -> Result<(), String> {
        self.tape.measure();
        if self.depth > 0 {
            return Sweep::<true>::run(self, start, seeds, keep);
        }
        if self.measure_residuals {
            self.residual_bytes = self.residual_bytes.max(self.tape.residual_bytes());
        }
        Sweep::<false>::run(self, start, seeds, keep)
    }

    /// The cotangent that the last sweep, which began at `start`, found for a kept entry.
    pub(super) fn cotangent(&self, start: usize, mark: Mark, ty: &Type) -> Value {
        let found = (mark.0 as usize).checked_sub(start + 1).and_then(|i| self.cotangents.get(i));
        found.filter(|value| !is_nothing(value)).cloned().unwrap_or_else(|| Value::zero(ty))
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
    fn run(recorder: &'t mut Recorder, start: usize, seeds: Vec<(Mark, Value)>, keep: &[Mark]) -> Result<(), String> {
        let mut cotangents = std::mem::take(&mut recorder.cotangents);
        cotangents.clear();
        cotangents.resize(recorder.tape.len() - start, NOTHING);
        let machine = std::mem::take(&mut recorder.machine);
        let mut sweep = Sweep::<'_, RECORD> { recorder, start, cotangents, machine };
        let done = sweep.walk(seeds, keep);
        (sweep.recorder.cotangents, sweep.recorder.machine) = (sweep.cotangents, sweep.machine);
        done
    }

    fn walk(&mut self, seeds: Vec<(Mark, Value)>, keep: &[Mark]) -> Result<(), String> {
        for (mark, seed) in seeds {
            self.pass_on(mark, seed)?;
        }
        let (mut args, mut out) = (Vec::new(), Vec::new());
        for index in (self.start..self.start + self.cotangents.len()).rev() {
            let entry = self.recorder.tape.entries[index];
            let slot = &mut self.cotangents[index - self.start];
            if is_nothing(slot) {
                self.forget(entry);
                continue;
            }
            let mark = Mark(index as u32 + 1);
            let cotangent = if keep.contains(&mark) { slot.clone() } else { take(slot) };
            if entry.rule == ALIAS {
                self.pass_on(self.recorder.tape.links[entry.links as usize], cotangent)?;
                continue;
            }
            let rule = self.recorder.rules.rules[entry.rule as usize].clone();
            self.gather(&rule, entry, mark, cotangent, &mut args);
            let args = args.drain(..);
            let ran = if RECORD {
                rule.program.run_into(&mut self.machine, self.recorder, args, &mut out)
            } else {
                rule.program.run_into(&mut self.machine, &mut Plain, args, &mut out)
            };
            ran.map_err(|error| error.message)?;
            self.contribute(&rule, entry, &mut out)?;
        }
        Ok(())
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
    fn gather(&mut self, rule: &Rule, entry: Entry, mark: Mark, cotangent: Value, args: &mut Vec<Value>) {
        if rule.reads_cotangent {
            args.push(cotangent);
        }
        let (mut scalars, mut arrays) = (entry.scalars as usize, entry.arrays as usize);
        let tape = &mut self.recorder.tape;
        let mut read = |read: &Read, mark: Mark| {
            let mark = if RECORD { mark } else { Mark::NONE };
            if read.scalar {
                scalars += 1;
                return Value::F64(tape.scalars[scalars - 1], mark);
            }
            arrays += 1;
            let kept = &mut tape.arrays[arrays - 1];
            if RECORD { kept.clone().marked(mark) } else { take(kept) }
        };
        for operand in &rule.operands {
            let origin = operand.link.map_or(Mark::NONE, |link| tape.links[(entry.links + link) as usize]);
            args.push(read(operand, origin));
        }
        if let Some(result) = &rule.result {
            args.push(read(result, mark));
        }
        self.forget(entry);
    }

    /// Adds what a rule returned to the cotangents of the operands.
    #[inline]
    fn contribute(&mut self, rule: &Rule, entry: Entry, out: &mut Vec<Value>) -> Result<(), String> {
        let mut values = out.drain(..);
        for output in &rule.outputs {
            let first = values.next().expect("a value for each contribution");
            let second = (output.finish.arity() == 2).then(|| values.next().expect("both parts of a contribution"));
            let link = self.recorder.tape.links[(entry.links + output.link) as usize];
            let Some(i) = self.place(link) else { continue };
            let old = take(&mut self.cotangents[i]);
            self.cotangents[i] = self.sum(old, &output.finish, first, second)?;
        }
        Ok(())
    }

    /// Where the cotangent of a mark stands, if its entry is of this sweep.
    #[inline]
    fn place(&self, mark: Mark) -> Option<usize> {
        (mark.0 as usize).checked_sub(self.start + 1)
    }

    #[inline]
    fn sum(&mut self, old: Value, finish: &Finish, first: Value, second: Option<Value>) -> Result<Value, String> {
        match (finish, second) {
            (Finish::Add(add), _) => match (old, first) {
                (old, first) if is_nothing(&old) => Ok(first),
                (Value::F64(a, _), Value::F64(b, _)) if !RECORD => Ok(Value::f64(a + b)),
                (old, first) => self.prim(add, &mut [old, first]),
            },
            (Finish::Product { first: product, more }, Some(second)) => {
                if is_nothing(&old) {
                    self.prim(product, &mut [first, second])
                } else {
                    self.prim(more, &mut [first, second, old])
                }
            }
            (Finish::Element { zeros, add }, Some(second)) => {
                let old = if is_nothing(&old) { zeros.clone() } else { old };
                self.prim(add, &mut [old, first, second])
            }
            (Finish::Product { .. } | Finish::Element { .. }, None) => panic!("a contribution in two parts"),
        }
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
        if RECORD { self.recorder.prim(instr, args) } else { instr.eval(args) }
    }
}
