//! Two capture points and more: what is found between them.

mod hostile;
mod laws;
mod shared;
mod support;
mod synth;
mod together;
