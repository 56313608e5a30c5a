//! The files of a run, and what is made of them. One binary, so that everything is linked once.

mod files;
mod power;
mod reports;
mod ties;
