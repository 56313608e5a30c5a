//! The automatic-differentiation strategies behind one trait.
