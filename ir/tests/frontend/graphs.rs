//! Every construct and the nodes that it lowers to.

#[path = "graphs/branches.rs"]
mod branches;
#[path = "graphs/exits.rs"]
mod exits;
#[path = "graphs/expressions.rs"]
mod expressions;
#[path = "graphs/functions.rs"]
mod functions;
#[path = "graphs/loops.rs"]
mod loops;
#[path = "graphs/structures.rs"]
mod structures;
