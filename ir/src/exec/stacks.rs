//! Pushing and popping.
//!
//! Stacks mean the same in every domain: they hold what they are given, marks included. So they
//! change in their registers, items move between registers and columns, and no tuple is made of
//! a stack and its top.

use super::code::{Executable, Operand, Reg};
use super::machine::Machine;
use super::slots::{EMPTY, copy, put, take};
use crate::types::Type;
use crate::value::{Stack, Value};

impl Machine {
    /// Puts an item on a stack.
    #[inline]
    pub(super) fn push(&mut self, exe: &Executable, base: usize, [stack, item]: [Operand; 2], dst: Reg) {
        let mut stack = self.stack(exe, base, stack);
        if item.is_const() {
            stack.push(copy(&exe.consts[item.index()]));
        } else {
            let slot = &mut self.regs[base + item.index()];
            if stack.push_row(slot) {
                if item.is_last() {
                    *slot = EMPTY;
                }
                return self.put_stack(base, dst, stack);
            }
            stack.push(if item.is_last() { take(slot) } else { copy(slot) });
        }
        self.put_stack(base, dst, stack);
    }

    /// Takes the top off a stack: zero of its type if there is none.
    #[inline]
    pub(super) fn pop(&mut self, exe: &Executable, base: usize, stack: Operand, ty: &Type, [rest, top]: [Reg; 2]) {
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

fn of(value: &Value) -> &Stack {
    match value {
        Value::Stack(stack) => stack,
        other => panic!("a stack was expected, not {other:?}"),
    }
}
