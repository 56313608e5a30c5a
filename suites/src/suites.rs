//! The suites: a model file in Python, inputs from real data, and a baseline written by hand.
//!
//! A [`Suite`] names the derivatives that are asked of its model and the sizes at which they are
//! asked. Inputs depend on the size and a seed alone. A baseline takes the leaves of the same
//! arguments as a strategy does and returns the leaves of the same result, on the same kernels: it
//! is the line that every strategy is measured against.

mod buffers;
mod conv;
mod cube;
mod hessian;
mod hof;
mod hypergrad;
mod losses;
mod lstm;
mod mlp;
mod newton;
mod ode;
mod rnn;
mod rnn_batch;
mod tree;

use adjudicate_ir::datum::{Datum, Layout};
use adjudicate_ir::program::{Ask, Program, ProgramError, Request};
use adjudicate_ir::types::Type;
use adjudicate_ir::value::Value;

use crate::measure::contestant::RESTRUCTURED;
use crate::random::Random;

/// A model, its inputs and its baseline.
#[derive(Debug)]
pub struct Suite {
    /// The name in help, tables and files.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// The name of the model file.
    pub file: &'static str,
    /// The text of the model file. A function [`RESTRUCTURED`] in it takes the arguments of the entries and has their value;
    /// it is for strategies that refuse the entries.
    pub source: &'static str,
    /// What is asked of the model, in the order of tables.
    pub asks: &'static [Ask],
    /// Positions of the arguments to differentiate with respect to.
    pub wrt: &'static [usize],
    /// Sizes, smallest first.
    pub sizes: &'static [Size],
    /// The arguments of the entry at a size.
    pub inputs: fn(&Size, Random) -> Vec<Datum>,
    /// The baseline for an ask at a size, if there is one.
    pub handwritten: fn(Ask, &Size) -> Option<Handwritten>,
}

/// One size of a suite.
#[derive(Debug)]
pub struct Size {
    /// The name in tables and on the command line.
    pub name: &'static str,
    /// The function of the model file that is called.
    pub entry: &'static str,
    /// Extents; each suite documents its own.
    pub extents: &'static [usize],
}

/// A value or derivative written by hand: leaves of the arguments in, leaves of the result out.
/// Buffers live in the closure and are used again from call to call.
pub type Handwritten = Box<dyn FnMut(&[Value]) -> Vec<Value>>;

/// Every suite, in the order of help and tables.
pub const SUITES: &[&Suite] = &[
    &cube::CUBE,
    &mlp::MLP,
    &rnn::RNN,
    &rnn_batch::RNN_BATCH,
    &hessian::HESSIAN,
    &tree::TREE,
    &newton::NEWTON,
    &ode::ODE,
    &hof::HOF,
    &hypergrad::HYPERGRAD,
    &lstm::LSTM,
    &conv::CONV,
];

/// The suite of a name.
pub fn find(name: &str) -> Option<&'static Suite> {
    SUITES.iter().copied().find(|s| s.name == name)
}

impl Suite {
    /// The size of a name.
    pub fn size(&self, name: &str) -> Option<&'static Size> {
        self.sizes.iter().find(|s| s.name == name)
    }

    /// The parsed model file.
    pub fn program(&self) -> Result<Program, ProgramError> {
        Program::parse(self.file, self.source)
    }

    /// Whether the model file has a form for strategies that refuse the model as it is.
    pub fn is_restructured(&self) -> bool {
        self.program().is_ok_and(|program| program.functions().contains(&RESTRUCTURED))
    }

    /// The arguments of an ask: the inputs, followed by a vector for each `wrt` argument where the
    /// ask takes vectors.
    pub fn arguments(&self, ask: Ask, size: &Size, seed: u64) -> Vec<Datum> {
        let mut arguments = (self.inputs)(size, Random::new(seed, self.name));
        let mut random = Random::new(seed, "vectors");
        match ask {
            Ask::Jvp | Ask::Hvp => {
                let vectors: Vec<Datum> = self.wrt.iter().map(|&i| random.like(&arguments[i].layout())).collect();
                arguments.extend(vectors);
            }
            // The cotangent of a suite's scalar.
            Ask::Vjp => arguments.push(random.like(&Layout::Leaf(Type::f64()))),
            Ask::Value | Ask::Gradient | Ask::ValueAndGradient | Ask::Jacobian | Ask::Hessian => {}
        }
        arguments
    }

    /// The request for an ask at such arguments.
    pub fn request(&self, ask: Ask, size: &Size, arguments: &[Datum]) -> Request {
        Request::new(size.entry, ask, self.wrt, 1, arguments)
    }
}
