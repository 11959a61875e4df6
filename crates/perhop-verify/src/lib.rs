//! From packets to verdicts: flows, media recognition, attribution, checks, findings.
//!
//! The [`engine`] turns captured packets into finished flows ([`flow`], [`stream`]) and judges nothing;
//! [`report::verify`] holds flows against a policy set. Nothing in this crate opens a file or a socket, reads a clock or
//! starts a thread; it knows no target and no plan text.
#![forbid(unsafe_code)]

pub mod attribute;
pub mod call;
pub mod cause;
mod check;
pub mod engine;
pub mod finding;
pub mod flow;
mod numbers;
pub mod points;
pub mod quality;
pub mod report;
mod secret;
pub mod seen;
pub mod source;
pub mod stream;
pub mod timeline;
pub mod tolerance;
pub mod verdict;

pub use finding::CODES;
