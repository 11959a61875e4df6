//! What RTCP on a flow says, and round trips seen from the capture point.

use perhop_wire::rtcp::report::ReportBlock;
use perhop_wire::rtcp::{Compound, Content, Protection};

use crate::stream::{RemoteReport, RtcpSummary};

/// RTCP of one direction of a flow.
#[derive(Debug, Clone, Default)]
pub(super) struct RtcpState {
    pub(super) summary: RtcpSummary,
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
        self.summary.datagrams += 1;
        self.saw(rtcp.sender_ssrc());
        if rtcp.protection() == Protection::Encrypted {
            self.summary.encrypted += 1;
            return outcome;
        }
        for packet in rtcp.packets() {
            let content = packet.content();
            match &content {
                Content::SenderReport { ssrc, info, .. } => {
                    self.summary.sender_reports += 1;
                    self.recent[self.next] = (info.middle_ntp(), time);
                    self.next = (self.next + 1) % RECENT;
                    self.reports(*ssrc, &content, &mut outcome);
                }
                Content::ReceiverReport { ssrc, .. } => {
                    self.reports(*ssrc, &content, &mut outcome);
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

    fn saw(&mut self, ssrc: u32) {
        let senders = &mut self.summary.senders;
        if senders.len() < RtcpSummary::KEPT && !senders.contains(&ssrc) {
            senders.push(ssrc);
        }
    }

    fn reports(&mut self, reporter: u32, content: &Content<'_>, outcome: &mut Outcome) {
        for block in content.reports() {
            let Some(at) = self.report(reporter, block) else {
                continue;
            };
            if block.last_sr != 0 {
                let answer = (at, block.last_sr, block.delay_since_last_sr);
                outcome.answers.push(answer);
            }
        }
    }

    fn report(&mut self, reporter: u32, block: ReportBlock) -> Option<usize> {
        let reports = &mut self.summary.reports;
        let same =
            |known: &RemoteReport| known.reporter == reporter && known.last.ssrc == block.ssrc;
        let at = match reports.iter().position(same) {
            Some(at) => at,
            None if reports.len() < RtcpSummary::KEPT => {
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
        if let Some(report) = self.summary.reports.get_mut(at) {
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

    #[test]
    fn goodbyes_are_handed_on() {
        let mut state = RtcpState::default();
        let bye = report(203, &[5]);
        let outcome = state.take(&bye, bye.len() as u32, 3);
        assert_eq!((outcome.byes, state.byes), (vec![5], vec![(5, 3)]));
    }
}
