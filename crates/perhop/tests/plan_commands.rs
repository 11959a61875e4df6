//! `check`, `table`, `compile`, `explain`, and what every command does with a plan that is wrong.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must fail")]

#[path = "support/binary.rs"]
mod support;

use std::fs;
use std::process::Stdio;

use support::{PLAN, file, finish, folder, perhop, run, run_with_stdin};

fn with_plan(args: &[&str]) -> support::Run {
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN);
    let mut all = vec![args[0].to_owned(), plan.display().to_string()];
    all.extend(args[1..].iter().map(|arg| (*arg).to_owned()));
    run(all)
}

#[test]
fn a_sound_plan_says_what_was_checked() {
    let run = with_plan(&["check"])
        .exits(0)
        .says("is sound")
        .says("no packet has two answers");
    assert_eq!(run.err, "");
}

#[test]
fn many_senders_are_counted_and_not_all_named() {
    let temp = folder();
    let sites: String = (0..40)
        .map(|at| {
            format!(
                "[site.S{at}]\nsubnets = [\"10.1.{at}.0/24\"]\nclients.ports.audio = \"30000-30039\"\n"
            )
        })
        .collect();
    let plan = file(&temp, "plan.toml", format!("{PLAN}\n{sites}"));
    let found = run(["check", &plan.display().to_string()]).exits(0);
    let line = found.out.lines().find(|line| line.contains("senders: "));
    let line = line.unwrap();
    assert!(line.ends_with(" more"), "{line}");
    assert_eq!(line.matches(", ").count(), 12, "{line}");
}

#[test]
fn a_wrong_plan_is_shown_with_its_text_and_exits_with_2() {
    let temp = folder();
    let plan = file(
        &temp,
        "bad.toml",
        "plan = \"X\"\nplatfroms = [\"lync-2013\"]\n\n[class]\naudio = { dscp = \"EFF\" }\n",
    );
    let name = plan.display().to_string();
    let found = run(["check", &name])
        .exits(2)
        .says("error[plan/unknown-key]")
        .says("bad.toml:2:1")
        .says("did you mean `platforms`?")
        .says("error[plan/bad-dscp]")
        .says("cannot be used");
    assert_eq!(found.err, "");
    // Other commands say the same, but not where data goes.
    for command in ["table", "compile"] {
        let mut args = vec![command, &name];
        if command == "compile" {
            args.extend(["--out", "never"]);
        }
        let run = run(args).exits(2).complains("error[plan/unknown-key]");
        assert_eq!(run.out, "");
    }
    assert!(!temp.path().join("never").exists());
}

#[test]
fn line_ends_tabs_letters_and_byte_order_marks_do_not_matter() {
    let temp = folder();
    let text = "\u{feff}plan = \"Größe 漢字\"\r\n\tplatfroms = [\"漢字\"] # é\r\n";
    let plan = file(&temp, "plan.toml", text);
    let run = run(["check", &plan.display().to_string()])
        .exits(2)
        .says("plan.toml:2:2");
    assert!(!run.out.contains('\r'));
    let caret = run.out.lines().find(|line| line.contains('^')).unwrap();
    let above = run
        .out
        .lines()
        .find(|line| line.contains("platfroms ="))
        .unwrap();
    assert_eq!(caret.find('^'), above.find("platfroms"), "{}", run.out);
}

#[test]
fn a_plan_that_cannot_be_read_says_why() {
    let temp = folder();
    let missing = temp.path().join("nope.toml").display().to_string();
    for command in ["check", "table"] {
        let run = run([command, &missing])
            .exits(3)
            .complains("nope.toml`: no such file or folder")
            .complains("perhop new");
        assert_eq!(run.out, "");
    }
    run(["check", &temp.path().display().to_string()])
        .exits(3)
        .complains("is a folder, not a file");
    let latin = file(&temp, "latin.toml", b"plan = \"X\"\n# gr\xf6\xdfe\n");
    run(["check", &latin.display().to_string()])
        .exits(2)
        .complains("is not UTF-8: byte 0xf6 on line 2, offset 15");
    let wide = file(&temp, "wide.toml", b"\xff\xfep\0l\0");
    run(["check", &wide.display().to_string()])
        .exits(2)
        .complains("UTF-16");
    let empty = file(&temp, "empty.toml", "");
    run(["check", &empty.display().to_string()])
        .exits(2)
        .says("error[");
}

#[cfg(unix)]
#[test]
fn a_plan_without_permission_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN);
    fs::set_permissions(&plan, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&plan).is_ok() {
        eprintln!("skipped: this user reads every file");
        return;
    }
    run(["check", &plan.display().to_string()])
        .exits(3)
        .complains("permission denied");
}

#[test]
fn a_plan_may_come_on_stdin() {
    run_with_stdin(&["check", "-"], PLAN.as_bytes())
        .exits(0)
        .says("<stdin> is sound");
}

#[test]
fn json_and_sarif_hold_the_same_findings() {
    let temp = folder();
    let plan = file(
        &temp,
        "bad plan.toml",
        "plan = \"X\"\nplatforms = []\nfoo = 1\n",
    )
    .display()
    .to_string();
    let json: serde_json::Value =
        serde_json::from_str(&run(["check", &plan, "--format", "json"]).exits(2).out).unwrap();
    assert_eq!(json["schema"], "perhop.check/1");
    assert_eq!(json["diagnostics"][0]["code"], "plan/unknown-key");
    assert_eq!(json["diagnostics"][0]["labels"][0]["start"]["line"], 3);
    assert_eq!(json["checked"], serde_json::Value::Null);
    let sarif: serde_json::Value =
        serde_json::from_str(&run(["check", &plan, "--format", "sarif"]).exits(2).out).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "plan/unknown-key");
    assert_eq!(
        result["locations"][0]["physicalLocation"]["region"]["startLine"],
        3
    );
}

#[test]
fn colour_only_when_asked_for() {
    let temp = folder();
    let plan = file(&temp, "bad.toml", "foo = 1\n").display().to_string();
    assert!(!run(["check", &plan]).out.contains('\u{1b}'));
    assert!(
        run(["check", &plan, "--color", "always"])
            .out
            .contains('\u{1b}')
    );
    let mut command = perhop();
    command
        .args(["check", &plan])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1");
    assert!(!finish(&mut command).out.contains('\u{1b}'));
}

#[test]
fn the_table_has_the_columns_of_the_comprehensive_table() {
    let run = with_plan(&["table", "--format", "csv"]).exits(0);
    let mut lines = run.out.split("\r\n");
    assert_eq!(
        lines.next(),
        Some(
            "Component,Communication type,Executable,DSCP,Protocol,Source IP,Destination IP,Source ports,Destination ports"
        )
    );
    assert!(
        run.out
            .contains("Lync 2013,audio,lync.exe,46,both,any,any,20000-20039,any\r\n"),
        "{}",
        run.out
    );
    assert!(
        run.out
            .contains("MediaRelaySvc.exe,34,both,192.0.2.10,any,any,57501-65534\r\n"),
        "{}",
        run.out
    );
    let json: serde_json::Value =
        serde_json::from_str(&with_plan(&["table", "--format", "json"]).exits(0).out).unwrap();
    assert_eq!(
        json["rows"].as_array().unwrap().len() + 2,
        lines.count() + 1
    );
    with_plan(&["table"]).exits(0).says("both").says("46 (EF)");
    with_plan(&["table", "--format", "markdown"])
        .exits(0)
        .says("| Component |");
    with_plan(&["table", "--format", "html"])
        .exits(0)
        .says("<!DOCTYPE html>");
}

#[test]
fn the_table_fits_the_terminal() {
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN);
    for columns in [80, 120] {
        let run = finish(
            perhop()
                .args(["table", &plan.display().to_string()])
                .env("COLUMNS", columns.to_string()),
        );
        let widest = run
            .out
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(widest <= columns, "{widest} > {columns}:\n{}", run.out);
    }
}

#[test]
fn the_workbook_is_written_whole() {
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN).display().to_string();
    let book = temp.path().join("qos.xlsx");
    let run1 = run(["table", &plan, "--xlsx", &book.display().to_string()]).exits(0);
    assert_eq!(run1.out, "");
    assert!(fs::read(&book).unwrap().starts_with(b"PK\x03\x04"));
    run(["table", &plan, "--xlsx", "/nowhere/at/all.xlsx"])
        .exits(3)
        .complains("no such file or folder");
    assert_eq!(
        fs::read_dir(temp.path()).unwrap().count(),
        2,
        "something was left behind"
    );
}

#[test]
fn compile_writes_once_and_replaces_only_when_told() {
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN).display().to_string();
    let out = temp.path().join("qos");
    let dir = out.display().to_string();
    run(["compile", &plan, "--out", &dir, "--dry-run"])
        .exits(0)
        .says("would write");
    assert!(!out.exists());
    run(["compile", &plan, "--out", &dir])
        .exits(0)
        .says("RUNBOOK.md")
        .says("wrote");
    let manifest = fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"sha256\""));
    let again = run(["compile", &plan, "--out", &dir])
        .exits(2)
        .complains("--force");
    assert_eq!(again.out, "");
    fs::write(out.join("mine.txt"), "mine").unwrap();
    run(["compile", &plan, "--out", &dir, "--force"])
        .exits(0)
        .complains("`mine.txt`");
    assert_eq!(fs::read_to_string(out.join("mine.txt")).unwrap(), "mine");
    assert_eq!(
        fs::read_to_string(out.join("manifest.json")).unwrap(),
        manifest
    );
}

#[test]
fn compile_refuses_a_folder_of_others() {
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN).display().to_string();
    file(&temp, "precious.txt", "p");
    run([
        "compile",
        &plan,
        "--out",
        &temp.path().display().to_string(),
        "--force",
    ])
    .exits(2)
    .complains("is not empty")
    .complains("precious.txt");
    run(["compile", &plan, "--out", &plan])
        .exits(2)
        .complains("names a folder");
    run(["compile", &plan, "--out", "x", "--target", "windows-gpp"])
        .exits(2)
        .complains("windows-gpp");
}

#[test]
fn explain_finds_codes_by_name_slug_and_rule() {
    run(["explain", "plan/bad-dscp"])
        .exits(0)
        .says("plan/bad-dscp");
    run(["explain", "bad-dscp"]).exits(0).says("plan/bad-dscp");
    run(["explain", "uc-15"]).exits(0).says("plan/bad-dscp");
    run(["explain"])
        .exits(0)
        .says("plan/bad-dscp")
        .says("policy/undecided-overlap");
    let run = run(["explain", "plan/bad-dcsp"])
        .exits(2)
        .complains("did you mean `plan/bad-dscp`?");
    assert_eq!(run.out, "");
}

#[test]
fn explain_tells_a_flow_its_rule() {
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN).display().to_string();
    let ask = |from: &str, app: &str| {
        run([
            "explain",
            "--plan",
            &plan,
            "--from",
            from,
            "--to",
            "10.0.0.2:50000",
            "--app",
            app,
        ])
    };
    ask("10.0.0.1:20005", "LYNC.exe")
        .exits(0)
        .says("DSCP 46 (EF)")
        .says("clients/lync-2013/audio")
        .says("source port 20000-20039")
        .says("plan.toml:9:");
    ask("10.0.0.1:20005", "chrome.exe")
        .exits(1)
        .says("if it were sent by `lync.exe`");
    ask("10.0.0.1:1", "lync.exe")
        .exits(1)
        .says("no rule, unplanned");
    run([
        "explain",
        "--plan",
        &plan,
        "--from",
        "10.0.0.1:1",
        "--to",
        "[::1]:1",
    ])
    .exits(2)
    .complains("IP versions");
}

#[test]
fn wrong_arguments_exit_with_2_and_help_with_0() {
    run(["chekc"]).exits(2).complains("check");
    run(["check"]).exits(2).complains("<PLAN>");
    run(["check", "a", "--format", "xml"])
        .exits(2)
        .complains("possible values");
    run(Vec::<&str>::new()).exits(2).complains("Usage:");
    for args in [
        vec!["--help"],
        vec!["check", "--help"],
        vec!["compile", "-h"],
    ] {
        let run = run(args).exits(0).says("Usage:");
        assert_eq!(run.err, "");
    }
    run(["--help"])
        .says("Exit status")
        .says("0  as planned")
        .says("Examples:");
    run(["--version"]).exits(0).says("perhop ");
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        run(["completions", shell]).exits(0).says("compile");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::os::fd::OwnedFd;
    let temp = folder();
    let plan = file(&temp, "plan.toml", PLAN).display().to_string();
    for args in [
        vec!["table", &plan],
        vec!["table", &plan, "--format", "json"],
        vec!["explain"],
        vec!["completions", "bash"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = perhop()
            .args(&args)
            .stdout(Stdio::from(OwnedFd::from(writer)))
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = perhop().args(["explain"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no space left"));
}
