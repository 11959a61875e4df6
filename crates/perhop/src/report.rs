//! What `verify` says, ready to be shown: one view, from which every form for people is rendered.

mod build;
mod filter;
mod flows;
pub(crate) mod junit;
pub(crate) mod page;
pub(crate) mod points;
pub(crate) mod series;
pub(crate) mod table;
pub(crate) mod terminal;
pub(crate) mod xlsx;

pub(crate) use build::{Subject, class_of, class_view, view};
pub(crate) use flows::{FlowView, FlowViews, receiver, sender};
pub(crate) use series::OverTime;
pub(crate) use table::FlowTable;

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
pub(crate) struct View<'a> {
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
    pub(crate) findings: Vec<FindingView<'a>>,
    /// The flows.
    pub(crate) flows: FlowViews<'a>,
    /// What happened over time, by class and site.
    pub(crate) series: Vec<SeriesView>,
    /// How it was judged, a sentence each.
    pub(crate) method: Vec<String>,
}

impl View<'_> {
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
pub(crate) struct FindingView<'a> {
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
    /// Numbers in [`View::flows`], ascending.
    pub(crate) flows: &'a [usize],
    /// Shows its packets in Wireshark.
    pub(crate) filter: Option<String>,
}
