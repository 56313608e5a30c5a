//! A program without derivatives, lowered and ready to run: what strategies that know the whole
//! program beforehand prepare. They know the memory that it needs as well: it is planned, and asked for before the first
//! run.

use adjudicate_ir::datum::Layout;
use adjudicate_ir::exec::{ExecError, Executable, Machine, MemoryPlan, Plain, Worth};
use adjudicate_ir::graph::Module;
use adjudicate_ir::program::{Program, Specialised};
use adjudicate_ir::span::{Diagnostic, SourceMap, Span};
use adjudicate_ir::value::Value;

use crate::kept::{Kept, Unparted};
use crate::{Facts, Prepared, RunError};

/// A lowered program.
#[derive(Debug)]
pub struct Compiled {
    executable: Executable,
    machine: Machine,
    plan: MemoryPlan,
    signature: Signature,
    unparted: Option<Unparted>,
    kept: Option<Kept>,
}

/// What a prepared program keeps of its request.
#[derive(Debug)]
pub(crate) struct Signature {
    output: Layout,
    fixed: Vec<(usize, i64)>,
    sources: SourceMap,
    /// Where the function of the request is.
    entry: Span,
}

impl Signature {
    /// The signature of a specialised request.
    pub(crate) fn new(program: &Program, specialised: &Specialised) -> Self {
        let entry = specialised.module.graph(specialised.module.entry).span;
        let (output, fixed) = (specialised.output.clone(), specialised.fixed.clone());
        Self { output, fixed, sources: program.sources.clone(), entry }
    }

    /// The layout of the result.
    pub(crate) fn output(&self) -> &Layout {
        &self.output
    }

    /// Whether the program holds for these arguments: integers that shapes need are part of it.
    pub(crate) fn check(&self, args: &[Value]) -> Result<(), RunError> {
        for &(leaf, value) in &self.fixed {
            match args.get(leaf) {
                Some(Value::I64(given)) if *given == value => {}
                other => {
                    let given = other.map_or("nothing".to_owned(), |v| format!("{v:?}"));
                    let message =
                        format!("a shape depends on an integer argument: this was prepared for {value}, not {given}");
                    return Err(self.error(Span::default(), message));
                }
            }
        }
        Ok(())
    }

    /// An error of the executor as one of the run. A limit that was met is worded as a refusal, which it would have been if
    /// the data were known before.
    pub(crate) fn run_error(&self, error: ExecError) -> RunError {
        let ExecError { span, message, help } = error;
        let Some(help) = help else { return self.error(span, message) };
        let (span, function) = self.sources.subject(&[span, self.entry]);
        let mut limit = self.error(span, format!("in {function}, {message}"));
        limit.diagnostic = limit.diagnostic.help(help);
        limit
    }

    fn error(&self, span: Span, message: String) -> RunError {
        RunError { diagnostic: Diagnostic::new(span, message), position: self.sources.position(span) }
    }
}

impl Compiled {
    /// Lowers a module that has no derivatives left, and has the memory at hand that it is planned to need.
    pub fn new(program: &Program, specialised: &Specialised, module: &Module) -> Self {
        Self::lowered(program, specialised, Executable::planned(module))
    }

    /// The same for several threads: what does not depend on each other, and is large enough, runs at once.
    pub(crate) fn parallel(program: &Program, specialised: &Specialised, module: &Module) -> Self {
        Self::lowered(program, specialised, Executable::parallel(module, Worth::default()))
    }

    fn lowered(program: &Program, specialised: &Specialised, (executable, plan): (Executable, MemoryPlan)) -> Self {
        plan.reserve();
        Self {
            executable,
            machine: Machine::new(),
            plan,
            signature: Signature::new(program, specialised),
            unparted: None,
            kept: None,
        }
    }

    /// With what it needs to find out how much it keeps for the backward pass.
    pub(crate) fn with_kept(self, unparted: Option<Unparted>) -> Self {
        Self { unparted, ..self }
    }
}

impl Prepared for Compiled {
    fn run(&mut self, args: &[Value]) -> Result<Vec<Value>, RunError> {
        self.signature.check(args)?;
        let result = self.executable.run_with(&mut self.machine, &mut Plain, args);
        result.map_err(|error| self.signature.run_error(error))
    }

    fn output(&self) -> &Layout {
        self.signature.output()
    }

    fn residual_bytes(&mut self, args: &[Value]) -> Result<Option<u64>, RunError> {
        if let Some(unparted) = self.unparted.take() {
            self.kept = unparted.kept(&self.signature.sources);
        }
        let bytes = self.kept.as_ref().map(|kept| kept.bytes(args)).transpose();
        bytes.map_err(|error| self.signature.run_error(error))
    }

    fn program(&self) -> Option<String> {
        Some(self.executable.text())
    }

    fn memory_plan(&self) -> Option<&MemoryPlan> {
        Some(&self.plan)
    }

    fn facts(&self) -> Facts {
        Facts { closures_made: Some(self.machine.closures_made()), ..Facts::default() }
    }
}
