//! perhop: one plan for real-time media, made true from the plan to the packet.
//!
//! This crate reads arguments and files, and renders; it owns no rule of QoS. Everything it says about marks comes from
//! the other crates, which print nothing.
#![forbid(unsafe_code)]

mod failure;
mod html;
mod input;
mod render;
mod source;
mod table;
mod ui;

fn main() {}
