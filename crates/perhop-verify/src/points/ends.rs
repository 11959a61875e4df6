//! What flows are called at their ends, where an address translator is between the points.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::clock::Heading;
use super::compare::Point;
use super::pair::Alike;
use super::segment::{Segment, SegmentFlow};
use crate::flow::FlowKey;
use crate::source::Index;

/// By point: the flows, by number, that a translator of one end renames, with the 5-tuple that their ends have: the source
/// where they come from, the destination where they go to. Judge them by it: the plan's ports are those of the ends.
///
/// Flows of which both ends are others are left out: a relay sends its own.
#[must_use]
pub fn ends(segments: &[Segment], points: &[Point<'_>]) -> Vec<BTreeMap<usize, FlowKey>> {
    let mut known = Known(vec![HashMap::new(); points.len()]);
    for segment in segments {
        for flow in renamed(segment) {
            known.pass([segment.from, segment.to], flow.keys, flow.heading);
        }
    }
    for segment in segments.iter().rev() {
        for flow in renamed(segment) {
            let keys = [flow.keys[1], flow.keys[0]];
            known.pass([segment.to, segment.from], keys, flow.heading.reversed());
        }
    }
    let named = known.0.into_iter().zip(points);
    named
        .map(|(known, point)| {
            if known.is_empty() {
                return BTreeMap::new();
            }
            let index = Index::new(point.flows);
            known
                .into_iter()
                .map(|(key, ends)| (key, ends.of(key)))
                .filter(|(key, ends)| key != ends)
                .filter_map(|(key, ends)| Some((index.find(key)?, ends)))
                .collect()
        })
        .collect()
}

fn renamed(segment: &Segment) -> impl Iterator<Item = &SegmentFlow> {
    let flows = segment.flows.iter();
    flows.filter(|flow| flow.alike != Alike::Neither && flow.counts.matched > 0)
}

/// What is known of the ends of a flow, where it is not what the point has.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    src: Option<(IpAddr, u16)>,
    dst: Option<(IpAddr, u16)>,
}

impl Ends {
    fn of(self, key: FlowKey) -> FlowKey {
        let (src, src_port) = self.src.unwrap_or((key.src, key.src_port));
        let (dst, dst_port) = self.dst.unwrap_or((key.dst, key.dst_port));
        FlowKey {
            src,
            src_port,
            dst,
            dst_port,
            ..key
        }
    }
}

/// By point and 5-tuple there.
struct Known(Vec<HashMap<FlowKey, Ends>>);

impl Known {
    /// Passes on what one point knows of an end to the next: of where a flow comes from if it goes that way, else of where
    /// it goes to; of both where nothing was renamed, whichever way it goes.
    fn pass(&mut self, [from, to]: [usize; 2], [there, here]: [FlowKey; 2], heading: Heading) {
        let ends = self.0[from].get(&there).copied().unwrap_or_default();
        if there == here {
            if ends.src.or(ends.dst).is_some() {
                let own = self.0[to].entry(here).or_default();
                (own.src, own.dst) = (ends.src.or(own.src), ends.dst.or(own.dst));
            }
            return;
        }
        let ends = ends.of(there);
        match heading {
            Heading::Forward if (ends.src, ends.src_port) != (here.src, here.src_port) => {
                self.0[to].entry(here).or_default().src = Some((ends.src, ends.src_port));
            }
            Heading::Backward if (ends.dst, ends.dst_port) != (here.dst, here.dst_port) => {
                self.0[to].entry(here).or_default().dst = Some((ends.dst, ends.dst_port));
            }
            Heading::Forward | Heading::Backward => {}
        }
    }
}
