//! One setting in every form and encoding that PowerShell writes gives the same facts.

use perhop_read::{Fact, Format, Input, Reading, What, Words};

/// Text in the encodings of both generations of PowerShell, and as editors save it.
fn encodings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let wide = |head: &[u8], unit: fn(u16) -> [u8; 2]| {
        let mut out = head.to_vec();
        out.extend(text.encode_utf16().flat_map(unit));
        out
    };
    vec![
        ("UTF-16LE with mark", wide(b"\xff\xfe", u16::to_le_bytes)),
        ("UTF-16BE with mark", wide(b"\xfe\xff", u16::to_be_bytes)),
        ("UTF-16LE", wide(b"", u16::to_le_bytes)),
        (
            "UTF-8 with mark",
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        ),
        ("UTF-8", text.as_bytes().to_vec()),
        ("CRLF", text.replace('\n', "\r\n").into_bytes()),
    ]
}

/// Facts without their places.
fn facts(bytes: &[u8]) -> (Format, Vec<What>) {
    let input = Input { name: "x", bytes };
    let reading = Reading::of(&[input], &Words::default());
    let file = &reading.files[0];
    assert_eq!(file.findings, [], "{:?}", String::from_utf8_lossy(bytes));
    (file.format, file.facts.iter().map(plain).collect())
}

fn plain(fact: &Fact) -> What {
    let mut what = fact.what.clone();
    match &mut what {
        What::Object(object) => {
            for range in &mut object.ranges {
                range.place = perhop_read::Place::default();
            }
            for place in [
                object.dscp.as_mut().map(|(_, place)| place),
                object.pcp.as_mut().map(|(_, place)| place),
                object.marking.as_mut().map(|(_, place)| place),
            ]
            .into_iter()
            .flatten()
            {
                *place = perhop_read::Place::default();
            }
        }
        What::Policy(policy) => policy.values.clear(),
        _ => {}
    }
    what
}

/// One object in five forms.
#[expect(clippy::too_many_lines, reason = "five writers in a row")]
fn forms(types: &str, properties: &[(&str, &str)]) -> Vec<(Format, String)> {
    let width = properties
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    let list: String = properties
        .iter()
        .map(|(name, value)| format!("{name:width$} : {value}\n"))
        .collect();
    let is_number = |value: &str| value.bytes().all(|b| b.is_ascii_digit());
    let column = |name: &str, value: &str| name.len().max(value.len());
    let line = |cell: &dyn Fn(&str, &str) -> String| -> String {
        let cells: Vec<String> = properties
            .iter()
            .map(|(name, value)| {
                let (text, width) = (cell(name, value), column(name, value));
                if is_number(value) {
                    format!("{text:>width$}")
                } else {
                    format!("{text:<width$}")
                }
            })
            .collect();
        format!("{}\n", cells.join(" "))
    };
    let table = format!(
        "\n{}{}{}\n",
        line(&|name, _| name.to_owned()),
        line(&|name, _| "-".repeat(name.len())),
        line(&|_, value| value.to_owned())
    );
    let quoted = |texts: Vec<&str>| {
        let cells: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
        cells.join(",")
    };
    let csv = format!(
        "#TYPE {types}\n{}\n{}\n",
        quoted(properties.iter().map(|(name, _)| *name).collect()),
        quoted(properties.iter().map(|(_, value)| *value).collect())
    );
    let members: Vec<String> = properties
        .iter()
        .map(|(name, value)| match *value {
            "True" | "False" => format!("  \"{name}\":  {}", value.to_lowercase()),
            value if is_number(value) => format!("  \"{name}\":  {value}"),
            value => format!("  \"{name}\":  \"{value}\""),
        })
        .collect();
    let json = format!("{{\n{}\n}}\n", members.join(",\n"));
    let elements: String = properties
        .iter()
        .map(|(name, value)| match *value {
            "True" | "False" => format!("      <B N=\"{name}\">{}</B>\n", value.to_lowercase()),
            value if is_number(value) => format!("      <U32 N=\"{name}\">{value}</U32>\n"),
            value => format!("      <S N=\"{name}\">{value}</S>\n"),
        })
        .collect();
    let clixml = format!(
        "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">\n  <Obj RefId=\"0\">\n    \
         <TN RefId=\"0\"><T>{types}</T></TN>\n    <Props>\n{elements}    </Props>\n  </Obj>\n</Objs>\n"
    );
    vec![
        (Format::ShellList, format!("\n{list}\n\n")),
        (Format::ShellTable, table),
        (Format::ShellCsv, csv),
        (Format::ShellJson, json),
        (Format::Clixml, clixml),
    ]
}

fn same_in_every_form(types: &str, properties: &[(&str, &str)]) -> What {
    let mut found: Option<Vec<What>> = None;
    for (format, text) in forms(types, properties) {
        for (encoding, bytes) in encodings(&text) {
            let (seen, facts) = facts(&bytes);
            assert_eq!(seen, format, "{encoding}\n{text}");
            assert_eq!(facts.len(), 1, "{encoding}\n{text}");
            let first = found.get_or_insert_with(|| facts.clone());
            assert_eq!(&facts, first, "{encoding}\n{text}");
        }
    }
    found.expect("there are forms").remove(0)
}

#[test]
fn client_ranges() {
    let what = same_in_every_form(
        "Microsoft.Rtc.Management.WritableConfig.Settings.WebConf.ConfSettings",
        &[
            ("Identity", "site:New-York"),
            ("ClientMediaPortRangeEnabled", "True"),
            ("ClientAudioPort", "20000"),
            ("ClientAudioPortRange", "40"),
            ("ClientVideoPort", "20040"),
            ("ClientVideoPortRange", "40"),
        ],
    );
    let What::Object(object) = what else {
        panic!("{what:?}");
    };
    assert_eq!(object.noun, "CsConferencingConfiguration");
    assert_eq!(object.subject_text(), "site:New-York");
    assert_eq!(object.enabled, Some(true));
    let ports: Vec<String> = object
        .ranges
        .iter()
        .map(|range| range.ports.to_string())
        .collect();
    assert_eq!(ports, ["20000-20039", "20040-20079"]);
}

#[test]
fn server_ranges() {
    for (identity, noun) in [
        (
            "ConferencingServer:pool01.example.test",
            "CsConferenceServer",
        ),
        (
            "ApplicationServer:pool01.example.test",
            "CsApplicationServer",
        ),
        ("MediationServer:pool01.example.test", "CsMediationServer"),
    ] {
        let what = same_in_every_form(
            "Selected.Microsoft.Rtc.Management.Xds.DisplayServer",
            &[
                ("Identity", identity),
                ("AudioPortStart", "49152"),
                ("AudioPortCount", "8348"),
            ],
        );
        let What::Object(object) = what else {
            panic!("{what:?}");
        };
        assert_eq!(object.noun, noun);
        assert_eq!(object.subject_text(), "pool01.example.test");
        assert_eq!(object.ranges[0].ports.to_string(), "49152-57499");
    }
}

#[test]
fn phones_and_devices() {
    let phones = same_in_every_form(
        "X.UcPhoneSettings",
        &[
            ("Identity", "Global"),
            ("VoiceDiffServTag", "46"),
            ("Voice8021p", "5"),
        ],
    );
    let What::Object(phones) = phones else {
        panic!()
    };
    assert_eq!(phones.dscp.map(|(dscp, _)| dscp.value()), Some(46));
    let devices = same_in_every_form(
        "X.MediaSettings",
        &[
            ("Identity", "Global"),
            ("EnableQoS", "True"),
            ("EncryptionLevel", "RequireEncryption"),
        ],
    );
    let What::Object(devices) = devices else {
        panic!()
    };
    assert_eq!(devices.marking.map(|(on, _)| on), Some(true));
}

#[test]
fn policies() {
    let what = same_in_every_form(
        "Microsoft.Management.Infrastructure.CimInstance#ROOT/StandardCimv2/MSFT_NetQosPolicySettingData",
        &[
            ("Name", "Audio"),
            ("NetworkProfile", "All"),
            ("Precedence", "127"),
            ("AppPathName", "lync.exe"),
            ("IPProtocol", "3"),
            ("IPSrcPortStart", "20000"),
            ("IPSrcPortEnd", "20039"),
            ("DSCPValue", "46"),
        ],
    );
    let What::Policy(policy) = what else {
        panic!("{what:?}");
    };
    assert!(policy.sound);
    assert_eq!(
        policy.conditions(),
        "lync.exe, TCP and UDP, source ports 20000-20039"
    );
    assert_eq!(policy.dscp.map(perhop_policy::Dscp::value), Some(46));
}

/// A rate in every form, exact and as it is shown.
#[test]
fn throttles() {
    for (name, value) in [
        ("ThrottleRateAction", "5005312"),
        ("ThrottleRate", "5.005 MBits/sec"),
        ("ThrottleRate", "5,005 MBits/sec"),
    ] {
        let what = same_in_every_form(
            "Microsoft.Management.Infrastructure.CimInstance#ROOT/StandardCimv2/MSFT_NetQosPolicySettingData",
            &[
                ("Name", "Bulk"),
                ("NetworkProfile", "All"),
                ("DSCPValue", "10"),
                (name, value),
            ],
        );
        let What::Policy(policy) = what else {
            panic!("{what:?}");
        };
        let planned = perhop_policy::Rate::from_text("5 Mbit/s").expect("a rate");
        assert!(
            policy.throttle.is_some_and(|one| one.is(planned)),
            "{value}"
        );
        assert_eq!(policy.action(), "marks 10 (AF11) and keeps it to 5 Mbit/s");
    }
}

/// As `Export-Clixml` writes live objects: identities and enumerations are objects of their own, types come again by
/// reference, an array as a whole is one object with a list in it, and instances of CIM have added members beside their own.
const LIVE: &str = r#"<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">
  <Obj RefId="0">
    <TN RefId="0">
      <T>System.Object[]</T>
      <T>System.Array</T>
      <T>System.Object</T>
    </TN>
    <LST>
      <Obj RefId="1">
        <TN RefId="1">
          <T>Microsoft.Rtc.Management.WritableConfig.Policy.Voice.UcPhoneSettings</T>
          <T>System.Object</T>
        </TN>
        <ToString>Global</ToString>
        <Props>
          <Obj N="Identity" RefId="2">
            <TN RefId="2"><T>Microsoft.Rtc.Management.Xds.XdsIdentity</T><T>System.Object</T></TN>
            <ToString>Global</ToString>
            <Props><S N="Scope">Global</S></Props>
          </Obj>
          <TS N="CalendarPollInterval">PT3M</TS>
          <By N="VoiceDiffServTag">46</By>
          <By N="Voice8021p">0</By>
          <Obj N="SIPSecurityMode" RefId="3">
            <TN RefId="3"><T>Microsoft.Rtc.Management.WritableConfig.Policy.Voice.SIPSecurityMode</T><T>System.Enum</T><T>System.ValueType</T><T>System.Object</T></TN>
            <ToString>High</ToString>
            <I32>2</I32>
          </Obj>
          <Nil N="Description" />
        </Props>
      </Obj>
      <Obj RefId="4">
        <TNRef RefId="1" />
        <Props>
          <Obj N="Identity" RefId="5"><TNRef RefId="2" /><ToString>Site:New York</ToString></Obj>
          <By N="VoiceDiffServTag">46</By>
          <By N="Voice8021p">0</By>
          <Ref N="SIPSecurityMode" RefId="3" />
        </Props>
      </Obj>
    </LST>
  </Obj>
  <Obj RefId="6">
    <TN RefId="4">
      <T>Microsoft.Management.Infrastructure.CimInstance#ROOT/StandardCimv2/MSFT_NetQosPolicySettingData</T>
      <T>Microsoft.Management.Infrastructure.CimInstance</T>
      <T>System.Object</T>
    </TN>
    <ToString>MSFT_NetQosPolicySettingData (InstanceID = "Lync Audio_x000D__x000A_")</ToString>
    <Props>
      <S N="InstanceID">Lync Audio</S>
      <S N="Name">Lync Audio</S>
      <U32 N="Precedence">127</U32>
      <S N="AppPathName">lync.exe</S>
      <SB N="DSCPValue">46</SB>
      <U16 N="IPSrcPortStart">20000</U16>
      <U16 N="IPSrcPortEnd">20039</U16>
      <Nil N="IPDstPrefix" />
    </Props>
    <MS>
      <S N="Owner">Group Policy (Machine)</S>
      <S N="NetworkProfile">All</S>
      <S N="IPProtocol">Both</S>
      <Obj N="__ClassMetadata" RefId="7">
        <TN RefId="5"><T>System.Collections.ArrayList</T><T>System.Object</T></TN>
        <LST><Obj RefId="8"><MS><S N="ClassName">MSFT_NetQosPolicySettingData</S></MS></Obj></LST>
      </Obj>
    </MS>
  </Obj>
</Objs>
"#;

#[test]
fn live_objects_as_they_are_exported() {
    for (encoding, bytes) in encodings(LIVE) {
        let (format, facts) = facts(&bytes);
        assert_eq!(format, Format::Clixml, "{encoding}");
        let objects: Vec<(&str, u8)> = facts
            .iter()
            .filter_map(|what| match what {
                What::Object(object) => {
                    let dscp = object.dscp.as_ref().map(|(dscp, _)| dscp.value());
                    Some((object.identity.as_str(), dscp?))
                }
                _ => None,
            })
            .collect();
        assert_eq!(
            objects,
            [("Global", 46), ("Site:New York", 46)],
            "{encoding}"
        );
        let policies: Vec<String> = facts
            .iter()
            .filter_map(|what| match what {
                What::Policy(policy) => Some(format!(
                    "{}: {} = {:?}, {:?}",
                    policy.name,
                    policy.conditions(),
                    policy.dscp.map(perhop_policy::Dscp::value),
                    policy.profile
                )),
                _ => None,
            })
            .collect();
        assert_eq!(
            policies,
            ["Lync Audio: lync.exe, TCP and UDP, source ports 20000-20039 = Some(46), None"],
            "{encoding}"
        );
        assert_eq!(facts.len(), 3, "{encoding}: {facts:?}");
    }
}
