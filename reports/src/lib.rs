//! Rows in, bytes out: tables, figures and pages.
