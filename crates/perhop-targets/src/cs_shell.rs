//! What the shells of Lync Server, Skype for Business Server and Teams have in common: settings objects that commands
//! read and write, one script that makes them as planned, one that puts them back, one that compares.

pub(crate) mod model;
pub(crate) mod read;
pub(crate) mod script;
pub mod settings;
