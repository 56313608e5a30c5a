//! Products of matrices.
//!
//! Attributes `[ta, tb]` say which operands are transposed in their last two axes. The rules set
//! these flags and never transpose: with `c = a b`, `da = dc bᵀ` and `db = aᵀ dc`, and what must
//! come out transposed is computed with its factors exchanged.

use adjudicate_kernels::gemm::{Gemm, gemm, matmul};

use super::support::{Tensor, attributes, expect_elem, tensors};
use super::{Attrs, PrimDef};
use crate::builder::Expr;
use crate::types::{Elem, Type};
use crate::value::Value;

/// `matmul[ta, tb](a, b)`: the product of two matrices, or of two stacks of matrices that have
/// the same leading axes.
pub static MATMUL: PrimDef = PrimDef {
    name: "matmul",
    about: "The product of matrices, or of equally many pairs of them; attributes: whether each operand is transposed.",
    ty: |attrs, types| product_type(attrs, types),
    eval: |attrs, args, _| {
        let (a, b) = (f64::take_array(&mut args[0]), f64::take_array(&mut args[1]));
        Ok(Value::array(matmul(&a, &b, attrs[0] != 0, attrs[1] != 0)))
    },
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
        let (a, b, mut c) =
            (f64::take_array(&mut args[0]), f64::take_array(&mut args[1]), f64::take_array(&mut args[2]));
        gemm(Gemm { alpha: 1.0, beta: 1.0, ta: attrs[0] != 0, tb: attrs[1] != 0 }, &a, &b, &mut c);
        Ok(Value::array(c))
    },
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
    let ((a_batch, [m, k]), (b_batch, [l, n])) = operand(a, ta).zip(operand(b, tb)).ok_or_else(refused)?;
    if a_batch != b_batch || k != l {
        return Err(refused());
    }
    Ok(Type::tensor(Elem::F64, &[a_batch, &[m, n]].concat()))
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
    let product = |x: Expr<'b>, tx: i64, y: Expr<'b>, ty: i64| x.apply(&MATMUL, &[tx, ty], &[y]);
    let da = if ta == 0 { product(dc, 0, b, 1 - tb) } else { product(b, tb, dc, 1) };
    let db = if tb == 0 { product(a, 1 - ta, dc, 0) } else { product(dc, 1, a, ta) };
    vec![Some(da), Some(db)]
}
