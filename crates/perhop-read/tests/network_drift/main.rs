//! Drift of marks in the network: configurations that somebody changed, and what is said of them.

mod audited;
mod nft;
mod routers;
mod switches;
