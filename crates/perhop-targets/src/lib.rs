//! perhop-targets.
#![forbid(unsafe_code)]
