//! The narrow waist: what a plan means, said once and neutrally.
//!
//! Front-ends make a [`PolicySet`], back-ends read it, the verifier judges by it; nobody passes anything else across.
//! Invariant: two regions of one scope never overlap unless they carry the same mark, so a packet seen from one scope
//! has one answer, and [`PolicySet::classify`] is the only function that gives it.
//!
//! This crate never reads a file or a clock, never prints, and knows neither TOML nor any vendor's syntax.
#![forbid(unsafe_code)]

pub mod capability;
pub mod class;
pub mod classify;
pub mod diag;
pub mod diff;
pub mod overlap;
pub mod ports;
pub mod precedence;
pub mod producer;
pub mod rate;
pub mod rule;
pub mod scope;
pub mod selector;
pub mod set;

pub use capability::{Fit, Loss, LossKind, OptionValue, TargetRequest};
pub use class::{Class, ClassId, ClassKind};
pub use classify::{Answer, Candidate, FlowKey, Vantage};
pub use diag::{CodeInfo, Diagnostic, FileId, Label, Severity, Span};
pub use ports::{DstPorts, PortMatch, PortRange, SrcPorts};
pub use producer::{Family, Producer, ProducerKind, ProducerRange, RangeUse, Subject};
pub use rate::Rate;
pub use rule::{Marker, Rule, RuleId, Statement};
pub use scope::{Host, Role, Scope, ScopeId, Site};
pub use selector::{AppMatch, Protocol, ProtocolMatch};
pub use set::{PolicySet, Region};

pub use perhop_wire::field::{DsField, Dscp, Ecn, Pcp};
