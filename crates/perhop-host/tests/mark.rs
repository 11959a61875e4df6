//! The law of marking: what the program makes of a packet is what the plan's oracle says, on every system by an
//! interpreter, and by the kernel where it may be asked.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![cfg(target_endian = "little")]

#[path = "support/interpreter.rs"]
mod interpreter;
#[path = "support/policies.rs"]
mod policies;

use interpreter::Machine;
use perhop_host::mark::program::{AppSource, Link, Options, egress};
use policies::{Random, Sample, many, policy, tables};

const BY_MARK: Options = Options {
    link: Link::Ethernet,
    app: AppSource::PacketMark,
    forwarded: false,
};

/// Calls `try_one` with policies of 1 to some 17 rules, and of many more.
fn policies(
    seed: u64,
    count: usize,
    mut try_one: impl FnMut(&perhop_policy::PolicySet, &mut Random),
) {
    let mut random = Random(seed);
    for round in 0..count {
        let rules = match round % 10 {
            9 => 13 + random.below(5) as usize,
            _ => 1 + random.below(9) as usize,
        };
        let policy = policy(&mut random, rules);
        try_one(&policy, &mut random);
    }
    for count in [65, 2100] {
        try_one(&many(count), &mut random);
    }
}

#[test]
fn the_program_answers_as_the_oracle() {
    let (mut packets, mut marked, mut widest) = (0, 0, 0);
    policies(0x9e37_79b9_7f4a_7c15, 100, |policy, random| {
        let (apps, tables) = tables(policy);
        widest = widest.max(tables.words());
        let ethernet = egress(&tables, &BY_MARK);
        let bare = egress(
            &tables,
            &Options {
                link: Link::None,
                ..BY_MARK
            },
        );
        let mut machine = Machine::new(&tables);
        for number in 0..500 {
            let sample = Sample::near(random, policy);
            let (ds, rule) = sample.expected(policy);
            let is_ethernet = number % 4 != 0;
            let program = if is_ethernet { &ethernet } else { &bare };
            let before = sample.bytes(is_ethernet);
            machine.counters.fill(0);
            machine.linear = if number % 7 == 0 { 20 } else { usize::MAX };
            let after = machine.run(program, &before, sample.number(&apps));
            sample.check(&before, &after, ds, is_ethernet);
            counted(&machine, rule, &tables, (sample.ds, ds), before.len());
            packets += 1;
            marked += usize::from(rule.is_some());
        }
    });
    println!("{packets} packets, {marked} under a rule, up to {widest} words");
    assert!(packets > 50_000 && marked > packets / 5 && widest > 64);
}

/// That exactly the rule's counters counted.
fn counted(
    machine: &Machine<'_>,
    rule: Option<u32>,
    tables: &perhop_host::mark::table::Tables,
    (before, after): (u8, u8),
    length: usize,
) {
    for (slot, counters) in machine.counters.chunks(32).enumerate() {
        let number = |at: usize| u64::from_le_bytes(counters[at..at + 8].try_into().unwrap());
        let here = tables.rules.get(slot).is_some_and(|id| Some(id.0) == rule);
        assert_eq!(number(0), u64::from(here));
        assert_eq!(number(8), if here { length as u64 } else { 0 });
        assert_eq!(number(16), u64::from(here && before != after));
    }
}

#[test]
fn what_came_in_from_elsewhere_is_left_alone_unless_asked() {
    let policy = many(3);
    let (_, tables) = tables(&policy);
    let mut random = Random(5);
    let sample = (0..100)
        .map(|_| Sample::near(&mut random, &policy))
        .find(|sample| sample.expected(&policy).0 != sample.ds)
        .unwrap();
    let before = sample.bytes(true);
    let mut machine = Machine::new(&tables);
    machine.ingress = 3;
    let after = machine.run(&egress(&tables, &BY_MARK), &before, 0);
    assert_eq!(after, before);
    let asked = egress(
        &tables,
        &Options {
            forwarded: true,
            ..BY_MARK
        },
    );
    let after = machine.run(&asked, &before, 0);
    sample.check(&before, &after, sample.expected(&policy).0, true);
}

#[test]
fn nothing_harms_the_program() {
    let policy = policy(&mut Random(11), 14);
    let (_, tables) = tables(&policy);
    let mut random = Random(12);
    for link in [Link::Ethernet, Link::None] {
        let program = egress(&tables, &Options { link, ..BY_MARK });
        let mut machine = Machine::new(&tables);
        for _ in 0..5_000 {
            let mut bytes = Sample::near(&mut random, &policy).bytes(link == Link::Ethernet);
            for _ in 0..random.below(4) {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] = random.below(256) as u8;
            }
            bytes.truncate(random.below(1 + bytes.len() as u64) as usize);
            machine.linear = random.below(64) as usize;
            machine.run(&program, &bytes, 0);
        }
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use super::*;
    use perhop_host::agent::maps::Maps;
    use perhop_host::bpf::sys::Map;

    /// Socket storage, or why the kernel may not be asked.
    fn tags() -> Option<Map> {
        match Map::socket_storage("perhop_test") {
            Ok(map) => Some(map),
            Err(error) => {
                println!("skipped: the kernel does not take maps from this process: {error}");
                None
            }
        }
    }

    #[test]
    fn the_kernel_answers_as_the_oracle() {
        let Some(tags) = tags() else { return };
        let (mut packets, mut marked) = (0, 0);
        policies(0x1234_5678_9abc_def1, 100, |policy, random| {
            let (apps, tables) = tables(policy);
            let maps = Maps::new(&tables).unwrap();
            let program = maps
                .program(&tables, &tags, &BY_MARK)
                .unwrap_or_else(|error| panic!("{error}\n{}", error.remedies().join("\n")));
            for _ in 0..1000 {
                let sample = Sample::near(random, policy);
                let (ds, rule) = sample.expected(policy);
                let before = sample.bytes(true);
                let run = program.test_run(&before, sample.number(&apps), 1).unwrap();
                assert_eq!(run.result as i32, -1);
                sample.check(&before, &run.packet, ds, true);
                packets += 1;
                marked += u64::from(rule.is_some());
            }
        });
        println!("{packets} packets, {marked} under a rule");
        assert!(packets > 100_000);
    }

    #[test]
    fn every_form_of_the_program_is_taken() {
        let Some(tags) = tags() else { return };
        let policies = [policy(&mut Random(21), 16), many(1), many(300), many(2100)];
        for policy in policies {
            let (_, tables) = tables(&policy);
            let maps = Maps::new(&tables).unwrap();
            for link in [Link::Ethernet, Link::None] {
                for forwarded in [false, true] {
                    let app = AppSource::Socket;
                    let options = Options {
                        link,
                        app,
                        forwarded,
                    };
                    maps.program(&tables, &tags, &options)
                        .unwrap_or_else(|error| panic!("{error}\n{}", error.remedies().join("\n")));
                }
            }
        }
    }
}
