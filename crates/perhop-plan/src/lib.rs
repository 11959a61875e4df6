//! The plan language: from the text of a plan to its policy set, or to everything that is wrong with it.
//!
//! Stages: text, [`ast`] (a tree with places), [`plan`] (names resolved), the parts of a policy set. Each stage collects
//! every problem it can see; the next runs only when there is no error. Invariant: every text gives a [`Loaded`], and a
//! text with no error gives a policy set that does not depend on the order of its tables.
//!
//! This crate is handed text: it opens no file, asks no clock, and knows no target.
#![forbid(unsafe_code)]

pub mod allow;
pub mod ast;
pub mod catalogue;
pub mod check;
pub mod code;
pub mod draft;
pub mod expect;
pub mod field;
pub mod language;
pub mod leaf;
pub mod load;
pub mod plan;
pub mod reference;
pub mod resolve;
pub mod rules;
pub mod schema;
pub mod shape;
pub mod source;
pub mod suggest;
pub mod template;
pub mod to_policy;
mod view;

pub use allow::Allowed;
pub use code::CODES;
pub use load::{Loaded, load};
pub use reference::reference;
pub use schema::schema;
pub use template::{platforms, template};
