//! Kernels against loops that are too plain to be wrong, on random shapes: broadcasting, axes permuted, slices and their
//! adjoints, reductions and matrix products with every backend compiled in.

use adjudicate_kernels::gemm::{Backend, dot, gemm, matmul, outer_add, set_backend};
use adjudicate_kernels::layout::{SliceSpec, broadcast_to, concatenate, slice, transpose, unslice};
use adjudicate_kernels::reduce::{argmax, cumsum, reduce};
use adjudicate_kernels::*;
use proptest::prelude::*;

use crate::common::python_slice;

/// Distinct values that add without rounding.
fn counting(shape: &[usize]) -> Array<f64> {
    let n: usize = shape.iter().product();
    Array::from_vec(shape, (0..n).map(|i| i as f64 - 3.0).collect())
}

/// Every index of a shape, row-major.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &n in shape {
        all = all.iter().flat_map(|head| (0..n).map(move |i| [head.clone(), vec![i]].concat())).collect();
    }
    all
}

/// The element at an index of a larger shape that the array is broadcast to.
fn broadcast_at(x: &Array<f64>, index: &[usize]) -> f64 {
    let tail = &index[index.len() - x.ndim()..];
    let at: Vec<usize> = tail.iter().zip(x.shape()).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect();
    x.view()[&at[..]]
}

/// A shape and a second one that broadcasts with it.
fn broadcastable() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    let axis = (0usize..4, any::<bool>(), any::<bool>());
    (prop::collection::vec(axis, 0..5), 0usize..5).prop_map(|(axes, cut)| {
        let one = |ones: bool, n: usize| if ones { 1 } else { n };
        let a: Vec<_> = axes.iter().map(|&(n, x, _)| one(x, n)).collect();
        let b: Vec<_> = axes.iter().map(|&(n, _, y)| one(y, n)).collect();
        (a, b[cut.min(b.len())..].to_vec())
    })
}

fn shape_and_permutation() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    prop::collection::vec(0usize..5, 0..5)
        .prop_flat_map(|shape| (Just(shape.clone()), Just((0..shape.len()).collect::<Vec<_>>()).prop_shuffle()))
}

fn shape_and_slices() -> impl Strategy<Value = (Vec<usize>, Vec<SliceSpec>)> {
    let bound = || prop::option::of(-7isize..8);
    let step = prop_oneof![-3isize..0, 1isize..4];
    prop::collection::vec((0usize..6, bound(), bound(), step), 1..4).prop_map(|axes| {
        let specs = axes.iter().map(|&(n, start, stop, step)| python_slice(start, stop, Some(step), n));
        (axes.iter().map(|axis| axis.0).collect(), specs.collect())
    })
}

proptest! {
    #[test]
    fn broadcasting_is_the_plain_loop((a, b) in broadcastable()) {
        let (x, y) = (counting(&a), counting(&b));
        let shape = broadcast_shape(&a, &b).unwrap();
        let expected: Vec<_> = indices(&shape).iter().map(|i| broadcast_at(&x, i) - 2.0 * broadcast_at(&y, i)).collect();
        let doubled = binary(Binary::Mul, 2.0.into(), (&y).into());
        let found = binary(Binary::Sub, (&x).into(), (&doubled).into());
        prop_assert_eq!(&found, &Array::from_vec(&shape, expected));
        if shape == a {
            let mut z = x.clone();
            binary_assign(Binary::Sub, &mut z, (&doubled).into());
            prop_assert_eq!(&z, &found);
        }
        let mask = compare(Compare::Gt, (&x).into(), (&y).into());
        let chosen = select((&mask).into(), (&x).into(), (&y).into());
        prop_assert_eq!(chosen, binary(Binary::Maximum, (&x).into(), (&y).into()));
        let spread = broadcast_to(&y, &shape);
        prop_assert_eq!(binary(Binary::Sub, (&x).into(), (&y).into()), binary(Binary::Sub, (&x).into(), (&spread).into()));
    }

    #[test]
    fn transposing_is_the_plain_loop((shape, perm) in shape_and_permutation()) {
        let x = counting(&shape);
        let y = transpose(&x, &perm);
        for index in indices(&shape) {
            let at: Vec<usize> = perm.iter().map(|&axis| index[axis]).collect();
            prop_assert_eq!(y.view()[&at[..]], x.view()[&index[..]]);
        }
    }

    #[test]
    fn slicing_is_the_plain_loop_and_unslicing_its_adjoint((shape, specs) in shape_and_slices()) {
        let x = counting(&shape);
        let part = slice(&x, &specs);
        for index in indices(part.shape()) {
            let at = index.iter().zip(&specs).map(|(&i, s)| (s.start + i as isize * s.step) as usize);
            prop_assert_eq!(part.view()[&index[..]], x.view()[&at.collect::<Vec<_>>()[..]]);
        }
        let y = binary(Binary::Add, (&part).into(), 1.0.into());
        let back = unslice(&y, &shape, &specs);
        let inner = |a: &Array<f64>, b: &Array<f64>| a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a * b).sum::<f64>();
        prop_assert_eq!(inner(&part, &y), inner(&x, &back));
    }

    #[test]
    fn reducing_is_the_plain_loop(shape in prop::collection::vec(0usize..5, 0..5), chosen in any::<u8>()) {
        let x = counting(&shape);
        let axes: Vec<usize> = (0..shape.len()).filter(|axis| chosen >> axis & 1 == 1).collect();
        let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]).collect();
        let mut expected = Array::zeros(&kept);
        for index in indices(&shape) {
            let at: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| index[axis]).collect();
            let flat = at.iter().zip(&kept).fold(0, |flat, (i, n)| flat * n + i);
            expected.make_mut()[flat] += x.view()[&index[..]];
        }
        prop_assert_eq!(reduce(Reduce::Sum, &x, &axes).unwrap(), expected);
    }

    #[test]
    fn products_are_the_plain_loop(
        m in 0usize..20, n in 0usize..20, k in 0usize..70, ta: bool, tb: bool, alpha in -2i8..3, beta in -1i8..2,
    ) {
        let (alpha, beta) = (f64::from(alpha), f64::from(beta));
        let (a, b) = (counting(&[m, k]), counting(&[k, n]));
        let start = Array::full(&[m, n], if beta == 0.0 { f64::NAN } else { 7.0 });
        let mut expected = Array::zeros(&[m, n]);
        for (i, c) in expected.make_mut().iter_mut().enumerate() {
            let sum: f64 = (0..k).map(|l| a.as_slice()[i / n * k + l] * b.as_slice()[l * n + i % n]).sum();
            *c = alpha * sum + if beta == 0.0 { 0.0 } else { beta * 7.0 };
        }
        let (p, q) = (if ta { transpose(&a, &[1, 0]) } else { a }, if tb { transpose(&b, &[1, 0]) } else { b });
        for &backend in Backend::AVAILABLE {
            set_backend(backend);
            let mut c = start.clone();
            gemm(Gemm { alpha, beta, ta, tb }, &p, &q, &mut c);
            prop_assert_eq!(&c, &expected);
        }
    }
}

#[test]
fn large_products_and_threads_agree() {
    let (a, b) = (counting(&[230, 70]), counting(&[70, 90]));
    let exact = matmul(&a, &b, false, false);
    let column = |j: usize| -> Vec<f64> { (0..70).map(|l| b.as_slice()[l * 90 + j]).collect() };
    for (i, j) in [(0, 0), (229, 89), (64, 3)] {
        let row = Array::from_slice(&[70], &a.as_slice()[i * 70..][..70]);
        assert_eq!(exact.as_slice()[i * 90 + j], dot(&row, &Array::from_vec(&[70], column(j))));
    }
    threads::set_threads(2);
    for &backend in Backend::AVAILABLE {
        set_backend(backend);
        assert!(!gemm::backend_version().is_empty());
        assert_eq!(matmul(&a, &b, false, false), exact);
    }
    threads::set_threads(1);
}

#[test]
fn vector_products_accumulate() {
    let (a, v) = (counting(&[3, 2]), counting(&[2]));
    let mut y = Array::full(&[3], 1.0);
    gemm(Gemm { alpha: 2.0, beta: 1.0, ta: false, tb: false }, &a, &v, &mut y);
    assert_eq!(y.as_slice(), [27.0, 7.0, -13.0]);
    let mut c = Array::full(&[2, 2], 1.0);
    outer_add(1.0, &v, &v, 1.0, &mut c);
    assert_eq!(c.as_slice(), [10.0, 7.0, 7.0, 5.0]);
    assert_eq!(matmul(&v, &v, false, false).item(), 13.0);
}

#[test]
fn what_has_no_value_is_an_error_that_says_where() {
    let x = counting(&[3, 2]);
    let at = Array::from_vec(&[2], vec![0, -4]);
    let error = index::gather(&x, 0, &at).unwrap_err();
    assert_eq!(error.to_string(), "index -4 is out of range for axis 0 of size 3");
    let mut dst = x.clone();
    assert!(index::scatter_add(&mut dst, 0, &at, &counting(&[2, 2])).is_err());
    assert_eq!(dst, x);
    assert!(index::index(&x, 3).is_err() && index::index_scalar(&counting(&[0]), 0).is_err());
    assert_eq!(index::index_scalar(&counting(&[4]), -1), Ok(0.0));
    assert!(reduce(Reduce::Max, &counting(&[0, 2]), &[0]).is_err());
    assert!(reduce(Reduce::Max, &counting(&[0, 2]), &[1]).is_ok());
    assert!(argmax(&counting(&[2, 0]), 1).is_err());
}

#[test]
fn size_zero_works() {
    let none = counting(&[0, 3]);
    assert_eq!(transpose(&none, &[1, 0]).shape(), [3, 0]);
    assert_eq!(concatenate(&[&none, &counting(&[2, 3])], 0).shape(), [2, 3]);
    assert_eq!(cumsum(&none, 0).shape(), [0, 3]);
    assert_eq!(reduce(Reduce::Sum, &none, &[0]).unwrap().as_slice(), [0.0; 3]);
    assert_eq!(index::gather(&none, 1, &Array::from_vec(&[1], vec![2])).unwrap().shape(), [0, 1]);
    assert_eq!(matmul(&none, &counting(&[3, 0]), false, false).shape(), [0, 0]);
    assert_eq!(matmul(&counting(&[2, 0]), &none, false, false), Array::zeros(&[2, 3]));
    assert_eq!(matmul(&counting(&[2, 0, 3]), &counting(&[3, 4]), false, false).shape(), [2, 0, 4]);
}

#[test]
fn accumulating_in_place_keeps_the_buffer() {
    let mut dst = counting(&[4, 2]);
    let before = dst.as_slice().as_ptr();
    index::index_add(&mut dst, -1, 1.0.into()).unwrap();
    index::scatter_add(&mut dst, 0, &Array::from_vec(&[2], vec![1, 1]), &counting(&[2, 2])).unwrap();
    gemm(Gemm { beta: 1.0, ..Gemm::PLAIN }, &counting(&[4, 1]), &counting(&[1, 2]), &mut dst);
    binary_assign(Binary::Add, &mut dst, 1.0.into());
    unary_assign(Unary::Neg, &mut dst);
    assert_eq!(dst.as_slice().as_ptr(), before);
}

/// Elements without a pattern.
fn scattered(shape: &[usize], from: f64) -> Array<f64> {
    let count: usize = shape.iter().product();
    Array::from_vec(shape, (0..count).map(|i| (from + 1.7 * i as f64).sin()).collect())
}

#[test]
fn products_with_vectors_are_the_same_bits_in_every_form() {
    for (k, n) in [(1, 1), (3, 5), (8, 8), (10, 70), (33, 2), (70, 19), (130, 64)] {
        let (x, b, bt, c) =
            (scattered(&[k], 0.1), scattered(&[k, n], 0.2), scattered(&[n, k], 0.3), scattered(&[n], 0.4));
        for (b, tb) in [(&b, false), (&bt, true)] {
            let mut sum = c.clone();
            gemm(Gemm { beta: 1.0, tb, ..Gemm::PLAIN }, &x, b, &mut sum);
            let product = matmul(&x, b, false, tb);
            assert_eq!(sum, binary(Binary::Add, (&product).into(), (&c).into()), "{k}, {n}, {tb}: added in place");
            let row = matmul(&x.reshape(&[1, k]), b, false, tb);
            assert_eq!(product, row.reshape(&[n]), "{k}, {n}, {tb}: as a matrix of one row");
        }
        let other = scattered(&[k], 0.5);
        let one = matmul(&x.reshape(&[1, k]), &other.reshape(&[k, 1]), false, false);
        assert_eq!(dot(&x, &other), one.item(), "{k}: of two vectors");
    }
}
