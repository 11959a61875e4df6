//! `macos-profile`: which applications may mark on a Wi-Fi network with Cisco fast lane, as a part of the profile that
//! brings that network to Macs, iPhones and iPads.
//!
//! It permits marks and sets none. On such a network a list keeps applications that are not in it from marking; elsewhere,
//! and on cables, it has no effect. So every rule is [`Fit::Elsewhere`].

use perhop_policy::{
    Diagnostic, Dscp, Fit, FlowKey, LossKind, OptionValue, PolicySet, RuleId, TargetRequest,
};

use crate::artifact::{Artifact, Purpose};
use crate::network;
use crate::network::options::wrong;
use crate::read_back::unreadable;
use crate::syntax::xml::{Layout, Xml};
use crate::target::{OptionKind, OptionSpec, Program, Step, Target, order};

/// The target.
#[derive(Debug, Clone, Copy)]
pub struct MacosProfile;

const APPLICATIONS: OptionSpec = OptionSpec {
    key: "applications",
    kind: OptionKind::List,
    doc: "bundle identifiers of the applications that may mark, such as `com.example.softphone`; without it nothing is written",
};

const PATH: &str = "macos-profile/QoSMarkingPolicy.plist";

struct ProfileProgram {
    applications: Vec<String>,
    fits: Vec<(RuleId, Fit)>,
}

impl Target for MacosProfile {
    fn id(&self) -> &'static str {
        "macos-profile"
    }

    fn summary(&self) -> &'static str {
        "Part of a Wi-Fi profile for Macs and iOS: which applications may mark on a network with fast lane"
    }

    fn losses(&self) -> &'static [LossKind] {
        &[]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[APPLICATIONS]
    }

    fn is_default_for(&self, _policy: &PolicySet) -> bool {
        false
    }

    fn lower(
        &self,
        policy: &PolicySet,
        request: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let mut applications: Vec<String> = Vec::new();
        for (key, value, span) in &request.options {
            let OptionValue::List(texts) = value else {
                continue;
            };
            for text in texts.iter().filter(|_| key == APPLICATIONS.key) {
                if is_identifier(text) {
                    applications.push(text.clone());
                } else {
                    let why =
                        "is not a bundle identifier: letters, digits, `.` and `-`, at most 155";
                    problems.push(wrong(&APPLICATIONS, text, *span, why));
                }
            }
        }
        if problems.is_empty() {
            let fits = network::fits(policy, &[]);
            Ok(Box::new(ProfileProgram { applications, fits }))
        } else {
            Err(problems)
        }
    }

    fn read(&self, artifacts: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let mut applications = Vec::new();
        for artifact in artifacts.iter().filter(|artifact| artifact.path == PATH) {
            applications = read(&artifact.bytes).map_err(|text| vec![unreadable(PATH, text)])?;
        }
        let fits = Vec::new();
        Ok(Box::new(ProfileProgram { applications, fits }))
    }
}

impl Program for ProfileProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }

    fn emit(&self) -> Vec<Artifact> {
        if self.applications.is_empty() {
            return Vec::new();
        }
        vec![Artifact {
            path: PATH.to_owned(),
            bytes: document(&self.applications),
            purpose: Purpose::Support,
            rules: Vec::new(),
        }]
    }

    fn steps(&self) -> Vec<Step> {
        if self.applications.is_empty() {
            return Vec::new();
        }
        vec![Step {
            order: order::DEVICES,
            title: "Let applications mark on Wi-Fi".to_owned(),
            place: "the device management that brings the Wi-Fi network to Macs, iPhones and iPads".to_owned(),
            commands: Vec::new(),
            check: vec![
                "a capture at the access point's uplink shows the marks of a call".to_owned(),
            ],
            undo: vec![
                "take the key `QoSMarkingPolicy` out of the Wi-Fi payload again; without it every application may mark".to_owned(),
            ],
            notes: vec![
                format!("Add the key `QoSMarkingPolicy` of `./{PATH}` to the payload of that network, of type `com.apple.wifi.managed`. A payload of its own for the same network would be a second one."),
                "It matters on networks with Cisco fast lane only. There, applications that are not in the list cannot mark; FaceTime and Wi-Fi Calling can.".to_owned(),
                "It permits marks and sets none: which mark a packet has is the application's matter, or the network's.".to_owned(),
            ],
        }]
    }

    fn apply_to(&self, _scope: &str, _key: &FlowKey<'_>) -> Option<Option<Dscp>> {
        None
    }
}

/// Longer ones are not given.
const LONGEST: usize = 155;

fn is_identifier(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    (1..=LONGEST).contains(&text.len()) && text.chars().all(plain)
}

fn document(applications: &[String]) -> Vec<u8> {
    let mut xml = Xml::declared(Layout::Indented);
    xml.open("plist", &[("version", "1.0")]);
    xml.open("dict", &[]);
    xml.leaf("key", &[], "QoSMarkingPolicy");
    xml.open("dict", &[]);
    for key in ["QoSMarkingEnabled", "QoSMarkingAppleAudioVideoCalls"] {
        xml.leaf("key", &[], key);
        xml.empty("true", &[]);
    }
    xml.leaf("key", &[], "QoSMarkingAllowListAppIdentifiers");
    xml.open("array", &[]);
    for application in applications {
        xml.leaf("string", &[], application);
    }
    xml.close().close().close().close();
    xml.into_bytes()
}

fn read(bytes: &[u8]) -> Result<Vec<String>, &'static str> {
    let text = str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let one = |line: &str| {
        let text = line.trim().strip_prefix("<string>")?;
        Some(text.strip_suffix("</string>")?.to_owned())
    };
    let applications: Vec<String> = text.lines().filter_map(one).collect();
    if document(&applications) == bytes {
        Ok(applications)
    } else {
        Err("it is not what is written here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back_and_a_strange_identifier_is_refused() {
        let applications = ["com.example.softphone", "org.example.x-y"].map(str::to_owned);
        let bytes = document(&applications);
        assert_eq!(read(&bytes).unwrap(), applications);
        assert!(read(&bytes[1..]).is_err());
        for bad in ["", "a b", "com.x<y>", "\u{fc}.x", &"x".repeat(156)] {
            assert!(!is_identifier(bad), "{bad}");
        }
        assert!(is_identifier("com.microsoft.teams2"));
    }
}
