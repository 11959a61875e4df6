use super::*;

#[test]
fn a_share_is_not_rounded_to_all_or_nothing() {
    assert_eq!(percent(0, 0), "–");
    assert_eq!(percent(10, 10), "100 %");
    assert_eq!(percent(0, 10), "0 %");
    assert_eq!(percent(99_999, 100_000), "99.9 %");
    assert_eq!(percent(1, 100_000), "0.1 %");
}

use perhop_policy::Dscp;
use perhop_verify::flow::FlowKey;

use crate::report::series::{Moment, SeriesView, Share};
use crate::report::{CaptureView, FindingView, FlowView, FlowViews, VerdictView};

fn dscp(value: u8) -> Dscp {
    Dscp::try_new(value).unwrap()
}

fn flow(
    src: &str,
    src_port: u16,
    dst: &str,
    dst_port: u16,
    verdict: (&'static str, Tone),
    seen: &[(u8, u64)],
) -> FlowView {
    FlowView {
        key: FlowKey {
            protocol: 17,
            src: src.parse().unwrap(),
            src_port,
            dst: dst.parse().unwrap(),
            dst_port,
        },
        packets: seen.iter().map(|(_, count)| count).sum(),
        verdict,
        rule: Some("clients/lync-2013/audio".into()),
        class: Some("audio".into()),
        expected: vec![dscp(46)],
        seen: seen
            .iter()
            .map(|(value, count)| (dscp(*value), *count))
            .collect(),
        evidence: vec!["RTP PCMU, SSRC 0x0741c7a8, loss 3.6 %, jitter 4.1 ms".into()],
    }
}

/// A report such as half a minute of a small company gives.
#[expect(clippy::too_many_lines, reason = "data")]
fn sample(name: &str) -> View<'static> {
    let class = |class: &str,
                 site: &str,
                 expected,
                 planned,
                 unmarked,
                 other,
                 seen: &[(u8, u64)],
                 verdicts: &[(&'static str, Tone, u64)]| ClassView {
        class: class.into(),
        site: Some(site.into()),
        expected: Some(dscp(expected)),
        judged: (planned + unmarked + other, planned),
        seen: seen
            .iter()
            .map(|(value, count)| (dscp(*value), *count))
            .collect(),
        verdicts: verdicts.to_vec(),
        quality: Some((4.2, Some(11.7))),
        mos: Some(3.9),
    };
    let series = |class: &str, expected, moments: Vec<Moment>| SeriesView {
        point: None,
        class: class.into(),
        site: Some("Branch".into()),
        expected: dscp(expected),
        start: 1_700_086_399_000_000_000,
        step: 1_000_000_000,
        moments,
    };
    let bin = |planned, unmarked, other| Moment {
        share: Share {
            planned,
            unmarked,
            other,
        },
        bytes: 200 * (planned + unmarked + other),
        expected: planned + unmarked,
        missing: unmarked / 2,
        jitter_ms: Some(planned as f64 / 7.0),
    };
    let flows = [
        flow(
            "192.0.2.20",
            49160,
            "198.51.100.14",
            20004,
            ("unmarked", Tone::Bad),
            &[(0, 1050)],
        ),
        flow(
            "198.51.100.13",
            31000,
            "192.0.2.20",
            49300,
            ("mixed", Tone::Bad),
            &[(0, 400), (46, 371)],
        ),
        flow(
            "2001:db8:1234:5678:9abc:def0:1234:5678",
            31000,
            "2001:db8:1234:5678:9abc:def0:1234:9999",
            49300,
            ("unplanned-mark", Tone::Bad),
            &[(46, 103)],
        ),
        flow(
            "198.51.100.11",
            20002,
            "192.0.2.102",
            20000,
            ("ok", Tone::Good),
            &[(46, 1200)],
        ),
    ];
    let tones = flows.iter().map(|flow| flow.verdict.1).collect();
    View {
        plan: name.to_owned(),
        vantage: "the path".into(),
        place: "Site",
        segments: Vec::new(),
        captures: vec![CaptureView {
            name: "examples/contoso/call.pcapng".into(),
            packets: 13_091,
            time: Some((1_700_086_399_000_000_000, 1_700_086_427_700_000_000)),
            dropped: 0,
            damage: Vec::new(),
        }],
        verdict: VerdictView {
            tone: Tone::Bad,
            headline: "Not as planned: 9 of 17 flows do not carry their mark".into(),
            because: vec![
                "audio: 4 flows from the datacentre are unmarked: the server’s policy is missing (host)".into(),
                "video: 46 of 100 packets were re-marked 34 → 2 on the path (ToS precedence bleached)".into(),
                "A backup carries 46 and takes the queue of voice".into(),
            ],
        },
        facts: vec![
            ("Packets", "13,091".into(), "28.7 s".into()),
            ("Flows", "48".into(), "17 judged".into()),
            ("RTP streams", "15".into(), String::new()),
            ("Carry their planned mark", "62.4 %".into(), "of 12,220 packets".into()),
        ],
        classes: vec![
            class("audio", "Branch", 46, 4825, 771, 766, &[(0, 771), (40, 766), (46, 4825)], &[("ok", Tone::Good, 5), ("out-of-range", Tone::Bad, 1), ("remarked", Tone::Bad, 1)]),
            class("audio", "Datacentre", 46, 1201, 3405, 0, &[(0, 3405), (46, 1201)], &[("ok", Tone::Good, 1), ("unmarked", Tone::Bad, 4)]),
            class("video", "Branch", 34, 0, 0, 490, &[(2, 490)], &[("remarked", Tone::Bad, 2)]),
            class("app-sharing", "Branch", 24, 181, 0, 0, &[(24, 181)], &[("ok", Tone::Good, 1)]),
        ],
        findings: vec![
            FindingView {
                code: "verify/unmarked",
                tone: Tone::Bad,
                severity: "error",
                message: format!("4 audio flows from 192.0.2.20 are unmarked where 46 (EF) is planned <{name}>"),
                layer: "host", cause: "every flow that 192.0.2.20 sends is 0, while its peers mark theirs: its QoS policy is missing or does not match".into(),
                evidence: vec!["3,405 of 3,405 packets carry 0; the other direction carries 46".into()],
                next: "on 192.0.2.20: Get-NetQosPolicy -PolicyStore ActiveStore".into(), others: vec!["match: the policy names another executable".into()], class: Some("audio".into()),
                place: Some(("plan.toml:17:9".into(), "audio = \"49152-57499\"".into())),
                flows: &[0, 1],
                filter: Some("ip.src == 192.0.2.20 && udp.srcport >= 49152 && udp.srcport <= 57499 && ip.dsfield.dscp != 46".into()),
            },
            FindingView {
                code: "verify/unplanned-mark",
                tone: Tone::Warn,
                severity: "warning",
                message: "tcp 198.51.100.13:35201 carries 46 (EF), and the plan knows nothing of it".into(),
                layer: "host", cause: "an application marks by itself".into(),
                evidence: Vec::new(),
                next: "the application\'s own settings".into(), others: Vec::new(), class: None,
                place: None,
                flows: &[2],
                filter: None,
            },
        ],
        flows: FlowViews::new(tones, move |at, _| flows[at].clone()),
        series: vec![
            series("audio", 46, (0..28).map(|n| bin(150 + n % 7, 40 + n, if n > 9 && n < 20 { 50 } else { 0 })).collect()),
            series("video", 34, (0..28).map(|n| bin(20, 0, n * 2)).collect()),
        ],
        method: vec![
            "Seen at the path: inside the network, past its access edge. A mark that the access edge puts on is expected.".into(),
            "A flow is judged by its sender: the rules of the plan for its address and ports.".into(),
        ],
    }
}

#[test]
fn the_page_says_everything_and_nothing_of_it_is_markup() {
    let page = render(&sample("<script>alert(\"1\")</script>&"));
    if let Some(path) = std::env::var_os("PERHOP_PAGE") {
        std::fs::write(path, &page).unwrap();
    }
    assert!(!page.contains("<script"));
    for text in [
        "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;",
        "Not as planned: 9 of 17 flows",
        "By class and site",
        "ip.src == 192.0.2.20 &amp;&amp; udp.srcport",
        "ipv6.src == 2001:db8:",
        "plan.toml:17:9",
        "href=\"#flow-2\"",
        "id=\"flow-2\"",
        "DSCP by class",
        "audio, Branch over time",
        "RTP loss, %",
        "class=\"line\"",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("src=\""));
}
