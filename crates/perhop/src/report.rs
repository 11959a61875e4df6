//! What `verify` says, ready to be shown: one view, from which every form for people is rendered.

mod build;
mod filter;
pub(crate) mod junit;
pub(crate) mod page;
pub(crate) mod points;
pub(crate) mod series;
pub(crate) mod terminal;
pub(crate) mod xlsx;

pub(crate) use build::{Subject, class_of, class_view, view};
pub(crate) use series::OverTime;

use std::net::{IpAddr, SocketAddr};

use perhop_policy::Dscp;

use crate::render::grouped;
use crate::report::points::SegmentView;
use crate::report::series::SeriesView;

/// How a thing is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    /// As planned.
    Good,
    /// Worth knowing.
    Info,
    /// Doubtful.
    Warn,
    /// Not as planned.
    Bad,
}

/// Everything that a report shows.
#[derive(Debug)]
pub(crate) struct View {
    /// The plan's name.
    pub(crate) plan: String,
    /// Where it was seen: `sender`, `path` or `receiver`, or the points by name.
    pub(crate) vantage: String,
    /// The captures, in order.
    pub(crate) captures: Vec<CaptureView>,
    /// The answer.
    pub(crate) verdict: VerdictView,
    /// A few numbers: name, value, unit or remark.
    pub(crate) facts: Vec<(&'static str, String, String)>,
    /// What a class's row is about besides its class: `Site`, or `Point`.
    pub(crate) place: &'static str,
    /// One row for each class and site.
    pub(crate) classes: Vec<ClassView>,
    /// What happened between points; empty for one point.
    pub(crate) segments: Vec<SegmentView>,
    /// What was found, the worst first.
    pub(crate) findings: Vec<FindingView>,
    /// Flows, the worst first.
    pub(crate) flows: Vec<FlowView>,
    /// What happened over time, by class and site.
    pub(crate) series: Vec<SeriesView>,
    /// How it was judged, a sentence each.
    pub(crate) method: Vec<String>,
}

impl View {
    /// The captures by name; of many the first few.
    pub(crate) fn capture_names(&self) -> String {
        let names = self.captures.iter().take(CAPTURES);
        let names: Vec<&str> = names.map(|one| one.name.as_str()).collect();
        match self.captures.len().saturating_sub(CAPTURES) {
            0 => names.join(", "),
            more => format!("{} and {} more", names.join(", "), grouped(more as u64)),
        }
    }
}

/// Captures that are named where they are listed in a line.
const CAPTURES: usize = 4;

/// The answer in words.
#[derive(Debug)]
pub(crate) struct VerdictView {
    /// Good, bad, or warn when there was nothing to judge.
    pub(crate) tone: Tone,
    /// One line.
    pub(crate) headline: String,
    /// What it comes from, a line each, the weightiest first.
    pub(crate) because: Vec<String>,
}

/// One capture.
#[derive(Debug)]
pub(crate) struct CaptureView {
    /// Path as it was given.
    pub(crate) name: String,
    /// Packets read.
    pub(crate) packets: u64,
    /// Nanoseconds since 1970 of the first and last packet.
    pub(crate) time: Option<(i64, i64)>,
    /// Packets that passed and are not in it, by its own counters.
    pub(crate) dropped: u64,
    /// What was wrong with it.
    pub(crate) damage: Vec<String>,
}

/// One class at one site.
#[derive(Debug)]
pub(crate) struct ClassView {
    /// Name of the class.
    pub(crate) class: String,
    /// The sender's site, when the plan has sites; the point, when there are several.
    pub(crate) site: Option<String>,
    /// The planned mark; `None` for what the plan does not know.
    pub(crate) expected: Option<Dscp>,
    /// Packets that verdicts rest on, and those of them with a planned mark.
    pub(crate) judged: (u64, u64),
    /// Packets per DSCP that was seen, by value.
    pub(crate) seen: Vec<(Dscp, u64)>,
    /// Flows by verdict: name, tone, number; those with flows only.
    pub(crate) verdicts: Vec<(&'static str, Tone, u64)>,
    /// Loss over all streams in percent, and the mean jitter in milliseconds.
    pub(crate) quality: Option<(f64, Option<f64>)>,
    /// Mean opinion score of its sound, where it can be stated.
    pub(crate) mos: Option<f64>,
}

/// One finding.
#[derive(Debug)]
pub(crate) struct FindingView {
    /// Its code.
    pub(crate) code: &'static str,
    /// How bad.
    pub(crate) tone: Tone,
    /// `error`, `warning` or `info`.
    pub(crate) severity: &'static str,
    /// What.
    pub(crate) message: String,
    /// The layer that likely broke, such as `host`.
    pub(crate) layer: &'static str,
    /// The likely cause.
    pub(crate) cause: String,
    /// What says so.
    pub(crate) evidence: Vec<String>,
    /// What to look at next.
    pub(crate) next: String,
    /// Causes that fit less, a line each.
    pub(crate) others: Vec<String>,
    /// The class's name, when it is about one.
    pub(crate) class: Option<String>,
    /// The plan's place, as `plan.toml:14:9`, and the line's text.
    pub(crate) place: Option<(String, String)>,
    /// Indices into [`View::flows`].
    pub(crate) flows: Vec<usize>,
    /// Shows its packets in Wireshark.
    pub(crate) filter: Option<String>,
}

/// One flow.
#[derive(Debug)]
pub(crate) struct FlowView {
    /// `udp`.
    pub(crate) proto: String,
    /// Sender.
    pub(crate) src: IpAddr,
    /// Sender's port.
    pub(crate) src_port: u16,
    /// Receiver.
    pub(crate) dst: IpAddr,
    /// Receiver's port.
    pub(crate) dst_port: u16,
    /// Packets.
    pub(crate) packets: u64,
    /// Name of the verdict, and how to take it.
    pub(crate) verdict: (&'static str, Tone),
    /// The rule's name, when one was found.
    pub(crate) rule: Option<String>,
    /// The class's name.
    pub(crate) class: Option<String>,
    /// The planned marks; several when the capture does not tell which rule holds.
    pub(crate) expected: Vec<Dscp>,
    /// Packets per DSCP, by value.
    pub(crate) seen: Vec<(Dscp, u64)>,
    /// What else is to be said, a line each.
    pub(crate) evidence: Vec<String>,
}

impl FlowView {
    /// `198.51.100.13:31000`.
    pub(crate) fn sender(&self) -> String {
        end(self.src, self.src_port)
    }

    /// `192.0.2.20:49300`.
    pub(crate) fn receiver(&self) -> String {
        end(self.dst, self.dst_port)
    }

    /// Whether it is to be looked at: part of a finding that is more than information.
    pub(crate) const fn failed(&self) -> bool {
        matches!(self.verdict.1, Tone::Bad | Tone::Warn)
    }
}

fn end(address: IpAddr, port: u16) -> String {
    if port == 0 {
        address.to_string()
    } else {
        SocketAddr::new(address, port).to_string()
    }
}
