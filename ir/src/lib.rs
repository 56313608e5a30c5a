//! The functional graph IR, its front end, passes and executor.
