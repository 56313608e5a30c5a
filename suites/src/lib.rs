//! Suites, measurement and the pieces of the command line.
