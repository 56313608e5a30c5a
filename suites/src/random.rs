//! Seeded random numbers: the same on every machine and in every version.

use adjudicate_ir::datum::{Datum, Layout};
use adjudicate_ir::types::{Elem, Type};
use adjudicate_kernels::Array;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(Pcg64);

impl Random {
    /// The stream of a seed and a purpose: two purposes never share a stream.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let stream = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(Pcg64::seed_from_u64(seed ^ stream))
    }

    /// A float, uniform in `-bound..bound`.
    pub fn uniform(&mut self, bound: f64) -> f64 {
        // 53 random bits fill the mantissa of a number in 0..1.
        let unit = (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        (2.0 * unit - 1.0) * bound
    }

    /// An index below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// An array, uniform in `-bound..bound`.
    pub fn array(&mut self, shape: &[usize], bound: f64) -> Array<f64> {
        let count = shape.iter().product();
        Array::from_vec(shape, (0..count).map(|_| self.uniform(bound)).collect())
    }

    /// Puts items in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// A datum of a layout with floats uniform in -1..1; integers are 0 and booleans false.
    pub fn like(&mut self, layout: &Layout) -> Datum {
        match layout {
            Layout::Leaf(ty) => self.leaf(ty),
            Layout::Tuple(items) => Datum::Tuple(items.iter().map(|l| self.like(l)).collect()),
            Layout::Record(ty, items) => Datum::Record(ty.clone(), items.iter().map(|l| self.like(l)).collect()),
            Layout::Str(s) => Datum::Str(s.clone()),
            Layout::None => Datum::None,
        }
    }

    fn leaf(&mut self, ty: &Type) -> Datum {
        let (elem, shape) = ty.as_tensor().expect("a leaf is a tensor");
        match (elem, shape.is_empty()) {
            (Elem::F64, true) => Datum::F64(self.uniform(1.0)),
            (Elem::F64, false) => Datum::Array(self.array(shape, 1.0)),
            (Elem::I64, true) => Datum::I64(0),
            (Elem::I64, false) => Datum::Ints(Array::zeros(shape)),
            (Elem::Bool, true) => Datum::Bool(false),
            (Elem::Bool, false) => Datum::Bools(Array::zeros(shape)),
        }
    }
}
