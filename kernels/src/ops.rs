//! The closed set of element operations: plain enums, each with its list `ALL`, its `name()` and its value on scalars.
//!
//! Law: `eval` on scalars and the array kernels agree bit for bit. Both run the same implementation, so an element's value
//! never depends on where in an array it stands. Special values (NaN, infinities, signed zeros) are NumPy's.

/// Declares an operation enum from rows of variant, name and documentation.
macro_rules! operations {
    ($(#[$meta:meta])* $name:ident { $($variant:ident $text:literal $doc:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $doc] $variant,)* }

        impl $name {
            /// Every operation, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name used in counts and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

operations! {
    /// Functions of one float.
    Unary {
        Neg "neg" "`-x`.";
        Exp "exp" "e to the x.";
        Expm1 "expm1" "`exp(x) - 1`, accurate near 0.";
        Log "log" "The natural logarithm; NaN below 0.";
        Log1p "log1p" "`log(1 + x)`, accurate near 0.";
        Sqrt "sqrt" "The square root; NaN below 0.";
        Cbrt "cbrt" "The cube root, of either sign.";
        Sin "sin" "The sine of x radians.";
        Cos "cos" "The cosine of x radians.";
        Tan "tan" "The tangent of x radians.";
        Arcsin "arcsin" "The inverse sine, in radians.";
        Arccos "arccos" "The inverse cosine, in radians.";
        Arctan "arctan" "The inverse tangent, in radians.";
        Sinh "sinh" "The hyperbolic sine.";
        Cosh "cosh" "The hyperbolic cosine.";
        Tanh "tanh" "The hyperbolic tangent.";
        Abs "abs" "The absolute value.";
        Sign "sign" "-1, 0 or 1; 0 for either zero, NaN for NaN.";
        Floor "floor" "The largest integer not above x.";
        Ceil "ceil" "The smallest integer not below x.";
        Square "square" "`x * x`.";
        Reciprocal "reciprocal" "`1 / x`.";
        Sigmoid "sigmoid" "`1 / (1 + exp(-x))`, without overflow.";
    }
}

operations! {
    /// Functions of two floats.
    Binary {
        Add "add" "`x + y`.";
        Sub "sub" "`x - y`.";
        Mul "mul" "`x * y`.";
        Div "div" "`x / y`.";
        Pow "pow" "x to the y; exactly `x * x` where y is 2.";
        Maximum "maximum" "The larger; NaN if either is.";
        Minimum "minimum" "The smaller; NaN if either is.";
        Arctan2 "arctan2" "The angle of the point (y, x), first argument y, in radians.";
        Mod "mod" "The remainder of the floored quotient; its sign is the divisor's.";
        FloorDiv "floor_div" "The floored quotient.";
    }
}

operations! {
    /// Functions of one integer; overflow wraps.
    IntUnary {
        Neg "int_neg" "`-x`.";
        Abs "int_abs" "The absolute value.";
        Sign "int_sign" "-1, 0 or 1.";
    }
}

operations! {
    /// Functions of two integers; overflow wraps.
    IntBinary {
        Add "int_add" "`x + y`.";
        Sub "int_sub" "`x - y`.";
        Mul "int_mul" "`x * y`.";
        FloorDiv "int_floor_div" "The floored quotient; an error where y is 0.";
        Mod "int_mod" "The remainder of the floored quotient; an error where y is 0.";
        Maximum "int_maximum" "The larger.";
        Minimum "int_minimum" "The smaller.";
        Pow "int_pow" "x to the y; an error where y is negative.";
    }
}

operations! {
    /// Comparisons of two numbers; all but `Ne` are false where either is NaN.
    Compare {
        Lt "less" "`x < y`.";
        Le "less_equal" "`x <= y`.";
        Gt "greater" "`x > y`.";
        Ge "greater_equal" "`x >= y`.";
        Eq "equal" "`x == y`.";
        Ne "not_equal" "`x != y`.";
    }
}

operations! {
    /// Connectives of two booleans.
    Logic {
        And "logical_and" "True where both are.";
        Or "logical_or" "True where either is.";
        Xor "logical_xor" "True where exactly one is.";
    }
}

operations! {
    /// Reductions of floats.
    Reduce {
        Sum "sum" "The sum; 0 over nothing.";
        Prod "prod" "The product; 1 over nothing.";
        Max "max" "The largest; NaN if any is; an error over nothing.";
        Min "min" "The smallest; NaN if any is; an error over nothing.";
    }
}

operations! {
    /// Reductions of booleans.
    ReduceBool {
        All "all" "True where all are; true over nothing.";
        Any "any" "True where any is; false over nothing.";
    }
}

operations! {
    /// Kernels that are not families of element operations.
    Other {
        Not "logical_not" "Negation of booleans.";
        Select "select" "A choice by mask.";
        Cast "cast" "A change of element type.";
        Fill "fill" "Constant arrays.";
        Copy "copy" "Elements copied because they were shared.";
        Transpose "transpose" "A permutation of axes.";
        Broadcast "broadcast_to" "Elements repeated along axes.";
        Slice "slice" "A strided part.";
        Unslice "unslice" "Zeros with a strided part set.";
        Concatenate "concatenate" "Arrays joined along an axis.";
        Gather "gather" "Rows chosen by index.";
        ScatterAdd "scatter_add" "Rows added at indices.";
        Index "index" "One row.";
        IndexAdd "index_add" "One row added.";
        Cumsum "cumsum" "Running sums along an axis.";
        IntSum "int_sum" "Sums of integers.";
        ArgMax "argmax" "Where the largest is.";
        ArgMin "argmin" "Where the smallest is.";
        Gemm "gemm" "Matrix times matrix.";
        Gemv "gemv" "Matrix times vector.";
        Dot "dot" "Vector times vector.";
        Outer "outer" "The outer product of vectors.";
    }
}

/// What the counts distinguish: every operation of every family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A function of one float.
    Unary(Unary),
    /// A function of two floats.
    Binary(Binary),
    /// A function of one integer.
    IntUnary(IntUnary),
    /// A function of two integers.
    IntBinary(IntBinary),
    /// A comparison.
    Compare(Compare),
    /// A connective.
    Logic(Logic),
    /// A reduction of floats.
    Reduce(Reduce),
    /// A reduction of booleans.
    ReduceBool(ReduceBool),
    /// Everything else.
    Other(Other),
}

const AFTER_UNARY: usize = Unary::ALL.len();
const AFTER_BINARY: usize = AFTER_UNARY + Binary::ALL.len();
const AFTER_INT_UNARY: usize = AFTER_BINARY + IntUnary::ALL.len();
const AFTER_INT_BINARY: usize = AFTER_INT_UNARY + IntBinary::ALL.len();
const AFTER_COMPARE: usize = AFTER_INT_BINARY + Compare::ALL.len();
const AFTER_LOGIC: usize = AFTER_COMPARE + Logic::ALL.len();
const AFTER_REDUCE: usize = AFTER_LOGIC + Reduce::ALL.len();
const AFTER_REDUCE_BOOL: usize = AFTER_REDUCE + ReduceBool::ALL.len();

impl Kind {
    /// The number of kinds.
    pub const COUNT: usize = AFTER_REDUCE_BOOL + Other::ALL.len();

    /// Every kind, in index order.
    pub fn all() -> impl Iterator<Item = Self> {
        let floats = Unary::ALL.iter().map(|&op| Self::Unary(op)).chain(Binary::ALL.iter().map(|&op| Self::Binary(op)));
        let ints = IntUnary::ALL
            .iter()
            .map(|&op| Self::IntUnary(op))
            .chain(IntBinary::ALL.iter().map(|&op| Self::IntBinary(op)));
        let bools =
            Compare::ALL.iter().map(|&op| Self::Compare(op)).chain(Logic::ALL.iter().map(|&op| Self::Logic(op)));
        let reductions = Reduce::ALL
            .iter()
            .map(|&op| Self::Reduce(op))
            .chain(ReduceBool::ALL.iter().map(|&op| Self::ReduceBool(op)));
        floats.chain(ints).chain(bools).chain(reductions).chain(Other::ALL.iter().map(|&op| Self::Other(op)))
    }

    /// The kind's place in [`Kind::all`].
    pub const fn index(self) -> usize {
        match self {
            Self::Unary(op) => op as usize,
            Self::Binary(op) => AFTER_UNARY + op as usize,
            Self::IntUnary(op) => AFTER_BINARY + op as usize,
            Self::IntBinary(op) => AFTER_INT_UNARY + op as usize,
            Self::Compare(op) => AFTER_INT_BINARY + op as usize,
            Self::Logic(op) => AFTER_COMPARE + op as usize,
            Self::Reduce(op) => AFTER_LOGIC + op as usize,
            Self::ReduceBool(op) => AFTER_REDUCE + op as usize,
            Self::Other(op) => AFTER_REDUCE_BOOL + op as usize,
        }
    }

    /// The name used in counts and reports; no two kinds share one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unary(op) => op.name(),
            Self::Binary(op) => op.name(),
            Self::IntUnary(op) => op.name(),
            Self::IntBinary(op) => op.name(),
            Self::Compare(op) => op.name(),
            Self::Logic(op) => op.name(),
            Self::Reduce(op) => op.name(),
            Self::ReduceBool(op) => op.name(),
            Self::Other(op) => op.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_numbered_in_order_and_named_apart() {
        let names: std::collections::HashSet<_> = Kind::all().map(Kind::name).collect();
        assert_eq!(names.len(), Kind::COUNT);
        assert!(Kind::all().enumerate().all(|(i, kind)| kind.index() == i));
    }
}
