//! Marks on the packets that this host sends, by the rules of one scope of a plan.
//!
//! Three things are given to the kernel: programs that write into each socket which application it belongs to, a program
//! at the way out of each interface that marks packets by it, and tables made of the rules. They are held by descriptors
//! of this process: however it ends, the kernel is as it was before.

mod error;
pub mod pattern;

pub use error::AgentError;

#[cfg(target_os = "linux")]
mod engine;
#[cfg(target_os = "linux")]
mod fallback;
#[cfg(target_os = "linux")]
mod identity;
#[cfg(target_os = "linux")]
pub mod maps;
#[cfg(target_os = "linux")]
mod marks;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
pub mod processes;
#[cfg(target_os = "linux")]
mod shaping;
#[cfg(target_os = "linux")]
pub mod traces;
#[cfg(target_os = "linux")]
mod wait;

#[cfg(target_os = "linux")]
pub use engine::{Agent, Event, Extras, Settings};
#[cfg(target_os = "linux")]
pub use identity::Unit;
#[cfg(target_os = "linux")]
pub use place::Attach;
#[cfg(target_os = "linux")]
pub use shaping::{MarkQueue, Queues};
#[cfg(target_os = "linux")]
pub use wait::wait;
