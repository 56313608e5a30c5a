//! Every rejection: position, excerpt, and what to write instead.

mod functions;
mod left_out;
mod mutation;
mod names;
mod returns;
mod syntax;
mod variables;
