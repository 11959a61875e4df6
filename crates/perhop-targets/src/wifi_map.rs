//! `wifi-map`: which priority of Wi-Fi each mark of the plan gets on the air (RFC 8325), as a table, and as the line with
//! which hostapd tells it to its clients.
//!
//! It marks nothing: every rule is [`Fit::Elsewhere`]. Access points that go by the top three bits of a mark send EF with the
//! priority of video; the map of RFC 8325 sends it with that of voice.

use perhop_policy::{Diagnostic, Dscp, Fit, FlowKey, LossKind, PolicySet, RuleId, TargetRequest};

use crate::artifact::{Artifact, Purpose};
use crate::network;
use crate::network::unit::Unit;
use crate::read_back::unreadable;
use crate::syntax::markdown::Markdown;
use crate::target::{OptionSpec, Program, Step, Target, order};

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct WifiMap;

struct MapProgram {
    marks: Vec<Dscp>,
    fits: Vec<(RuleId, Fit)>,
}

impl Target for WifiMap {
    fn id(&self) -> &'static str {
        "wifi-map"
    }

    fn summary(&self) -> &'static str {
        "The Wi-Fi priority of each mark (RFC 8325) as a table, and as hostapd's map for its clients"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    fn unit(&self) -> Option<Unit> {
        Some(Unit::Number)
    }

    fn is_default_for(&self, _policy: &PolicySet) -> bool {
        false
    }

    fn lower(
        &self,
        policy: &PolicySet,
        _request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        Ok(Box::new(MapProgram {
            marks: network::dscps(policy),
            fits: network::fits(policy, &[]),
        }))
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        for artifact in artifacts {
            if artifact.path == CONF && artifact.bytes != conf() {
                let text = "it is not the map of RFC 8325 as it is written here";
                return Err(vec![unreadable(CONF, text)]);
            }
        }
        Ok(Box::new(MapProgram {
            marks: Vec::new(),
            fits: Vec::new(),
        }))
    }
}

const CONF: &str = "wifi-map/hostapd.conf";

impl Program for MapProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        if self.marks.is_empty() {
            return Vec::new();
        }
        let file = |path: &str, bytes| Artifact {
            path: path.to_owned(),
            bytes,
            purpose: Purpose::Support,
            rules: Vec::new(),
        };
        vec![
            file("wifi-map/table.md", table(&self.marks)),
            file(CONF, conf()),
        ]
    }

    fn steps(&self) -> Vec<Step> {
        if self.marks.is_empty() {
            return Vec::new();
        }
        vec![Step {
            order: order::NETWORK,
            title: "Give marks their priority on the air".to_owned(),
            place: "every controller of access points, or every access point".to_owned(),
            commands: Vec::new(),
            check: vec![
                "`./wifi-map/table.md` has the priority of each mark; a capture on the air shows it as `wlan.qos.priority`".to_owned(),
            ],
            undo: vec![
                "put back the map that was there before; for hostapd, take the line with `qos_map_set` out of its file and restart it".to_owned(),
            ],
            notes: vec![
                "Set the map from DSCP to user priority (UP) as the table says. Where hostapd is the access point, add the line of `./wifi-map/hostapd.conf` to its file and restart it.".to_owned(),
                "The map of the access point is for what it sends. What clients send goes by their own, which those follow that take the map from the access point.".to_owned(),
                "A controller may cap the priority of a network, and tunnels to it must carry the mark in the outer header.".to_owned(),
            ],
        }]
    }

    fn apply_to(&self, _scope: &str, _key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        None
    }
}

/// The user priority that RFC 8325, section 4, recommends; `None` for a mark that it does not speak of.
#[must_use]
pub fn user_priority(dscp: Dscp) -> Option<u8> {
    match dscp.value() {
        48 | 56 => Some(7),
        44 | 46 => Some(6),
        40 => Some(5),
        24 | 26 | 28 | 30 | 32 | 34 | 36 | 38 => Some(4),
        18 | 20 | 22 => Some(3),
        0 | 10 | 12 | 14 | 16 => Some(0),
        1 | 8 => Some(1),
        _ => None,
    }
}

/// The user priority by the top three bits, as equipment has it that was not told otherwise.
#[must_use]
pub fn untold(dscp: Dscp) -> u8 {
    dscp.value() >> 3
}

/// The access category of a user priority.
#[must_use]
pub fn access_category(priority: u8) -> &'static str {
    match priority {
        1 | 2 => "background",
        0 | 3 => "best effort",
        4 | 5 => "video",
        _ => "voice",
    }
}

/// hostapd's line: exceptions, then a range of marks for each priority.
fn conf() -> Vec<u8> {
    let mut numbers: Vec<u8> = Vec::new();
    for dscp in (0..64).filter_map(Dscp::try_new) {
        if let Some(priority) = user_priority(dscp).filter(|own| *own != untold(dscp)) {
            numbers.extend([dscp.value(), priority]);
        }
    }
    for priority in 0..8 {
        numbers.extend([priority * 8, priority * 8 + 7]);
    }
    let texts: Vec<String> = numbers.iter().map(u8::to_string).collect();
    format!(
        "# Marks and their priority on the air, RFC 8325; marks that it does not speak of go by their top three bits.\nqos_map_set={}\n",
        texts.join(",")
    )
    .into_bytes()
}

fn table(marks: &[Dscp]) -> Vec<u8> {
    let mut out = Markdown::new();
    out.heading(1, "The plan's marks on Wi-Fi");
    out.marked_up(
        "What the map from DSCP to user priority (UP) of access points has to say for each mark, by RFC 8325, and what \
         equipment does that was not told: it takes the top three bits.",
    );
    let rows: Vec<Vec<String>> = marks
        .iter()
        .map(|dscp| {
            let told = user_priority(*dscp);
            let category = |priority| format!("{priority}, {}", access_category(priority));
            vec![
                dscp.name().unwrap_or("without a name").to_owned(),
                dscp.value().to_string(),
                told.map_or_else(|| "not in RFC 8325".to_owned(), category),
                category(untold(*dscp)),
            ]
        })
        .collect();
    out.table(
        &["mark", "DSCP", "UP, access category", "when not told"],
        &rows,
    );
    out.into_text().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voice_is_voice_on_the_air_when_told_only() {
        assert_eq!((user_priority(Dscp::EF), untold(Dscp::EF)), (Some(6), 5));
        assert_eq!((access_category(6), access_category(5)), ("voice", "video"));
        assert_eq!(user_priority(Dscp::AF41), Some(4));
        let text = String::from_utf8(conf()).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert!(line.starts_with("qos_map_set=1,1,10,0,12,0,14,0,16,0,18,3,"));
        assert!(line.ends_with(",46,6,48,7,0,7,8,15,16,23,24,31,32,39,40,47,48,55,56,63"));
        // At most 21 exceptions, then eight ranges.
        let pairs = line.split(',').count() / 2;
        assert!((9..=21 + 8).contains(&pairs), "{pairs}");
    }
}
