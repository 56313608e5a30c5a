//! From the tree of a loop to its program.

use adjudicate_kernels::fused::{Builder, Layout, Program, Singles, Val};
use rustc_hash::FxHashMap;

use super::tables::Pushed;
use super::{Instr, Place, Scalars, Slot, StackId};
use crate::exec::code::{self, Operand, PrimInstr, Reg};
use crate::exec::emit::opposite;
use crate::exec::fused::{At, Fused};
use crate::exec::registers::Allocation;
use crate::exec::tree::{Action, Block, Step};
use crate::fusion::{element, form};
use crate::prims::{INDEX, Prim};
use crate::span::Span;
use crate::types::{Elem, Type};
use crate::value::Value;

/// What a loop stands in.
#[derive(Clone, Copy)]
pub(in crate::exec) struct Around<'e> {
    pub(in crate::exec) prims: &'e [PrimInstr],
    pub(in crate::exec) fused: &'e [Fused],
    pub(in crate::exec) items: &'e [Type],
    pub(in crate::exec) consts: &'e [Value],
    pub(in crate::exec) allocation: &'e Allocation,
}

/// The program of a loop; `None` if it works on other things than scalars.
pub(in crate::exec) fn build(around: Around<'_>, step: &Step, span: Span) -> Option<Scalars> {
    let Step::Loop { fresh, states, ty, .. } = step else { return None };
    let mut kinds = FxHashMap::default();
    while find_stacks(around.items, step, &mut kinds) {}
    let mut building = Building {
        around,
        fresh: *fresh,
        kinds,
        places: FxHashMap::default(),
        constants: FxHashMap::default(),
        stacks: FxHashMap::default(),
        floats: Pushed::default(),
        label: 0,
        span,
        made: Scalars::default(),
    };
    for (&state, ty) in states.iter().zip(ty.as_tuple()?) {
        building.state(state, ty)?;
    }
    building.step(step)?;
    building.floats.into_tables(&mut building.made);
    Some(building.made)
}

/// The element type of a scalar.
fn scalar(ty: &Type) -> Option<Elem> {
    ty.as_tensor().filter(|(_, shape)| shape.is_empty()).map(|(elem, _)| elem)
}

/// Whether all items of a result are scalars or stacks.
fn fits(ty: &Type) -> bool {
    items(ty).iter().all(|ty| matches!(ty, Type::Stack(_)) || scalar(ty).is_some())
}

/// The items of a type, or the type.
fn items(ty: &Type) -> &[Type] {
    ty.as_tuple().unwrap_or(std::slice::from_ref(ty))
}

/// What a stack holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Floats,
    Other,
}

impl Kind {
    /// By the type of its items.
    fn of(item: &Type) -> Self {
        if item.is_scalar(Elem::F64) { Kind::Floats } else { Kind::Other }
    }

    /// Of a stack; `None` for other types.
    fn of_stack(ty: &Type) -> Option<Self> {
        if let Type::Stack(item) = ty { Some(Self::of(item)) } else { None }
    }
}

/// Finds registers that hold stacks; whether there were any that were not known.
fn find_stacks(types: &[Type], step: &Step, found: &mut FxHashMap<Reg, Kind>) -> bool {
    let typed = |regs: &[Reg], ty: &Type| -> Vec<(Reg, Option<Kind>)> {
        regs.iter().zip(items(ty)).map(|(&reg, ty)| (reg, Kind::of_stack(ty))).collect()
    };
    let (regs, blocks) = match step {
        Step::Do { action: Action::Push(ty), args, dsts, .. } => {
            let (item, kind) = (&types[*ty as usize], Some(Kind::of(&types[*ty as usize])));
            let regs = [(args[0].as_reg(), kind), (Some(dsts[0]), kind), (args[1].as_reg(), Kind::of_stack(item))];
            (regs.into_iter().filter_map(|(reg, kind)| Some((reg?, kind))).collect(), Vec::new())
        }
        Step::Do { action: Action::Pop(ty), args, dsts, .. } => {
            let (item, kind) = (&types[*ty as usize], Some(Kind::of(&types[*ty as usize])));
            let rest = args[0].as_reg().into_iter().chain([dsts[0]]).map(|reg| (reg, kind));
            (rest.chain([(dsts[1], Kind::of_stack(item))]).collect(), Vec::new())
        }
        Step::Do { action: Action::Move, args, dsts, .. } => {
            let regs: Vec<Reg> = args[0].as_reg().into_iter().chain([dsts[0]]).collect();
            let kind = regs.iter().find_map(|reg| found.get(reg)).copied();
            (regs.into_iter().map(|reg| (reg, kind)).collect(), Vec::new())
        }
        Step::Do { .. } | Step::Together { .. } => (Vec::new(), Vec::new()),
        Step::If { then, other, dsts, ty, .. } => (typed(dsts, ty), vec![then, other]),
        Step::Loop { test, body, states, ty, .. } => (typed(states, ty), vec![test, body]),
    };
    let known = found.len();
    found.extend(regs.into_iter().filter_map(|(reg, kind)| Some((reg, kind?))));
    let more = found.len() > known;
    let within = blocks.iter().flat_map(|block| &block.steps).filter(|step| find_stacks(types, step, found)).count();
    more || within > 0
}

struct Building<'e> {
    around: Around<'e>,
    /// Registers from here on were made inside.
    fresh: Reg,
    /// Registers that hold stacks.
    kinds: FxHashMap<Reg, Kind>,
    places: FxHashMap<Reg, Place>,
    constants: FxHashMap<u64, Place>,
    stacks: FxHashMap<Reg, StackId>,
    floats: Pushed,
    /// The last instruction that a jump leads to.
    label: u32,
    span: Span,
    made: Scalars,
}

/// The next number.
fn next(count: &mut usize) -> Option<u16> {
    *count += 1;
    u16::try_from(*count - 1).ok()
}

// Registers and constants.
impl Building<'_> {
    fn fresh(&mut self) -> Option<Place> {
        next(&mut self.made.places)
    }

    /// Finds a place for a state.
    fn state(&mut self, reg: Reg, ty: &Type) -> Option<()> {
        let outside = self.around.allocation.regs[reg.0 as usize];
        let slot = match Kind::of_stack(ty) {
            Some(kind) => {
                let stack = self.fresh_stack(kind)?;
                self.stacks.insert(reg, stack);
                match stack {
                    StackId::Floats(stack) => {
                        self.floats.states.push((outside, stack));
                        return Some(());
                    }
                    StackId::Other(stack) => Slot::Stack(stack),
                }
            }
            None => {
                let place = self.fresh()?;
                self.places.insert(reg, place);
                Slot::Scalar(scalar(ty)?, place)
            }
        };
        self.made.states.push((outside, slot));
        Some(())
    }

    /// The place of a scalar.
    fn place(&mut self, operand: Operand) -> Option<Place> {
        let Some(reg) = operand.as_reg() else { return self.constant(bits(&self.around.consts[operand.index()])?) };
        self.register(reg)
    }

    fn register(&mut self, reg: Reg) -> Option<Place> {
        if let Some(&place) = self.places.get(&reg) {
            return Some(place);
        }
        let place = self.fresh()?;
        self.places.insert(reg, place);
        if reg < self.fresh {
            self.made.reads.push((self.around.allocation.regs[reg.0 as usize], place));
        }
        Some(place)
    }

    fn constant(&mut self, bits: u64) -> Option<Place> {
        if let Some(&place) = self.constants.get(&bits) {
            return Some(place);
        }
        let place = self.fresh()?;
        self.made.constants.push((place, bits));
        self.constants.insert(bits, place);
        Some(place)
    }

    /// The stack that an operand is; an empty one that nothing is pushed on if that is a constant.
    fn stack(&mut self, operand: Operand, kind: Kind) -> Option<StackId> {
        let Some(reg) = operand.as_reg() else {
            let is_empty = matches!(&self.around.consts[operand.index()], Value::Stack(stack) if stack.is_empty());
            return self.fresh_stack(kind).filter(|_| is_empty);
        };
        if let Some(&stack) = self.stacks.get(&reg) {
            return Some(stack);
        }
        let stack = self.fresh_stack(kind)?;
        self.stacks.insert(reg, stack);
        if reg < self.fresh {
            self.made.shared.push((self.around.allocation.regs[reg.0 as usize], stack));
        }
        Some(stack)
    }

    fn fresh_stack(&mut self, kind: Kind) -> Option<StackId> {
        match kind {
            Kind::Floats => next(&mut self.floats.stacks).map(StackId::Floats),
            Kind::Other => next(&mut self.made.others).map(StackId::Other),
        }
    }
}

// Steps.
impl Building<'_> {
    fn push(&mut self, instr: Instr) -> usize {
        self.made.code.push(instr);
        self.made.spans.push(self.span);
        self.made.code.len() - 1
    }

    fn block(&mut self, block: &Block) -> Option<()> {
        block.steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Option<()> {
        match step {
            Step::Do { action, args, dsts, span, .. } => {
                self.span = *span;
                self.action(*action, args, dsts)
            }
            Step::Together { .. } => None,
            Step::If { cond, then, other, ty, .. } => {
                fits(ty).then_some(())?;
                let skip = self.unless(*cond)?;
                self.block(then)?;
                let past = self.push(Instr::Jump { to: u32::MAX });
                self.patch(skip);
                self.block(other)?;
                self.patch(past);
                Some(())
            }
            Step::Loop { test, cond, body, ty, .. } => {
                fits(ty).then_some(())?;
                let enter = self.push(Instr::Jump { to: u32::MAX });
                let head = self.made.code.len() as u32;
                self.label = head;
                self.block(body)?;
                self.patch(enter);
                self.block(test)?;
                self.again(*cond, test.steps.last(), head)
            }
        }
    }

    /// Goes back to the head of a loop if the last step of its test says so.
    fn again(&mut self, cond: Operand, test: Option<&Step>, head: u32) -> Option<()> {
        let alone = matches!(test, Some(Step::Do { action: Action::Prim(_), dsts, .. })
            if cond.is_last() && cond.as_reg() == dsts.first().copied());
        if let Some(&Instr::Compare { op, args, .. }) = self.made.code.last().filter(|_| alone) {
            self.made.code.pop();
            self.made.spans.pop();
            self.push(Instr::UnlessCompare { op: opposite(op), args, to: head });
            return Some(());
        }
        let skip = self.unless(cond)?;
        self.push(Instr::Jump { to: head });
        self.patch(skip);
        Some(())
    }

    fn unless(&mut self, cond: Operand) -> Option<usize> {
        let cond = self.place(cond)?;
        Some(self.push(Instr::Unless { cond, to: u32::MAX }))
    }

    /// The last instruction, if what comes next comes after it always.
    fn before(&mut self) -> Option<&mut Instr> {
        let here = self.made.code.len() as u32;
        self.made.code.last_mut().filter(|_| here > self.label)
    }

    /// Lets a jump go to what comes next.
    fn patch(&mut self, at: usize) {
        let here = self.made.code.len() as u32;
        self.label = here;
        match &mut self.made.code[at] {
            Instr::Jump { to } | Instr::Unless { to, .. } => *to = here,
            other => panic!("{other:?} is not a jump"),
        }
    }

    fn action(&mut self, action: Action, args: &[Operand], dsts: &[Reg]) -> Option<()> {
        match action {
            Action::Prim(site) => self.prim(site, args, dsts[0]),
            Action::Fused(program) => self.fused(&self.around.fused[program as usize], args, dsts),
            Action::Push(ty) => self.push_item(&self.around.items[ty as usize], args, dsts[0]),
            Action::Pop(ty) => self.pop_item(&self.around.items[ty as usize], args[0], dsts),
            Action::Move if let Some(&kind) = self.kinds.get(&dsts[0]) => {
                self.copy_stack(args[0], dsts[0], kind).map(drop)
            }
            Action::Move => {
                let (from, to) = (self.place(args[0])?, self.register(dsts[0])?);
                self.push(Instr::Copy { from, to });
                Some(())
            }
            Action::Tuple
            | Action::Get(_)
            | Action::Unpack
            | Action::Closure(_)
            | Action::Call { .. }
            | Action::Apply { .. }
            | Action::Vjp(_)
            | Action::Return => None,
        }
    }

    fn prim(&mut self, site: u32, args: &[Operand], dst: Reg) -> Option<()> {
        let prim = &self.around.prims[site as usize];
        scalar(&prim.ty)?;
        if std::ptr::eq(prim.def, &INDEX) {
            let (at, dst) = (self.place(args[1])?, self.register(dst)?);
            return self.load(args[0], at, dst, true);
        }
        prim.operands.iter().all(|ty| scalar(ty).is_some()).then_some(())?;
        let of_integers = prim.on_integers(0, dst);
        if of_integers.is_none()
            && let Some(program) = program(prim)
        {
            return self.steps(program.singles()?, Vec::new(), args, &[dst]);
        }
        let places: Vec<Place> = args.iter().map(|&arg| self.place(arg)).collect::<Option<_>>()?;
        let dst = self.register(dst)?;
        let instr = match (of_integers, &places[..]) {
            (Some(code::Instr::Int { op, .. }), &[x, y]) => Instr::Int { op, args: [x, y], dst },
            (Some(code::Instr::Compare { op, .. }), &[x, y]) => Instr::Compare { op, args: [x, y], dst },
            _ => {
                let from = self.made.args.len() as u32;
                self.made.args.extend(places);
                Instr::Prim { prim: site, args: from, dst }
            }
        };
        self.push(instr);
        Some(())
    }

    /// An element of an array at a place.
    fn load(&mut self, array: Operand, at: Place, dst: Place, read: bool) -> Option<()> {
        let outside = array.as_reg().is_none_or(|reg| reg < self.fresh && !self.places.contains_key(&reg));
        let array = array.renamed(|reg| self.around.allocation.regs[reg.0 as usize]);
        outside.then(|| self.push(Instr::Load { array, at, dst, read })).map(drop)
    }

    fn fused(&mut self, fused: &Fused, args: &[Operand], dsts: &[Reg]) -> Option<()> {
        let singles = fused.program.singles()?;
        let mut known = Vec::new();
        for (row, &array) in fused.rows.iter().zip(args) {
            let at = match row.place {
                At::Constant(i) => self.constant(i as u64)?,
                At::Operand(i) => self.place(args[i])?,
            };
            self.span = row.span;
            known.push(self.fresh()?);
            self.load(array, at, known[known.len() - 1], false)?;
        }
        self.steps(singles, known, &args[fused.rows.len()..singles.inputs()], dsts)
    }

    /// Arithmetic on operands, of which the first are known to be at these places.
    fn steps(&mut self, singles: &Singles, mut known: Vec<Place>, args: &[Operand], dsts: &[Reg]) -> Option<()> {
        for &arg in args {
            known.push(self.place(arg)?);
        }
        for &bits in singles.constants() {
            known.push(self.constant(bits)?);
        }
        let wanted: Vec<Place> = dsts.iter().map(|&dst| self.register(dst)).collect::<Option<_>>()?;
        let Scalars { steps, places, .. } = &mut self.made;
        let from = steps.len() as u32;
        let copies = singles.append(steps, &known, &wanted, || next(places))?;
        let end = steps.len() as u32;
        match self.before() {
            Some(Instr::Steps { to, .. }) => *to = end,
            _ => drop(self.push(Instr::Steps { from, to: end })),
        }
        for (from, to) in copies {
            self.push(Instr::Copy { from, to });
        }
        Some(())
    }

    /// A stack as another register's.
    fn copy_stack(&mut self, from: Operand, to: Reg, kind: Kind) -> Option<StackId> {
        let (stack, to) = (self.stack(from, kind)?, self.stack(Operand::reg(to), kind)?);
        if stack != to {
            self.push(Instr::CopyStack { from: stack, to, last: from.is_last() });
        }
        Some(to)
    }

    fn push_item(&mut self, ty: &Type, args: &[Operand], dst: Reg) -> Option<()> {
        if let Some(kind) = Kind::of_stack(ty) {
            let item = self.stack(args[1], kind)?;
            let StackId::Other(stack) = self.copy_stack(args[0], dst, Kind::of(ty))? else { return None };
            self.push(Instr::PushStack { stack, item, last: args[1].is_last() });
            return Some(());
        }
        let item = self.place(args[1])?;
        match self.copy_stack(args[0], dst, Kind::of(ty))? {
            StackId::Other(stack) => drop(self.push(Instr::PushOther { elem: scalar(ty)?, stack, item })),
            StackId::Floats(stack) => {
                let (from, end) = self.item(stack, item);
                match self.before() {
                    Some(Instr::Push { to, .. }) => *to = end,
                    _ => drop(self.push(Instr::Push { from, to: end })),
                }
            }
        }
        Some(())
    }

    fn pop_item(&mut self, ty: &Type, stack: Operand, dsts: &[Reg]) -> Option<()> {
        let stack = self.copy_stack(stack, dsts[0], Kind::of(ty))?;
        if let Some(kind) = Kind::of_stack(ty) {
            let (StackId::Other(stack), top) = (stack, self.stack(Operand::reg(dsts[1]), kind)?) else { return None };
            self.push(Instr::PopStack { stack, top });
            return Some(());
        }
        scalar(ty)?;
        let top = self.register(dsts[1])?;
        match stack {
            StackId::Other(stack) => drop(self.push(Instr::PopOther { stack, top })),
            StackId::Floats(stack) => {
                let (from, end) = self.item(stack, top);
                match self.before() {
                    Some(Instr::Pop { to, .. }) => *to = end,
                    _ => drop(self.push(Instr::Pop { from, to: end })),
                }
            }
        }
        Some(())
    }

    /// An item in the table: where it is and where it ends.
    fn item(&mut self, stack: u16, place: Place) -> (u32, u32) {
        let items = &mut self.floats.items;
        items.push((stack, place));
        (items.len() as u32 - 1, items.len() as u32)
    }
}

/// The program of a primitive on scalars that is arithmetic.
fn program(prim: &PrimInstr) -> Option<Program> {
    let operands: Vec<&Type> = prim.operands.iter().collect();
    let form = form(&Prim { def: prim.def, attrs: prim.attrs.clone() }, &operands, &prim.ty)?;
    let mut b = Builder::new(1, 1);
    let args: Vec<Val> =
        operands.iter().map(|ty| Some(b.input(element(ty)?, Layout::Scalar))).collect::<Option<_>>()?;
    let result = form.build(&mut b, &args, operands[0], 0);
    b.store(result, &[], false);
    Some(b.finish())
}

/// A scalar as bits.
pub(super) fn bits(value: &Value) -> Option<u64> {
    match value {
        Value::F64(x, _) => Some(x.to_bits()),
        Value::I64(n) => Some(*n as u64),
        Value::Bool(b) => Some(u64::from(*b)),
        _ => None,
    }
}
