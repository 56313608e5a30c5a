//! Arguments and results as JSON.
//!
//! | JSON | value |
//! | --- | --- |
//! | `3` | integer |
//! | `3.0`, `3e0`, `"NaN"`, `"Infinity"`, `"-Infinity"` | float |
//! | `true` | boolean |
//! | `[[1, 2], [3, 4]]` | array: of floats if any item is a float or there are none, of integers or of booleans otherwise |
//! | `{"tuple": […]}` | tuple |
//! | any other object | record named `dict`, fields in order |
//! | `"text"` | string |
//! | `null` | `None` |
//!
//! What is written reads back as the same value, but for an array without items: lists cannot
//! tell its element type, nor extents behind a zero. Errors name the place: a line and column
//! where the text is not JSON, a path such as `$[1].w[0]` where the value does not fit.

mod read;
mod write;

pub use read::{JsonError, arguments, datum};
pub use write::{to_json, to_text};
