//! Writers that quote: the only makers of target text.

pub mod json;
pub mod markdown;
pub mod powershell;
pub mod xml;
