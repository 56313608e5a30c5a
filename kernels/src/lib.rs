//! Arrays and the closed set of counted array operations.
