use perhop_policy::Dscp;
use proptest::prelude::*;

use super::log::{Log, Note};
use super::*;
use crate::stream::progress::{JitterSum, Progress};

const SECOND: i64 = 1_000_000_000;

/// A table with so many flows of one packet.
fn table(flows: u64) -> Table {
    let mut table = Table::with_flows(flows);
    table.hot.iter_mut().for_each(|hot| hot.run = 1);
    table
}

fn course(partitions: usize) -> Course {
    let mut course = Course::new(partitions);
    course.set_start(0);
    course
}

fn bytes(course: &Course) -> usize {
    course.log.bytes()
}

#[test]
fn a_flow_within_a_bin_costs_a_byte_and_one_that_leaves_it_a_note() {
    let (table, mut course) = (table(1000), course(1));
    for slot in 0..1000 {
        course.turn(&table, slot, SECOND / 20);
        assert!(course.stays(slot, 0) && !course.stays(slot, SECOND / 10));
    }
    assert_eq!((course.bins.len(), bytes(&course)), (1000, 0));
    for slot in 0..1000 {
        course.turn(&table, slot, SECOND / 10);
    }
    assert!(bytes(&course) <= 1000 * 10, "{}", bytes(&course));
    assert_eq!(course.last(), Some(1));
}

#[test]
fn a_note_of_a_stream_takes_twenty_four_bytes_and_one_that_is_measured_thirty_three() {
    for (jitter, most) in [
        (JitterSum::Settled(100_000), 24),
        (
            JitterSum::Measuring([100_000, 1_000_000, 1_000_000, 1_000_000]),
            33,
        ),
    ] {
        let mut log = Log::default();
        log.push(&Note {
            flow: 16_000,
            kept: false,
            from: 7,
            to: 8,
            state: State {
                marks: vec![(Dscp::EF, 3000)],
                bytes: 600_000,
                streams: vec![(
                    16_000,
                    Progress {
                        expected: 3000,
                        missing: 20,
                        timed: 2979,
                        jitter,
                    },
                )],
            },
        });
        assert!(log.bytes() <= most, "{}", log.bytes());
        assert!(log.weight() * 5 / 4 >= log.bytes());
    }
}

/// Whatever flows do, their notes have the room they are given.
#[test]
fn bins_become_wider_before_notes_become_too_many() {
    let (table, mut course) = (table(2000), course(16));
    let most = room(2000, 16) / 4 * 5;
    for turn in 0..90 {
        for slot in 0..2000 {
            course.turn(&table, slot, turn * SECOND / 10);
            assert!(course.log.weight() <= most);
        }
    }
    assert!(course.width() > Width::default());
    assert!(bytes(&course) <= most, "{} of {most}", bytes(&course));
    // Two clocks, a year apart.
    for turn in 0..200_000 {
        course.turn(
            &table,
            turn % 2000,
            i64::from(turn % 2) * 365 * 86_400 * SECOND,
        );
    }
    assert!(course.log.weight() <= most);
}

/// Which partitions flows are in does not show in the bins.
#[test]
fn partitions_agree_on_a_width_whichever_flows_they_have() {
    let widths = [1, 7].map(|salt: u32| {
        let table = table(12_500);
        let mut courses = vec![course(4), course(4), course(4), course(4)];
        for turn in 0..100i64 {
            for flow in 0..12_500u32 {
                // Flows move from one bin to another at different rates.
                let time = turn / i64::from(1 + flow % 5) * SECOND / 10;
                let at = (flow / salt % 4) as usize;
                courses[at].turn(&table, flow, time);
            }
        }
        agree(&mut courses, 200_000);
        let weight: usize = courses.iter().map(|course| course.log.weight()).sum();
        assert!(weight <= room(200_000, 1));
        courses.iter().map(Course::width).collect::<Vec<_>>()
    });
    assert!(widths[0][0] > Width::default());
    assert!(widths.iter().flatten().all(|width| *width == widths[0][0]));
}

fn note() -> impl Strategy<Value = Note> {
    let progress = (
        any::<u32>(),
        any::<u32>(),
        any::<u64>(),
        any::<[u64; 4]>(),
        any::<bool>(),
    );
    let progress = progress.prop_map(|(expected, missing, timed, sums, settled)| Progress {
        expected,
        missing,
        timed,
        jitter: if settled {
            JitterSum::Settled(sums[0])
        } else {
            JitterSum::Measuring(sums)
        },
    });
    let marks = proptest::collection::vec((0u8..64, any::<u64>()), 0..4);
    let streams = proptest::collection::vec((any::<u32>(), progress), 0..70);
    let head = (any::<u32>(), any::<bool>(), 0u8..100, 0u8..100);
    (head, marks, any::<u64>(), streams).prop_map(|(head, marks, bytes, streams)| Note {
        flow: head.0,
        kept: head.1,
        from: head.2,
        to: head.3,
        state: State {
            marks: marks
                .into_iter()
                .map(|(value, packets)| (Dscp::try_new(value).unwrap(), packets))
                .collect(),
            bytes,
            streams,
        },
    })
}

proptest! {
    #[test]
    fn notes_are_read_as_they_were_written(notes in proptest::collection::vec(note(), 0..40)) {
        let mut log = Log::default();
        notes.iter().for_each(|note| log.push(note));
        let mut read = Vec::new();
        log.each(|note| read.push(note.clone()));
        prop_assert_eq!(&read, &notes);
        log.rewrite(|note| note.from % 2 == 0);
        let weight: usize = notes.iter().filter(|note| note.from % 2 == 0).map(Note::weight).sum();
        prop_assert_eq!(log.weight(), weight);
    }
}
