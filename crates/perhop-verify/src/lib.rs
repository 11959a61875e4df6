//! From packets to verdicts: flows, media recognition, attribution, checks, findings.
//!
//! The [`engine`] turns captured packets into finished flows ([`flow`], [`stream`]) and judges nothing. Nothing in this
//! crate opens a file or a socket, reads a clock or starts a thread; it knows no target and no plan text.
#![forbid(unsafe_code)]

pub mod engine;
pub mod flow;
pub mod stream;
