//! perhop-plan.
#![forbid(unsafe_code)]
