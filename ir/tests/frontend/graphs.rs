//! Every construct and the nodes that it lowers to.

mod branches;
mod exits;
mod expressions;
mod functions;
mod loops;
mod structures;
