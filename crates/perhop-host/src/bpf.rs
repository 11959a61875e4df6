//! eBPF without a compiler: an assembler, the kernel's own description of its structures, and the calls that load and
//! attach programs.
//!
//! [`asm`] and [`btf`] are pure and the same on every system; [`sys`] calls Linux.

pub mod asm;
pub mod btf;
#[cfg(target_os = "linux")]
pub mod sys;
