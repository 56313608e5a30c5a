//! Running loops over scalars.

use adjudicate_kernels::fused::{Places, Steps};
use adjudicate_kernels::{KernelError, index};

use super::build::bits;
use super::{Instr, Place, Scalars, Slot, StackId};
use crate::exec::code::{Executable, Reg};
use crate::exec::domain::ExecError;
use crate::exec::machine::Machine;
use crate::exec::slots::put;
use crate::prims::Args;
use crate::types::Elem;
use crate::value::{Stack, Table, Value};

/// Places and stacks, kept from run to run.
#[derive(Debug, Default)]
pub(in crate::exec) struct Storage {
    places: Vec<u64>,
    stacks: Stacks,
}

#[derive(Debug, Default)]
struct Stacks {
    tables: Vec<Table>,
    others: Vec<Stack>,
    /// Room that tables left behind when the last row was taken off.
    spare: Vec<Vec<f64>>,
}

/// Tables whose room is kept.
const MAX_SPARE: usize = 64;

impl Stacks {
    /// Ends a loop: nothing is left but room.
    fn clear(&mut self) {
        for mut table in self.tables.drain(..).filter(Table::is_empty) {
            let room = table.room();
            if room.capacity() > 0 && self.spare.len() < MAX_SPARE {
                self.spare.push(std::mem::take(room));
            }
        }
        self.others.clear();
    }

    /// Gives a table in which nothing is yet the room of another.
    fn make_room(&mut self, table: &mut Table) {
        if table.is_empty()
            && table.room().capacity() == 0
            && let Some(room) = self.spare.pop()
        {
            *table.room() = room;
        }
    }

    fn take(&mut self, stack: StackId) -> Stack {
        match stack {
            StackId::Floats(i) => self.tables[usize::from(i)].take_only(),
            StackId::Other(i) => std::mem::take(&mut self.others[usize::from(i)]),
        }
    }

    fn put(&mut self, to: StackId, stack: Stack) {
        match to {
            StackId::Floats(i) => self.tables[usize::from(i)].put_only(stack),
            StackId::Other(i) => self.others[usize::from(i)] = stack,
        }
    }

    /// A stack for another place; this one is left empty if it is not read afterwards.
    fn taken(&mut self, from: StackId, last: bool) -> Stack {
        match from {
            _ if last => self.take(from),
            StackId::Floats(i) => self.tables[usize::from(i)].clone().take_only(),
            StackId::Other(i) => self.others[usize::from(i)].clone(),
        }
    }
}

impl Machine {
    /// Runs a loop over scalars.
    pub(in crate::exec) fn scalars(&mut self, exe: &Executable, base: usize, program: u32) -> Result<(), ExecError> {
        let Self { regs, scalars: storage, .. } = self;
        let program = &exe.scalars[program as usize];
        let regs = &mut regs[base..];
        program.enter(regs, storage);
        program.run(exe, regs, storage)?;
        program.leave(regs, storage);
        Ok(())
    }
}

impl Scalars {
    fn enter(&self, regs: &mut [Value], Storage { places, stacks }: &mut Storage) {
        if places.len() < self.places.max(Steps::NEAR) {
            places.resize(self.places.max(Steps::NEAR), 0);
        }
        // An error may have left something.
        stacks.clear();
        stacks.others.resize(self.others, Stack::new());
        let scalar = |value: &Value| bits(value).unwrap_or_else(|| panic!("a scalar was expected, not {value:?}"));
        for &(place, constant) in &self.constants {
            places[usize::from(place)] = constant;
        }
        for &(Reg(reg), place) in &self.reads {
            places[usize::from(place)] = scalar(&regs[reg as usize]);
        }
        for columns in &self.tables {
            let mut table = match columns.regs.len() {
                0 => Table::new(columns.width),
                _ => Table::of(columns.regs.iter().map(|&Reg(reg)| take_stack(&mut regs[reg as usize]))),
            };
            stacks.make_room(&mut table);
            stacks.tables.push(table);
        }
        for &(Reg(reg), stack) in &self.shared {
            stacks.put(stack, stack_of(&regs[reg as usize]).clone());
        }
        for &(Reg(reg), slot) in &self.states {
            let from = &mut regs[reg as usize];
            match slot {
                Slot::Scalar(_, place) => places[usize::from(place)] = scalar(from),
                Slot::Stack(stack) => stacks.others[usize::from(stack)] = take_stack(from),
            }
        }
    }

    fn leave(&self, regs: &mut [Value], Storage { places, stacks }: &mut Storage) {
        for &(Reg(reg), slot) in &self.states {
            let value = match slot {
                Slot::Scalar(elem, place) => value(elem, places[usize::from(place)]),
                Slot::Stack(stack) => Value::Stack(std::mem::take(&mut stacks.others[usize::from(stack)])),
            };
            put(&mut regs[reg as usize], value);
        }
        for (table, columns) in
            stacks.tables.iter_mut().zip(&self.tables).filter(|(_, columns)| !columns.regs.is_empty())
        {
            table.take(|i, stack| put(&mut regs[columns.regs[i].0 as usize], Value::Stack(stack)));
        }
        stacks.clear();
    }

    fn run(&self, exe: &Executable, regs: &[Value], storage: &mut Storage) -> Result<(), ExecError> {
        let Storage { places, stacks } = storage;
        match places.first_chunk_mut::<{ Steps::NEAR }>().filter(|_| self.places <= Steps::NEAR) {
            Some(near) => self.run_on(exe, regs, near, stacks),
            None => self.run_on(exe, regs, &mut places[..], stacks),
        }
    }

    fn run_on<P: Places + ?Sized>(
        &self,
        exe: &Executable,
        regs: &[Value],
        places: &mut P,
        stacks: &mut Stacks,
    ) -> Result<(), ExecError> {
        let mut pc = 0;
        while let Some(&instr) = self.code.get(pc) {
            pc += 1;
            let failed = |message: String| ExecError::new(self.spans[pc - 1], message);
            let integer = |place: Place| places.get(place) as i64;
            match instr {
                Instr::Steps { from, to } => self.steps.run(from as usize..to as usize, places),
                Instr::Int { op, args: [x, y], dst } => {
                    let z = op.eval(integer(x), integer(y)).map_err(|e| failed(e.to_string()))?;
                    places.set(dst, z as u64);
                }
                Instr::Compare { op, args: [x, y], dst } => {
                    places.set(dst, u64::from(op.eval(integer(x), integer(y))));
                }
                Instr::Load { array, at, dst, read } => {
                    let from = if array.is_const() { &exe.consts } else { regs };
                    let element = load(&from[array.index()], integer(at), read).map_err(|e| failed(e.to_string()))?;
                    places.set(dst, element);
                }
                Instr::Prim { prim, args, dst } => {
                    let prim = &exe.prims[prim as usize];
                    let args = self.args[args as usize..].iter().zip(&prim.operands);
                    let operand = |(&place, ty): (&Place, &crate::types::Type)| {
                        value(ty.as_tensor().expect("a scalar").0, places.get(place))
                    };
                    let mut row: Vec<Value> = args.map(operand).collect();
                    let result = prim.eval(&mut Args::new(&mut row)).map_err(failed)?;
                    places.set(dst, bits(&result).expect("a scalar"));
                }
                Instr::Copy { from, to } => places.set(to, places.get(from)),
                Instr::Push { from, to } => {
                    for row in &self.rows[from as usize..to as usize] {
                        let (table, items) = self.row(row);
                        stacks.tables[table].push(items.iter().map(|&item| f64::from_bits(places.get(item))));
                    }
                }
                Instr::Pop { from, to } => {
                    for row in &self.rows[from as usize..to as usize] {
                        let (table, tops) = self.row(row);
                        stacks.tables[table].pop(|i, item| places.set(tops[i], item.to_bits()));
                    }
                }
                Instr::PushOther { elem, stack, item } => {
                    let item = value(elem, places.get(item));
                    stacks.others[usize::from(stack)].push(item);
                }
                Instr::PopOther { stack, top } => {
                    let item = stacks.others[usize::from(stack)].pop();
                    places.set(top, item.map_or(0, |item| bits(&item).expect("a scalar")));
                }
                Instr::PushStack { stack, item, last } => {
                    let item = stacks.taken(item, last);
                    stacks.others[usize::from(stack)].push(Value::Stack(item));
                }
                Instr::PopStack { stack, top } => {
                    let item = match stacks.others[usize::from(stack)].pop() {
                        Some(Value::Stack(item)) => item,
                        None => Stack::new(),
                        Some(other) => panic!("a stack was expected, not {other:?}"),
                    };
                    stacks.put(top, item);
                }
                Instr::CopyStack { from, to, last } => {
                    let stack = stacks.taken(from, last);
                    stacks.put(to, stack);
                }
                Instr::Jump { to } => pc = to as usize,
                Instr::Unless { cond, to } => {
                    if places.get(cond) == 0 {
                        pc = to as usize;
                    }
                }
                Instr::UnlessCompare { op, args: [x, y], to } => {
                    if !op.eval(integer(x), integer(y)) {
                        pc = to as usize;
                    }
                }
            }
        }
        Ok(())
    }

    /// The table of a row, and where its items are or go.
    #[inline(always)]
    fn row(&self, &(table, from): &(u16, u32)) -> (usize, &[Place]) {
        let table = usize::from(table);
        (table, &self.items[from as usize..][..self.tables[table].width])
    }
}

fn take_stack(value: &mut Value) -> Stack {
    match value {
        Value::Stack(stack) => std::mem::take(stack),
        other => panic!("a stack was expected, not {other:?}"),
    }
}

fn stack_of(value: &Value) -> &Stack {
    match value {
        Value::Stack(stack) => stack,
        other => panic!("a stack was expected, not {other:?}"),
    }
}

#[inline(always)]
fn value(elem: Elem, bits: u64) -> Value {
    match elem {
        Elem::F64 => Value::f64(f64::from_bits(bits)),
        Elem::I64 => Value::I64(bits as i64),
        Elem::Bool => Value::Bool(bits != 0),
    }
}

/// An element of an array of rank 1.
#[inline(always)]
fn load(array: &Value, at: i64, read: bool) -> Result<u64, KernelError> {
    macro_rules! element {
        ($a:expr, $bits:expr) => {
            if read { index::index_scalar($a, at) } else { index::row($a, at, 1).map(|at| $a.as_slice()[at]) }
                .map($bits)
        };
    }
    match array {
        Value::Array(a, _) => element!(a, f64::to_bits),
        Value::Ints(a) => element!(a, |n| n as u64),
        Value::Bools(a) => element!(a, u64::from),
        other => panic!("an array was expected, not {other:?}"),
    }
}
