//! The adjudicate command line.

fn main() {}
