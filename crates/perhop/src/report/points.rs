//! Several points as one view: what each has, and what happened between.

use perhop_policy::{Dscp, Severity};
use perhop_verify::finding::Finding;
use perhop_verify::points::notes::duration;
use perhop_verify::points::{Heading, Segment, SegmentClass, SentMark};

use crate::render::{counted, counted_u64, grouped};
use crate::report::page::percent;
use crate::report::table::point_of;
use crate::report::{ClassView, FindingView, OverTime, Subject, Tone, VerdictView, View};

/// What happened between two points, one way.
#[derive(Debug)]
pub(crate) struct SegmentView {
    /// `from sender to receiver`.
    pub(crate) title: String,
    /// A row for each class and mark.
    pub(crate) rows: Vec<SegmentRow>,
    /// What is to be said of clocks, path and doubts, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// Packets of one class that left with one mark.
#[derive(Debug)]
pub(crate) struct SegmentRow {
    /// Name of the class.
    pub(crate) class: String,
    /// The mark upstream.
    pub(crate) sent_with: Dscp,
    /// Packets by the mark downstream.
    pub(crate) arrive_with: Vec<(Dscp, u64)>,
    /// Packets upstream.
    pub(crate) sent: u64,
    /// Of those, packets that are not downstream.
    pub(crate) missing: u64,
    /// Delay over the least in nanoseconds: half, 95 and 99 of 100 packets took no longer, and the largest.
    pub(crate) delay: Option<[i64; 4]>,
    /// Whether the mark arrives as it should.
    pub(crate) tone: Tone,
}

impl SegmentRow {
    /// `[9 µs, 1.2 ms, …]`, dashes when nothing is known.
    pub(crate) fn delays(&self) -> [String; 4] {
        self.delay
            .map_or([(); 4].map(|()| "–".to_owned()), |delay| {
                delay.map(duration)
            })
    }

    /// `34 (4.2 %)`.
    pub(crate) fn lost(&self) -> String {
        if self.missing == 0 {
            return "0".to_owned();
        }
        format!(
            "{} ({})",
            grouped(self.missing),
            percent(self.missing, self.sent)
        )
    }
}

/// Points, and what was found between them.
pub(crate) struct Compared<'a> {
    /// All points in one: their captures, flows and reports one after another, and every finding that is shown.
    pub(crate) subject: Subject<'a>,
    /// Of each point: its name, how many rows of classes it has, how many flows.
    pub(crate) points: &'a [(&'a str, usize, usize)],
    /// What happened between.
    pub(crate) segments: &'a [Segment],
    /// What is to be said of each segment.
    pub(crate) segment_notes: &'a [Vec<String>],
    /// What is to be said of each point.
    pub(crate) point_notes: &'a [Vec<String>],
    /// Findings of points that those of points before, or of segments, explain; they are not shown.
    pub(crate) explained: usize,
}

/// Everything that a report shows.
pub(crate) fn view<'a>(compared: &Compared<'a>, over_time: OverTime) -> View<'a> {
    let subject = &compared.subject;
    let mut view = crate::report::view(subject, over_time);
    let names: Vec<&str> = compared.points.iter().map(|(name, ..)| *name).collect();
    view.vantage = format!("points {}", names.join(", "));
    view.place = "Point";
    view.classes = classes(compared);
    let places: Vec<(&str, usize)> = compared
        .points
        .iter()
        .map(|(name, _, count)| (*name, *count))
        .collect();
    let told = told_of_segments(&view.findings);
    view.flows = view.flows.changed(move |at, flow| {
        let name = point_of(&places, at).unwrap_or_default();
        flow.evidence.insert(0, format!("seen at `{name}`"));
        for (what, code, _) in told.iter().filter(|one| one.2.binary_search(&at).is_ok()) {
            if flow.verdict.0 == "ok" {
                flow.verdict.0 = what;
            }
            flow.evidence.push(format!("see `{code}`"));
        }
    });
    view.segments = segments(compared);
    view.verdict = verdict(compared);
    view.facts = facts(compared);
    view.method = method(compared, std::mem::take(&mut view.method));
    view
}

/// A flow that was as planned where it was seen first, and is part of a finding about the way between, is not called `ok`:
/// what it is called, the finding, its flows.
fn told_of_segments<'a>(
    findings: &[FindingView<'a>],
) -> Vec<(&'static str, &'static str, &'a [usize])> {
    let told = findings.iter().filter(|one| one.tone > Tone::Info);
    let called = told.filter_map(|finding| {
        let what = match finding.code {
            "verify/segment-loss" => "ok, then lost",
            code if code.starts_with("verify/segment-") => "ok, then changed",
            _ => return None,
        };
        Some((what, finding.code, finding.flows))
    });
    called.collect()
}

fn classes(compared: &Compared<'_>) -> Vec<ClassView> {
    let mut rows = &compared.subject.report.classes[..];
    let mut out = Vec::new();
    for (name, count, _) in compared.points {
        let (own, rest) = rows.split_at(*count);
        rows = rest;
        for row in own {
            let Some(mut row) = crate::report::class_view(&compared.subject, row) else {
                continue;
            };
            row.site = Some(match row.site {
                Some(site) => format!("{name}, {site}"),
                None => (*name).to_owned(),
            });
            out.push(row);
        }
    }
    out
}

fn segments(compared: &Compared<'_>) -> Vec<SegmentView> {
    let mut out = Vec::new();
    for (segment, notes) in compared.segments.iter().zip(compared.segment_notes) {
        let (first, second) = (
            compared.points[segment.from].0,
            compared.points[segment.to].0,
        );
        let mut views: Vec<SegmentView> = segment
            .headings()
            .map(|heading| {
                let (up, down) = match heading {
                    Heading::Forward => (first, second),
                    Heading::Backward => (second, first),
                };
                SegmentView {
                    title: format!("from {up} to {down}"),
                    rows: rows(compared, segment, heading),
                    notes: Vec::new(),
                }
            })
            .collect();
        if views.is_empty() {
            views.push(SegmentView {
                title: format!("from {first} to {second}"),
                rows: Vec::new(),
                notes: Vec::new(),
            });
        }
        if let Some(last) = views.last_mut() {
            last.notes.clone_from(notes);
        }
        out.extend(views);
    }
    out
}

fn rows(compared: &Compared<'_>, segment: &Segment, heading: Heading) -> Vec<SegmentRow> {
    let own = segment.classes.iter().filter(|row| row.heading == heading);
    own.flat_map(|row| row.by_mark.iter().map(|mark| one_row(compared, row, mark)))
        .collect()
}

fn one_row(compared: &Compared<'_>, row: &SegmentClass, mark: &SentMark) -> SegmentRow {
    let policy = compared.subject.policy;
    let class = row.class.map(|id| policy.class(id));
    let marks = row.marks.iter().filter(|one| one.from == mark.mark);
    let arrive_with: Vec<(Dscp, u64)> = marks.map(|one| (one.to, one.packets)).collect();
    let changed = arrive_with.iter().any(|(to, _)| *to != mark.mark);
    let planned = class.map(|class| class.dscp);
    let all_planned = arrive_with.iter().all(|(to, _)| Some(*to) == planned);
    SegmentRow {
        class: class.map_or_else(|| "not in the plan".to_owned(), |class| class.name.clone()),
        sent_with: mark.mark,
        arrive_with,
        sent: mark.sent,
        missing: mark.missing,
        delay: mark
            .delay
            .map(|delay| [delay.p50, delay.p95, delay.p99, delay.largest]),
        tone: match (changed, planned) {
            (false, Some(planned)) if planned == mark.mark => Tone::Good,
            (false, _) => Tone::Info,
            (true, None) => Tone::Info,
            (true, Some(_)) if all_planned => Tone::Good,
            (true, Some(planned)) if planned == mark.mark => Tone::Bad,
            (true, Some(_)) => Tone::Warn,
        },
    }
}

/// The answer: first whether marks survive, then whether they were there.
fn verdict(compared: &Compared<'_>) -> VerdictView {
    let findings = &compared.subject.report.findings;
    let (between, own): (Vec<&Finding>, Vec<&Finding>) = findings
        .iter()
        .partition(|one| one.code.starts_with("verify/segment-"));
    let changed = between.iter().any(|one| one.severity == Severity::Error);
    let mut failed: Vec<usize> = own
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .flat_map(|one| one.flows.iter().copied())
        .collect();
    failed.sort_unstable();
    failed.dedup();
    let matched: u64 = compared.segments.iter().map(Segment::matched).sum();
    let doubtful = findings.iter().any(|one| one.severity > Severity::Info);
    let wrong = counted(failed.len(), "flow");
    let (tone, headline) = if changed {
        let mut headline = "not as planned: marks are changed between the points".to_owned();
        if !failed.is_empty() {
            headline.push_str(&format!(", and {wrong} had the wrong mark before"));
        }
        (Tone::Bad, headline)
    } else if !failed.is_empty() {
        let rest = match matched {
            0 => "where they were seen first",
            _ => "at the first point; between the points no planned mark is changed",
        };
        let headline = format!("not as planned: {wrong} had the wrong mark {rest}");
        (Tone::Bad, headline)
    } else if matched == 0 {
        let headline =
            "no packet is at more than one point, so nothing can be said of the way between";
        (Tone::Warn, headline.to_owned())
    } else if doubtful {
        let headline = "marks are as planned at every point, but something else needs a look";
        (Tone::Warn, headline.to_owned())
    } else {
        let matched = counted_u64(matched, "packet");
        let headline = format!(
            "as planned: {matched} found again, every planned mark is there at every point"
        );
        (Tone::Good, headline)
    };
    let because = findings.iter().filter(|one| one.severity > Severity::Info);
    VerdictView {
        tone,
        headline,
        because: because.map(|one| one.message.clone()).collect(),
    }
}

fn facts(compared: &Compared<'_>) -> Vec<(&'static str, String, String)> {
    let mut out: Vec<(&'static str, String, String)> = Vec::new();
    let (mut packets, mut kept) = (0, 0);
    for one in compared
        .segments
        .iter()
        .flat_map(|segment| &segment.flows)
        .filter(|flow| !flow.expected.is_empty())
        .flat_map(|flow| flow.marks.iter())
    {
        packets += one.packets;
        kept += if one.from == one.to { one.packets } else { 0 };
    }
    let names: Vec<&str> = compared.points.iter().map(|(name, ..)| *name).collect();
    out.push(("Points", names.len().to_string(), names.join(", ")));
    let all: u64 = compared
        .subject
        .captures
        .iter()
        .map(|one| one.packets)
        .sum();
    out.push(("Packets", grouped(all), "at all points".to_owned()));
    let matched: u64 = compared.segments.iter().map(Segment::matched).sum();
    out.push((
        "Found again",
        grouped(matched),
        "at the next point".to_owned(),
    ));
    let missing: u64 = compared
        .segments
        .iter()
        .flat_map(|segment| &segment.flows)
        .map(|flow| flow.counts.missing)
        .sum();
    out.push((
        "Lost between",
        grouped(missing),
        percent(missing, matched + missing),
    ));
    out.push((
        "Marks kept",
        percent(kept, packets),
        format!("of {} of the plan", counted_u64(packets, "packet")),
    ));
    out
}

fn method(compared: &Compared<'_>, common: Vec<String>) -> Vec<String> {
    let mut out = vec![
        "Packets are found again by what they carry, whatever their addresses, marks and times to live; only the time in which \
         both points captured counts. Delays are over the least one of the segment. docs/POINTS.md has the definitions."
            .to_owned(),
    ];
    for ((name, ..), notes) in compared.points.iter().zip(compared.point_notes) {
        out.extend(notes.iter().map(|note| format!("At {name}: {note}.")));
    }
    if compared.explained > 0 {
        out.push(format!(
            "{} of later points are left out here, as what was found before explains them; JSON has them.",
            counted(compared.explained, "finding")
        ));
    }
    // The vantage is each point's own.
    out.extend(
        common
            .into_iter()
            .filter(|line| !line.starts_with("Vantage:")),
    );
    out
}
