//! perhop: one plan for real-time media, made true from the plan to the packet.
#![forbid(unsafe_code)]

fn main() {}
