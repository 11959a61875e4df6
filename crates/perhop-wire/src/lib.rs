//! Bytes to fields and back: link, network, transport and media headers, capture framing.
#![forbid(unsafe_code)]

pub mod field;
pub mod link;
pub mod packet;
