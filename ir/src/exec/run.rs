//! Running a program from outside, and a graph of it from inside a domain.

use super::code::Executable;
use super::domain::{Domain, ExecError};
use super::machine::Machine;
use super::slots::{put, put_copy, put_moved};
use crate::graph::GraphId;
use crate::span::Span;
use crate::value::Value;

/// How deep derivatives may be nested at run time (each takes room on the host stack).
pub const MAX_NESTING: u32 = 200;

/// A running program, as a domain sees it.
#[derive(Debug)]
pub struct Run<'r> {
    pub(super) exe: &'r Executable,
    pub(super) machine: &'r mut Machine,
    /// The first free register.
    pub(super) base: usize,
    pub(super) span: Span,
}

impl Executable {
    /// Runs the entry; the items of its result, or its result if that is not a tuple.
    pub fn run<D: Domain>(
        &self,
        machine: &mut Machine,
        domain: &mut D,
        args: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Value>, ExecError> {
        place(machine.arguments(self), args);
        self.run_for_results(machine, domain)
    }

    /// As [`Executable::run`], for arguments that remain whose they are.
    pub fn run_with<D: Domain>(
        &self,
        machine: &mut Machine,
        domain: &mut D,
        args: &[Value],
    ) -> Result<Vec<Value>, ExecError> {
        let params = machine.arguments(self);
        assert_eq!(args.len(), params.len(), "as many arguments as parameters");
        params.iter_mut().zip(args).for_each(|(param, arg)| put_copy(param, arg));
        self.run_for_results(machine, domain)
    }

    fn run_for_results<D: Domain>(&self, machine: &mut Machine, domain: &mut D) -> Result<Vec<Value>, ExecError> {
        let results = self.run_placed(machine, domain)?;
        let mut all = Vec::with_capacity(results);
        machine.read_all(self, machine.returned.base, machine.returned.args, &mut all);
        Ok(all)
    }

    /// As [`Executable::run`], for arguments put where [`Machine::arguments`] says. The results, how
    /// many there are, are then asked for with [`Machine::result`].
    pub fn run_placed<D: Domain>(&self, machine: &mut Machine, domain: &mut D) -> Result<usize, ExecError> {
        (machine.nesting, machine.closures_made, machine.peak_frames) = (0, 0, 0);
        let function = self.function(self.entry).expect("a graph of the module");
        match machine.execute(self, domain, function.pc as usize, 0, 0) {
            Ok(returned) => {
                machine.returned = returned;
                Ok(returned.args.len as usize)
            }
            Err(error) => {
                machine.reset();
                Err(error)
            }
        }
    }
}

impl Run<'_> {
    /// Runs another graph of the same executable: the items of its result, or its result if that is
    /// not a tuple.
    pub fn call<D: Domain>(
        &mut self,
        domain: &mut D,
        graph: GraphId,
        args: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Value>, ExecError> {
        let mut values: Vec<Value> = args.into_iter().collect();
        self.replace(domain, graph, &mut values)?;
        Ok(values)
    }

    /// As [`Run::call`]; the results take the place of the arguments.
    pub fn replace<D: Domain>(
        &mut self,
        domain: &mut D,
        graph: GraphId,
        values: &mut Vec<Value>,
    ) -> Result<(), ExecError> {
        if self.machine.nesting >= MAX_NESTING {
            let message = format!("derivatives are nested more than {MAX_NESTING} deep while running");
            let help = "let the recursion that takes derivatives inside each other end sooner";
            return Err(ExecError::limit(self.span, message, help));
        }
        let function = self.exe.function(graph).expect("a graph of the module");
        self.machine.make_room(self.base, function);
        let params = &mut self.machine.regs[self.base..self.base + function.params as usize];
        assert_eq!(values.len(), params.len(), "as many arguments as parameters");
        params.iter_mut().zip(&mut *values).for_each(|(param, value)| put_moved(param, value));
        values.clear();
        let floor = self.machine.frames.len();
        self.machine.nesting += 1;
        let returned = self.machine.execute(self.exe, domain, function.pc as usize, self.base, floor);
        self.machine.nesting -= 1;
        let returned = returned?;
        self.machine.read_all(self.exe, returned.base, returned.args, values);
        Ok(())
    }

    /// How many derivatives the run is inside of.
    pub fn nesting(&self) -> u32 {
        self.machine.nesting
    }
}

/// Puts arguments into parameters, one for each.
#[inline]
fn place(params: &mut [Value], args: impl IntoIterator<Item = Value>) {
    let mut args = args.into_iter();
    for param in &mut *params {
        put(param, args.next().expect("as many arguments as parameters"));
    }
    assert!(args.next().is_none(), "as many arguments as parameters");
}

impl Machine {
    /// Where the arguments of a program's entry are put.
    #[inline]
    pub fn arguments(&mut self, exe: &Executable) -> &mut [Value] {
        let function = exe.function(exe.entry).expect("a graph of the module");
        self.make_room(0, function);
        &mut self.regs[..function.params as usize]
    }

    /// Takes a result of the last run, which was of this program. Each is taken once, in order.
    #[inline]
    pub fn result(&mut self, exe: &Executable, index: usize) -> Value {
        let operand = exe.operands[self.returned.args.range()][index];
        self.read(exe, self.returned.base, operand)
    }
}
