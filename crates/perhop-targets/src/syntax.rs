//! Writers that quote: the only makers of target text.

pub mod powershell;
pub mod xml;
