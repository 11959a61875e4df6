//! What perhop asks of an operating system.
//!
//! [`capture`] reads packets from an interface while they pass, [`mapped`] shows files as memory, [`interrupt`] hears that the
//! user wants an end; [`mark`] makes tables and programs of a plan's rules, which [`agent`] gives to the kernel of Linux. This
//! is the only crate with `unsafe` code: in the modules that call the system, each block with its reason. It knows no plan,
//! judges nothing and prints nothing; what a packet means is read by the crates that read files too.

pub mod agent;
pub mod bpf;
pub mod capture;
pub mod interrupt;
pub mod mapped;
pub mod mark;
pub mod netlink;
