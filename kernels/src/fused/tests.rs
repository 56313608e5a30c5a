//! Programs against the plain kernels, one after the other.

use super::*;
use crate::ops::{Binary, Compare, Kind, Logic, Reduce, Unary};
use crate::{Arg, Array, Elements, counts, threads};

/// Operands that lie in a list; those that are marked are given away.
struct List(Vec<(Option<Item>, bool)>);

#[derive(Clone)]
enum Item {
    Scalar(Scalar),
    Array(Array<f64>),
    Bools(Array<bool>),
}

impl Operands for List {
    fn operand(&self, i: usize) -> Operand<'_> {
        match self.0[i].0.as_ref().expect("an operand that was not given away") {
            Item::Scalar(x) => Operand::Scalar(*x),
            Item::Array(a) => Operand::Floats(a.as_slice()),
            Item::Bools(a) => Operand::Bools(a.as_slice()),
        }
    }

    fn give(&mut self, i: usize) -> Option<Elements<f64>> {
        let (item, given) = &mut self.0[i];
        if !*given {
            return None;
        }
        if let Some(Item::Array(a)) = item.take() {
            Some(a.into_elements())
        } else {
            panic!("operand {i} cannot be written over")
        }
    }
}

fn kept(items: impl IntoIterator<Item = Item>) -> List {
    List(items.into_iter().map(|item| (Some(item), false)).collect())
}

fn run(program: &Program, mut operands: List, scratch: &mut Scratch) -> Vec<Outcome> {
    program.run(&mut operands, scratch);
    (0..program.outputs()).map(|i| program.take(scratch, i)).collect()
}

fn floats(shape: &[usize], seed: u64) -> Array<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    Array::collect(shape, (0..shape.iter().product()).map(next))
}

/// Spaces of one block and of several, of short rows and long ones, with ends that fill no block.
const SPACES: [(usize, usize); 9] =
    [(2, 1), (3, 5), (64, 10), (32, 64), (70, 33), (200, 7), (3, 700), (1030, 3), (130, 1025)];

/// `exp(x·row + column) − s`: the product, the result, its sums over rows and over everything, and the row maxima.
fn layouts(rows: usize, columns: usize) -> Program {
    let mut b = Builder::new(rows, columns);
    let [x, row, column, s] =
        [Layout::Full, Layout::Row, Layout::Column, Layout::Scalar].map(|layout| b.input(Elem::F64, layout));
    let n = rows * columns;
    let product = b.step(Code::Binary(Binary::Mul), &[x, row], n);
    let sum = b.step(Code::Binary(Binary::Add), &[product, column], n);
    let exp = b.step(Code::Unary(Unary::Exp), &[sum], n);
    let y = b.step(Code::Binary(Binary::Sub), &[exp, s], n);
    let max = b.step(Code::Reduce(Reduce::Max), &[y], n);
    b.store(product, &[rows, columns], false);
    b.store(y, &[rows, columns], false);
    b.sum_rows(y, &[columns]);
    b.sum_all(y, &[]);
    b.store(max, &[rows], true);
    b.finish()
}

fn layouts_plainly(x: &Array<f64>, row: &Array<f64>, column: &Array<f64>, s: f64) -> Vec<Outcome> {
    let column = column.reshape(&[column.len(), 1]);
    let product = crate::binary(Binary::Mul, x.into(), row.into());
    let sum = crate::binary(Binary::Add, (&product).into(), (&column).into());
    let y = crate::binary(Binary::Sub, (&crate::unary(Unary::Exp, &sum)).into(), Arg::Scalar(s));
    let reduce = |op, axes: &[usize]| crate::reduce::reduce(op, &y, axes).expect("elements");
    let (by_rows, all, max) = (reduce(Reduce::Sum, &[0]), reduce(Reduce::Sum, &[0, 1]), reduce(Reduce::Max, &[1]));
    let all = Outcome::F64(all.item());
    vec![Outcome::Array(product), Outcome::Array(y), Outcome::Array(by_rows), all, Outcome::Array(max)]
}

fn layouts_agree(rows: usize, columns: usize, scratch: &mut Scratch) {
    let [x, row, column] = [&[rows, columns][..], &[columns], &[rows]].map(|shape| floats(shape, columns as u64));
    let program = layouts(rows, columns);
    let wanted = layouts_plainly(&x, &row, &column, 0.25);
    let operands = || {
        let arrays = [&x, &row, &column].map(|a| Item::Array(a.clone()));
        kept(arrays.into_iter().chain([Item::Scalar(Scalar::F64(0.25))]))
    };
    assert_eq!(run(&program, operands(), scratch), wanted, "{rows} × {columns}");
}

#[test]
fn programs_are_the_plain_kernels_to_the_bit() {
    let mut scratch = Scratch::default();
    for (rows, columns) in SPACES {
        layouts_agree(rows, columns, &mut scratch);
    }
}

#[test]
fn results_take_over_what_is_given_and_nothing_else() {
    let mut b = Builder::new(1, 600);
    let [x, y] = [(); 2].map(|()| b.input(Elem::F64, Layout::Full));
    let sum = b.step(Code::Binary(Binary::Add), &[x, y], 600);
    let square = b.step(Code::Unary(Unary::Square), &[sum], 600);
    b.store(square, &[20, 30], false);
    let mut program = b.finish();
    assert_eq!(program.donors(0), [0, 1]);
    let (x, y) = (floats(&[600], 1), floats(&[600], 2));
    let wanted = crate::unary(Unary::Square, &crate::binary(Binary::Add, (&x).into(), (&y).into())).reshape(&[20, 30]);
    let mut scratch = Scratch::default();
    for given in [[false, false], [true, false], [false, true], [true, true]] {
        let copies = [&x, &y].map(|a| Array::from_slice(a.shape(), a.as_slice()));
        let from = copies.each_ref().map(|a| a.as_slice().as_ptr());
        let items = copies.into_iter().zip(given).map(|(a, given)| (Some(Item::Array(a)), given));
        let results = run(&program, List(items.collect()), &mut scratch);
        let [Outcome::Array(found)] = &results[..] else { panic!("{results:?}") };
        assert_eq!(found, &wanted);
        let at = found.as_slice().as_ptr();
        assert_eq!(given.iter().position(|&g| g), from.iter().position(|&p| p == at), "{given:?}");
    }
    program.retain_donors(|i| i == 1);
    assert_eq!(program.donors(0), [1]);
}

#[test]
fn threads_change_no_bit_of_any_result() {
    let mut scratch = Scratch::default();
    let spaces = [(2000, 70), (140_000, 1), (3000, 48), (2, 70_000 / 20), (50, 3000)];
    for on in [2, 3] {
        threads::set_threads(on);
        spaces.iter().for_each(|&(rows, columns)| layouts_agree(rows, columns, &mut scratch));
        threads::set_threads(1);
    }
}

#[test]
fn a_long_row_is_split_over_threads_with_its_sum() {
    let n = 200_003;
    let mut b = Builder::new(1, n);
    let x = b.input(Elem::F64, Layout::Full);
    let y = b.step(Code::Unary(Unary::Sin), &[x], n);
    b.store(y, &[n], false);
    b.sum_all(y, &[1]);
    let program = b.finish();
    let x = floats(&[n], 7);
    let y = crate::unary(Unary::Sin, &x);
    let sum = crate::reduce::reduce(Reduce::Sum, &y, &[0]).expect("elements").reshape(&[1]);
    for on in [1, 2, 5] {
        threads::set_threads(on);
        let results = run(&program, kept([Item::Array(x.clone())]), &mut Scratch::default());
        threads::set_threads(1);
        assert_eq!(results, [Outcome::Array(y.clone()), Outcome::Array(sum.clone())], "{on} threads");
    }
}

#[test]
fn masks_choose_by_element() {
    let mut b = Builder::new(1, 70);
    let (mask, x) = (b.input(Elem::Bool, Layout::Full), b.input(Elem::F64, Layout::Full));
    let zero = b.constant(Scalar::F64(0.0));
    let above = b.step(Code::Compare(Compare::Gt, Elem::F64), &[x, zero], 70);
    let both = b.step(Code::Logic(Logic::And), &[mask, above], 70);
    let chosen = b.step(Code::Select(Elem::F64), &[both, x, zero], 70);
    b.store(both, &[70], false);
    b.store(chosen, &[70], false);
    let program = b.finish();
    let x = floats(&[70], 3);
    let mask = Array::collect(&[70], (0..70).map(|i| i % 3 != 0));
    let both: Vec<bool> = x.as_slice().iter().zip(mask.as_slice()).map(|(&x, &m)| m && x > 0.0).collect();
    let chosen = x.as_slice().iter().zip(&both).map(|(&x, &b)| if b { x } else { 0.0 });
    let wanted =
        [Outcome::Bools(Array::from_slice(&[70], &both)), Outcome::Array(Array::collect(&[70], chosen.into_iter()))];
    let (found, counted) =
        counts::measure(|| run(&program, kept([Item::Bools(mask), Item::Array(x)]), &mut Scratch::default()));
    assert_eq!(found, wanted);
    assert_eq!((counted.fused_kernels, counted.calls(Kind::Compare(Compare::Gt))), (1, 1));
    assert_eq!((counted.bytes_read, counted.bytes_written), (9 * 70, 9 * 70));
}

#[test]
fn single_elements_need_no_arrays() {
    let mut b = Builder::new(1, 1);
    let x = b.input(Elem::F64, Layout::Scalar);
    let n = b.input(Elem::I64, Layout::Scalar);
    let unused = b.input(Elem::Bool, Layout::Scalar);
    let two = b.constant(Scalar::F64(2.0));
    let float = b.step(Code::Cast(Elem::I64, Elem::F64), &[n], 0);
    let product = b.step(Code::Binary(Binary::Mul), &[x, float], 0);
    let more = b.step(Code::Compare(Compare::Gt, Elem::F64), &[product, two], 0);
    let chosen = b.step(Code::Select(Elem::F64), &[more, two, product], 0);
    b.store(chosen, &[], false);
    b.store(more, &[], false);
    b.store(n, &[], false);
    let program = b.finish();
    assert!(program.is_scalar());
    let _ = unused;
    let mut scratch = Scratch::default();
    for (x, wanted, above) in [(0.5, 1.5, false), (4.0, 2.0, true)] {
        let operands = [Scalar::F64(x), Scalar::I64(3), Scalar::Bool(true)];
        program.run_scalars(&mut scratch, |i| operands[i]);
        let found: Vec<Scalar> = program.scalars(&scratch).collect();
        assert_eq!(found, [Scalar::F64(wanted), Scalar::Bool(above), Scalar::I64(3)]);
    }
}

/// Each operation alone and after each other, on either side, whether or not what the first gives is used again.
#[test]
fn operations_on_single_elements_in_pairs() {
    const ARITHMETIC: [Binary; 4] = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div];
    let special = [0.0, -0.0, 1.5, -3.25e-300, 7e300, f64::INFINITY, f64::NAN];
    let mut scratch = Scratch::default();
    for (first, second, right, again) in ARITHMETIC.iter().flat_map(|&first| {
        let sides = [(false, false), (true, false), (false, true), (true, true)];
        ARITHMETIC.iter().flat_map(move |&second| sides.map(|(right, again)| (first, second, right, again)))
    }) {
        let mut b = Builder::new(1, 1);
        let [x, y, z] = std::array::from_fn(|_| b.input(Elem::F64, Layout::Scalar));
        let inner = b.step(Code::Binary(first), &[x, y], 0);
        let args = if right { [z, inner] } else { [inner, z] };
        let outer = b.step(Code::Binary(second), &args, 0);
        b.store(outer, &[], false);
        if again {
            b.store(inner, &[], false);
        }
        let program = b.finish();
        for [x, y, z] in special.iter().flat_map(|&x| special.map(|y| [x, y, 0.7 * y - x])) {
            let operands = [x, y, z];
            program.run_scalars(&mut scratch, |i| Scalar::F64(operands[i]));
            let inner = first.eval(x, y);
            let outer = if right { second.eval(z, inner) } else { second.eval(inner, z) };
            let wanted = [outer, inner];
            for (found, wanted) in program.scalars(&scratch).zip(wanted) {
                let Scalar::F64(found) = found else { panic!("a float") };
                let same = found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan();
                assert!(same, "{first:?} {second:?} {right} {again}: {found} is not {wanted}");
            }
        }
    }
}

/// An operand that no step reads is not touched, whatever it is.
#[test]
fn operands_that_nobody_reads_are_left_alone() {
    let mut b = Builder::new(2, 4);
    let x = b.input(Elem::F64, Layout::Full);
    b.input(Elem::Bool, Layout::Full);
    b.input(Elem::F64, Layout::Row);
    let doubled = b.step(Code::Binary(Binary::Add), &[x, x], 8);
    b.store(doubled, &[2, 4], false);
    let program = b.finish();
    assert!(program.few.as_ref().is_some_and(|few| few.reads() == [0]));
    let x = floats(&[2, 4], 1);
    let operands =
        kept([Item::Array(x.clone()), Item::Bools(Array::full(&[2, 4], true)), Item::Array(floats(&[4], 2))]);
    let wanted = Array::from_vec(&[2, 4], x.as_slice().iter().map(|x| x + x).collect());
    assert_eq!(run(&program, operands, &mut Scratch::default()), [Outcome::Array(wanted)]);
}

/// Arithmetic over few elements, over as many as are done step by step, and in place.
#[test]
fn arithmetic_over_a_few_elements() {
    let program = |n: usize| {
        let mut b = Builder::new(1, n);
        let [x, y] = std::array::from_fn(|_| b.input(Elem::F64, Layout::Full));
        let z = b.input(Elem::F64, Layout::Scalar);
        let half = b.constant(Scalar::F64(0.5));
        let sum = b.step(Code::Binary(Binary::Add), &[x, z], n);
        let scaled = b.step(Code::Binary(Binary::Mul), &[half, sum], n);
        let quotient = b.step(Code::Binary(Binary::Div), &[scaled, y], n);
        let minus = b.step(Code::Unary(Unary::Neg), &[quotient], n);
        let last = b.step(Code::Binary(Binary::Sub), &[x, minus], n);
        b.store(scaled, &[n], false);
        b.store(last, &[n], false);
        b.finish()
    };
    crate::simd::tests::on_every_isa(|_| {
        let mut scratch = Scratch::default();
        for (n, given) in (2..20).chain([63, 64, 65, 130]).flat_map(|n| [(n, false), (n, true)]) {
            let (x, y, z) = (floats(&[n], 1), floats(&[n], 2), 0.3);
            let at = |i: usize| (x.as_slice()[i], y.as_slice()[i]);
            let scaled = (0..n).map(|i| 0.5 * (at(i).0 + z)).collect();
            let last = (0..n).map(|i| at(i).0 - -(0.5 * (at(i).0 + z) / at(i).1)).collect();
            let wanted = [scaled, last].map(|all| Outcome::Array(Array::from_vec(&[n], all)));
            let own = |a: &Array<f64>| (Some(Item::Array(Array::from_slice(&[n], a.as_slice()))), given);
            let program = program(n);
            assert_eq!(program.few.is_some(), n <= 64);
            let mut operands = List(vec![own(&x), own(&y), (Some(Item::Scalar(Scalar::F64(z))), false)]);
            program.run(&mut operands, &mut scratch);
            assert_eq!([0, 1].map(|i| program.take(&mut scratch, i)), wanted, "{n} {given}");
        }
    });
}

#[test]
#[should_panic(expected = "operand 1 of a fused kernel")]
fn operands_must_be_those_of_the_program() {
    let [x, row, column] = [&[4, 3][..], &[4], &[4]].map(|shape| Item::Array(floats(shape, 1)));
    let operands = kept([x, row, column, Item::Scalar(Scalar::F64(0.0))]);
    run(&layouts(4, 3), operands, &mut Scratch::default());
}

/// A program of so many sums, differences, products and negations of what came before, some of them read by steps of other
/// kinds, and how its results come out one operation after another.
struct Straight {
    program: Program,
    operations: Vec<(Code, [usize; 2])>,
    results: Vec<usize>,
}

const OPERANDS: usize = 4;

fn straight(length: usize, seed: usize) -> Straight {
    let mut state = seed as u64 + 1;
    let mut below = |n: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) as usize % n
    };
    let mut b = Builder::new(1, 1);
    let mut values: Vec<Val> = (0..OPERANDS).map(|_| b.input(Elem::F64, Layout::Scalar)).collect();
    let mut operations = Vec::new();
    for _ in 0..length {
        let linear = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Mul].map(Code::Binary);
        let code = match below(12) {
            0 => Code::Unary(Unary::Abs),
            1 => Code::Binary(Binary::Div),
            2 | 3 => Code::Unary(Unary::Neg),
            i => linear[i % 4],
        };
        // Mostly what was just made, so that much is read once.
        let recent = values.len().min(3);
        let mut pick = || if below(3) > 0 { values.len() - 1 - below(recent) } else { below(values.len()) };
        let args = [pick(), pick()];
        let count = if matches!(code, Code::Unary(_)) { 1 } else { 2 };
        let step = b.step(code, &args.map(|i| values[i])[..count], 0);
        values.push(step);
        operations.push((code, args));
    }
    let last = values.len() - 1;
    let results: Vec<usize> = (OPERANDS..last).filter(|_| below(4) == 0).chain([last]).collect();
    results.iter().for_each(|&i| b.store(values[i], &[], false));
    Straight { program: b.finish(), operations, results }
}

impl Straight {
    fn plainly(&self, operands: [f64; OPERANDS]) -> Vec<f64> {
        let mut values = operands.to_vec();
        for (code, args) in &self.operations {
            values.push(f64::from_bits(code.eval(|i| values[args[i]].to_bits())));
        }
        self.results.iter().map(|&i| values[i]).collect()
    }
}

#[track_caller]
fn same(found: &[f64], wanted: &[f64]) {
    let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    assert!(found.len() == wanted.len() && found.iter().zip(wanted).all(same), "{found:?} is not {wanted:?}");
}

const EXTREME: [[f64; OPERANDS]; 5] = [
    [1.5, -0.75, 2.25, 0.1],
    [0.0, -0.0, 1.0, -1.0],
    [-0.0, 0.0, -0.0, 3.5],
    [f64::INFINITY, 1e-310, -7e300, 0.0],
    [f64::NAN, 2.0, f64::NEG_INFINITY, -1e-5],
];

#[test]
fn sums_of_products_are_the_operations_one_after_another() {
    let mut scratch = Scratch::default();
    for (length, seed) in (1..40).flat_map(|length| (0..20).map(move |i| (length, 100 * length + i))) {
        let straight = straight(length, seed);
        for operands in EXTREME {
            straight.program.run_scalars(&mut scratch, |i| Scalar::F64(operands[i]));
            let float = |scalar| if let Scalar::F64(x) = scalar { x } else { panic!("a float") };
            let found: Vec<f64> = straight.program.scalars(&scratch).map(float).collect();
            same(&found, &straight.plainly(operands));
        }
    }
}

/// Steps of a program among others of their kind, its results where its operands are.
#[test]
fn steps_can_be_added_to_others_over_the_same_places() {
    for (length, seed) in (1..40).flat_map(|length| (0..10).map(move |i| (length, 100 * length + i))) {
        let straight = straight(length, seed);
        let singles = straight.program.singles().expect("a program over single elements");
        // The operands are at 10 and on, the constants at 100 and on, and the first results replace the operands.
        let known: Vec<u16> = (10..10 + OPERANDS as u16).chain((100..).take(singles.constants().len())).collect();
        let wanted: Vec<u16> = (10..).take(straight.results.len()).collect();
        let mut next = 150;
        let mut fresh = || {
            next += 1;
            Some(next)
        };
        let mut steps = Steps::default();
        let mut runs = Vec::new();
        for _ in 0..2 {
            let from = steps.len();
            let copies = singles.append(&mut steps, &known, &wanted, &mut fresh).expect("places enough");
            runs.push((from..steps.len(), copies));
        }
        for operands in EXTREME {
            let mut places = vec![0; 1000];
            singles.constants().iter().zip(&known[OPERANDS..]).for_each(|(&x, &at)| places[usize::from(at)] = x);
            operands.iter().zip(&known).for_each(|(x, &at)| places[usize::from(at)] = x.to_bits());
            let mut expected = operands;
            for (range, copies) in &runs {
                if next < Steps::NEAR as u16 {
                    let near: &mut [u64; Steps::NEAR] = places.first_chunk_mut().expect("so many places");
                    steps.run(range.clone(), near);
                } else {
                    steps.run(range.clone(), &mut places[..]);
                }
                copies.iter().for_each(|&(from, to)| places[usize::from(to)] = places[usize::from(from)]);
                let found: Vec<f64> = wanted.iter().map(|&at| f64::from_bits(places[usize::from(at)])).collect();
                let results = straight.plainly(expected);
                same(&found, &results);
                expected.iter_mut().zip(results).for_each(|(operand, result)| *operand = result);
            }
        }
    }
}
