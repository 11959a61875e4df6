//! What to do about a file that is no capture.

use std::path::Path;

use perhop_wire::capture::{Damage, Other};

/// The remedy for a file of this name in which nothing could be read; `None` where there is nothing but to capture again.
pub(super) fn remedy(name: &str, damage: Damage) -> Option<String> {
    let is_etl = Path::new(name)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("etl"));
    match damage {
        Damage::NotACapture { .. } if is_etl => Some(format!(
            "it is likely a trace of Windows: `pktmon etl2pcap {name}` makes a pcapng of what pktmon traced, and \
             Microsoft's etl2pcapng of what `netsh trace` did"
        )),
        Damage::NotACapture { magic } => Some(match Other::of(magic) {
            Other::Compressed(_) => {
                "it is compressed twice: unpack it once, and give what comes out".to_owned()
            }
            Other::Packed(_, command) => {
                format!("unpack it on the way: `{command} {name} | perhop flows -`")
            }
            Other::Archive(_) => "unpack it, and give the captures in it".to_owned(),
            Other::Foreign(_) => {
                format!("convert it with Wireshark's `editcap -F pcapng {name} new.pcapng`")
            }
            Other::Text => "it is text: captures are what `tcpdump -w`, dumpcap and Wireshark save, not what they print"
                .to_owned(),
            Other::Unknown => format!(
                "where Wireshark can open it, `editcap -F pcapng {name} new.pcapng` converts it"
            ),
        }),
        Damage::Empty => Some(
            "what captures writes its buffer out late: end it first, or begin it with `tcpdump -U`"
                .to_owned(),
        ),
        _ => None,
    }
}
