//! Products of matrices.
//!
//! Attributes `[ta, tb]` say which operands are transposed in their last two axes; a vector, which is a row on the left and a
//! column on the right, is the other of the two if transposed. The rules set
//! these flags and never transpose: with `c = a b`, `da = dc bᵀ` and `db = aᵀ dc`, and what must
//! come out transposed is computed with its factors exchanged.

use adjudicate_kernels::gemm::{Gemm, gemm, matmul};

use super::support::{attributes, expect_elem, tensors};
use super::{ADD, Attrs, Prim, PrimDef};
use crate::batch::{BatchRule, Lanes};
use crate::builder::Expr;
use crate::types::{Elem, Type};
use crate::value::Value;

/// `matmul[ta, tb](a, b)`: the product of two matrices, or of two stacks of matrices that have
/// the same leading axes. A vector on the left is a row, one on the right a column, and the result has no axis for it; transposed,
/// one on the left is a column, one on the right a row, and its length is an axis of the result.
pub static MATMUL: PrimDef = PrimDef {
    name: "matmul",
    about: "The product of matrices, or of equally many pairs of them; attributes: whether each operand is transposed.",
    ty: |attrs, types| product_type(attrs, types),
    eval: |attrs, args, _| Ok(Value::array(matmul(&args.array(0), &args.array(1), attrs[0] != 0, attrs[1] != 0))),
    batch: BatchRule::Tensors(|prim, lanes| product_lanes(&prim.attrs, lanes)),
    vjp: Some(|attrs, args, _, dc| product_rule(attrs, args[0], args[1], dc)),
};

/// `gemm_add[ta, tb](a, b, c)`: the product of `a` and `b` added to `c`, in place where nobody else holds `c`.
pub static GEMM_ADD: PrimDef = PrimDef {
    name: "gemm_add",
    about: "The product of two matrices added to a third; attributes: whether each factor is transposed.",
    ty: |attrs, types| {
        let [_, _, (elem, shape)] = tensors(types)?;
        expect_elem(elem, &[Elem::F64])?;
        let product = product_type(attrs, &types[..2])?;
        if product.shape() != shape {
            return Err(format!(
                "a product of shape {:?} cannot be added in place to shape {shape:?}",
                product.shape()
            ));
        }
        Ok(product)
    },
    eval: |attrs, args, _| {
        let mut c = args.take_array(2);
        let spec = Gemm { alpha: 1.0, beta: 1.0, ta: attrs[0] != 0, tb: attrs[1] != 0 };
        gemm(spec, &args.array(0), &args.array(1), &mut c);
        Ok(Value::array(c))
    },
    batch: BatchRule::Tensors(gemm_add_lanes),
    vjp: Some(|attrs, args, _, dc| {
        let mut pulled = product_rule(attrs, args[0], args[1], dc);
        pulled.push(Some(dc));
        pulled
    }),
};

fn product_type(attrs: &[i64], types: &[&Type]) -> Result<Type, String> {
    let [(a_elem, a), (b_elem, b)] = tensors(types)?;
    expect_elem(a_elem, &[Elem::F64])?;
    expect_elem(b_elem, &[Elem::F64])?;
    let [ta, tb] = attributes::<2>(attrs)?;
    let refused = || format!("matrices of shapes {} and {} do not multiply", flagged(a, ta), flagged(b, tb));
    let (row, column) = (a.len() == 1 && ta == 0, b.len() == 1 && tb == 0);
    let (left, right) = (as_matrix(a, true), as_matrix(b, false));
    let ((a_batch, [m, k]), (b_batch, [l, n])) = operand(&left, ta).zip(operand(&right, tb)).ok_or_else(refused)?;
    if a_batch != b_batch || k != l || row && column {
        return Err(refused());
    }
    let (m, n) = (if row { &[][..] } else { &[m] }, if column { &[][..] } else { &[n] });
    Ok(Type::tensor(Elem::F64, &[a_batch, m, n].concat()))
}

/// The shape of a vector as a matrix of one row or one column; that of anything else.
fn as_matrix(shape: &[usize], row: bool) -> Vec<usize> {
    match *shape {
        [n] if row => vec![1, n],
        [n] => vec![n, 1],
        _ => shape.to_vec(),
    }
}

/// A vector as a matrix: a row or a column, of each lane if it has an axis of lanes.
fn matrix(x: Expr<'_>, axes: usize, row: bool) -> Expr<'_> {
    let shape = x.shape();
    x.reshape(&[&shape[..axes], &as_matrix(&shape[axes..], row)].concat())
}

/// Leading axes, rows and columns of an operand as it enters the product.
fn operand(shape: &[usize], transposed: i64) -> Option<(&[usize], [usize; 2])> {
    let (batch, &[rows, columns]) = shape.split_last_chunk::<2>()?;
    Some((batch, if transposed == 0 { [rows, columns] } else { [columns, rows] }))
}

fn flagged(shape: &[usize], transposed: i64) -> String {
    format!("{shape:?}{}", if transposed == 0 { "" } else { " transposed" })
}

fn product_rule<'b>(attrs: &Attrs, a: Expr<'b>, b: Expr<'b>, dc: Expr<'b>) -> Vec<Option<Expr<'b>>> {
    let [ta, tb] = [attrs[0], attrs[1]];
    if a.shape().len() == 1 || b.shape().len() == 1 {
        let (left, right) = (matrix(a, 0, true), matrix(b, 0, false));
        let (rows, columns) = (left.shape()[usize::from(ta != 0)], right.shape()[usize::from(tb == 0)]);
        let pulled = product_rule(attrs, left, right, dc.reshape(&[rows, columns]));
        return pulled.into_iter().zip([a, b]).map(|(d, of)| d.map(|d| d.reshape(&of.shape()))).collect();
    }
    let product = |x: Expr<'b>, tx: i64, y: Expr<'b>, ty: i64| x.apply(&MATMUL, &[tx, ty], &[y]);
    let da = if ta == 0 { product(dc, 0, b, 1 - tb) } else { product(b, tb, dc, 1) };
    let db = if tb == 0 { product(a, 1 - ta, dc, 0) } else { product(dc, 1, a, ta) };
    vec![Some(da), Some(db)]
}

/// Where one factor alone has lanes, their matrices are laid end to end as the rows of one, so that
/// many products with one matrix become one product; otherwise lanes are more leading axes.
fn product_lanes<'b>(attrs: &[i64], lanes: &Lanes<'b>) -> Expr<'b> {
    let axes = |i: usize| usize::from(lanes.has(i));
    let (a, b) = (matrix(lanes.operand(0), axes(0), true), matrix(lanes.operand(1), axes(1), false));
    let product = matrices_lanes(attrs, [a, b], lanes);
    let mut shape = product.shape();
    let (rank, vectors) = (shape.len(), [0, 1].map(|i| lanes.shape(i).len() == 1 && attrs[i] == 0));
    if vectors[0] || vectors[1] {
        shape.remove(if vectors[0] { rank - 2 } else { rank - 1 });
    }
    product.reshape(&shape)
}

fn matrices_lanes<'b>(attrs: &[i64], [a, b]: [Expr<'b>; 2], lanes: &Lanes<'b>) -> Expr<'b> {
    let (ta, tb) = (attrs[0], attrs[1]);
    if lanes.has(0) == lanes.has(1) || lanes.shape(0).len() > 2 {
        let lifted = |x: Expr<'b>, i: usize| if lanes.has(i) { x } else { x.repeated(lanes.count) };
        return lifted(a, 0).apply(&MATMUL, attrs, &[lifted(b, 1)]);
    }
    if lanes.has(0) {
        let (rows, each) = end_to_end(a, ta != 0);
        let product = rows.apply(&MATMUL, &[0, tb], &[b]);
        let columns = product.shape()[1];
        return product.reshape(&[lanes.count, each, columns]);
    }
    // (a b)ᵀ = bᵀ aᵀ: the columns of all lanes as rows.
    let (rows, each) = end_to_end(b, tb == 0);
    let product = rows.apply(&MATMUL, &[0, 1 - ta], &[a]);
    let columns = product.shape()[1];
    exchanged(product.reshape(&[lanes.count, each, columns]))
}

/// The matrices of all lanes, transposed if asked, as the rows of one; and how many rows each has.
fn end_to_end(x: Expr<'_>, transposed: bool) -> (Expr<'_>, usize) {
    let x = if transposed { exchanged(x) } else { x };
    let shape = x.shape();
    (x.reshape(&[shape[0] * shape[1], shape[2]]), shape[1])
}

/// Rows and columns exchanged; nothing moves if one of them is of length 1.
fn exchanged(x: Expr<'_>) -> Expr<'_> {
    let shape = x.shape();
    if shape[1] == 1 || shape[2] == 1 { x.reshape(&[shape[0], shape[2], shape[1]]) } else { x.transpose(&[0, 2, 1]) }
}

fn gemm_add_lanes<'b>(prim: &Prim, lanes: &Lanes<'b>) -> Expr<'b> {
    let vectors = lanes.shape(0).len() == 1 || lanes.shape(1).len() == 1;
    if !vectors && lanes.has(0) && lanes.has(1) || lanes.shape(0).len() > 2 {
        return lanes.lifted(0).apply(&GEMM_ADD, &prim.attrs, &[lanes.lifted(1), lanes.lifted(2)]);
    }
    let product = match lanes.has(0) || lanes.has(1) {
        true => product_lanes(&prim.attrs, lanes),
        false => lanes.operand(0).apply(&MATMUL, &prim.attrs, &[lanes.operand(1)]),
    };
    product.apply(&ADD, &[], &[lanes.operand(2)])
}
