//! Steps as they are done on one number or on a few at a time: arithmetic has ways of its own, without calls.

use std::ops::Range;

use super::program::Code;
use crate::ops::{Binary, Unary};

/// A step: its places are indices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Which way it goes: operations that take no longer than finding out what is to be done have ways of their own.
    pub(super) way: u8,
    /// What is done on [`OTHERWISE`].
    pub(super) code: Code,
    pub(super) args: [u16; 3],
    pub(super) dst: u16,
}

impl Step {
    /// A group of dots.
    pub(super) fn dots(group: Range<usize>) -> Self {
        let at = |i: usize, half: u32| (i >> (16 * half)) as u16;
        let args = [at(group.start, 0), at(group.start, 1), at(group.len(), 0)];
        assert_eq!(usize::from(args[2]), group.len(), "fewer than 65536 dots in a group");
        Self { way: DOTS, code: Code::Not, args, dst: u16::MAX }
    }

    /// Which dots the group has.
    #[inline(always)]
    pub(super) fn group(&self) -> Range<usize> {
        let from = usize::from(self.args[0]) | usize::from(self.args[1]) << 16;
        from..from + usize::from(self.args[2])
    }
}

/// Sums, differences and products go in pairs too: the way of one of them after another is
/// `PAIRS + 6 * first + 2 * second + side`, where the first gives the left (0) or the right (1) operand of the second.
const ADD: u8 = 0;
const SUB: u8 = 1;
const MUL: u8 = 2;
const PAIRS: u8 = 3;
const DIV: u8 = 21;
const NEG: u8 = 22;
/// A group of dots, by [`Step::group`].
pub(super) const DOTS: u8 = u8::MAX - 1;
pub(super) const OTHERWISE: u8 = u8::MAX;

/// The way of an operation.
pub(super) fn way(code: Code) -> u8 {
    match code {
        Code::Binary(Binary::Add) => ADD,
        Code::Binary(Binary::Sub) => SUB,
        Code::Binary(Binary::Mul) => MUL,
        Code::Binary(Binary::Div) => DIV,
        Code::Unary(Unary::Neg) => NEG,
        _ => OTHERWISE,
    }
}

/// The operation that is a way, on so many lanes.
#[inline(always)]
pub(super) fn arithmetic<const WAY: u8, const LANES: usize>(x: [f64; LANES], y: [f64; LANES]) -> [f64; LANES] {
    let mut z = x;
    for i in 0..LANES {
        z[i] = match WAY {
            ADD => x[i] + y[i],
            SUB => x[i] - y[i],
            MUL => x[i] * y[i],
            DIV => x[i] / y[i],
            NEG => -x[i],
            _ => panic!("no operation has this way"),
        };
    }
    z
}

/// The two operations that are a way: that of x and y, and that of what it gives, as its left or its right operand, and z.
#[inline(always)]
pub(super) fn pair<const FIRST: u8, const SECOND: u8, const RIGHT: bool, const LANES: usize>(
    x: [f64; LANES],
    y: [f64; LANES],
    z: [f64; LANES],
) -> [f64; LANES] {
    let first = arithmetic::<FIRST, LANES>(x, y);
    if RIGHT { arithmetic::<SECOND, LANES>(z, first) } else { arithmetic::<SECOND, LANES>(first, z) }
}

/// What a step gives: on its operands, which `$float` reads, or otherwise.
macro_rules! step {
    ($way:expr, $float:expr, $otherwise:expr) => {
        $crate::fused::ways::step!(@ $way, $float, $otherwise; 0 1 2 21 22; 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)
    };
    (@ $way:expr, $float:expr, $otherwise:expr; $($one:literal)*; $($two:literal)*) => {
        match $way {
            $($one => $crate::fused::ways::arithmetic::<$one, _>($float(0), $float(1)),)*
            $($two => $crate::fused::ways::pair::<{ ($two - 3) / 6 }, { ($two - 3) / 2 % 3 }, { $two % 2 == 0 }, _>(
                $float(0), $float(1), $float(2)
            ),)*
            _ => $otherwise,
        }
    };
}
pub(super) use step;

/// Puts operations into pairs, where what the first gives is used once, by the second.
pub(super) fn paired(steps: impl Iterator<Item = Step>, uses: &[usize]) -> Vec<Step> {
    let mut made: Vec<Option<Step>> = Vec::new();
    let mut by: Vec<Option<usize>> = vec![None; uses.len()];
    for mut step in steps {
        for side in 0..2 {
            let at = usize::from(step.args[side]);
            let before = by[at].filter(|_| step.way < PAIRS && uses[at] == 1);
            if let Some(first) = before.and_then(|before| made[before].take_if(|first| first.way < PAIRS)) {
                let [x, y, _] = first.args;
                step.args = [x, y, step.args[1 - side]];
                step.way = PAIRS + first.way * 2 * PAIRS + step.way * 2 + side as u8;
            }
        }
        by[usize::from(step.dst)] = Some(made.len());
        made.push(Some(step));
    }
    made.into_iter().flatten().collect()
}
