//! Two capture points and more: what is found between them.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod hostile;
mod laws;
mod shared;
mod support;
mod synth;
mod together;
