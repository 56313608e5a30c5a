//! Every rejection: position, excerpt, and what to write instead.

#[path = "errors/functions.rs"]
mod functions;
#[path = "errors/left_out.rs"]
mod left_out;
#[path = "errors/mutation.rs"]
mod mutation;
#[path = "errors/names.rs"]
mod names;
#[path = "errors/returns.rs"]
mod returns;
#[path = "errors/syntax.rs"]
mod syntax;
#[path = "errors/variables.rs"]
mod variables;
