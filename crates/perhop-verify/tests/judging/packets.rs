//! The same law from packets on: a plan's traffic as bytes has no finding, and one wrong mark gives exactly one.

use perhop_policy::{PolicySet, Vantage};
use perhop_verify::report::Report;
use perhop_verify::stream::MediaType;
use perhop_verify::tolerance::Tolerances;
use perhop_verify::verdict::Verdict;
use proptest::prelude::*;

use crate::laws::{Seed, ends, plans};
use crate::read;
use crate::synth::{self, Line};

/// A flow of audio or video by a rule of the plan.
#[derive(Debug, Clone)]
struct Sent {
    ends: (String, String),
    what: &'static str,
    mark: u8,
    packets: u64,
}

impl Sent {
    /// A line of traffic with these marks.
    fn line(&self, marks: &str) -> Line {
        let (src, dst) = &self.ends;
        Line::parse(&format!("udp {src} > {dst} {} {marks}", self.what))
    }

    fn as_planned(&self) -> Line {
        self.line(&format!("{}x{}", self.mark, self.packets))
    }

    /// All packets with another mark.
    fn wrong(&self, mark: u8) -> Line {
        self.line(&format!("{mark}x{}", self.packets))
    }

    /// One packet with another mark.
    fn wrong_once(&self, at: u64, mark: u8) -> Line {
        let runs = [
            (self.mark, at),
            (mark, 1),
            (self.mark, self.packets - at - 1),
        ];
        let runs = runs.iter().filter(|(_, packets)| *packets > 0);
        let words: Vec<String> = runs
            .map(|(mark, packets)| format!("{mark}x{packets}"))
            .collect();
        self.line(&words.join(","))
    }
}

fn sent(policy: &PolicySet, seeds: &[Seed]) -> Vec<Sent> {
    let mut all: Vec<Sent> = Vec::new();
    for seed in seeds {
        let rules = policy.rules().iter().filter(|rule| rule.class.0 < 2);
        let rules: Vec<_> = rules.collect();
        let rule = rules[seed.0 % rules.len()];
        let ends = ends(rule, seed);
        let new = all.iter().all(|known| {
            known.ends != ends && (&known.ends.1, &known.ends.0) != (&ends.0, &ends.1)
        });
        if new {
            all.push(Sent {
                ends,
                what: ["audio", "video"][usize::from(rule.class.0)],
                mark: rule.dscp.value(),
                packets: 12 + seed.3 % 40,
            });
        }
    }
    all
}

fn judge(policy: &PolicySet, lines: &[Line]) -> Report {
    let (capture, tolerances) = (synth::capture(lines), Tolerances::default());
    let (flows, report) = read::judged(&capture, policy, Vantage::Path, &tolerances);
    assert_eq!(flows.len(), lines.len());
    for flow in &flows {
        assert_eq!(flow.rtp.len(), 1, "{}", flow.key);
        assert!(matches!(
            flow.rtp[0].media,
            Some(MediaType::Audio | MediaType::Video)
        ));
    }
    report
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_wrong_mark_in_bytes_gives_one_finding(
        policy in plans(),
        seeds in proptest::collection::vec((0usize..9, any::<u16>(), 1u8..20, 4u64..400), 1..8),
        which in any::<prop::sample::Index>(),
        packet in any::<prop::sample::Index>(),
        step in 1u8..64,
    ) {
        let sent = sent(&policy, &seeds);
        let lines: Vec<Line> = sent.iter().map(Sent::as_planned).collect();
        let report = judge(&policy, &lines);
        prop_assert!(report.findings.is_empty(), "{:#?}", report.findings);
        prop_assert!(report.flows.iter().all(|one| one.verdict == Verdict::Ok));
        prop_assert!(report.classes.iter().all(|row| row.quality.missing == 0));

        let at = which.index(sent.len());
        let one = &sent[at];
        let mark = (one.mark + step) % 64;
        let mut wrong = lines.clone();
        wrong[at] = one.wrong(mark);
        let report = judge(&policy, &wrong);
        prop_assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
        let code = if mark == 0 { "verify/unmarked" } else { "verify/remarked" };
        prop_assert_eq!(report.findings[0].code, code);
        prop_assert_eq!(report.findings[0].flows.len(), 1);

        wrong[at] = one.wrong_once(packet.index(usize::try_from(one.packets).unwrap()) as u64, mark);
        let report = judge(&policy, &wrong);
        prop_assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
        prop_assert_eq!(report.findings[0].code, "verify/mixed");
        prop_assert_eq!(report.findings[0].flows.len(), 1);
    }
}
