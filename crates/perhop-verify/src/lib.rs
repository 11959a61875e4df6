//! perhop-verify.
#![forbid(unsafe_code)]
