//! What a fused kernel computes: values and steps, in order.

use smallvec::SmallVec;

use super::few::Few;
use super::plan::Plan;
use super::scalar::Singles;
use crate::ops::{Binary, Compare, IntBinary, IntUnary, Kind, Logic, Other, Reduce, Unary};

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Elem {
    /// 64-bit floats.
    F64,
    /// 64-bit integers.
    I64,
    /// Truth values.
    Bool,
}

impl Elem {
    /// The size of an element in bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::Bool => 1,
        }
    }
}

/// How a value lies in the space of rows × columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layout {
    /// One element, the same everywhere.
    Scalar,
    /// One element for each column, the same in every row.
    Row,
    /// One element for each row, the same in every column.
    Column,
    /// An element for each place.
    Full,
}

/// A constant of a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A float.
    F64(f64),
    /// An integer.
    I64(i64),
    /// A truth value.
    Bool(bool),
}

impl Scalar {
    pub(super) fn elem(self) -> Elem {
        match self {
            Self::F64(_) => Elem::F64,
            Self::I64(_) => Elem::I64,
            Self::Bool(_) => Elem::Bool,
        }
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// A function of one float.
    Unary(Unary),
    /// A function of two floats.
    Binary(Binary),
    /// A float to a small integer power, by multiplication.
    Power(i32),
    /// A function of one integer.
    IntUnary(IntUnary),
    /// A function of two integers that has a value everywhere.
    IntBinary(IntBinary),
    /// A comparison of numbers.
    Compare(Compare, Elem),
    /// A connective.
    Logic(Logic),
    /// Negation.
    Not,
    /// A choice by mask between two values.
    Select(Elem),
    /// From one element type to another.
    Cast(Elem, Elem),
    /// The value itself, stretched over the space.
    Stretch(Elem),
    /// A reduction of every row to one element.
    Reduce(Reduce),
}

impl Code {
    /// The element type of the result.
    pub(super) fn elem(self) -> Elem {
        match self {
            Self::Unary(_) | Self::Binary(_) | Self::Power(_) | Self::Reduce(_) => Elem::F64,
            Self::IntUnary(_) | Self::IntBinary(_) => Elem::I64,
            Self::Compare(..) | Self::Logic(_) | Self::Not => Elem::Bool,
            Self::Select(elem) | Self::Cast(_, elem) | Self::Stretch(elem) => elem,
        }
    }

    /// Whether the result may be written over an operand while the step runs.
    pub(super) fn in_place(self) -> bool {
        matches!(self, Self::Unary(_) | Self::Binary(_) | Self::Power(_))
    }

    /// The kind of the plain kernel, and whether it counts its elements as operations.
    fn kind(self) -> (Kind, bool) {
        match self {
            Self::Unary(op) => (Kind::Unary(op), true),
            Self::Binary(op) => (Kind::Binary(op), true),
            Self::Power(_) => (Kind::Binary(Binary::Pow), true),
            Self::IntUnary(op) => (Kind::IntUnary(op), true),
            Self::IntBinary(op) => (Kind::IntBinary(op), true),
            Self::Compare(op, _) => (Kind::Compare(op), true),
            Self::Logic(op) => (Kind::Logic(op), true),
            Self::Not => (Kind::Other(Other::Not), true),
            Self::Select(_) => (Kind::Other(Other::Select), true),
            Self::Cast(..) => (Kind::Other(Other::Cast), false),
            Self::Stretch(_) => (Kind::Other(Other::Broadcast), false),
            Self::Reduce(op) => (Kind::Reduce(op), true),
        }
    }
}

/// A value of a program under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Val(pub(super) u16);

impl Val {
    pub(super) fn index(self) -> usize {
        self.0.into()
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Origin {
    Input(u16),
    Constant(Scalar),
    Step,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) elem: Elem,
    pub(super) layout: Layout,
    pub(super) origin: Origin,
}

/// One step; its result is `dst`.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) code: Code,
    pub(super) args: SmallVec<[Val; 3]>,
    pub(super) dst: Val,
}

/// What becomes of a value in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is a result: of the whole space, or of one element for each row.
    Store,
    /// Its sum over the rows is.
    SumRows,
    /// The sum of all its elements is.
    SumAll,
}

#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) end: End,
    pub(super) value: Val,
    pub(super) shape: Box<[usize]>,
}

/// What a result is made of.
#[derive(Clone, Debug)]
pub(super) struct Mould {
    pub(super) elem: Elem,
    pub(super) shape: Box<[usize]>,
    pub(super) len: usize,
    /// Whether the walk writes every element. A sum is written at its end.
    pub(super) stored: bool,
    /// Whether it is a number by itself: a sum of everything.
    pub(super) number: bool,
}

impl Mould {
    fn new(plan: &Plan, outputs: &[Output], i: usize) -> Self {
        let Output { end, shape, .. } = &outputs[i];
        let elem = plan.places[usize::from(plan.ends[i])].elem;
        let (stored, number) = (*end == End::Store, *end == End::SumAll && shape.is_empty());
        Mould { elem, shape: shape.clone(), len: shape.iter().product(), stored, number }
    }
}

/// Makes programs.
#[derive(Debug)]
pub struct Builder {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<Value>,
    pub(super) steps: Vec<Step>,
    pub(super) outputs: Vec<Output>,
    pub(super) inputs: u16,
    pub(super) calls: Vec<(Kind, usize)>,
}

/// A fused kernel.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// By operand: its element type and how many elements it has.
    pub(super) inputs: Vec<(Elem, usize)>,
    /// How it runs if it works on single elements.
    pub(super) singles: Option<Singles>,
    /// How it runs if it does arithmetic on a few.
    pub(super) few: Option<Few>,
    pub(super) plan: Plan,
    pub(super) outputs: Vec<Output>,
    /// By result.
    pub(super) moulds: Vec<Mould>,
    /// Whether a result is a sum.
    pub(super) sums: bool,
    /// Whether an operand or a result is of floats.
    pub(super) floats: bool,
    /// Calls of plain kernels that it stands for, with their operations.
    pub(super) calls: Vec<(Kind, usize)>,
}

impl Builder {
    /// A program over a space. With one row and one column and results of rank 0 it works on single elements.
    ///
    /// # Panics
    /// If the space is empty.
    pub fn new(rows: usize, columns: usize) -> Self {
        assert!(rows * columns > 0, "a fused kernel over nothing");
        let (values, steps, outputs, calls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { rows, columns, values, steps, outputs, inputs: 0, calls }
    }

    fn value(&mut self, elem: Elem, layout: Layout, origin: Origin) -> Val {
        self.values.push(Value { elem, layout, origin });
        Val(u16::try_from(self.values.len() - 1).expect("fewer than 65536 values"))
    }

    /// The next operand.
    pub fn input(&mut self, elem: Elem, layout: Layout) -> Val {
        self.inputs += 1;
        self.value(elem, layout, Origin::Input(self.inputs - 1))
    }

    /// A constant.
    pub fn constant(&mut self, scalar: Scalar) -> Val {
        self.value(scalar.elem(), Layout::Scalar, Origin::Constant(scalar))
    }

    /// The result of a step. It stands for a plain kernel call on `elements` elements, or, if that is 0, for none.
    pub fn step(&mut self, code: Code, args: &[Val], elements: usize) -> Val {
        if elements > 0 {
            let (kind, counted) = code.kind();
            self.call(kind, if counted { elements } else { 0 });
        }
        let layout = match code {
            Code::Reduce(_) => Layout::Column,
            Code::Stretch(_) => Layout::Full,
            _ => self.common(args),
        };
        self.push(code, args, layout)
    }

    fn push(&mut self, code: Code, args: &[Val], layout: Layout) -> Val {
        let dst = self.value(code.elem(), layout, Origin::Step);
        self.steps.push(Step { code, args: SmallVec::from_slice(args), dst });
        dst
    }

    /// Notes a call of a plain kernel that needs no step.
    pub fn call(&mut self, kind: Kind, flops: usize) {
        self.calls.push((kind, flops));
    }

    /// How the result of an elementwise step lies: by rows if every operand does.
    fn common(&self, args: &[Val]) -> Layout {
        let lies = |layout| args.iter().any(|a| self.values[a.index()].layout == layout);
        if lies(Layout::Column) && !lies(Layout::Full) && !lies(Layout::Row) { Layout::Column } else { Layout::Full }
    }

    /// Makes a value a result: over the whole space, or one element for each row if `by_row`. What comes from outside, or
    /// is a result already, is copied.
    pub fn store(&mut self, value: Val, shape: &[usize], by_row: bool) {
        let Value { elem, origin, layout } = self.values[value.index()];
        let wanted = if by_row { Layout::Column } else { Layout::Full };
        let taken = self.outputs.iter().any(|o| o.end == End::Store && o.value == value);
        let own = origin == Origin::Step && layout == wanted && !taken;
        let value = if own { value } else { self.push(Code::Stretch(elem), &[value], wanted) };
        self.outputs.push(Output { end: End::Store, value, shape: shape.into() });
    }

    /// Makes the sum of a value of floats over the rows a result.
    pub fn sum_rows(&mut self, value: Val, shape: &[usize]) {
        self.sum(End::SumRows, value, shape);
    }

    /// Makes the sum of all elements of a value of floats a result.
    pub fn sum_all(&mut self, value: Val, shape: &[usize]) {
        self.sum(End::SumAll, value, shape);
    }

    fn sum(&mut self, end: End, value: Val, shape: &[usize]) {
        self.call(Kind::Reduce(Reduce::Sum), self.rows * self.columns);
        self.outputs.push(Output { end, value, shape: shape.into() });
    }

    /// The program.
    pub fn finish(self) -> Program {
        let plan = Plan::new(&self);
        let inputs: Vec<(Elem, usize)> = self.values.iter().filter_map(|v| self.extent(v)).collect();
        let Self { rows, columns, outputs, calls, .. } = self;
        let single = rows * columns == 1 && outputs.iter().all(|o| o.end == End::Store && o.shape.is_empty());
        let singles = single.then(|| Singles::new(&plan, inputs.len()));
        let stores = outputs.iter().all(|o| o.end == End::Store);
        let few = if single { None } else { Few::new(&plan, &inputs, stores) };
        let moulds: Vec<Mould> = (0..outputs.len()).map(|i| Mould::new(&plan, &outputs, i)).collect();
        let sums = outputs.iter().any(|o| o.end != End::Store);
        let mut elems = inputs.iter().map(|(elem, _)| *elem).chain(moulds.iter().map(|mould| mould.elem));
        let floats = elems.any(|elem| elem == Elem::F64);
        Program { rows, columns, inputs, singles, few, plan, outputs, moulds, sums, floats, calls }
    }

    /// Element type and number of elements of an operand.
    fn extent(&self, value: &Value) -> Option<(Elem, usize)> {
        let Origin::Input(_) = value.origin else { return None };
        let len = match value.layout {
            Layout::Scalar => 1,
            Layout::Row => self.columns,
            Layout::Column => self.rows,
            Layout::Full => self.rows * self.columns,
        };
        Some((value.elem, len))
    }
}
