//! What the families share: shape rules as sentences, and values as kernel operands.

use adjudicate_kernels::{Arg, Array, Element, broadcast_shape};

use smallvec::SmallVec;

use crate::batch::{BatchRule, Lanes};
use crate::builder::Expr;
use crate::prims::Prim;
use crate::types::{Elem, Type};
use crate::value::Value;

/// Element and shape of each of exactly `N` tensor operands.
pub(super) fn tensors<'t, const N: usize>(types: &[&'t Type]) -> Result<[(Elem, &'t [usize]); N], String> {
    let found: Vec<_> = types.iter().map(|ty| tensor(ty)).collect::<Result<_, _>>()?;
    let count = found.len();
    found.try_into().map_err(|_| format!("{N} operands were expected, not {count}"))
}

/// Element and shape of a tensor operand.
pub(super) fn tensor(ty: &Type) -> Result<(Elem, &[usize]), String> {
    ty.as_tensor().ok_or_else(|| format!("a scalar or an array was expected, not {ty}"))
}

/// Refuses an operand of an element type that is not among `allowed`.
pub(super) fn expect_elem(elem: Elem, allowed: &[Elem]) -> Result<(), String> {
    if allowed.contains(&elem) {
        return Ok(());
    }
    let names: Vec<_> = allowed.iter().map(|e| e.name()).collect();
    Err(format!("an operand of element type {} was expected, not {}", names.join(" or "), elem.name()))
}

/// The element type that two operands have in common.
pub(super) fn common_elem(a: Elem, b: Elem) -> Result<Elem, String> {
    if a == b {
        return Ok(a);
    }
    Err(format!("operands of element types {} and {} do not mix without a cast", a.name(), b.name()))
}

/// The shape that two operands broadcast to.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    broadcast_shape(a, b).ok_or_else(|| format!("operands of shapes {a:?} and {b:?} do not broadcast"))
}

/// One attribute as an axis of a tensor of this rank.
pub(super) fn axis(attr: i64, rank: usize) -> Result<usize, String> {
    let axis = usize::try_from(attr).ok().filter(|&axis| axis < rank);
    axis.ok_or_else(|| format!("axis {attr} is not one of an operand of rank {rank}"))
}

/// Attributes as distinct axes of a tensor of this rank.
pub(super) fn axes(attrs: &[i64], rank: usize) -> Result<Vec<usize>, String> {
    let axes = attrs.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>, _>>()?;
    match axes.iter().enumerate().find(|(i, a)| axes[..*i].contains(a)) {
        Some((_, twice)) => Err(format!("axis {twice} is named twice")),
        None => Ok(axes),
    }
}

/// Attributes as extents.
pub(super) fn extents(attrs: &[i64]) -> Result<Vec<usize>, String> {
    let extent = |&n: &i64| usize::try_from(n).map_err(|_| format!("{n} is not an extent"));
    attrs.iter().map(extent).collect()
}

/// Exactly `N` attributes.
pub(super) fn attributes<const N: usize>(attrs: &[i64]) -> Result<[i64; N], String> {
    attrs.try_into().map_err(|_| format!("{N} attributes were expected, not {}", attrs.len()))
}

/// Attributes that [`extents`] or [`axes`] has accepted.
pub(super) fn sizes(attrs: &[i64]) -> SmallVec<[usize; 6]> {
    attrs.iter().map(|&n| n as usize).collect()
}

/// Element types with their two forms of value: scalar and array.
pub(super) trait Tensor: Element {
    /// A scalar as a value.
    fn scalar(x: Self) -> Value;
    /// An array as a value; rank 0 becomes a scalar.
    fn value(a: Array<Self>) -> Value;
    /// The scalar that a value is.
    fn get(value: &Value) -> Option<Self>;
    /// The array that a value is.
    fn array(value: &Value) -> Option<&Array<Self>>;
    /// The array that a value is; a scalar becomes one of rank 0.
    fn into_array(value: Value) -> Array<Self>;

    /// A value as a kernel operand.
    #[inline]
    fn arg(value: &Value) -> Arg<'_, Self> {
        match Self::get(value) {
            Some(x) => Arg::Scalar(x),
            None => Arg::Array(Self::array(value).unwrap_or_else(|| panic!("an operand of the wrong type: {value:?}"))),
        }
    }
}

macro_rules! tensor {
    ($elem:ty, $scalar:pat => $x:ident, $array:pat => $a:ident, $make_scalar:expr, $make_array:expr) => {
        impl Tensor for $elem {
            #[inline]
            fn scalar(x: Self) -> Value {
                $make_scalar(x)
            }
            fn value(a: Array<Self>) -> Value {
                $make_array(a)
            }
            #[inline]
            fn get(value: &Value) -> Option<Self> {
                if let $scalar = value { Some(*$x) } else { None }
            }
            #[inline]
            fn array(value: &Value) -> Option<&Array<Self>> {
                if let $array = value { Some($a) } else { None }
            }
            fn into_array(value: Value) -> Array<Self> {
                match value {
                    $scalar => Array::full(&[], $x),
                    $array => $a,
                    other => panic!("an operand of the wrong type: {other:?}"),
                }
            }
        }
    };
}
tensor!(f64, Value::F64(x, _) => x, Value::Array(a, _) => a, Value::f64, Value::array);
tensor!(i64, Value::I64(x) => x, Value::Ints(a) => a, Value::I64, Value::ints);
tensor!(bool, Value::Bool(x) => x, Value::Bools(a) => a, Value::Bool, Value::bools);

/// Evaluates `$body` with `$T` as the element type of a value.
macro_rules! by_elem {
    ($value:expr, $T:ident => $body:expr) => {
        match &$value {
            Value::F64(..) | Value::Array(..) => {
                type $T = f64;
                $body
            }
            Value::I64(_) | Value::Ints(_) => {
                type $T = i64;
                $body
            }
            Value::Bool(_) | Value::Bools(_) => {
                type $T = bool;
                $body
            }
            other => panic!("a tensor was expected, not {other:?}"),
        }
    };
}
pub(super) use by_elem;

/// The batching rule of what broadcasts: operands that have the axis are brought to one rank, so
/// that the axis stays the leading one.
pub(super) const ELEMENTWISE: BatchRule = BatchRule::Tensors(elementwise_lanes);

fn elementwise_lanes<'b>(prim: &Prim, lanes: &Lanes<'b>) -> Expr<'b> {
    let rank = (0..lanes.len()).map(|i| lanes.shape(i).len()).max().unwrap_or(0);
    let args: Vec<Expr<'b>> = (0..lanes.len()).map(|i| lanes.aligned(i, rank)).collect();
    args[0].apply(prim.def, &prim.attrs, &args[1..])
}

/// The batching rule of what works along the axes that its attributes name.
pub(super) const ALONG_AXES: BatchRule =
    BatchRule::Tensors(|prim, lanes| lanes.operand(0).apply(prim.def, &shifted(&prim.attrs), &[]));

/// Axes of one lane as those of all.
pub(super) fn shifted(axes: &[i64]) -> Vec<i64> {
    axes.iter().map(|axis| axis + 1).collect()
}

/// An extent, and then others.
pub(super) fn extended(first: usize, rest: &[i64]) -> Vec<i64> {
    std::iter::once(first as i64).chain(rest.iter().copied()).collect()
}
