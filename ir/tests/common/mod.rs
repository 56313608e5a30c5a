//! What the tests share.

pub(crate) mod programs;
pub(crate) mod random;
