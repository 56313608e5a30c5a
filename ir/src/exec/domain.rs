//! Domains: what applying a primitive means.

use std::fmt;

#[cfg(doc)]
use super::Executable;
use super::code::{PrimInstr, VjpInstr};
use super::run::Run;
use crate::prims::Args;
use crate::span::Span;
use crate::value::Value;

/// An error at run time: something that depends on data, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecError {
    /// Where in the source.
    pub span: Span,
    /// What happened.
    pub message: String,
    /// Where a limit was met that is not the program's: what would keep it within.
    pub help: Option<&'static str>,
}

impl ExecError {
    /// An error of the program.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    /// A limit that was met, and what would keep the program within it.
    pub fn limit(span: Span, message: impl Into<String>, help: &'static str) -> Self {
        Self { help: Some(help), ..Self::new(span, message) }
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExecError {}

/// An interpretation of primitives and of derivatives.
pub trait Domain {
    /// Whether a primitive is applied by computing its value and in no other way, so that another thread may do it.
    const COMPUTES: bool = false;

    /// Applies a primitive. Operands may be taken; arrays that nobody else holds may be reused.
    fn prim(&mut self, instr: &PrimInstr, args: &mut Args<'_>) -> Result<Value, String>;

    /// Applies the operations of a fused graph over single elements, by its number among [`Executable::regions`], one by one,
    /// and says that it did; its results are then asked for. Otherwise their values are computed, and nothing else happens.
    #[inline]
    fn region(&mut self, _region: usize, _args: &Args<'_>) -> Result<bool, String> {
        Ok(false)
    }

    /// A result of the region that was just applied.
    fn region_result(&mut self, _result: usize) -> Value {
        panic!("a region that this domain does not apply")
    }

    /// Differentiates a graph. `values` are the arguments of the graph and then the seeds; in their place
    /// it puts the items of the graph's result and then the cotangents. `run` runs graphs of the
    /// same executable.
    fn vjp(&mut self, run: &mut Run<'_>, instr: &VjpInstr, values: &mut Vec<Value>) -> Result<(), ExecError>;
}

/// Plain evaluation, for programs whose derivatives have been expanded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Domain for Plain {
    const COMPUTES: bool = true;

    #[inline]
    fn prim(&mut self, instr: &PrimInstr, args: &mut Args<'_>) -> Result<Value, String> {
        instr.eval(args)
    }

    fn vjp(&mut self, _run: &mut Run<'_>, instr: &VjpInstr, _values: &mut Vec<Value>) -> Result<(), ExecError> {
        panic!("a derivative of {} reached plain evaluation", instr.graph)
    }
}
