//! `flows` and `verify` on real captures: what they say, in every form, and how they end.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

#[path = "support/schema.rs"]
mod schema;
#[path = "support/binary.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use serde_json::Value;
use support::{PLAN, file, folder, perhop, project, run, run_with_stdin, shared};

fn contoso(name: &str) -> String {
    project("examples/contoso").join(name).display().to_string()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A flow's own words without times and without what depends on the other flows.
fn summary(report: &Value) -> BTreeMap<String, Value> {
    let flows = report["flows"].as_array().unwrap();
    flows
        .iter()
        .map(|flow| {
            let name = ["proto", "src", "src_port", "dst", "dst_port"]
                .map(|key| flow[key].to_string())
                .join(" ");
            (
                name,
                serde_json::json!([
                    flow["packets"],
                    flow["bytes"],
                    flow["dscp"],
                    flow["rtp"][0]["lost"]
                ]),
            )
        })
        .collect()
}

#[test]
fn the_main_command_finds_what_is_wrong_in_the_example() {
    let temp = folder();
    let page = temp.path().join("report.html");
    let run = run([
        "verify",
        &contoso("plan.toml"),
        &contoso("call.pcapng"),
        "--html",
        &page.display().to_string(),
    ])
    .exits(1)
    .says("not as planned")
    .says("error[verify/unmarked]")
    .says("error[verify/remarked]")
    .says("error[verify/out-of-range]")
    .says("warning[verify/unplanned-mark]")
    .says("ToS precedence")
    .complains("wrote");
    assert!(
        run.out.starts_with("not as planned"),
        "the verdict comes first"
    );
    assert!(fs::read_to_string(&page).unwrap().contains("<svg"));
    let narrow = support::finish(
        perhop()
            .args(["verify", &contoso("plan.toml"), &contoso("call.pcapng")])
            .env("COLUMNS", "80"),
    );
    for line in narrow.out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_verdicts_of_the_example_are_those_that_its_readme_lists() {
    let report = json(
        &run([
            "verify",
            &contoso("plan.toml"),
            &contoso("call.pcapng"),
            "--format",
            "json",
        ])
        .exits(1)
        .out,
    );
    let expected = [
        ("198.51.100.11", 20002, "ok", 46),
        ("192.0.2.102", 20000, "ok", 46),
        ("198.51.100.14", 20004, "ok", 46),
        ("192.0.2.20", 49160, "unmarked", 0),
        ("198.51.100.13", 31000, "out-of-range", 0),
        ("192.0.2.20", 49300, "unmarked", 0),
        ("198.51.100.21", 20010, "remarked", 40),
        ("192.0.2.20", 49200, "unmarked", 0),
        ("198.51.100.15", 20008, "ok", 46),
        ("192.0.2.20", 49180, "unmarked", 0),
        ("198.51.100.11", 20040, "remarked", 2),
        ("192.0.2.102", 20050, "ok", 34),
        ("198.51.100.14", 20060, "remarked", 2),
        ("198.51.100.14", 42000, "ok", 24),
        ("192.0.2.20", 40900, "unmarked", 0),
        ("198.51.100.13", 35201, "unplanned-mark", 46),
        ("198.51.100.15", 35202, "unplanned", 0),
    ];
    let flows = report["flows"].as_array().unwrap();
    for (src, port, verdict, seen) in expected {
        let flow = flows
            .iter()
            .find(|flow| flow["src"] == src && flow["src_port"] == port)
            .unwrap();
        assert_eq!(
            (&flow["verdict"], &flow["seen"]),
            (&verdict.into(), &seen.into()),
            "{src}:{port}"
        );
    }
    let finding = &report["findings"][0];
    assert!(finding["cause"]["check"].as_str().unwrap().len() > 10);
    assert!(finding["origin"]["line"].as_u64().unwrap() > 0);
    let at = finding["flows"][0].as_u64().unwrap();
    assert!(flows.get(usize::try_from(at).unwrap()).is_some());
}

#[test]
fn json_keeps_to_its_schemas() {
    let temp = folder();
    let plan = file(&temp, "bad.toml", "plan = 1\nfoo = 2\n")
        .display()
        .to_string();
    let (good, capture) = (contoso("plan.toml"), contoso("call.pcapng"));
    let mut runs: Vec<(&str, Vec<String>)> = vec![
        ("check", vec!["check".into(), plan]),
        ("check", vec!["check".into(), good.clone()]),
        ("table", vec!["table".into(), good.clone()]),
        ("flows", vec!["flows".into(), capture.clone()]),
        ("verify", vec!["verify".into(), good.clone(), capture]),
    ];
    if let Some(folder) = shared("captures/synthetic") {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path().display().to_string();
            if !path.ends_with(".json") {
                runs.push(("flows", vec!["flows".into(), path.clone()]));
                runs.push(("verify", vec!["verify".into(), good.clone(), path]));
            }
        }
    }
    for (name, mut args) in runs {
        args.extend(["--format".to_owned(), "json".to_owned()]);
        let text = fs::read_to_string(project("docs/schema").join(format!("{name}.json"))).unwrap();
        let faults = schema::faults(&json(&text), &json(&run(&args).out));
        assert!(
            faults.is_empty(),
            "{args:?}: {:#?}",
            &faults[..faults.len().min(5)]
        );
    }
}

#[test]
fn schemas_are_printed_as_they_are_committed() {
    for name in ["check", "table", "flows", "verify"] {
        let committed =
            fs::read_to_string(project("docs/schema").join(format!("{name}.json"))).unwrap();
        assert_eq!(run(["schema", name]).exits(0).out, committed);
    }
    json(&run(["schema"]).exits(0).out);
}

#[test]
fn times_have_all_nine_decimals() {
    let text = run(["flows", &contoso("call.pcapng"), "--format", "json"])
        .exits(0)
        .out;
    let times = text.split("\"first\":1").skip(1);
    assert!(times.clone().count() > 60);
    for time in times {
        let (_, decimals) = time.split_once('.').unwrap();
        let digits = decimals.bytes().take_while(u8::is_ascii_digit).count();
        assert_eq!(digits, 9, "{}", &time[..30]);
    }
}

/// So that line tools can take a capture's flows apart.
#[test]
fn every_flow_has_a_line() {
    let text = run(["flows", &contoso("call.pcapng"), "--format", "json"])
        .exits(0)
        .out;
    let lines: Vec<&str> = text.lines().collect();
    let begin = lines
        .iter()
        .position(|line| *line == "\"flows\":[")
        .unwrap();
    let flow: Value = serde_json::from_str(lines[begin + 1].trim_end_matches(',')).unwrap();
    assert!(flow["src_port"].is_u64() && flow["rtp"].is_array());
}

#[test]
fn compressed_and_piped_captures_give_the_same_flows() {
    let bytes = fs::read(contoso("call.pcapng")).unwrap();
    let plain = json(
        &run(["flows", &contoso("call.pcapng"), "--format", "json"])
            .exits(0)
            .out,
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    for stored in [bytes, gzip.finish().unwrap()] {
        let piped = json(
            &run_with_stdin(&["flows", "-", "--format", "json"], &stored)
                .exits(0)
                .out,
        );
        assert_eq!(piped["flows"], plain["flows"]);
        assert_eq!(piped["captures"][0]["file"], "<stdin>");
    }
    run(["verify", "-", "-"]).exits(2).complains("once");
}

#[test]
fn every_form_of_one_capture_gives_one_answer() {
    let Some(folder) = shared("captures/synthetic") else {
        return;
    };
    let read = |name: &str| {
        let path = folder.join(name).display().to_string();
        summary(&json(
            &run(["flows", &path, "--format", "json"]).exits(0).out,
        ))
    };
    let plain = read("fmt-le-us.pcap");
    assert_eq!(plain.len(), 4);
    for name in [
        "fmt-be-ns.pcap",
        "fmt-be-us.pcap",
        "fmt-le-ns.pcap",
        "fmt-le-us.pcap.gz",
        "fmt-gz-multimember.pcap.gz",
        "fmt-le-us.pcap.lz4",
        "fmt-le-us.pcap.zst",
        "fmt-ng-be.pcapng",
        "fmt-ng-le.pcapng",
        "fmt-ng-multi-if-tsresol.pcapng",
        "fmt-ng-two-sections-le-be.pcapng",
    ] {
        assert_eq!(read(name), plain, "{name}");
    }
}

#[test]
fn flows_agree_with_the_truth_beside_the_captures() {
    let Some(folder) = shared("captures/synthetic") else {
        return;
    };
    for name in [
        "qos-eth.pcap",
        "qos-snap96.pcap",
        "points-A.pcap",
        "enc-gre.pcap",
        "ip-options-ext-headers.pcap",
    ] {
        let path = folder.join(name);
        let truth = json(&fs::read_to_string(folder.join(format!("{name}.truth.json"))).unwrap());
        let report = json(
            &run(["flows", &path.display().to_string(), "--format", "json"])
                .exits(0)
                .out,
        );
        let flows = report["flows"].as_array().unwrap();
        let expected = truth["flows"].as_array().unwrap();
        assert_eq!(flows.len(), expected.len(), "{name}");
        for one in expected {
            let flow = flows
                .iter()
                .find(|flow| {
                    flow["proto"] == one["proto"]
                        && flow["src"] == one["src"]
                        && flow["dst"] == one["dst"]
                        && flow["src_port"] == one["sport"]
                        && flow["dst_port"] == one["dport"]
                })
                .unwrap_or_else(|| panic!("{name}: no {one}"));
            assert_eq!(
                (&flow["packets"], &flow["dscp"]),
                (&one["packets"], &one["dscp"]),
                "{name}: {one}"
            );
            for key in ["first", "last"] {
                let gap = flow[key].as_f64().unwrap() - one[key].as_f64().unwrap();
                assert!(gap.abs() < 2e-6, "{name}: {key} of {one}");
            }
        }
    }
}

#[test]
fn damaged_captures_give_what_can_be_read_and_say_where_they_break() {
    let Some(folder) = shared("captures/synthetic") else {
        return;
    };
    for (name, code, says, packets) in [
        ("bad-truncated-midrecord.pcap", 3, "at byte ", 1),
        ("bad-truncated-midheader.pcap", 3, "at byte ", 1),
        (
            "bad-ng-truncated.pcapng",
            3,
            "at byte 84384, packet 166: the capture ends in a block",
            165,
        ),
        ("bad-ng-blocklen.pcapng", 3, "at byte ", 1),
        (
            "bad-huge-caplen.pcap",
            3,
            "packet 41: the record says 2147483647 bytes",
            100,
        ),
        ("bad-truncated.pcap.gz", 3, "gzip data is damaged", 1),
        (
            "bad-short-header.pcap",
            3,
            "ends in its header: 11 of 24 bytes",
            0,
        ),
        ("bad-not-a-capture.pcap", 3, "neither pcap nor pcapng", 0),
        ("bad-empty.pcap", 3, "is empty", 0),
        ("bad-header-only.pcap", 0, "", 0),
        ("bad-garbage-ethernet.pcap", 0, "", 1),
    ] {
        let path = folder.join(name).display().to_string();
        let run = run(["flows", &path, "--format", "json"])
            .exits(code)
            .complains(says);
        let report = json(&run.out);
        let read = report["captures"][0]["packets"].as_u64().unwrap();
        assert!(read >= packets, "{name}: {read} packets");
        assert_eq!(
            report["captures"][0]["damage"]
                .as_array()
                .unwrap()
                .is_empty(),
            code == 0,
            "{name}"
        );
    }
}

#[test]
fn captures_that_cannot_be_opened_say_why_before_anything_is_read() {
    let temp = folder();
    let missing = temp.path().join("nope.pcap").display().to_string();
    let run1 = run(["flows", &contoso("call.pcapng"), &missing])
        .exits(3)
        .complains("nope.pcap`: no such file");
    assert_eq!(run1.out, "");
    run(["flows", &temp.path().display().to_string()])
        .exits(3)
        .complains("no capture in the folder")
        .complains("--follow");
    run(["verify", &contoso("plan.toml"), &missing])
        .exits(3)
        .complains("nope.pcap");
    run(["flows"]).exits(2).complains("<CAPTURE>");
    run(["verify", &contoso("plan.toml")])
        .exits(2)
        .complains("<CAPTURE>");
    let text = file(&temp, "plan.pcap", PLAN).display().to_string();
    let run2 = run(["flows", &text])
        .exits(3)
        .complains("neither pcap nor pcapng");
    assert_eq!(run2.out, "", "there is nothing to show");
    let empty = file(&temp, "empty.pcap", "").display().to_string();
    run(["verify", &contoso("plan.toml"), &empty])
        .exits(3)
        .complains("is empty");
    // One that is good is shown, whatever the others are.
    run(["flows", &contoso("call.pcapng"), &empty])
        .exits(3)
        .says("13,091 packets")
        .complains("is empty");
}

#[test]
fn a_page_that_cannot_be_written_is_said() {
    run([
        "verify",
        &contoso("plan.toml"),
        &contoso("call.pcapng"),
        "--html",
        "/nowhere/at/all.html",
    ])
    .exits(3)
    .complains("cannot write");
}

#[test]
fn several_captures_are_one() {
    let parts = [
        "two-points/at-sender.pcapng",
        "two-points/at-receiver.pcapng",
    ]
    .map(contoso);
    let read = |args: &[&String]| {
        let mut all = vec!["flows".to_owned(), "--format".to_owned(), "json".to_owned()];
        all.extend(args.iter().map(|arg| (*arg).clone()));
        json(&run(all).exits(0).out)
    };
    let (both, swapped) = (read(&[&parts[0], &parts[1]]), read(&[&parts[1], &parts[0]]));
    let packets = |report: &Value| report["totals"]["packets"].as_u64().unwrap();
    assert_eq!(
        packets(&both),
        packets(&read(&[&parts[0]])) + packets(&read(&[&parts[1]]))
    );
    assert_eq!(summary(&both), summary(&swapped));
}

#[test]
fn a_vantage_is_stated_and_changes_what_is_said() {
    let sender = contoso("two-points/at-sender.pcapng");
    let json = json(
        &run([
            "verify",
            &contoso("plan.toml"),
            &sender,
            "--vantage",
            "sender",
            "--format",
            "json",
        ])
        .exits(1)
        .out,
    );
    assert_eq!(json["vantage"], "sender");
    run([
        "verify",
        &contoso("plan.toml"),
        &sender,
        "--vantage",
        "middle",
    ])
    .exits(2)
    .complains("possible values");
}

#[test]
fn csv_and_junit_are_well_formed() {
    let csv = run([
        "verify",
        &contoso("plan.toml"),
        &contoso("call.pcapng"),
        "--format",
        "csv",
    ])
    .exits(1)
    .out;
    let mut lines = csv.split("\r\n");
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("verdict,class,site,rule,expected,proto,src,")
    );
    assert!(
        lines.any(|line| line.starts_with("unmarked,audio,Datacentre,servers/")),
        "{csv}"
    );
    let junit = run([
        "verify",
        &contoso("plan.toml"),
        &contoso("call.pcapng"),
        "--format",
        "junit",
    ])
    .exits(1)
    .out;
    assert!(junit.starts_with("<?xml"));
    assert_eq!(
        junit.matches("<testcase").count(),
        junit.matches("</testcase>").count()
    );
    assert!(junit.contains("type=\"verify/unmarked\""), "{junit}");
    assert!(
        junit.contains("name=\"video at Datacentre is marked as planned\""),
        "{junit}"
    );
    let failed = |name: &str| {
        let case = junit.split("<testcase").find(|case| case.contains(name));
        case.unwrap().contains("<failure")
    };
    // Its marks are changed bit by bit, which is a finding of no class.
    assert!(failed("video at Branch is marked as planned"), "{junit}");
    assert!(failed("audio at Branch is marked as planned"));
    assert!(!failed("video at Datacentre is marked as planned"));
    let flows = run(["flows", &contoso("call.pcapng"), "--format", "csv"])
        .exits(0)
        .out;
    assert_eq!(flows.lines().count(), 70);
}

#[test]
fn the_list_of_flows_is_cut_for_people_and_says_so() {
    let cut = run(["flows", &contoso("call.pcapng"), "--limit", "5"])
        .exits(0)
        .says("and 64 more");
    let all = run(["flows", &contoso("call.pcapng"), "--limit", "0"]).exits(0);
    assert!(cut.out.len() < all.out.len() && !all.out.contains(" more;"));
    run(["flows", &contoso("call.pcapng"), "--max-flows", "0"])
        .exits(2)
        .complains("at least 1");
}

#[test]
fn flows_that_made_room_are_told() {
    let capture = contoso("call.pcapng");
    let flows = ["flows", &capture, "--max-flows", "9", "--format", "json"];
    let told = run(flows).exits(0).complains("made room for others");
    let report: Value = serde_json::from_str(&told.out).unwrap();
    let evicted = report["totals"]["evicted"]["flows"].as_u64().unwrap();
    assert!(evicted > 9, "{evicted}");
    assert!(report["flows"].as_array().unwrap().len() <= 18);
    let plan = contoso("plan.toml");
    run(["verify", &plan, &capture, "--max-flows", "9"])
        .exits(1)
        .complains("`--max-flows` allows more than 9");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (plan, capture) = (contoso("plan.toml"), contoso("call.pcapng"));
    for command in [
        vec!["flows", &capture, "--format", "json"],
        vec!["verify", &plan, &capture, "--format", "json"],
    ] {
        let with = |count: &str| run(command.iter().chain(&["--threads", count])).out;
        let one = with("1");
        assert!(one.contains("\"flows\""));
        assert!(with("2") == one && with("3") == one, "{command:?}");
    }
    run(["flows", &capture, "--threads", "0"])
        .exits(2)
        .complains("from 1 to 64");
}

#[test]
fn a_plan_that_is_wrong_stops_before_the_capture() {
    let temp = folder();
    let plan = file(&temp, "bad.toml", "plan = 1\n").display().to_string();
    let run = run(["verify", &plan, "no-such.pcap"])
        .exits(2)
        .complains("error[plan/");
    assert_eq!(run.out, "");
}
