//! Writers that quote: the only makers of target text.

pub mod csv;
pub mod json;
pub mod lgpo_text;
pub mod markdown;
pub mod powershell;
pub mod regfile;
pub mod regpol;
pub mod xml;
