//! Public recipes that are known to be wrong, each told by its code; and every code of reading raised once.

use perhop_policy::Severity;
use perhop_read::{CODES, Finding, Input, Reading, Words};

fn words() -> Words {
    let catalogue = perhop_plan::catalogue::catalogue();
    Words {
        executables: catalogue
            .components()
            .filter_map(|(_, component)| component.executable.clone())
            .collect(),
        misspelt: catalogue
            .misspellings
            .iter()
            .map(|one| (one.wrong.clone(), one.right.clone()))
            .collect(),
    }
}

fn findings(text: &str) -> Vec<Finding> {
    let input = Input {
        name: "file",
        bytes: text.as_bytes(),
    };
    Reading::of(&[input], &words())
        .findings()
        .cloned()
        .collect()
}

/// A policy's key with the eleven values, some of them changed or left out.
fn policy(name: &str, changes: &[(&str, Option<&str>)]) -> String {
    let values = [
        ("Version", "\"1.0\""),
        ("Application Name", "\"lync.exe\""),
        ("Protocol", "\"*\""),
        ("Local Port", "\"20000:20039\""),
        ("Local IP", "\"*\""),
        ("Local IP Prefix Length", "\"*\""),
        ("Remote Port", "\"*\""),
        ("Remote IP", "\"*\""),
        ("Remote IP Prefix Length", "\"*\""),
        ("DSCP Value", "\"46\""),
        ("Throttle Rate", "\"-1\""),
    ];
    let mut out =
        format!("[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Windows\\QoS\\{name}]\r\n");
    for (value, data) in values {
        let changed = changes.iter().find(|(known, _)| *known == value);
        if let Some(data) = changed.map_or(Some(data), |(_, data)| *data) {
            out.push_str(&format!("\"{value}\"={data}\r\n"));
        }
    }
    for (value, data) in changes {
        if let (false, Some(data)) = (values.iter().any(|(known, _)| known == value), data) {
            out.push_str(&format!("\"{value}\"={data}\r\n"));
        }
    }
    out
}

fn reg(body: &str) -> String {
    format!("Windows Registry Editor Version 5.00\r\n\r\n{body}")
}

fn nla(value: &str) -> String {
    reg(&format!(
        "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\QoS]\r\n{value}\r\n"
    ))
}

const CONFERENCING: &str = "Identity : Global\nClientMediaPortRangeEnabled : True\nClientAudioPort : 20000\nClientAudioPortRange : 40\n\
                            ClientVideoPort : 20040\nClientVideoPortRange : 40\n";

/// Every code of reading with a file that raises it, and a word that its finding has to say.
fn recipes() -> Vec<(&'static str, String, &'static str)> {
    let changed =
        |value: &'static str, data: Option<&'static str>| reg(&policy("Audio", &[(value, data)]));
    vec![
        ("read/damaged", reg("[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Windows\\QoS\\a]\r\n\"Version\"=\"1.0\r\n"), "line"),
        ("read/value-type", changed("DSCP Value", Some("dword:0000002e")), "REG_DWORD"),
        ("read/value-missing", changed("Throttle Rate", None), "`Throttle Rate`"),
        // The Teams article prints it without `Length`.
        ("read/value-unknown", changed("Remote IP Prefix", Some("\"*\"")), "`Remote IP Prefix Length`"),
        // The seed blog's typing error.
        ("read/value-invalid", changed("Local Port", Some("\"20000:200039\"")), "`20000:200039`"),
        // The Teams article's hyphen.
        ("read/port-hyphen", changed("Local Port", Some("\"50000-50019\"")), "`50000:50019`"),
        // Citrix writes whole octets.
        ("read/tos-for-dscp", changed("DSCP Value", Some("\"184\"")), "`46`"),
        ("read/under-qos-key", reg("[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Windows\\QoS]\r\n\"DSCP Value\"=\"46\"\r\n"), "key"),
        ("read/no-action", changed("DSCP Value", Some("\"-1\"")), "neither"),
        ("read/never-matches", changed("Application Name", Some("\"lync\"")), ".exe"),
        // A guide's AttendantConsole.exe.
        ("read/misspelt-executable", changed("Application Name", Some("\"attendeeconsole.exe\"")), "`AttendantConsole.exe`"),
        ("read/nla-type", nla("\"Do not use NLA\"=dword:00000001"), "REG_SZ"),
        // A translated article.
        ("read/nla-misspelt", nla("\"Ne pas utiliser NLA\"=\"1\""), "`Do not use NLA`"),
        ("read/nla-off", nla("\"Do not use NLA\"=\"0\""), "`1`"),
        ("read/undecided", reg(&format!("{}\r\n{}", policy("a", &[]), policy("b", &[("Local Port", Some("\"20030:20069\"")), ("DSCP Value", Some("\"34\""))]))), "`b`"),
        ("read/cut-short", "Identity                 AudioPortStart AudioPortCount\n--------                 -------------- --------------\nMediationServer:pool0...          49152           8348\n".to_owned(), "Clixml"),
        ("read/ranges-disabled", CONFERENCING.replace("Enabled : True", "Enabled : False"), "Set-CsConferencingConfiguration"),
        ("read/ranges-overlap", CONFERENCING.replace("20040", "20030"), "20030-20039"),
        // A number of ports taken for the last port.
        ("read/range-end", CONFERENCING.replace("ClientAudioPortRange : 40", "ClientAudioPortRange : 50039"), "number of ports"),
        ("read/hides-global", format!("{CONFERENCING}\n{}", CONFERENCING.replace("Global", "site:Redmond").replace("20000", "21000")), "`site:Redmond`"),
        ("read/user-policy", reg(&policy("a", &[]).replace("LOCAL_MACHINE", "CURRENT_USER")), "users"),
    ]
}

#[test]
fn every_wrong_recipe_is_told() {
    for (code, text, word) in recipes() {
        let found = findings(&text);
        let one = found
            .iter()
            .find(|finding| finding.code == code)
            .unwrap_or_else(|| panic!("{code}: {found:?}"));
        let said = format!(
            "{} {} {} {}",
            one.message,
            one.notes.join(" "),
            one.helps.join(" "),
            one.commands.join(" ")
        );
        assert!(
            said.contains(word) || code == "read/damaged",
            "{code}: {said}"
        );
        let place = one
            .place
            .as_ref()
            .unwrap_or_else(|| panic!("{code} has no place"));
        assert!(
            place.line.is_some() || !place.path.is_empty(),
            "{code}: {place:?}"
        );
        // A recipe has one mistake, so what is told is one.
        assert_eq!(found.len(), 1, "{code}: {found:?}");
    }
}

#[test]
fn every_code_of_reading_is_raised() {
    let raised: Vec<&str> = recipes().into_iter().map(|(code, ..)| code).collect();
    for info in CODES.iter().filter(|info| info.code.starts_with("read/")) {
        assert!(raised.contains(&info.code), "{} is never raised", info.code);
    }
}

#[test]
fn what_is_right_is_not_told() {
    let good = format!(
        "{}\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\QoS]\r\n\"Do not use NLA\"=\"1\"\r\n",
        reg(&policy("Audio", &[]))
    );
    assert_eq!(findings(&good), []);
    assert_eq!(findings(CONFERENCING), []);
    // The Microsoft examples, one port wider.
    let wide = reg(&policy(
        "Audio",
        &[
            ("Local Port", Some("\"49152:57500\"")),
            ("Application Name", Some("\"*\"")),
        ],
    ));
    assert_eq!(findings(&wide), []);
    assert!(
        findings(&wide)
            .iter()
            .all(|one| one.severity == Severity::Info)
    );
}

/// A number in an object that is a ToS octet.
#[test]
fn phones_with_an_octet_are_told() {
    for text in [
        "Identity : Global\nVoiceDiffServTag : 184\nVoice8021p : 0\n",
        "<provisionGroup name=\"ServerConfiguration\"><ucDiffServVoice>184</ucDiffServVoice></provisionGroup>",
    ] {
        let found = findings(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].code, "read/tos-for-dscp");
        assert!(found[0].helps[0].contains("46"));
    }
}
