//! Which kernels cells run on: a library of matrix products, or none.
//!
//! On the null kernels everything is done but the arithmetic of arrays of floats: shapes, allocation and dispatch
//! are kept, results are zeros, nothing is written in place. Integers, truth values and numbers that are not in arrays are computed
//! as usual, so that loops and branches on them go their way; but a float that was taken out of an array
//! is 0, and what depends on it goes the way of 0. What is left to measure is the strategy's own cost.
//!
//! Cells are prepared and checked on real kernels always: preparing folds constants. Only while they are
//! counted and timed does their thread use the null kernels.

use adjudicate_kernels::gemm::{self, Backend};
use adjudicate_kernels::{Mode, set_mode};
use adjudicate_reports::rows::NULL_KERNELS;
use serde::{Deserialize, Serialize};

/// The kernels of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kernels {
    /// Real ones, with this library of matrix products.
    Real(Backend),
    /// None.
    Null,
}

impl Kernels {
    /// Those in use unless others are asked for.
    pub fn standard() -> Self {
        Kernels::Real(gemm::backend())
    }

    /// Those of a name, or the names that there are.
    pub fn find(name: &str) -> Result<Self, String> {
        let known = || Backend::AVAILABLE.iter().map(|b| Kernels::Real(*b)).chain([Kernels::Null]);
        known().find(|k| k.name() == name).ok_or_else(|| {
            let names: Vec<&str> = known().map(Kernels::name).collect();
            format!("there are: {}", names.join(", "))
        })
    }

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Kernels::Real(backend) => backend.name(),
            Kernels::Null => NULL_KERNELS,
        }
    }

    /// Has the process use them from now on, as far as that is not for [`Kernels::under`].
    pub(super) fn choose(self) {
        if let Kernels::Real(backend) = self {
            gemm::set_backend(backend);
        }
    }

    /// Runs something on these kernels.
    pub(super) fn under<R>(self, f: impl FnOnce() -> R) -> R {
        if self != Kernels::Null {
            return f();
        }
        set_mode(Mode::Null);
        // What runs in cells does not unwind: a panic of theirs is a value.
        let result = f();
        set_mode(Mode::Real);
        result
    }
}

impl TryFrom<String> for Kernels {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Kernels::find(&name)
    }
}

impl From<Kernels> for String {
    fn from(kernels: Kernels) -> String {
        kernels.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_others_refused() {
        assert_eq!(Kernels::find("null"), Ok(Kernels::Null));
        assert_eq!(Kernels::find(Kernels::standard().name()), Ok(Kernels::standard()));
        assert!(Kernels::find("nul").unwrap_err().contains("null"));
    }
}
