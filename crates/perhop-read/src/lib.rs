//! What is configured now: files that Windows, the service and its shell, and devices of the network write, read into
//! one model of facts, and compared with a policy.
//!
//! Invariant: every bytes give a [`Reading`]; what is not understood is listed in it, never dropped and never guessed.
//! Files are recognised by what is in them. This crate is handed names and bytes: it opens no file and sees no plan.
#![forbid(unsafe_code)]

pub mod audit;
pub mod change;
pub mod codes;
mod device;
pub mod fact;
pub mod finding;
mod inband;
mod intune;
mod mark;
mod meet;
mod meraki;
mod nft;
pub mod place;
pub mod policy;
pub mod reading;
mod recognise;
mod registry;
mod script;
mod sheet;
mod shell;
mod simulate;
mod text;
pub mod throttle;

pub use codes::CODES;
pub use fact::{Fact, What};
pub use finding::{Finding, Layer};
pub use place::Place;
pub use reading::{FileRead, Format, Input, Left, Reading, Words};
pub use throttle::Throttle;
