//! Writers that quote: the only makers of target text.

pub mod csv;
pub mod ios;
pub mod json;
pub mod lgpo_text;
pub mod markdown;
pub mod nft;
pub mod powershell;
pub mod regfile;
pub mod regpol;
pub mod sh;
pub mod xml;
