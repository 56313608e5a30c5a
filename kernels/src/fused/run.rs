//! The walk over the blocks of a space.
#![expect(unsafe_code, reason = "steps write to registers and results while they read others")]

use smallvec::SmallVec;

use super::plan::{Place, Source};
use super::program::{Elem, End, Layout, Output, Program, Scalar};
use super::steps::Block;
use super::sums::{RowSum, Total};
use crate::array::Array;
use crate::counts;
use crate::mode;

/// An operand of a program.
#[derive(Clone, Debug)]
pub enum Operand<'a> {
    /// A float.
    F64(f64),
    /// An integer.
    I64(i64),
    /// A truth value.
    Bool(bool),
    /// An array of floats.
    Array(&'a Array<f64>),
    /// An array of integers.
    Ints(&'a Array<i64>),
    /// An array of truth values.
    Bools(&'a Array<bool>),
    /// An array of floats that a result may be written over; see [`Program::donors`].
    Own(Array<f64>),
}

/// A result of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A float.
    F64(f64),
    /// An integer.
    I64(i64),
    /// A truth value.
    Bool(bool),
    /// An array of floats.
    Array(Array<f64>),
    /// An array of integers.
    Ints(Array<i64>),
    /// An array of truth values.
    Bools(Array<bool>),
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// Registers and partial sums, kept from run to run.
#[derive(Debug, Default)]
pub struct Scratch {
    registers: Vec<Line>,
    totals: Vec<Total>,
    row_sums: Vec<RowSum>,
}

type Pointers = SmallVec<[*mut u8; 24]>;

impl Operand<'_> {
    fn bytes(&self) -> usize {
        match self {
            Self::F64(_) | Self::I64(_) | Self::Bool(_) => 0,
            Self::Array(a) => a.bytes(),
            Self::Ints(a) => a.bytes(),
            Self::Bools(a) => a.bytes(),
            Self::Own(a) => a.bytes(),
        }
    }

    /// The first element.
    fn pointer(&mut self) -> *mut u8 {
        match self {
            Self::F64(x) => std::ptr::from_mut(x).cast(),
            Self::I64(x) => std::ptr::from_mut(x).cast(),
            Self::Bool(x) => std::ptr::from_mut(x).cast(),
            Self::Array(a) => a.as_slice().as_ptr().cast_mut().cast(),
            Self::Ints(a) => a.as_slice().as_ptr().cast_mut().cast(),
            Self::Bools(a) => a.as_slice().as_ptr().cast_mut().cast(),
            Self::Own(a) => a.make_mut().as_mut_ptr().cast(),
        }
    }
}

impl Outcome {
    fn pointer(&mut self) -> *mut u8 {
        match self {
            Self::F64(x) => std::ptr::from_mut(x).cast(),
            Self::I64(x) => std::ptr::from_mut(x).cast(),
            Self::Bool(x) => std::ptr::from_mut(x).cast(),
            Self::Array(a) => a.as_mut_ptr().cast(),
            Self::Ints(a) => a.as_mut_ptr().cast(),
            Self::Bools(a) => a.as_mut_ptr().cast(),
        }
    }
}

impl Program {
    /// For a result the operands that may be given as [`Operand::Own`] so that it is written over one of them.
    pub fn donors(&self, output: usize) -> &[u16] {
        &self.plan.donors[output]
    }

    /// The number of results.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Calls of plain kernels that one run counts.
    pub fn calls(&self) -> impl Iterator<Item = (crate::Kind, usize)> + '_ {
        self.calls.iter().copied()
    }

    /// Computes the results, in order. A result is written over the first of its donors that is still there as
    /// [`Operand::Own`].
    ///
    /// # Panics
    /// If the operands are not those the program was made for.
    pub fn run(&self, operands: &mut [Operand<'_>], scratch: &mut Scratch, mut result: impl FnMut(Outcome)) {
        assert_eq!(operands.len(), self.inputs, "operands of a fused kernel");
        if self.scalar {
            return self.run_scalar(operands, result);
        }
        self.check(operands);
        let compute = mode::enter_fused(|| self.record(operands));
        let mut outcomes: SmallVec<[Outcome; 4]> = SmallVec::new();
        let mut pointers: Pointers = operands.iter_mut().map(Operand::pointer).collect();
        for (i, (output, donors)) in self.outputs.iter().zip(&self.plan.donors).enumerate() {
            let elem = self.plan.places[usize::from(self.plan.ends[i])].elem;
            let donor = donors.iter().find(|&&d| matches!(operands[usize::from(d)], Operand::Own(_)));
            outcomes.push(match donor {
                Some(&d) => take_over(&mut operands[usize::from(d)], output),
                None if compute && output.end == End::Store => fresh(output, elem),
                None => zeros(output, elem),
            });
        }
        pointers.extend(outcomes.iter_mut().map(Outcome::pointer));
        if compute {
            self.walk(&pointers, scratch, &mut outcomes);
        }
        outcomes.into_iter().for_each(&mut result);
    }

    fn check(&self, operands: &[Operand<'_>]) {
        for place in &self.plan.places {
            let (Source::Input(i) | Source::Tiled(i, _)) = place.source else { continue };
            let (elem, len) = match &operands[usize::from(i)] {
                Operand::F64(_) => (Elem::F64, 1),
                Operand::I64(_) => (Elem::I64, 1),
                Operand::Bool(_) => (Elem::Bool, 1),
                Operand::Array(a) => (Elem::F64, a.len()),
                Operand::Ints(a) => (Elem::I64, a.len()),
                Operand::Bools(a) => (Elem::Bool, a.len()),
                Operand::Own(a) => (Elem::F64, a.len()),
            };
            let wanted = match place.layout {
                Layout::Scalar => 1,
                Layout::Row => self.columns,
                Layout::Column => self.rows,
                Layout::Full => self.rows * self.columns,
            };
            assert!(elem == place.elem && len == wanted, "operand {i} of a fused kernel");
        }
    }

    fn record(&self, operands: &[Operand<'_>]) -> counts::Work {
        let written = self.outputs.iter().zip(&self.plan.ends).map(|(output, &end)| {
            let elem = self.plan.places[usize::from(end)].elem;
            output.shape.iter().product::<usize>() * elem.size()
        });
        self.calls.iter().for_each(|&(kind, flops)| counts::record(kind, counts::Work { flops, read: 0, written: 0 }));
        let read = operands.iter().map(Operand::bytes).sum();
        counts::Work { flops: 0, read, written: written.sum() }
    }

    /// Where each place begins. `pointers` are of the operands and then of the results.
    fn bases(&self, pointers: &[*mut u8], registers: *mut u8) -> Pointers {
        let base = |place: &Place| match &place.source {
            Source::Input(i) => pointers[usize::from(*i)],
            Source::Output(i) => pointers[self.inputs + usize::from(*i)],
            Source::Constant(Scalar::F64(x)) => std::ptr::from_ref(x).cast_mut().cast(),
            Source::Constant(Scalar::I64(x)) => std::ptr::from_ref(x).cast_mut().cast(),
            Source::Constant(Scalar::Bool(x)) => std::ptr::from_ref(x).cast_mut().cast(),
            // SAFETY: the registers are as many bytes as the plan asks for.
            Source::Register(at) | Source::Tiled(_, at) => unsafe { registers.add(*at) },
        };
        self.plan.places.iter().map(base).collect()
    }

    fn walk(&self, pointers: &[*mut u8], scratch: &mut Scratch, outcomes: &mut [Outcome]) {
        let plan = &self.plan;
        scratch.prepare(self);
        let registers = scratch.registers.as_mut_ptr().cast::<u8>();
        let bases = self.bases(pointers, registers);
        self.tile(pointers, registers);
        let mut at = bases.clone();
        let mut row = 0;
        while row < plan.rows {
            let rows = plan.block_rows.min(plan.rows - row);
            let mut column = 0;
            while column < plan.columns {
                let columns = plan.block_columns.min(plan.columns - column);
                if row + column > 0 {
                    self.advance(&bases, row, column, &mut at);
                }
                let block = Block { at: &at, rows, columns };
                for op in &plan.ops {
                    // SAFETY: operands have the sizes that `check` saw, results those of the space, registers those of a
                    // block; the plan lets a step write over an operand only if it runs in place.
                    unsafe { block.step(op) };
                }
                self.sums(&at, rows * columns, column, column + columns == plan.columns, scratch);
                column += columns;
            }
            row += rows;
        }
        self.finish(scratch, outcomes);
    }

    /// Moves the places to the block that begins at a row and a column.
    fn advance(&self, bases: &[*mut u8], row: usize, column: usize, at: &mut [*mut u8]) {
        for ((place, &base), at) in self.plan.places.iter().zip(bases).zip(at) {
            if !matches!(place.source, Source::Input(_) | Source::Output(_)) {
                continue;
            }
            let elements = match place.layout {
                Layout::Scalar => 0,
                Layout::Row => column,
                Layout::Column => row,
                Layout::Full => row * self.plan.columns + column,
            };
            // SAFETY: the block lies inside the space, and so inside the operand or result.
            *at = unsafe { base.add(elements * place.elem.size()) };
        }
    }

    /// Lays operands with one element for each column out for every row of a block.
    fn tile(&self, pointers: &[*mut u8], registers: *mut u8) {
        for place in &self.plan.places {
            let Source::Tiled(input, at) = place.source else { continue };
            let bytes = self.columns * place.elem.size();
            for row in 0..self.plan.block_rows {
                // SAFETY: the operand has one element for each column, the register one for each place of a block.
                unsafe {
                    let to = registers.add(at + row * bytes);
                    pointers[usize::from(input)].copy_to_nonoverlapping(to, bytes);
                }
            }
        }
    }

    fn sums(&self, at: &[*mut u8], n: usize, column: usize, last: bool, scratch: &mut Scratch) {
        for (i, (output, &end)) in self.outputs.iter().zip(&self.plan.ends).enumerate() {
            if output.end == End::Store {
                continue;
            }
            // SAFETY: the place holds the elements of the block, and nothing writes now.
            let x = unsafe { std::slice::from_raw_parts(at[usize::from(end)].cast::<f64>(), n) };
            match output.end {
                End::SumAll => scratch.totals[i].add(x),
                End::SumRows => scratch.row_sums[i].add(x, column, last),
                End::Store => {}
            }
        }
    }

    fn finish(&self, scratch: &mut Scratch, outcomes: &mut [Outcome]) {
        for (i, (output, outcome)) in self.outputs.iter().zip(outcomes).enumerate() {
            match (output.end, outcome) {
                (End::Store, _) => {}
                (End::SumAll, Outcome::F64(sum)) => *sum = scratch.totals[i].finish(),
                (End::SumAll, Outcome::Array(sum)) => sum.make_mut()[0] = scratch.totals[i].finish(),
                (End::SumRows, Outcome::Array(sum)) => sum.make_mut().copy_from_slice(scratch.row_sums[i].finish()),
                (end, outcome) => panic!("{end:?} does not give {outcome:?}"),
            }
        }
    }
}

/// A buffer that the walk fills.
fn fresh(output: &Output, elem: Elem) -> Outcome {
    // SAFETY: every element is written before the array is read: the blocks tile the space.
    unsafe {
        match elem {
            Elem::F64 => Outcome::Array(Array::build(&output.shape, |_| {})),
            Elem::I64 => Outcome::Ints(Array::build(&output.shape, |_| {})),
            Elem::Bool => Outcome::Bools(Array::build(&output.shape, |_| {})),
        }
    }
}

fn zeros(output: &Output, elem: Elem) -> Outcome {
    match elem {
        Elem::F64 if output.end == End::SumAll && output.shape.is_empty() => Outcome::F64(0.0),
        Elem::F64 => Outcome::Array(Array::zeros(&output.shape)),
        Elem::I64 => Outcome::Ints(Array::zeros(&output.shape)),
        Elem::Bool => Outcome::Bools(Array::zeros(&output.shape)),
    }
}

/// An operand's buffer as that of a result.
fn take_over(operand: &mut Operand<'_>, output: &Output) -> Outcome {
    match std::mem::replace(operand, Operand::Bool(false)) {
        Operand::Own(array) if array.shape() == &*output.shape => Outcome::Array(array),
        Operand::Own(array) => Outcome::Array(array.reshape(&output.shape)),
        other => panic!("{other:?} is not given away"),
    }
}

impl Scratch {
    fn prepare(&mut self, program: &Program) {
        let lines = program.plan.registers.div_ceil(size_of::<Line>());
        if self.registers.len() < lines {
            self.registers.resize(lines, Line([0; 8]));
        }
        for (i, output) in program.outputs.iter().enumerate() {
            match output.end {
                End::Store => {}
                End::SumAll => {
                    self.totals.resize_with(self.totals.len().max(i + 1), Total::default);
                    self.totals[i].start();
                }
                End::SumRows => {
                    self.row_sums.resize_with(self.row_sums.len().max(i + 1), RowSum::default);
                    self.row_sums[i].start(program.rows, program.columns);
                }
            }
        }
    }
}
