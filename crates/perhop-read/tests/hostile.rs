//! No input panics, hangs or fills memory.

#[path = "support/reading.rs"]
mod support;

use proptest::prelude::*;
use support::keeps_its_word;

/// One file of every form, to be cut and changed.
fn seeds() -> Vec<Vec<u8>> {
    let policy = "Name : a\nOwner : Group Policy (Machine)\nNetworkProfile : All\nPrecedence : 127\nAppPathName : lync.exe\n\
                  IPProtocol : Both\nIPSrcPortStart : 20000\nIPSrcPortEnd : 20039\nDSCPValue : 46\n\n";
    let table = "Identity    AudioPortStart AudioPortCount\n--------    -------------- --------------\nMediationServer:a  49152  8348\n";
    let csv = "#TYPE Selected.X\n\"Identity\",\"MediaCommunicationPortStart\",\"MediaCommunicationPortCount\"\n\"EdgeServer:e\",\"50000\",\"10000\"\n";
    let json = "{\"Identity\":\"Global\",\"ClientMediaPortRangeEnabled\":true,\"ClientAudioPort\":20000,\"ClientAudioPortRange\":40}";
    let clixml = "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\"><Obj RefId=\"0\"><TN RefId=\"0\">\
                  <T>X</T></TN><Props><S N=\"Identity\">Global</S><By N=\"VoiceDiffServTag\">40</By></Props></Obj></Objs>";
    let inband = "log <provisionGroup name=\"ServerConfiguration\"><ucPortRangeEnabled>true</ucPortRangeEnabled>\
                  <ucMinAudioPort>20000</ucMinAudioPort><ucMaxAudioPort>20039</ucMaxAudioPort></provisionGroup>";
    let reg = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\Software\\Policies\\Microsoft\\Windows\\QoS\\a]\r\n\
               \"Version\"=\"1.0\"\r\n\"DSCP Value\"=hex(1):34,00,\\\r\n  36,00,00,00\r\n\"Local Port\"=\"1:2\"\r\n";
    let lgpo =
        "Computer\r\nSoftware\\Policies\\Microsoft\\Windows\\QoS\\a\r\nDSCP Value\r\nSZ:46\r\n";
    let intune = "{\"omaSettings\":[{\"omaUri\":\"./Device/Vendor/MSFT/NetworkQoSPolicy/a/DSCPAction\",\"value\":46}]}";
    let syncml = "<SyncBody><Replace><Item><Target><LocURI>./Device/Vendor/MSFT/NetworkQoSPolicy/a/DSCPAction</LocURI></Target>\
                  <Data>46</Data></Item></Replace></SyncBody>";
    let mut pol = b"PReg\x01\0\0\0".to_vec();
    let put =
        |text: &str, out: &mut Vec<u8>| out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    put(
        "[Software\\Policies\\Microsoft\\Windows\\QoS\\a\0;DSCP Value\0;",
        &mut pol,
    );
    pol.extend(1u32.to_le_bytes());
    put(";", &mut pol);
    pol.extend(6u32.to_le_bytes());
    put(";46\0]", &mut pol);
    let mut out: Vec<Vec<u8>> = [
        policy, table, csv, json, clixml, inband, reg, lgpo, intune, syncml,
    ]
    .into_iter()
    .chain(devices())
    .map(|text| text.as_bytes().to_vec())
    .collect();
    out.push(pol);
    let wide: Vec<Vec<u8>> = [policy, reg, clixml]
        .iter()
        .map(|text| {
            let mut bytes = vec![0xff, 0xfe];
            put(text, &mut bytes);
            bytes
        })
        .collect();
    out.extend(wide);
    out
}

/// Configurations of the network.
fn devices() -> [&'static str; 9] {
    let device = "class-map match-any V\n match access-group name V\nip access-list extended V\n permit udp any range 16384 32767 any\n\
                  object-group network N\n host 192.0.2.1\npolicy-map IN\n class V\n  set dscp ef\n class class-default\n  set dscp default\n\
                  interface Gi1\n service-policy input IN\n";
    let junos = "firewall {\n family inet {\n  filter F {\n   term a {\n    from {\n     protocol [ udp tcp ];\n     source-port 50000-50019;\n\
                 source-address { 10.0.0.0/8; 10.1.0.0/16 except; }\n    }\n    then { forwarding-class v; accept; }\n   }\n  }\n }\n}\n\
                 class-of-service { rewrite-rules { dscp O { forwarding-class v { loss-priority low code-point ef; } } } }\n\
                 interfaces { ge-0/0/0 { unit 0 { family inet { filter { input F; } } } } }\n";
    let set = "set firewall family inet6 filter G term a from next-header udp\nset firewall family inet6 filter G term a from port 5060\n\
               set firewall family inet6 filter G term a then traffic-class 46\nset policy-options prefix-list P 10.0.0.0/8\n";
    let aruba = "class ip V\n 10 match udp 10.1.1.1 range 1 2 10.0.0.0/255.0.0.0 count\n 5 ignore tcp any any\nclass ipv6 W\n 10 match any any any\n\
                 policy P\n 10 class ip V action dscp EF\n 20 class ipv6 W action pcp 5 action dscp 10\ninterface 1/1/1\n apply policy P in\n";
    let nft = "{\"nftables\":[{\"map\":{\"family\":\"inet\",\"name\":\"m\",\"table\":\"t\",\"elem\":[[{\"concat\":[\"udp\",{\"range\":[1,2]}]},\
               {\"goto\":{\"target\":\"c\"}}]]}},{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"c\",\"hook\":\"output\"}},\
               {\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\"expr\":[{\"match\":{\"op\":\"==\",\"left\":{\"payload\":\
               {\"protocol\":\"ip\",\"field\":\"saddr\"}},\"right\":{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}}}},{\"mangle\":{\"key\":{\"payload\":\
               {\"protocol\":\"ip\",\"field\":\"dscp\"}},\"value\":46}}]}},{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\
               \"expr\":[{\"vmap\":{\"key\":{\"concat\":[{\"meta\":{\"key\":\"l4proto\"}},{\"payload\":{\"protocol\":\"th\",\"field\":\"sport\"}}]},\
               \"data\":\"@m\"}}]}}]}";
    let routeros = "/ip firewall address-list\nadd address=10.0.0.0/8 list=a\n/ip firewall mangle\nadd action=jump chain=forward in-interface=e1 jump-target=m\n\
                    add action=change-dscp chain=m new-dscp=46 protocol=udp src-port=1-2,7 \\\n    src-address-list=a comment=\"a \\\"b\"\n\
                    add action=return chain=m dscp=8\n/ipv6/firewall/mangle/add chain=m action=accept\n";
    let meraki = "[{\"vlan\":1,\"protocol\":\"UDP\",\"srcPortRange\":\"1-2\",\"dscp\":46},{\"vlan\":null,\"protocol\":\"ANY\",\"dscp\":-1}]";
    let vyos = "set policy route A rule 10 protocol udp\nset policy route A rule 10 source port '1-2,7'\nset policy route A rule 10 set dscp 46\n\
                set policy route A interface eth1\nset policy route6 B rule 5 destination address 2001:db8::/32\nset policy route6 B rule 5 set dscp 8\n";
    let text = "table inet t {\n map m {\n  elements = { udp . 1-2 : goto c, tcp . 7 : jump c }\n }\n chain c { ip dscp set ef; accept; }\n\
                chain o {\n  type filter hook output priority mangle; policy accept;\n  ip saddr { 10.0.0.0/8 } meta l4proto . th sport vmap @m\n }\n}\n";
    [device, nft, junos, set, aruba, routeros, vyos, meraki, text]
}

#[test]
fn every_seed_is_recognised() {
    for seed in seeds() {
        let input = perhop_read::Input {
            name: "x",
            bytes: &seed,
        };
        let reading = perhop_read::Reading::of(&[input], &perhop_read::Words::default());
        let text = String::from_utf8_lossy(&seed[..seed.len().min(60)]).into_owned();
        assert_ne!(
            reading.files[0].format,
            perhop_read::Format::Unknown,
            "{text}"
        );
        assert!(!reading.files[0].facts.is_empty(), "{text}");
        keeps_its_word(&seed);
    }
}

/// What fuzzing begins with.
#[test]
fn the_corpus_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/read");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        keeps_its_word(&std::fs::read(entry.expect("a file").path()).expect("it reads"));
        files += 1;
    }
    assert!(files >= 10);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        keeps_its_word(&bytes);
    }

    #[test]
    fn changed_files(
        which in 0usize..23,
        cut in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        doubled in any::<bool>(),
    ) {
        let mut bytes = seeds().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if doubled {
            let again = bytes.clone();
            bytes.extend(again);
        }
        let cut = cut.index(bytes.len() + 1);
        keeps_its_word(&bytes);
        keeps_its_word(&bytes[..cut]);
    }

    #[test]
    fn text_of_the_trade(text in "[<>/\\[\\]{}\":;,=|.\\-_ \t\r\nA-Za-z0-9\u{e9}\u{2026}]{0,120}") {
        for head in ["", "<Objs>", "REGEDIT4\n", "Computer\na\\b\n", "<provisionGroup name=\"ServerConfiguration\">", "Name : a\n", "[{\"Name\":", "policy-map a\n", "class ip a\n", "firewall {\n", "/ip firewall mangle\nadd ", "set policy route a rule 1 ", "table ip t {\nchain c {\ntype filter hook output priority 0\n", "set firewall family inet filter ", "{\"nftables\":["] {
            keeps_its_word(format!("{head}{text}").as_bytes());
        }
    }
}

/// What would cost a square of the input, or a deep stack.
#[test]
fn large_and_deep_files() {
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    keeps_its_word(format!("<Objs>{deep}</Objs>").as_bytes());
    keeps_its_word(format!("<RegistrySettings>{deep}").as_bytes());
    keeps_its_word("[".repeat(100_000).as_bytes());
    keeps_its_word(format!("{{\"omaSettings\":{}", "[{".repeat(50_000)).as_bytes());
    let mut reg = "REGEDIT4\n".to_owned();
    for number in 0..20_000 {
        reg.push_str(&format!(
            "[HKEY_LOCAL_MACHINE\\Software\\Policies\\Microsoft\\Windows\\QoS\\p{number}]\n\"DSCP Value\"=\"46\"\n"
        ));
    }
    keeps_its_word(reg.as_bytes());
    keeps_its_word("<provisionGroup ".repeat(20_000).as_bytes());
    keeps_its_word(
        "<provisionGroup name=\"ServerConfiguration\">"
            .repeat(5_000)
            .as_bytes(),
    );
    keeps_its_word("Name : a\n              b\n".repeat(20_000).as_bytes());
}

/// The same of configurations.
#[test]
fn large_configurations() {
    // Lists of lists that multiply.
    let mut device = "object-group network N\n".to_owned();
    device.push_str(&" host 192.0.2.1\n".repeat(5_000));
    device.push_str("ip access-list extended V\n");
    device.push_str(&" permit ip object-group N object-group N\n".repeat(5_000));
    device.push_str("class-map match-any V\n");
    device.push_str(&" match access-group name V\n".repeat(5_000));
    device.push_str("policy-map IN\n");
    device.push_str(&" class V\n  set dscp ef\n".repeat(5_000));
    device.push_str(&"interface Gi1\n service-policy input IN\n".repeat(5_000));
    keeps_its_word(device.as_bytes());
    // Chains that go to themselves in many ways.
    let rules = r#"{"rule":{"family":"ip","table":"t","chain":"c","expr":[{"jump":{"target":"c"}},{"mangle":{"key":{"payload":{"protocol":"ip","field":"dscp"}},"value":"ef"}}]}},"#;
    let nft = format!(
        r#"{{"nftables":[{}{{"chain":{{"family":"ip","table":"t","name":"c","hook":"output"}}}}]}}"#,
        rules.repeat(5_000)
    );
    keeps_its_word(nft.as_bytes());
}

/// The same of routers and switches that are not of that kind.
#[test]
fn large_configurations_of_others() {
    // Chains that go to themselves, with returns that take out more and more.
    let mut routeros = "/ip firewall mangle\n".to_owned();
    let rules = "add chain=forward action=jump jump-target=m src-address=10.0.0.0/8\nadd chain=m action=jump jump-target=m port=1-9,20-29\n\
                 add chain=m action=return protocol=udp src-port=7\nadd chain=m action=change-dscp new-dscp=46\n";
    routeros.push_str(&rules.repeat(5_000));
    keeps_its_word(routeros.as_bytes());
    keeps_its_word(format!("/ip firewall mangle\nadd {}", "a=\\\n".repeat(50_000)).as_bytes());
    // Rules and interfaces that multiply.
    let mut vyos = String::new();
    for number in 0..20_000 {
        vyos.push_str(&format!(
            "set policy route A rule {number} set dscp 46\nset policy route A interface e{number}\n"
        ));
    }
    keeps_its_word(vyos.as_bytes());
    // Elements without braces.
    keeps_its_word(b"table ip t {\n map m {\n elements = x\n elements =\n }\n}\n");
    // Braces in braces.
    let head = "table ip t {\nchain c {\ntype filter hook output priority 0\n";
    keeps_its_word(format!("{head}{}", "{".repeat(200_000)).as_bytes());
    keeps_its_word(format!("{head}{}", "ip daddr { ".repeat(50_000)).as_bytes());
    keeps_its_word("table ip t {\nchain c {\n".repeat(30_000).as_bytes());
    keeps_its_word(format!("{head}{}", "jump c; ip dscp set ef; ".repeat(30_000)).as_bytes());
    // As many VLANs as there are, and rules for all of them.
    let mut meraki = "[".to_owned();
    for vlan in 1..4095 {
        meraki.push_str(&format!(
            "{{\"vlan\":{vlan},\"protocol\":\"UDP\",\"srcPort\":{vlan},\"dscp\":46}},{{\"vlan\":null,\"protocol\":\"TCP\",\"dstPort\":{vlan},\"dscp\":8}},"
        ));
    }
    meraki.push_str("{\"protocol\":\"ANY\",\"dscp\":0}]");
    keeps_its_word(meraki.as_bytes());
    // Classes of two lists each.
    let mut device = "ip access-list extended V\n".to_owned();
    for port in 1..2_000 {
        device.push_str(&format!(
            " deny udp any eq {port} any\n permit udp any any range {port} 60000\n"
        ));
    }
    device.push_str("class-map match-all V\n match access-group name V\n match access-group name V\n match dscp 0-63\n");
    device.push_str("class-map match-all W\n");
    device.push_str(&" match dscp ef\n".repeat(5_000));
    device.push_str("policy-map IN\n class V\n  set dscp ef\n class W\n  set dscp af41\n");
    keeps_its_word(device.as_bytes());
}
