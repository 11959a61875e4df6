//! `read` and `audit`.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

#[path = "support/schema.rs"]
mod schema;
#[path = "support/binary.rs"]
mod support;

use std::fs;

use serde_json::Value;
use support::{PLAN, file, folder, project, run, run_with_stdin};

/// An export as regedit writes it, with a mistake in one value.
fn export(dscp: &str) -> Vec<u8> {
    let text = format!(
        "Windows Registry Editor Version 5.00\r\n\r\n\
         [HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Windows\\QoS\\Audio]\r\n\"Version\"=\"1.0\"\r\n\
         \"Application Name\"=\"lync.exe\"\r\n\"Protocol\"=\"*\"\r\n\"Local Port\"=\"20000:20039\"\r\n\"Local IP\"=\"*\"\r\n\
         \"Local IP Prefix Length\"=\"*\"\r\n\"Remote Port\"=\"*\"\r\n\"Remote IP\"=\"*\"\r\n\"Remote IP Prefix Length\"=\"*\"\r\n\
         \"DSCP Value\"=\"{dscp}\"\r\n\"Throttle Rate\"=\"-1\"\r\n"
    );
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

fn holds(name: &str, text: &str) {
    let schema = fs::read_to_string(project(&format!("docs/schema/{name}.json"))).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    let faults = schema::faults(&schema, &value);
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(
        run(["schema", name]).exits(0).out.trim(),
        fs::read_to_string(project(&format!("docs/schema/{name}.json")))
            .unwrap()
            .trim()
    );
}

#[test]
fn an_export_is_listed() {
    let temp = folder();
    let path = temp.path().join("anything.txt");
    fs::write(&path, export("46")).unwrap();
    let run = run(["read", &path.display().to_string()])
        .exits(0)
        .says(".reg export")
        .says("lync.exe")
        .says("20000-20039")
        .says("46 (EF)");
    assert_eq!(run.err, "");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let temp = folder();
    let path = temp.path().join("client.reg");
    fs::write(&path, export("184")).unwrap();
    run(["read", &path.display().to_string()])
        .exits(1)
        .says("error[read/tos-for-dscp]")
        .says("client.reg:13: SOFTWARE\\Policies\\Microsoft\\Windows\\QoS\\Audio\\DSCP Value")
        .says("write `46`");
}

#[test]
fn a_file_that_is_nothing_known_exits_with_2_and_one_that_is_not_there_with_3() {
    let temp = folder();
    let path = file(&temp, "x.txt", "hello\n").display().to_string();
    let refused = run(["read", &path])
        .exits(2)
        .complains("not a file that perhop reads");
    assert_eq!(refused.out, "");
    run(["read", "nowhere.reg"])
        .exits(3)
        .complains("no such file");
}

#[test]
fn json_keeps_to_its_schema() {
    let temp = folder();
    let reg = temp.path().join("client.reg");
    fs::write(&reg, export("184")).unwrap();
    let list = file(
        &temp,
        "list.txt",
        "Identity : Global\nClientMediaPortRangeEnabled : False\nClientAudioPort : 5350\nClientAudioPortRange : 40\n\n",
    );
    let plan = file(&temp, "plan.toml", PLAN).display().to_string();
    let (reg, list) = (reg.display().to_string(), list.display().to_string());
    let read = run(["read", &reg, &list, "--format", "json"]).exits(1);
    holds("read", &read.out);
    let audit = run(["audit", &plan, &reg, &list, "--format", "json"]).exits(1);
    holds("audit", &audit.out);
    let sarif = run(["audit", &plan, &reg, "--format", "sarif"]).exits(1);
    let sarif: Value = serde_json::from_str(&sarif.out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(
        results
            .iter()
            .any(|one| one["locations"][0]["physicalLocation"]["region"]["startLine"] == 13)
    );
    let junit = run(["audit", &plan, &reg, "--format", "junit"]).exits(1);
    assert!(junit.out.starts_with("<?xml"), "{}", junit.out);
    assert!(junit.out.contains("<testsuites name=\"perhop audit\""));
    assert!(junit.out.contains("type=\"audit/"));
}

/// A cell's text with ranges and addresses as facts have them.
fn cell(row: &Value, name: &str, any: &str) -> Value {
    match row[name].as_str().unwrap() {
        text if text == any || text == "n/a" => Value::Null,
        text => Value::from(text),
    }
}

/// Holds a plan's table, as workbook and as text, against what is read of it.
fn table_reads_back(plan: &str) -> usize {
    let temp = folder();
    let table = run(["table", plan, "--format", "json"]).exits(0);
    let table: Value = serde_json::from_str(&table.out).unwrap();
    let rows = table["rows"].as_array().unwrap();
    if rows.is_empty() {
        return 0;
    }
    let xlsx = temp.path().join("qos.bin").display().to_string();
    run(["table", plan, "--xlsx", &xlsx]).exits(0);
    let csv = run(["table", plan, "--format", "csv"]).exits(0);
    let csv = file(&temp, "qos.txt", &csv.out).display().to_string();
    for (path, format) in [(&xlsx, "perhop-xlsx"), (&csv, "perhop-csv")] {
        let read = run(["read", path, "--format", "json"]);
        holds("read", &read.out);
        let read: Value = serde_json::from_str(&read.out).unwrap();
        assert_eq!(read["files"][0]["format"], format, "{plan}");
        let facts = read["files"][0]["facts"].as_array().unwrap();
        // A row with several addresses is a policy for each.
        let one_each: Vec<(&Value, &Value)> = rows
            .iter()
            .flat_map(|row| {
                let [sources, destinations] = ["source_ip", "destination_ip"]
                    .map(|name| row[name].as_str().unwrap().split(", ").collect::<Vec<_>>());
                // Addresses of two families are of no packet.
                let meet = |a: &str, b: &str| {
                    a == "any" || b == "any" || a.contains(':') == b.contains(':')
                };
                let pairs = sources
                    .iter()
                    .flat_map(|a| destinations.iter().filter(|b| meet(a, b)));
                std::iter::repeat_n(row, pairs.count())
            })
            .zip(facts)
            .collect();
        assert_eq!(facts.len(), one_each.len(), "{plan} {format}");
        let last = one_each.last().map(|(row, _)| *row);
        assert_eq!(last, rows.last(), "{plan} {format}");
        for (row, fact) in one_each {
            let label = format!("{plan} {format}: {row} {fact}");
            let ports = ["source_ports", "destination_ports"];
            assert_eq!(
                cell(row, "executable", "any"),
                fact["application"],
                "{label}"
            );
            for name in ports {
                assert_eq!(cell(row, name, "any"), fact[name], "{label}");
            }
            assert_eq!(row["dscp"], fact["dscp"], "{label}");
            assert_eq!(row["protocol"], fact["protocol"], "{label}");
        }
    }
    rows.len()
}

/// The table goes to a spreadsheet and comes back with every row, for every case of the targets.
#[test]
fn every_table_reads_back() {
    let mut rows = 0;
    for case in fs::read_dir(project("crates/perhop-targets/tests/cases")).unwrap() {
        let plan = case.unwrap().path().join("plan.toml");
        rows += table_reads_back(&plan.display().to_string());
    }
    assert!(rows > 50, "{rows}");
}

#[test]
fn the_table_reads_back() {
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN).display().to_string();
    assert!(table_reads_back(&plan) > 0);
    let xlsx = temp.path().join("qos.bin").display().to_string();
    run(["table", &plan, "--xlsx", &xlsx]).exits(0);
    let broken = fs::read(&xlsx).unwrap();
    let broken_path = temp.path().join("broken.xlsx");
    fs::write(&broken_path, &broken[..broken.len() / 2]).unwrap();
    run(["read", &broken_path.display().to_string()])
        .exits(1)
        .says("read/damaged");
}

/// What was compiled, read back, is the plan again: it passes `check`, and no packet changes its mark.
#[test]
fn the_plan_comes_back_from_what_was_compiled() {
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN).display().to_string();
    let out = temp.path().join("qos").display().to_string();
    run(["compile", &plan, "--out", &out]).exits(0);
    let written = run([
        "read",
        &format!("{out}/windows-reg"),
        &format!("{out}/lync-shell/apply.ps1"),
        "--plan",
    ])
    .exits(0);
    assert_eq!(written.err, "");
    let back = file(&temp, "back.toml", &written.out).display().to_string();
    run(["check", &back]).exits(0);
    run(["diff", &plan, &back]).exits(0);
}

/// Rates come back too, from each kind of policy, and a change of one is told in words and JSON.
#[test]
fn rates_come_back_and_their_change_is_told() {
    let temp = folder();
    let text = format!(
        "{PLAN}\n[app.recorder]\nexecutable = \"rec.exe\"\nvideo = {{ ports = \"30000-30099\", throttle = \"5 Mbit/s\" }}\n\
         [target.intune-csp]\naccept = [\"absent.throttle\"]\n"
    );
    let plan = file(&temp, "plan.toml", &text).display().to_string();
    let out = temp.path().join("qos").display().to_string();
    run(["compile", &plan, "--out", &out]).exits(0);
    for id in [
        "windows-reg",
        "windows-lgpo",
        "windows-netqos",
        "windows-gpo",
    ] {
        let policies = format!("{out}/{id}");
        let written = run([
            "read",
            &policies,
            &format!("{out}/lync-shell/apply.ps1"),
            "--plan",
        ])
        .exits(0)
        .says("throttle = \"5 Mbit/s\"");
        let back = file(&temp, "back.toml", &written.out).display().to_string();
        run(["diff", &plan, &back]).exits(0);
        run(["read", &policies]).exits(0).says("5 Mbit/s");
    }
    let table = temp.path().join("table.csv");
    let csv = run(["table", &plan, "--format", "csv"]).exits(0);
    fs::write(&table, &csv.out).unwrap();
    run(["read", &table.display().to_string(), "--plan"])
        .exits(0)
        .says("throttle = \"5 Mbit/s\"");
    let other = text.replace("5 Mbit/s", "2 Mbit/s");
    let other = file(&temp, "other.toml", &other).display().to_string();
    let told = "34 (AF41) at most 5 Mbit/s -> 34 (AF41) at most 2 Mbit/s  rec.exe; source ports 30000-30099";
    run(["diff", &plan, &other])
        .exits(1)
        .says(told)
        .says("0 changes of marks, 1 of rates, 0 changes of what is told");
    run(["diff", &out, &other]).exits(1).says(told);
    let value = run(["diff", &plan, &other, "--format", "json"]).exits(1);
    holds("diff", &value.out);
    let value: Value = serde_json::from_str(&value.out).unwrap();
    assert_eq!(value["changes"][0]["old"]["throttle_bits"], 5_000_000);
    assert_eq!(value["changes"][0]["new"]["throttle_bits"], 2_000_000);
    run(["audit", &other, &format!("{out}/windows-reg")])
        .exits(1)
        .says("error[audit/other-throttle]")
        .says("Value '245'");
    run(["audit", &plan, &format!("{out}/intune-csp")])
        .exits(0)
        .says("info[audit/other-throttle]");
}

/// The same for every case of the targets, as far as the plan can be compiled.
#[test]
fn every_case_gives_a_sound_plan() {
    let temp = folder();
    let mut held = 0;
    for case in fs::read_dir(project("crates/perhop-targets/tests/cases")).unwrap() {
        let case = case.unwrap();
        let name = case.file_name().to_string_lossy().into_owned();
        let plan = case.path().join("plan.toml").display().to_string();
        let out = temp.path().join(&name).display().to_string();
        // Each target by itself: not every case has all of them.
        let made = ["windows-reg", "lync-shell", "teams-shell"]
            .into_iter()
            .map(|target| {
                let into = format!("{out}/{target}");
                run(["compile", &plan, "--out", &into, "--target", target]).code
            })
            .filter(|code| *code == Some(0))
            .count();
        if made == 0 {
            continue;
        }
        let written = run(["read", &out, "--plan"]);
        // A plan for other hosts alone leaves nothing to these targets.
        if written.err.contains("there is no policy and no port range") {
            continue;
        }
        assert_eq!(written.code, Some(0), "{name}: {}", written.err);
        let back = file(&temp, &format!("{name}.toml"), &written.out)
            .display()
            .to_string();
        let checked = run(["check", &back]);
        assert_eq!(checked.code, Some(0), "{name}: {}", checked.out);
        held += 1;
    }
    assert!(held >= 3, "{held}");
}

/// A network that was set up by hand, with a policy of no component and a mark that contradicts another.
#[test]
fn a_plan_is_written_with_what_contradicts_it() {
    let temp = folder();
    let policy = |name: &str, app: &str, ports: (u16, u16), dscp: u8| {
        format!(
            "Name : {name}\nOwner : Group Policy (Machine)\nNetworkProfile : All\nPrecedence : 127\nAppPathName : {app}\n\
             IPProtocol : Both\nIPSrcPortStart : {}\nIPSrcPortEnd : {}\nDSCPValue : {dscp}\n\n",
            ports.0, ports.1
        )
    };
    let policies = [
        policy("Audio", "lync.exe", (20000, 20039), 46),
        policy("Audio old", "communicator.exe", (20000, 20039), 40),
        policy("Video", "lync.exe", (20040, 20079), 34),
        policy("Recorder", "rec.exe", (30000, 30099), 46),
        policy("Scan", "scan.exe", (31000, 31099), 8),
    ]
    .concat();
    let list = file(&temp, "list.txt", &policies).display().to_string();
    let written = run(["read", &list, "--plan"])
        .exits(0)
        .says("platforms = [\"lync-2010\", \"lync-2013\"]")
        .says("contradicts `audio`")
        .says("[app.\"Recorder\"]")
        .says("list.txt:1");
    let back = file(&temp, "back.toml", &written.out).display().to_string();
    run(["check", &back]).exits(0);
    // The plan says what the host has, but for the contradiction.
    let audit = run([
        "audit",
        &back,
        &format!("clients={list}"),
        "--format",
        "json",
    ])
    .exits(1);
    let audit: Value = serde_json::from_str(&audit.out).unwrap();
    let state = |rule: &str| {
        let rules = audit["rules"].as_array().unwrap();
        let one = rules.iter().find(|one| one["rule"] == rule);
        one.unwrap_or_else(|| panic!("{rule}: {rules:#?}"))["state"].clone()
    };
    assert_eq!(state("clients/lync-2013/audio"), "ok");
    assert_eq!(state("clients/lync-2013/video"), "ok");
    assert_eq!(state("clients/Recorder/audio"), "ok");
    assert_eq!(state("clients/lync-2010/audio"), "differs");
    run(["read", "-", "--plan"]).exits(2);
}

#[test]
fn a_change_is_told_before_it_is_made() {
    let temp = folder();
    let old = file(&temp, "old.toml", PLAN).display().to_string();
    let text = PLAN
        .replace("20000-20039", "20000-20049")
        .replace("20040-20079", "20050-20089");
    assert_ne!(text, PLAN);
    let new = file(&temp, "new.toml", &text).display().to_string();
    run(["diff", &old, &old]).exits(0).says("no flow changes");
    let told = run(["diff", &old, &new])
        .exits(1)
        .says("34 (AF41) -> 46 (EF)  lync.exe; source ports 20040-20049")
        .says("unmarked -> 34 (AF41)  lync.exe; source ports 20080-20089")
        .says("20000-20039 -> 20000-20049  clients: audio ports");
    assert_eq!(told.err, "");
    let value = run(["diff", &old, &new, "--format", "json"]).exits(1);
    holds("diff", &value.out);
    // What was compiled stands for its plan.
    let out = temp.path().join("qos").display().to_string();
    run(["compile", &old, "--out", &out]).exits(0);
    run(["diff", &out, &old]).exits(0);
    run(["diff", &out, &new])
        .exits(1)
        .says("source ports 20040-20049");
    fs::create_dir(temp.path().join("empty")).unwrap();
    run([
        "diff",
        &temp.path().join("empty").display().to_string(),
        &old,
    ])
    .exits(2)
    .complains("not a folder of compiled configuration");
}

/// What is compiled and given back is as planned; what is changed is not.
#[test]
fn a_compiled_plan_has_no_drift() {
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN).display().to_string();
    let out = temp.path().join("qos").display().to_string();
    run(["compile", &plan, "--out", &out]).exits(0);
    run([
        "audit",
        &plan,
        &format!("{out}/windows-reg"),
        &format!("{out}/lync-shell/apply.ps1"),
    ])
    .exits(0)
    .says("as planned");
    let path = format!("{out}/windows-reg/clients/apply.reg");
    run(["audit", &plan, &format!("clients={path}")]).exits(0);
    run(["audit", &plan, &format!("nobody={path}")])
        .exits(2)
        .complains("no sender `nobody`");
    let text = run_with_stdin(&["read", "-"], &fs::read(&path).unwrap()).exits(0);
    assert!(text.out.contains("<stdin>"));
}

/// Configurations that targets of the network write are as planned; one mark changed by hand is told in every form.
#[test]
fn configurations_of_devices_are_audited() {
    let temp = folder();
    let plan = project("crates/perhop-targets/tests/cases/campus/plan.toml");
    let plan = plan.display().to_string();
    let out = temp.path().join("net").display().to_string();
    run([
        "compile",
        &plan,
        "--target",
        "cisco-ios",
        "--target",
        "junos",
        "--out",
        &out,
    ])
    .exits(0);
    run(["audit", &plan, &out])
        .exits(0)
        .says("held against clients")
        .says("as planned");
    let path = format!("{out}/cisco-ios/marks/clients/apply.ios");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("set dscp af41", "set dscp af31")).unwrap();
    run(["audit", &plan, &path])
        .exits(1)
        .says("error[audit/other-mark]")
        .says("= run:   set dscp af41");
    // Whose a file is can be said; its sender's own policies are another matter.
    run(["audit", &plan, &format!("clients={path}")])
        .exits(1)
        .says("1 error, 0 warnings");
    let audit = run(["audit", &plan, &path, "--format", "json"]).exits(1);
    holds("audit", &audit.out);
    let read = run(["read", &path, "--format", "json"]).exits(0);
    holds("read", &read.out);
    let junit = run(["audit", &plan, &path, "--format", "junit"]).exits(1);
    let failed = junit.out.matches("<failure").count();
    assert_eq!(failed, 2, "{}", junit.out);
    run(["read", &path, "--plan"])
        .exits(2)
        .complains("marks of the network alone make no plan");
}
