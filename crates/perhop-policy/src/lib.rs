//! perhop-policy.
#![forbid(unsafe_code)]
