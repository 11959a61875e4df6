//! Several points as one report, so that it can be shown like one.

use std::collections::BTreeMap;
use std::ops::Range;

use perhop_policy::PolicySet;
use perhop_verify::call::Calls;
use perhop_verify::engine::{Ledger, Totals};
use perhop_verify::finding::Finding;
use perhop_verify::flow::FlowKey;
use perhop_verify::points::notes::{of_point, of_segment};
use perhop_verify::points::{Heading, Point, Segment, Trace, compare, ends, findings};
use perhop_verify::report::{Report, verify_as};
use perhop_verify::source::Index;
use perhop_verify::tolerance::Tolerances;

use crate::feed::Capture;
use crate::json::points::JsonPoint;

/// What was read and found at one point.
pub(super) struct Read<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its captures.
    pub(super) captures: Vec<Capture>,
    /// Its flows.
    pub(super) found: Ledger,
    /// What is compared.
    pub(super) trace: Trace,
    /// Its flows, judged.
    pub(super) report: Report,
}

/// All points: captures, flows and reports one after another.
pub(super) struct Together<'a> {
    /// All captures.
    pub(super) captures: Vec<Capture>,
    /// All flows, by point.
    pub(super) found: Vec<Ledger>,
    /// Calls that signalling names, each as the first point saw it.
    pub(super) calls: Calls,
    /// Sums over all points.
    pub(super) totals: Totals,
    /// All reports; its findings are those that are shown.
    pub(super) report: Report,
    /// Every finding.
    pub(super) told: Vec<Told>,
    /// What happened between.
    pub(super) segments: Vec<Segment>,
    /// What is to be said of each segment.
    pub(super) segment_notes: Vec<Vec<String>>,
    /// The points.
    pub(super) points: Vec<Head<'a>>,
}

/// One point of several.
pub(super) struct Head<'a> {
    /// Its name.
    pub(super) name: &'a str,
    vantage: &'static str,
    /// Its captures.
    pub(super) captures: Range<usize>,
    /// Its flows.
    pub(super) flows: Range<usize>,
    /// Its rows of classes.
    pub(super) class_rows: Range<usize>,
    /// How many those are.
    pub(super) classes: usize,
    /// What is to be said of it.
    pub(super) notes: Vec<String>,
    trace: Trace,
}

/// A finding, and where.
pub(super) struct Told {
    /// The point whose flows it is about.
    pub(super) point: usize,
    /// The segment, when it is about one.
    pub(super) segment: Option<usize>,
    /// Every flow of it was at a point before, where it, or the segment between, is judged.
    pub(super) explained: bool,
    /// The finding; its flows are among all.
    pub(super) finding: Finding,
}

impl<'a> Together<'a> {
    /// Puts one behind the other, with what happened between.
    pub(super) fn of(
        policy: &PolicySet,
        read: Vec<Read<'a>>,
        segments: Vec<Segment>,
        tolerances: &Tolerances,
    ) -> Self {
        let points = points_of(&read);
        let between = findings(policy, &points, &segments, tolerances);
        let segment_notes = segments
            .iter()
            .map(|one| of_segment(one, &points))
            .collect();
        let starts: Vec<usize> = read
            .iter()
            .scan(0, |next, read| {
                *next += read.found.len();
                Some(*next - read.found.len())
            })
            .collect();
        let mut told: Vec<Told> = between
            .into_iter()
            .map(|mut one| {
                one.finding
                    .flows
                    .iter_mut()
                    .for_each(|at| *at += starts[one.point]);
                Told {
                    point: one.point,
                    segment: Some(one.segment),
                    explained: false,
                    finding: one.finding,
                }
            })
            .collect();
        told.extend(at_points(&read, &starts, &known(&segments, &read)));
        told.sort_by_key(|told| (told.explained, std::cmp::Reverse(told.finding.severity)));
        Self::join(read, segments, segment_notes, told)
    }

    fn join(
        read: Vec<Read<'a>>,
        segments: Vec<Segment>,
        segment_notes: Vec<Vec<String>>,
        told: Vec<Told>,
    ) -> Self {
        let mut captures = Vec::new();
        let (mut found, mut flows) = (Vec::new(), 0);
        let mut totals = Totals::default();
        let mut calls = Calls::default();
        let mut points = Vec::new();
        let mut report: Option<Report> = None;
        for mut read in read {
            read.trace.forget_packets();
            let rows = report.as_ref().map_or(0, |report| report.classes.len());
            let classes = read.report.classes.len();
            points.push(Head {
                name: read.name,
                vantage: read.report.vantage.as_str(),
                captures: captures.len()..captures.len() + read.captures.len(),
                flows: flows..flows + read.found.len(),
                class_rows: rows..rows + classes,
                classes,
                notes: of_point(&read.trace),
                trace: read.trace,
            });
            captures.extend(read.captures);
            calls.merge(read.found.calls().clone());
            totals.merge(read.found.totals());
            flows += read.found.len();
            found.push(read.found);
            match &mut report {
                Some(report) => report.append(read.report),
                None => report = Some(read.report),
            }
        }
        let mut report = report.expect("there are two points or more");
        report.findings = told
            .iter()
            .filter(|told| !told.explained)
            .map(|told| shown(told, &points))
            .collect();
        Self {
            captures,
            found,
            calls,
            totals,
            report,
            told,
            segments,
            segment_notes,
            points,
        }
    }

    /// Names of the points and numbers of their flows.
    pub(super) fn flow_counts(&self) -> Vec<(&'a str, usize)> {
        let points = self.points.iter();
        points
            .map(|point| (point.name, point.flows.len()))
            .collect()
    }

    /// The flows of each point by 5-tuple.
    pub(super) fn indices(&self) -> Vec<Index<'_>> {
        let found = self.found.iter();
        found.map(|found| Index::new(found.into())).collect()
    }

    /// Where the first flow of a 5-tuple is among all.
    pub(super) fn place(
        &self,
        indices: &[Index<'_>],
        point: usize,
        key: &FlowKey,
    ) -> Option<usize> {
        let at = indices[point].find(*key)?;
        Some(self.points[point].flows.start + at)
    }

    /// A list that has each point's part behind that of the one before, with the point's name.
    pub(super) fn by_point<'b, T>(
        &'b self,
        list: &'b [T],
        part: impl Fn(&Head<'a>) -> Range<usize> + 'b,
    ) -> impl Iterator<Item = (&'a str, &'b T)> + 'b {
        self.points.iter().flat_map(move |point| {
            let name = point.name;
            list[part(point)].iter().map(move |one| (name, one))
        })
    }
}

impl<'a> Head<'a> {
    /// What is written of the point.
    pub(super) fn json<'b>(&'b self, all: &'b Together<'_>) -> JsonPoint<'b> {
        let captures = &all.captures[self.captures.clone()];
        let names = captures.iter().map(|one| one.name.as_str()).collect();
        JsonPoint::of(self.name, self.vantage, names, &self.trace, &self.notes)
    }
}

/// Compares the points. Where a translator is between, flows are judged anew by what they are called at their ends.
pub(super) fn compared(
    policy: &PolicySet,
    read: &mut [Read<'_>],
    tolerances: &Tolerances,
) -> Vec<Segment> {
    let points = points_of(read);
    let segments = compare(policy, &points);
    let ends = ends(&segments, &points);
    if ends.iter().all(BTreeMap::is_empty) {
        return segments;
    }
    for (read, ends) in read.iter_mut().zip(&ends) {
        let vantage = read.report.vantage;
        read.report = verify_as(policy, vantage, &read.found, tolerances, ends);
    }
    compare(policy, &points_of(read))
}

fn points_of<'a>(read: &'a [Read<'_>]) -> Vec<Point<'a>> {
    let points = read.iter().map(|read| Point {
        name: read.name,
        trace: &read.trace,
        flows: (&read.found).into(),
        report: &read.report,
        dropped: read.captures.iter().map(|one| one.dropped).sum(),
    });
    points.collect()
}

/// Flows that were at a point before: the point where they are known, and their number there.
fn known(segments: &[Segment], read: &[Read<'_>]) -> Vec<(usize, usize)> {
    let indices: Vec<Index<'_>> = read
        .iter()
        .map(|read| Index::new((&read.found).into()))
        .collect();
    let mut known: Vec<(usize, usize)> = segments
        .iter()
        .flat_map(|segment| segment.flows.iter().map(move |flow| (segment, flow)))
        .filter(|(_, flow)| flow.counts.matched > 0)
        .filter_map(|(segment, flow)| {
            let (point, key) = match flow.heading {
                Heading::Forward => (segment.to, flow.keys[1]),
                Heading::Backward => (segment.from, flow.keys[0]),
            };
            Some((point, indices[point].find(key)?))
        })
        .collect();
    known.sort_unstable();
    known
}

/// The findings of each point by itself.
fn at_points(read: &[Read<'_>], starts: &[usize], known: &[(usize, usize)]) -> Vec<Told> {
    let mut out = Vec::new();
    for (point, read) in read.iter().enumerate() {
        for finding in &read.report.findings {
            let mut finding = finding.clone();
            let is_known = |at: &usize| known.binary_search(&(point, *at)).is_ok();
            let explained = !finding.flows.is_empty() && finding.flows.iter().all(is_known);
            finding.flows.iter_mut().for_each(|at| *at += starts[point]);
            out.push(Told {
                point,
                segment: None,
                explained,
                finding,
            });
        }
    }
    out
}

/// A finding as it is shown: that of a point says which.
fn shown(told: &Told, points: &[Head<'_>]) -> Finding {
    let mut finding = told.finding.clone();
    if told.segment.is_none() {
        finding.message = format!("at `{}`: {}", points[told.point].name, finding.message);
    }
    finding
}
