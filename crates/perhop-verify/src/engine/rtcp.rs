//! What RTCP on a flow says, and round trips seen from the capture point.

use std::sync::Arc;

use perhop_wire::rtcp::report::{ReportBlock, VoipMetrics};
use perhop_wire::rtcp::{Compound, Content, Protection};

use crate::stream::{RemoteReport, RtcpSummary};

/// RTCP of one direction of a flow.
#[derive(Debug, Clone, Default)]
pub(super) struct RtcpState {
    /// Shared with what looks streams up in it at the end, when nothing more is added.
    pub(super) summary: Arc<RtcpSummary>,
    /// Middle NTP time and arrival of the latest sender reports.
    recent: [(u32, i64); RECENT],
    next: usize,
    /// Sources that said goodbye, and when.
    pub(super) byes: Vec<(u32, i64)>,
}

/// What a datagram asks of the flow of the other direction and of the flow's streams.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// Reports that name a sender report: place in the summary, its middle NTP time, the delay since.
    pub(super) answers: Vec<(usize, u32, u32)>,
    /// Sources that leave.
    pub(super) byes: Vec<u32>,
}

impl RtcpState {
    /// Takes a datagram.
    pub(super) fn take(&mut self, bytes: &[u8], wire_len: u32, time: i64) -> Outcome {
        let mut outcome = Outcome::default();
        let Ok(rtcp) = Compound::new_checked(bytes, wire_len) else {
            return outcome;
        };
        self.summary_mut().datagrams += 1;
        self.saw(rtcp.sender_ssrc());
        if rtcp.protection() == Protection::Encrypted {
            self.summary_mut().encrypted += 1;
            return outcome;
        }
        for packet in rtcp.packets() {
            let content = packet.content();
            match &content {
                Content::SenderReport { ssrc, info, .. } => {
                    self.summary_mut().sender_reports += 1;
                    self.recent[self.next] = (info.middle_ntp(), time);
                    self.next = (self.next + 1) % RECENT;
                    self.reports(*ssrc, &content, &mut outcome);
                }
                Content::ReceiverReport { ssrc, .. } => {
                    self.reports(*ssrc, &content, &mut outcome);
                }
                Content::ExtendedReport { blocks, .. } => {
                    let metrics = blocks.clone().filter_map(|block| block.voip_metrics());
                    metrics.for_each(|metrics| self.voip(metrics));
                }
                Content::Bye(bye) => {
                    for source in bye.sources() {
                        outcome.byes.push(source);
                        if self.byes.len() < RtcpSummary::KEPT {
                            self.byes.push((source, time));
                        }
                    }
                }
                _ => {}
            }
        }
        outcome
    }

    fn summary_mut(&mut self) -> &mut RtcpSummary {
        Arc::make_mut(&mut self.summary)
    }

    fn saw(&mut self, ssrc: u32) {
        let senders = &mut self.summary_mut().senders;
        if senders.len() < RtcpSummary::KEPT && !senders.contains(&ssrc) {
            senders.push(ssrc);
        }
    }

    fn reports(&mut self, reporter: u32, content: &Content<'_>, outcome: &mut Outcome) {
        for block in content.reports() {
            let Some(at) = self.report(reporter, block) else {
                continue;
            };
            // Endpoints that do not keep the delay write 0: the answer would seem to have taken seconds.
            if block.last_sr != 0 && block.delay_since_last_sr != 0 {
                let answer = (at, block.last_sr, block.delay_since_last_sr);
                outcome.answers.push(answer);
            }
        }
    }

    fn report(&mut self, reporter: u32, block: ReportBlock) -> Option<usize> {
        let reports = &mut self.summary_mut().reports;
        let same =
            |known: &RemoteReport| known.reporter == reporter && known.last.ssrc == block.ssrc;
        let at = match reports.iter().position(same) {
            Some(at) => at,
            None if reports.len() < RtcpSummary::KEPT => {
                // Most flows have one.
                reports.reserve_exact(1);
                reports.push(RemoteReport {
                    reporter,
                    count: 0,
                    last: block,
                    worst_fraction_lost: 0,
                    worst_jitter: 0,
                    round_trip: None,
                });
                reports.len() - 1
            }
            None => return None,
        };
        let report = &mut reports[at];
        report.count += 1;
        report.last = block;
        report.worst_fraction_lost = report.worst_fraction_lost.max(block.fraction_lost);
        report.worst_jitter = report.worst_jitter.max(block.jitter);
        Some(at)
    }

    fn voip(&mut self, metrics: VoipMetrics) {
        let kept = &mut self.summary_mut().voip;
        match kept.iter().position(|known| known.ssrc == metrics.ssrc) {
            Some(at) => kept[at] = metrics,
            None if kept.len() < RtcpSummary::KEPT => kept.push(metrics),
            None => {}
        }
    }

    /// When the sender report with this middle NTP time passed.
    pub(super) fn passed(&self, middle_ntp: u32) -> Option<i64> {
        let known = |(middle, _): &&(u32, i64)| *middle == middle_ntp;
        self.recent.iter().find(known).map(|(_, time)| *time)
    }

    /// Takes a round trip: the answered report passed at `sent`, the answer at `now`.
    pub(super) fn answered(&mut self, at: usize, sent: i64, now: i64, delay: u32) {
        let delay = i64::from(delay) * 1_000_000_000 / 65_536;
        let round_trip = now.saturating_sub(sent).saturating_sub(delay);
        if round_trip < 0 {
            return;
        }
        if let Some(report) = self.summary_mut().reports.get_mut(at) {
            let least = report.round_trip.map_or(round_trip, |r| r.min(round_trip));
            report.round_trip = Some(least);
        }
    }
}

/// So many sender reports are remembered.
const RECENT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(kind: u8, words: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0x81, kind, 0, words.len() as u8];
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes
    }

    #[test]
    fn a_round_trip_is_the_answer_less_its_delay() {
        let (mut there, mut back) = (RtcpState::default(), RtcpState::default());
        let sent = report(
            200,
            &[7, 0x1111_2222, 0x3333_4444, 0, 1, 1, 9, 0, 0, 0, 0, 0, 0],
        );
        there.take(&sent, sent.len() as u32, 1_000_000_000);
        let answer = report(201, &[9, 7, 0x4000_0002, 100, 33, 0x2222_3333, 65_536 / 4]);
        let outcome = back.take(&answer, answer.len() as u32, 1_330_000_000);
        assert_eq!(outcome.answers, [(0, 0x2222_3333, 65_536 / 4)]);
        let passed = there.passed(0x2222_3333).unwrap();
        back.answered(0, passed, 1_330_000_000, 65_536 / 4);
        let report = back.summary.reports[0];
        assert_eq!(report.round_trip, Some(80_000_000));
        assert_eq!(
            (report.worst_fraction_lost, report.worst_jitter),
            (0x40, 33)
        );
        assert_eq!(there.summary.senders, [7]);
    }

    /// Metrics about source 7 from source 9, after an empty receiver report, as RFC 3611 section 4.7 lays them out.
    fn metrics(loss: u8, round_trip: u16) -> Vec<u8> {
        let mut bytes = report(201, &[9]);
        bytes[0] = 0x80;
        bytes.extend([0x80, 207, 0, 10, 0, 0, 0, 9, 7, 0, 0, 8, 0, 0, 0, 7]);
        bytes.extend([loss, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(round_trip.to_be_bytes());
        bytes.extend([0, 10, 127, 127, 127, 16, 82, 127, 41, 40, 0, 0]);
        bytes.extend([0, 40, 0, 60, 0, 120]);
        bytes
    }

    #[test]
    fn the_latest_metrics_of_a_source_are_kept() {
        let mut state = RtcpState::default();
        for (loss, round_trip) in [(1, 90), (13, 120)] {
            let bytes = metrics(loss, round_trip);
            state.take(&bytes, bytes.len() as u32, 1);
        }
        let [last] = state.summary.voip[..] else {
            panic!("{:?}", state.summary.voip);
        };
        assert_eq!((last.ssrc, last.loss_rate, last.round_trip), (7, 13, 120));
        assert_eq!(
            (last.r_factor, last.mos_lq, last.mos_cq),
            (Some(82), Some(41), Some(40))
        );
        assert_eq!((last.signal_level, last.external_r_factor), (None, None));
    }

    #[test]
    fn an_answer_without_its_delay_gives_no_round_trip() {
        let mut state = RtcpState::default();
        let answer = report(201, &[9, 7, 0, 100, 33, 0x2222_3333, 0]);
        let outcome = state.take(&answer, answer.len() as u32, 5);
        assert!(outcome.answers.is_empty());
        assert_eq!(state.summary.reports.len(), 1);
    }

    #[test]
    fn srtcp_is_counted_and_left_alone() {
        let mut state = RtcpState::default();
        let mut bytes = report(200, &[7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        bytes.extend([0xab; 20]);
        let end = bytes.len();
        bytes.extend([0x80, 0, 0, 1]);
        bytes.extend([0x5a; 10]);
        assert_eq!(end % 4, 0);
        let outcome = state.take(&bytes, bytes.len() as u32, 5);
        let summary = &state.summary;
        assert_eq!((summary.datagrams, summary.encrypted), (1, 1));
        assert_eq!((summary.sender_reports, summary.reports.len()), (0, 0));
        assert_eq!(summary.senders, [7], "the sender is in clear");
        assert!(outcome.answers.is_empty());
    }

    proptest! {
        /// Whatever comes, what is kept is bounded.
        #[test]
        fn hostile_rtcp_is_bounded(
            datagrams in proptest::collection::vec(
                proptest::collection::vec((200u8..208, 0u8..32, any::<[u8; 28]>(), 0usize..400), 1..4),
                1..60,
            ),
            cut in 0usize..40,
        ) {
            let mut state = RtcpState::default();
            for (at, packets) in datagrams.iter().enumerate() {
                let mut bytes = Vec::new();
                for (kind, count, seed, words) in packets {
                    bytes.extend([0x80 | count, *kind, (words >> 8) as u8, *words as u8]);
                    bytes.extend(seed.iter().cycle().take(4 * words));
                }
                let wire_len = bytes.len() as u32;
                bytes.truncate(bytes.len().saturating_sub(cut));
                let outcome = state.take(&bytes, wire_len, at as i64);
                let most = wire_len as usize / 4;
                prop_assert!(outcome.answers.len() + outcome.byes.len() <= most);
            }
            let summary = &state.summary;
            prop_assert!(summary.senders.len() <= RtcpSummary::KEPT);
            prop_assert!(summary.reports.len() <= RtcpSummary::KEPT);
            prop_assert!(summary.voip.len() <= RtcpSummary::KEPT);
            prop_assert!(state.byes.len() <= RtcpSummary::KEPT);
        }
    }

    #[test]
    fn goodbyes_are_handed_on() {
        let mut state = RtcpState::default();
        let bye = report(203, &[5]);
        let outcome = state.take(&bye, bye.len() as u32, 3);
        assert_eq!((outcome.byes, state.byes), (vec![5], vec![(5, 3)]));
    }
}
