//! Pushing and popping.
//!
//! Stacks mean the same in every domain: they hold what they are given, marks included. So they
//! change in their registers, items move between registers and columns, and no tuple is made of
//! a stack and its top.

use super::code::{Executable, Operand, Reg};
use super::machine::Machine;
use super::slots::{EMPTY, copy, put, take};
use crate::types::Type;
use crate::value::{Mark, Stack, Value};

impl Machine {
    /// Puts an item on a stack.
    #[inline]
    pub(super) fn push(&mut self, exe: &Executable, base: usize, [stack, item]: [Operand; 2], dst: Reg) {
        if stays(stack, dst)
            && !item.is_const()
            && let Ok([Value::Stack(stack), slot]) =
                self.regs.get_disjoint_mut([base + stack.index(), base + item.index()])
        {
            return push(stack, slot, item.is_last());
        }
        let mut stack = self.stack(exe, base, stack);
        if item.is_const() {
            stack.push(copy(&exe.consts[item.index()]));
        } else {
            push(&mut stack, &mut self.regs[base + item.index()], item.is_last());
        }
        self.put_stack(base, dst, stack);
    }

    /// Takes the top off a stack: zero of its type if there is none.
    #[inline]
    pub(super) fn pop(&mut self, exe: &Executable, base: usize, stack: Operand, ty: &Type, [rest, top]: [Reg; 2]) {
        if stays(stack, rest)
            && let Ok([Value::Stack(stack), slot]) =
                self.regs.get_disjoint_mut([base + stack.index(), base + top.0 as usize])
        {
            return match stack.pop_float() {
                Some(x) => put(slot, Value::f64(x)),
                None => put(slot, stack.pop().unwrap_or_else(|| Value::zero(ty))),
            };
        }
        let mut stack = self.stack(exe, base, stack);
        let item = stack.pop().unwrap_or_else(|| Value::zero(ty));
        self.put_stack(base, rest, stack);
        put(&mut self.regs[base + top.0 as usize], item);
    }

    /// A stack to change. Moved out, it leaves an empty one behind, which owns nothing.
    #[inline]
    fn stack(&mut self, exe: &Executable, base: usize, operand: Operand) -> Stack {
        if operand.is_const() {
            return of(&exe.consts[operand.index()]).clone();
        }
        match &mut self.regs[base + operand.index()] {
            Value::Stack(stack) if operand.is_last() => std::mem::take(stack),
            shared => of(shared).clone(),
        }
    }

    #[inline]
    fn put_stack(&mut self, base: usize, dst: Reg, stack: Stack) {
        match &mut self.regs[base + dst.0 as usize] {
            Value::Stack(old) => *old = stack,
            other => *other = Value::Stack(stack),
        }
    }
}

/// Whether a stack is changed in its own register.
#[inline]
fn stays(stack: Operand, dst: Reg) -> bool {
    stack.is_last() && !stack.is_const() && stack.index() == dst.0 as usize
}

/// Puts what a register holds on a stack.
#[inline]
fn push(stack: &mut Stack, slot: &mut Value, last: bool) {
    if let Value::F64(x, Mark::NONE) = *slot {
        return stack.push_float(x);
    }
    if !stack.push_row(slot) {
        return stack.push(if last { take(slot) } else { copy(slot) });
    }
    if last {
        *slot = EMPTY;
    }
}

fn of(value: &Value) -> &Stack {
    match value {
        Value::Stack(stack) => stack,
        other => panic!("a stack was expected, not {other:?}"),
    }
}
