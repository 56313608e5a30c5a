//! Which stacks of floats are pushed and popped together: they are the columns of one table.

use indexmap::IndexMap;
use smallvec::SmallVec;

use super::{Instr, Place, Scalars, StackId, TableSlot};
use crate::exec::code::Reg;

/// Stacks of floats while the program is built.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    /// How many there are.
    pub(super) stacks: usize,
    /// Those that are state, and the registers where they are outside.
    pub(super) states: Vec<(Reg, u16)>,
    /// Items of instructions that push and pop: the stack, and where the item is or goes.
    pub(super) items: Vec<(u16, Place)>,
}

/// The instructions that push a stack or pop it; `None` if it is used otherwise too.
type Uses = Option<Vec<usize>>;

impl Pushed {
    /// Lays out the tables, and makes items rows and stacks tables.
    pub(super) fn into_tables(self, made: &mut Scalars) {
        let mut together: IndexMap<Vec<usize>, Vec<u16>> = IndexMap::new();
        let mut tables: Vec<Vec<u16>> = Vec::new();
        for (stack, uses) in self.uses(made).into_iter().enumerate() {
            match uses {
                Some(uses) if !uses.is_empty() => together.entry(uses).or_default().push(stack as u16),
                _ => tables.push(vec![stack as u16]),
            }
        }
        tables.extend(together.into_values());
        let mut places = vec![(0, 0); self.stacks];
        for (table, columns) in tables.iter().enumerate() {
            columns.iter().enumerate().for_each(|(column, &stack)| places[usize::from(stack)] = (table as u16, column));
        }
        let outside = |stack: u16| self.states.iter().find(|(_, state)| *state == stack).map(|(reg, _)| *reg);
        made.tables.extend(tables.iter().map(|columns| TableSlot {
            width: columns.len(),
            regs: columns.iter().filter_map(|&stack| outside(stack)).collect(),
        }));
        let table_of = |stack: &mut StackId| {
            if let StackId::Floats(stack) = stack {
                *stack = places[usize::from(*stack)].0;
            }
        };
        made.shared.iter_mut().for_each(|(_, stack)| table_of(stack));
        let mut code = std::mem::take(&mut made.code);
        for instr in &mut code {
            match instr {
                Instr::Push { from, to } | Instr::Pop { from, to } => {
                    let items = &self.items[*from as usize..*to as usize];
                    *from = made.rows.len() as u32;
                    self.rows(items, &places, made);
                    *to = made.rows.len() as u32;
                }
                other => other.stacks().into_iter().for_each(table_of),
            }
        }
        made.code = code;
    }

    /// By stack how it is used. Only state is worth to be together with others.
    fn uses(&self, made: &mut Scalars) -> Vec<Uses> {
        let mut uses: Vec<Uses> = vec![None; self.stacks];
        self.states.iter().for_each(|(_, stack)| uses[usize::from(*stack)] = Some(Vec::new()));
        for (at, instr) in made.code.iter_mut().enumerate() {
            if let Instr::Push { from, to } | Instr::Pop { from, to } = *instr {
                for &(stack, _) in &self.items[from as usize..to as usize] {
                    let uses = &mut uses[usize::from(stack)];
                    let twice = uses.as_ref().is_some_and(|known| known.last() == Some(&at));
                    match uses {
                        Some(known) if !twice => known.push(at),
                        uses => *uses = None,
                    }
                }
            }
            for stack in instr.stacks() {
                if let StackId::Floats(stack) = *stack {
                    uses[usize::from(stack)] = None;
                }
            }
        }
        uses
    }

    /// Makes the items of an instruction rows. Each stack of a table of several occurs once.
    fn rows(&self, items: &[(u16, Place)], places: &[(u16, usize)], made: &mut Scalars) {
        let mut begun: IndexMap<u16, u32> = IndexMap::new();
        for &(stack, place) in items {
            let (table, column) = places[usize::from(stack)];
            let width = made.tables[usize::from(table)].width;
            let mut begin = || {
                let from = made.items.len() as u32;
                made.items.resize(made.items.len() + width, 0);
                made.rows.push((table, from));
                from
            };
            let from = if width == 1 { begin() } else { *begun.entry(table).or_insert_with(begin) };
            made.items[from as usize + column] = place;
        }
    }
}

impl Instr {
    /// The stacks that it names by themselves.
    fn stacks(&mut self) -> SmallVec<[&mut StackId; 2]> {
        match self {
            Instr::PushStack { item, .. } => SmallVec::from_iter([item]),
            Instr::PopStack { top, .. } => SmallVec::from_iter([top]),
            Instr::CopyStack { from, to, .. } => SmallVec::from_iter([from, to]),
            _ => SmallVec::new(),
        }
    }
}
