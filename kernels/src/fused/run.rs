//! The walk over the blocks of a space.
#![expect(unsafe_code, reason = "steps write to registers and results while they read others")]

use std::ops::Range;

use rayon::prelude::*;

use super::few::Lanes;
use super::plan::{Place, Plan, Source};
use super::program::{Elem, End, Layout, Mould, Program, Scalar};
use super::steps::Block;
use super::sums::{CHUNK, RowSum, Total};
use crate::array::{Array, Element, Elements};
use crate::counts;
use crate::mode;
use crate::reduce::ROWS;
use crate::threads::{self, PARALLEL_FROM};

/// An operand of a program: elements in row-major order.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A single element.
    Scalar(Scalar),
    /// Floats.
    Floats(&'a [f64]),
    /// Integers.
    Ints(&'a [i64]),
    /// Truth values.
    Bools(&'a [bool]),
}

/// A result of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A float.
    F64(f64),
    /// An array of floats.
    Array(Array<f64>),
    /// An array of integers.
    Ints(Array<i64>),
    /// An array of truth values.
    Bools(Array<bool>),
}

/// A result under way, of which the program knows the shape. Each is one word, so that it moves in registers: moved through
/// memory as a whole right after it was written in parts, it would wait for the parts to arrive there.
#[derive(Debug)]
enum Made {
    /// The bits of a float.
    Number(u64),
    Floats(Elements<f64>),
    Ints(Elements<i64>),
    Bools(Elements<bool>),
}

/// Where a program finds its operands.
pub trait Operands {
    /// An operand. It is not asked for what was given away.
    fn operand(&self, i: usize) -> Operand<'_>;

    /// An operand to be written over, if nobody else reads it; asked for [`Program::donors`], before any operand is read.
    fn give(&mut self, i: usize) -> Option<Elements<f64>>;
}

/// Where elements are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pointer(pub(super) *mut u8);

// SAFETY: an address. Whoever follows it says why that is right.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

const NOWHERE: Pointer = Pointer(std::ptr::null_mut());

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// What runs need, kept from run to run so that starting one allocates nothing but its results.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Places of a program over single elements.
    pub(super) bits: Vec<u64>,
    /// Places of a program over a few.
    lanes: Vec<Lanes>,
    /// Single elements among the operands.
    scalars: Vec<u64>,
    /// Of the operands and then of the results.
    pointers: Vec<Pointer>,
    results: Vec<Made>,
    work: Workspace,
}

/// What walking a part of a space needs.
#[derive(Debug, Default)]
struct Workspace {
    registers: Vec<Line>,
    /// By place: where it begins, and, if there are several blocks, where the one at hand does.
    bases: Vec<Pointer>,
    at: Vec<Pointer>,
    totals: Vec<Total>,
    row_sums: Vec<RowSum>,
}

/// A part of a space: whole rows, or a part of the only one.
#[derive(Clone, Debug)]
struct Part {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Scalar {
    /// Its bytes, the first ones of eight.
    fn bits(self) -> u64 {
        match self {
            Self::F64(x) => x.to_bits(),
            Self::I64(x) => x as u64,
            Self::Bool(x) => u64::from_ne_bytes([u8::from(x), 0, 0, 0, 0, 0, 0, 0]),
        }
    }
}

impl Operand<'_> {
    fn bytes(self) -> usize {
        match self {
            Self::Scalar(_) => 0,
            Self::Floats(a) => size_of_val(a),
            Self::Ints(a) => size_of_val(a),
            Self::Bools(a) => size_of_val(a),
        }
    }
}

impl Made {
    #[inline]
    fn pointer(&mut self) -> Pointer {
        Pointer(match self {
            Self::Number(x) => std::ptr::from_mut(x).cast(),
            Self::Floats(a) => a.as_mut_ptr().cast(),
            Self::Ints(a) => a.as_mut_ptr().cast(),
            Self::Bools(a) => a.as_mut_ptr().cast(),
        })
    }
}

impl Program {
    /// For a result the operands that it may be written over.
    pub fn donors(&self, output: usize) -> &[u16] {
        &self.plan.donors[output]
    }

    /// Lets results be written over these operands only.
    pub fn retain_donors(&mut self, keep: impl Fn(u16) -> bool) {
        self.plan.donors.iter_mut().for_each(|donors| donors.retain(|i| keep(*i)));
    }

    /// The number of results.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Element type and shape of a result.
    pub fn result(&self, output: usize) -> (Elem, &[usize]) {
        let mould = &self.moulds[output];
        (mould.elem, &mould.shape)
    }

    /// Calls of plain kernels that one run counts.
    pub fn calls(&self) -> impl Iterator<Item = (crate::Kind, usize)> + '_ {
        self.calls.iter().copied()
    }

    /// Takes a result of the last run, which was of this program.
    #[inline]
    pub fn take(&self, scratch: &mut Scratch, i: usize) -> Outcome {
        let shape = &self.moulds[i].shape;
        match std::mem::replace(&mut scratch.results[i], Made::Number(0)) {
            Made::Number(bits) => Outcome::F64(f64::from_bits(bits)),
            Made::Floats(a) => Outcome::Array(Array::shaped(shape, a)),
            Made::Ints(a) => Outcome::Ints(Array::shaped(shape, a)),
            Made::Bools(a) => Outcome::Bools(Array::shaped(shape, a)),
        }
    }

    /// Computes the results, which [`Program::take`] hands out. A result is written over the first of its donors that is
    /// given.
    ///
    /// # Panics
    /// If the operands are not those the program was made for.
    pub fn run(&self, operands: &mut impl Operands, scratch: &mut Scratch) {
        let compute = mode::enter_fused(|| self.record(operands)) || !self.floats;
        self.make_results(operands, compute, scratch);
        self.find(operands, scratch);
        match &self.few {
            _ if !compute => {}
            Some(few) => few.walk(&scratch.pointers, &mut scratch.lanes),
            None => self.walk(scratch),
        }
    }

    #[cold]
    fn record(&self, operands: &impl Operands) -> counts::Work {
        let written = self.moulds.iter().map(|mould| mould.len * mould.elem.size()).sum();
        self.calls.iter().for_each(|&(kind, flops)| counts::record(kind, counts::Work { flops, read: 0, written: 0 }));
        let read = (0..self.inputs.len()).map(|i| operands.operand(i).bytes()).sum();
        counts::Work { flops: 0, read, written }
    }

    /// Buffers for the results.
    #[inline]
    fn make_results(&self, operands: &mut impl Operands, compute: bool, scratch: &mut Scratch) {
        let Scratch { pointers, results, .. } = scratch;
        results.clear();
        pointers.clear();
        pointers.resize(self.inputs.len() + self.moulds.len(), NOWHERE);
        for (i, (mould, donors)) in self.moulds.iter().zip(&self.plan.donors).enumerate() {
            let given = donors.iter().find_map(|&d| Some((usize::from(d), operands.give(d.into())?)));
            let mut result = match given {
                Some((d, elements)) => {
                    self.check(d, Elem::F64, elements.as_slice().len());
                    assert!(elements.is_unique(), "operand {d} is given away and shared");
                    let mut result = Made::Floats(elements);
                    pointers[d] = result.pointer();
                    result
                }
                None if compute && mould.stored => unwritten(mould),
                None => zeros(mould),
            };
            pointers[self.inputs.len() + i] = result.pointer();
            results.push(result);
        }
    }

    /// Where the operands are. They stay there as long as `operands` is borrowed.
    #[inline]
    fn find(&self, operands: &impl Operands, scratch: &mut Scratch) {
        let Scratch { pointers, scalars, .. } = scratch;
        if scalars.len() < self.inputs.len() {
            scalars.resize(self.inputs.len(), 0);
        }
        let pointers = &mut pointers[..self.inputs.len()];
        for (i, (pointer, bits)) in pointers.iter_mut().zip(scalars).enumerate() {
            if pointer.0.is_null() {
                *pointer = match operands.operand(i) {
                    Operand::Scalar(x) => {
                        self.check(i, x.elem(), 1);
                        *bits = x.bits();
                        Pointer(std::ptr::from_mut(bits).cast())
                    }
                    Operand::Floats(a) => self.elements(i, Elem::F64, a),
                    Operand::Ints(a) => self.elements(i, Elem::I64, a),
                    Operand::Bools(a) => self.elements(i, Elem::Bool, a),
                };
            }
        }
    }

    #[inline]
    fn elements<T: Element>(&self, i: usize, elem: Elem, elements: &[T]) -> Pointer {
        self.check(i, elem, elements.len());
        Pointer(elements.as_ptr().cast_mut().cast())
    }

    #[inline]
    fn check(&self, i: usize, elem: Elem, len: usize) {
        assert!(self.inputs[i] == (elem, len), "operand {i} of a fused kernel");
    }

    /// Where each place begins.
    fn bases(&self, pointers: &[Pointer], registers: *mut u8, bases: &mut Vec<Pointer>) {
        let base = |place: &Place| match &place.source {
            Source::Input(i) => pointers[usize::from(*i)],
            Source::Output(i) => pointers[self.inputs.len() + usize::from(*i)],
            Source::Constant(Scalar::F64(x)) => Pointer(std::ptr::from_ref(x).cast_mut().cast()),
            Source::Constant(Scalar::I64(x)) => Pointer(std::ptr::from_ref(x).cast_mut().cast()),
            Source::Constant(Scalar::Bool(x)) => Pointer(std::ptr::from_ref(x).cast_mut().cast()),
            // SAFETY: the registers are as many bytes as the plan asks for.
            Source::Register(at) | Source::Tiled(_, at) => Pointer(unsafe { registers.add(*at) }),
        };
        bases.clear();
        bases.extend(self.plan.places.iter().map(base));
    }

    /// Walks over the space, on several threads if it is large and they are allowed.
    fn walk(&self, scratch: &mut Scratch) {
        let Scratch { pointers, results, work, .. } = scratch;
        if self.plan.single_block {
            work.start(self, self.rows, false);
            self.walk_block(pointers, work);
            return self.finish(work, results);
        }
        let parts = threads::pool(self.rows * self.columns, PARALLEL_FROM).zip(self.parts(threads::threads()));
        work.start(self, self.rows, false);
        match parts {
            None => self.walk_part(pointers, &self.whole(), work),
            Some((pool, parts)) => {
                let walked = |part: &Part| {
                    let mut work = Workspace::default();
                    work.start(self, part.rows.len(), true);
                    self.walk_part(pointers, part, &mut work);
                    work
                };
                let walked: Vec<Workspace> = pool.install(|| parts.par_iter().map(walked).collect());
                walked.into_iter().for_each(|part| work.absorb(self, part));
            }
        }
        self.finish(work, results);
    }

    fn whole(&self) -> Part {
        Part { rows: 0..self.plan.rows, columns: 0..self.plan.columns }
    }

    /// The space in parts that begin where a part of every sum does; `None` if there is only one.
    fn parts(&self, threads: usize) -> Option<Vec<Part>> {
        let Plan { rows, columns, .. } = self.plan;
        let ends = |end| self.outputs.iter().any(|o| o.end == end);
        let unit = if ends(End::SumAll) || rows == 1 { CHUNK } else { ROWS };
        let n = if rows == 1 { columns } else { rows };
        let size = n.div_ceil(threads).next_multiple_of(unit);
        if size >= n || rows == 1 && ends(End::SumRows) {
            return None;
        }
        let part = |start: usize| {
            let range = start..n.min(start + size);
            if rows == 1 { Part { columns: range, ..self.whole() } } else { Part { rows: range, ..self.whole() } }
        };
        Some((0..n).step_by(size).map(part).collect())
    }

    /// The whole space as one block.
    fn walk_block(&self, pointers: &[Pointer], work: &mut Workspace) {
        let Workspace { registers, bases, totals, row_sums, .. } = work;
        let registers = registers.as_mut_ptr().cast::<u8>();
        self.bases(pointers, registers, bases);
        if self.plan.tiles {
            self.tile(pointers, registers);
        }
        self.steps(&Block { at: bases, rows: self.plan.rows, columns: self.plan.columns });
        if self.sums {
            self.sums(&Block { at: bases, rows: self.plan.rows, columns: self.plan.columns }, 0, totals, row_sums);
        }
    }

    fn steps(&self, block: &Block<'_>) {
        for op in &self.plan.ops {
            // SAFETY: operands have the sizes that `check` saw, results those of the space, registers those of a
            // block; the plan lets a step write over an operand only if it runs in place. Parts do not overlap.
            unsafe { block.step(op) };
        }
    }

    fn walk_part(&self, pointers: &[Pointer], part: &Part, work: &mut Workspace) {
        let plan = &self.plan;
        let Workspace { registers, bases, at, totals, row_sums } = work;
        let registers = registers.as_mut_ptr().cast::<u8>();
        self.bases(pointers, registers, bases);
        if plan.tiles {
            self.tile(pointers, registers);
        }
        at.clear();
        at.extend_from_slice(bases);
        let mut row = part.rows.start;
        while row < part.rows.end {
            let rows = plan.block_rows.min(part.rows.end - row);
            let mut column = part.columns.start;
            while column < part.columns.end {
                let columns = plan.block_columns.min(part.columns.end - column);
                if row + column > 0 {
                    self.advance(bases, row, column, at);
                }
                let block = Block { at, rows, columns };
                self.steps(&block);
                self.sums(&block, column, totals, row_sums);
                column += columns;
            }
            row += rows;
        }
    }

    /// Moves the places to the block that begins at a row and a column.
    fn advance(&self, bases: &[Pointer], row: usize, column: usize, at: &mut [Pointer]) {
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
            at.0 = unsafe { base.0.add(elements * place.elem.size()) };
        }
    }

    /// Lays operands with one element for each column out for every row of a block.
    fn tile(&self, pointers: &[Pointer], registers: *mut u8) {
        for place in &self.plan.places {
            let Source::Tiled(input, at) = place.source else { continue };
            let bytes = self.columns * place.elem.size();
            for row in 0..self.plan.block_rows {
                // SAFETY: the operand has one element for each column, the register one for each place of a block.
                unsafe {
                    let to = registers.add(at + row * bytes);
                    pointers[usize::from(input)].0.copy_to_nonoverlapping(to, bytes);
                }
            }
        }
    }

    fn sums(&self, block: &Block<'_>, column: usize, totals: &mut [Total], row_sums: &mut [RowSum]) {
        let last = column + block.columns == self.plan.columns;
        for (i, (output, &end)) in self.outputs.iter().zip(&self.plan.ends).enumerate() {
            if output.end == End::Store {
                continue;
            }
            let at = block.at[usize::from(end)].0.cast::<f64>();
            // SAFETY: the place holds the elements of the block, and nothing writes now.
            let x = unsafe { std::slice::from_raw_parts(at, block.rows * block.columns) };
            match output.end {
                End::SumAll => totals[i].add(x),
                End::SumRows => row_sums[i].add(x, column, last),
                End::Store => {}
            }
        }
    }

    fn finish(&self, work: &mut Workspace, results: &mut [Made]) {
        if !self.sums {
            return;
        }
        for (i, (output, result)) in self.outputs.iter().zip(results).enumerate() {
            match (output.end, result) {
                (End::Store, _) => {}
                (End::SumAll, Made::Number(sum)) => *sum = work.totals[i].finish().to_bits(),
                (End::SumAll, Made::Floats(sum)) => sum.as_mut_slice()[0] = work.totals[i].finish(),
                (End::SumRows, Made::Floats(sum)) => sum.as_mut_slice().copy_from_slice(work.row_sums[i].finish()),
                (end, result) => panic!("{end:?} does not give {result:?}"),
            }
        }
    }
}

/// A buffer that the walk fills.
#[inline]
fn unwritten(mould: &Mould) -> Made {
    // SAFETY: every element is written before the array is read: the blocks tile the space.
    unsafe {
        match mould.elem {
            Elem::F64 => Made::Floats(Elements::unwritten(&mould.shape, mould.len)),
            Elem::I64 => Made::Ints(Elements::unwritten(&mould.shape, mould.len)),
            Elem::Bool => Made::Bools(Elements::unwritten(&mould.shape, mould.len)),
        }
    }
}

#[inline]
fn zeros(mould: &Mould) -> Made {
    match mould.elem {
        Elem::F64 if mould.number => Made::Number(0),
        Elem::F64 => Made::Floats(Elements::zeroed(&mould.shape, mould.len)),
        Elem::I64 => Made::Ints(Elements::zeroed(&mould.shape, mould.len)),
        Elem::Bool => Made::Bools(Elements::zeroed(&mould.shape, mould.len)),
    }
}

impl Workspace {
    /// Makes ready for a part of so many rows; `apart` if its sums are to be absorbed.
    fn start(&mut self, program: &Program, rows: usize, apart: bool) {
        let lines = program.plan.registers.div_ceil(size_of::<Line>());
        if self.registers.len() < lines {
            self.registers.resize(lines, Line([0; 8]));
        }
        if !program.sums {
            return;
        }
        for (i, output) in program.outputs.iter().enumerate() {
            match output.end {
                End::Store => {}
                End::SumAll => {
                    self.totals.resize_with(self.totals.len().max(i + 1), Total::default);
                    self.totals[i].start(apart);
                }
                End::SumRows => {
                    self.row_sums.resize_with(self.row_sums.len().max(i + 1), RowSum::default);
                    self.row_sums[i].start(rows, program.columns, apart);
                }
            }
        }
    }

    /// Adds the sums of the next part.
    fn absorb(&mut self, program: &Program, mut part: Workspace) {
        for (i, output) in program.outputs.iter().enumerate() {
            match output.end {
                End::Store => {}
                End::SumAll => self.totals[i].absorb(&mut part.totals[i]),
                End::SumRows => self.row_sums[i].absorb(&part.row_sums[i]),
            }
        }
    }
}
