//! Kernels as their callers see them. One binary, so that everything is linked once.

mod common;
mod laws;
mod numpy;
