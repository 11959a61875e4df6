//! The packets of a term.

use ipnet::IpNet;
use perhop_policy::{PortRange, Protocol};
use perhop_targets::network::model::{Service, Term};

use crate::meet;

/// One end of packets; empty lists are no condition.
#[derive(Default)]
pub(super) struct Side {
    pub(super) nets: Vec<IpNet>,
    pub(super) except: Vec<IpNet>,
    pub(super) ports: Vec<PortRange>,
}

/// The packets of a term.
#[derive(Default)]
pub(super) struct Packets {
    pub(super) protocols: Vec<Protocol>,
    pub(super) sides: [Side; 2],
    /// Ports that either end may have.
    pub(super) either: Vec<PortRange>,
    /// Whether they are of other protocols than UDP and TCP only.
    pub(super) elsewhere: bool,
}

impl Packets {
    pub(super) fn size(&self) -> usize {
        let [src, dst] = &self.sides;
        let ports = src
            .ports
            .len()
            .max(1)
            .saturating_mul(dst.ports.len().max(1));
        ports
            .saturating_mul(2 * self.either.len().max(1))
            .saturating_mul(2)
            .saturating_add(src.nets.len() + dst.nets.len() + src.except.len() + dst.except.len())
    }

    /// None for every packet; `None` where no packet meets all conditions.
    pub(super) fn services(&self) -> Option<Vec<Service>> {
        let [src, dst] = &self.sides;
        meet::conditions(&self.protocols, [&src.ports, &dst.ports], &self.either)
    }

    /// The addresses that are taken out.
    pub(super) fn without(&self) -> Vec<Term> {
        let services = [Protocol::Udp, Protocol::Tcp].map(|protocol| Service {
            protocol,
            src: None,
            dst: None,
        });
        let [src, dst] = &self.sides;
        let mut out = Vec::new();
        for (src, dst) in [(&src.except, &Vec::new()), (&Vec::new(), &dst.except)] {
            if !(src.is_empty() && dst.is_empty()) {
                out.push(Term {
                    src: src.clone(),
                    dst: dst.clone(),
                    services: services.to_vec(),
                });
            }
        }
        out
    }
}
