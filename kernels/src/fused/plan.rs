//! What is decided before a program runs: the blocks, which operands are stretched, where every value is kept.
//!
//! A block is some whole rows or a part of one. Where it is several rows, an operand with one element for each row is
//! stretched over the block by a step of its own, and one with an element for each column is laid out once for all blocks;
//! where it is one row, the first is a single value and the second a slice. Without such operands rows do not matter and the
//! space is one row.

use smallvec::SmallVec;

use super::program::{Builder, Code, Elem, End, Layout, Origin, Scalar, Val, Value};
use super::{BLOCK, MAX_ROW};

/// A place that steps read and write: an index into [`Plan::places`].
pub(super) type PlaceId = u16;

/// Where a value is while the program runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    /// An operand of the program.
    Input(u16),
    Constant(Scalar),
    /// A register: an offset in bytes.
    Register(usize),
    /// An operand with one element for each column laid out for every row of a block, in a register.
    Tiled(u16, usize),
    /// The buffer of a result.
    Output(u16),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) source: Source,
    pub(super) elem: Elem,
    pub(super) layout: Layout,
}

/// A step over places. `wide` ones have a lane for each place of the block, the others one for each row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) code: Code,
    pub(super) args: [PlaceId; 3],
    pub(super) count: u8,
    pub(super) dst: PlaceId,
    pub(super) wide: bool,
    /// By operand: whether it is one value for the whole block.
    pub(super) splat: [bool; 3],
    /// Of a stretching step: whether the operand has one element for each row of the block.
    pub(super) by_row: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Rows and columns as they are walked.
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) block_rows: usize,
    pub(super) block_columns: usize,
    pub(super) places: Vec<Place>,
    pub(super) ops: Vec<Op>,
    /// By output: the place whose elements it sums; for stored ones the place that is written.
    pub(super) ends: Vec<PlaceId>,
    /// By output: operands whose buffers it may be written over.
    pub(super) donors: Vec<SmallVec<[u16; 2]>>,
    /// Bytes of registers.
    pub(super) registers: usize,
    /// Whether the space is one block.
    pub(super) single_block: bool,
    /// Whether operands are laid out for every row of a block.
    pub(super) tiles: bool,
}

impl Plan {
    pub(super) fn new(b: &Builder) -> Self {
        let (rows, columns, block_rows, block_columns) = blocks(b);
        let lanes = block_rows * block_columns;
        let mut planner = Planner {
            b,
            several: block_rows > 1,
            register: lanes.next_multiple_of(64) * 8 + 128,
            places: Vec::new(),
            ops: Vec::new(),
            of: vec![None; b.values.len()],
            stretched: vec![None; b.values.len()],
            ends: Vec::new(),
            registers: 0,
        };
        planner.steps();
        let donors = planner.donors();
        planner.assign_registers();
        let Planner { places, ops, ends, registers, .. } = planner;
        let single_block = (rows, columns) == (block_rows, block_columns);
        let tiles = places.iter().any(|place| matches!(place.source, Source::Tiled(..)));
        Self { rows, columns, block_rows, block_columns, places, ops, ends, donors, registers, single_block, tiles }
    }
}

/// Rows and columns of the space as it is walked, and of a block.
fn blocks(b: &Builder) -> (usize, usize, usize, usize) {
    let reduces = b.steps.iter().any(|s| matches!(s.code, Code::Reduce(_)));
    let by_rows = b.outputs.iter().any(|o| o.end == End::SumRows)
        || b.values.iter().any(|v| matches!(v.layout, Layout::Row | Layout::Column));
    if !by_rows {
        let n = b.rows * b.columns;
        return (1, n, 1, n.min(BLOCK));
    }
    assert!(!reduces || b.columns <= MAX_ROW, "rows of {} elements are too long to be reduced", b.columns);
    let fitting = (BLOCK / b.columns).max(1);
    // Four rows are summed at once.
    let fitting = if fitting > 4 { fitting & !3 } else { fitting };
    let block_columns = if reduces { b.columns } else { b.columns.min(BLOCK) };
    (b.rows, b.columns, fitting.min(b.rows), block_columns)
}

struct Planner<'b> {
    b: &'b Builder,
    /// Whether a block is several rows.
    several: bool,
    /// Bytes of one register.
    register: usize,
    places: Vec<Place>,
    ops: Vec<Op>,
    /// The place of each value.
    of: Vec<Option<PlaceId>>,
    /// The place of each value with one element per row, stretched over the block.
    stretched: Vec<Option<PlaceId>>,
    ends: Vec<PlaceId>,
    registers: usize,
}

/// A register that is not chosen yet.
const UNASSIGNED: Source = Source::Register(usize::MAX);

impl Planner<'_> {
    fn place(&mut self, source: Source, elem: Elem, layout: Layout) -> PlaceId {
        self.places.push(Place { source, elem, layout });
        PlaceId::try_from(self.places.len() - 1).expect("fewer than 65536 places")
    }

    fn steps(&mut self) {
        for step in &self.b.steps {
            let Value { elem, layout, .. } = self.b.values[step.dst.index()];
            let wide = layout == Layout::Full || matches!(step.code, Code::Reduce(_));
            let whole = matches!(step.code, Code::Reduce(_));
            if let (Code::Stretch(_), true) = (step.code, wide) {
                let dst = self.result(step.dst, elem, layout);
                self.stretch_into(step.args[0], dst);
                continue;
            }
            let args: SmallVec<[(PlaceId, bool); 3]> = step.args.iter().map(|&a| self.read(a, wide, whole)).collect();
            let dst = self.result(step.dst, elem, layout);
            self.op(step.code, &args, dst, wide);
        }
        for output in &self.b.outputs {
            let end = match output.end {
                End::Store => self.of[output.value.index()].expect("a step"),
                End::SumRows | End::SumAll => self.read(output.value, true, true).0,
            };
            self.ends.push(end);
        }
    }

    /// A place for the result of a step.
    fn result(&mut self, value: Val, elem: Elem, layout: Layout) -> PlaceId {
        let output = self.b.outputs.iter().position(|o| o.end == End::Store && o.value == value);
        let place = self.place(output.map_or(UNASSIGNED, |o| Source::Output(o as u16)), elem, layout);
        self.of[value.index()] = Some(place);
        place
    }
    fn op(&mut self, code: Code, args: &[(PlaceId, bool)], dst: PlaceId, wide: bool) {
        let mut op = Op { code, args: [0; 3], count: args.len() as u8, dst, wide, splat: [false; 3], by_row: false };
        for (i, &(place, splat)) in args.iter().enumerate() {
            (op.args[i], op.splat[i]) = (place, splat);
        }
        self.ops.push(op);
    }

    /// Where a step finds an operand, and whether that is one value for the whole block. `whole` steps need a lane for each
    /// place.
    fn read(&mut self, value: Val, wide: bool, whole: bool) -> (PlaceId, bool) {
        let Value { elem, layout, .. } = self.b.values[value.index()];
        let place = self.base(value);
        match layout {
            Layout::Full | Layout::Row => (place, false),
            Layout::Scalar if !whole => (place, true),
            Layout::Column if !wide => (place, false),
            Layout::Column if !self.several && !whole => (place, true),
            Layout::Scalar | Layout::Column => (self.stretch(value, elem), false),
        }
    }

    fn base(&mut self, value: Val) -> PlaceId {
        if let Some(place) = self.of[value.index()] {
            return place;
        }
        let Value { elem, layout, origin } = self.b.values[value.index()];
        let source = match origin {
            Origin::Input(i) if layout == Layout::Row && self.several => Source::Tiled(i, self.take_register()),
            Origin::Input(i) => Source::Input(i),
            Origin::Constant(scalar) => Source::Constant(scalar),
            Origin::Step => panic!("a step reads a value before it is made"),
        };
        let place = self.place(source, elem, layout);
        self.of[value.index()] = Some(place);
        place
    }

    fn take_register(&mut self) -> usize {
        self.registers += self.register;
        self.registers - self.register
    }

    fn stretch(&mut self, value: Val, elem: Elem) -> PlaceId {
        if let Some(place) = self.stretched[value.index()] {
            return place;
        }
        let place = self.place(UNASSIGNED, elem, Layout::Full);
        self.stretch_into(value, place);
        self.stretched[value.index()] = Some(place);
        place
    }

    fn stretch_into(&mut self, value: Val, dst: PlaceId) {
        let Value { elem, layout, .. } = self.b.values[value.index()];
        let from = self.base(value);
        let splat = layout == Layout::Scalar || layout == Layout::Column && !self.several;
        self.op(Code::Stretch(elem), &[(from, splat)], dst, true);
        self.ops.last_mut().expect("just pushed").by_row = layout == Layout::Column && self.several;
    }

    /// The last step that reads each place; sums at the end read last of all.
    fn last_reads(&self) -> Vec<usize> {
        let mut last = vec![0; self.places.len()];
        for (i, op) in self.ops.iter().enumerate() {
            op.args[..op.count.into()].iter().for_each(|&a| last[usize::from(a)] = i);
        }
        for (output, &place) in self.b.outputs.iter().zip(&self.ends) {
            if output.end != End::Store {
                last[usize::from(place)] = self.ops.len();
            }
        }
        last
    }

    /// A result may take over an operand of its element type and layout that no later step reads, if the step that writes
    /// it reads that operand in place or not at all.
    fn donors(&self) -> Vec<SmallVec<[u16; 2]>> {
        let last = self.last_reads();
        let fitting = |(output, &dst): (&super::program::Output, &PlaceId)| {
            let at = self.ops.iter().position(|op| op.dst == dst);
            let Some(at) = at.filter(|_| output.end == End::Store) else { return SmallVec::new() };
            let (op, made) = (&self.ops[at], self.places[usize::from(dst)]);
            let fits = |(i, place): (usize, &Place)| match place.source {
                Source::Input(input) if place.layout == Layout::Full && made.layout == Layout::Full => {
                    let twice = op.args[..op.count.into()].iter().filter(|&&a| usize::from(a) == i).count() > 1;
                    let free = last[i] < at || last[i] == at && op.code.in_place() && !twice;
                    (free && place.elem == Elem::F64 && made.elem == Elem::F64).then_some(input)
                }
                _ => None,
            };
            self.places.iter().enumerate().filter_map(fits).collect()
        };
        self.b.outputs.iter().zip(&self.ends).map(fitting).collect()
    }

    /// Registers for results of steps, reused as soon as the last step has read them.
    fn assign_registers(&mut self) {
        let last = self.last_reads();
        let mut free: Vec<usize> = Vec::new();
        for i in 0..self.ops.len() {
            let op = self.ops[i];
            let args = &op.args[..op.count.into()];
            let mut ending: SmallVec<[usize; 3]> = SmallVec::new();
            for (k, &a) in args.iter().enumerate() {
                if let Source::Register(at) = self.places[usize::from(a)].source
                    && last[usize::from(a)] == i
                    && !args[..k].contains(&a)
                {
                    ending.push(at);
                }
            }
            let distinct = args.iter().enumerate().all(|(k, a)| !args[..k].contains(a));
            let early = op.code.in_place() && distinct;
            if early {
                free.append(&mut ending.to_vec());
            }
            let dst = usize::from(op.dst);
            if self.places[dst].source == UNASSIGNED {
                let at = free.pop().unwrap_or_else(|| self.take_register());
                self.places[dst].source = Source::Register(at);
            }
            if !early {
                free.extend(ending);
            }
        }
    }
}
