//! The backup folders that `Import-GPO` reads (windows-qos 3.2): bkupInfo.xml, Backup.xml, registry.pol, Registry.xml.

use std::collections::BTreeSet;

use perhop_policy::Diagnostic;

use crate::artifact::{Artifact, Purpose};
use crate::read_back::unreadable;
use crate::syntax::regpol;
use crate::syntax::xml::{Attributes, Layout, Xml};
use crate::windows_gpo::{GpoProgram, Object, Settings, guid, local};
use crate::windows_policy::{NLA_KEY, NLA_VALUE, Policy, Section, read_back};

/// The time that every file says. A constant, so that the same plan gives the same bytes; nothing reads it.
const TIME: &str = "2000-01-01T00:00:00";
/// The same time as preferences write it.
const PREFERENCE_TIME: &str = "2000-01-01 00:00:00";
/// Directory and sysvol version 1 of the computer half, as Backup.xml packs them; the user half is 0 and switched off.
const MACHINE_VERSION: &str = "65537";

const MANIFEST: &str = "http://www.microsoft.com/GroupPolicy/GPOOperations/Manifest";
const OPERATIONS: &str = "http://www.microsoft.com/GroupPolicy/GPOOperations";

/// All files of one backup. With `undo`, of the backup that takes the object's settings back: no policies, and a
/// preference that deletes the switch.
pub(super) fn files(
    section: &Section,
    object: &Object,
    settings: &Settings,
    undo: bool,
) -> Vec<Artifact> {
    let folder = format!("windows-gpo/{}/{}", parent(undo), id(object, undo));
    let policies = if undo {
        regpol::write(&[])
    } else {
        regpol::write(&local::records(section))
    };
    let mut parts = vec![
        ("bkupInfo.xml", info(object, settings, undo)),
        ("Backup.xml", scheme(object, settings)),
        ("DomainSysvol/GPO/Machine/registry.pol", policies),
    ];
    if settings.nla {
        parts.push((
            "DomainSysvol/GPO/Machine/Preferences/Registry/Registry.xml",
            preference(object, undo),
        ));
    }
    parts
        .into_iter()
        .map(|(name, bytes)| Artifact {
            path: format!("{folder}/{name}"),
            bytes,
            purpose: if undo { Purpose::Undo } else { Purpose::Apply },
            rules: section.rules.clone(),
        })
        .collect()
}

/// The list of the backups beside it.
pub(super) fn manifest(program: &GpoProgram, undo: bool) -> Artifact {
    let mut xml = Xml::new(Layout::OneLine);
    xml.open(
        "Backups",
        &[
            ("xmlns", MANIFEST),
            ("xmlns:mfst", MANIFEST),
            ("mfst:version", "1.0"),
        ],
    );
    for object in &program.objects {
        instance(&mut xml, &[], object, &program.settings, undo);
    }
    xml.close();
    Artifact {
        path: format!("windows-gpo/{}/manifest.xml", parent(undo)),
        bytes: xml.into_bytes(),
        purpose: if undo { Purpose::Undo } else { Purpose::Apply },
        rules: program.rules(),
    }
}

/// Holds that the policies in each backup are those of one local file; the names of backups do not say whose they are.
pub(super) fn agree(artifacts: &[Artifact]) -> Result<(), Vec<Diagnostic>> {
    let rows = |policies: Vec<Policy>| -> BTreeSet<Vec<String>> {
        let row = |policy: &Policy| [vec![policy.name.clone()], policy.values().to_vec()].concat();
        policies.iter().map(row).collect()
    };
    let read = |artifact: &Artifact| {
        read_back::registry_pol(&artifact.bytes)
            .map(rows)
            .map_err(|text| vec![unreadable(&artifact.path, &text)])
    };
    let mut known = Vec::new();
    for artifact in artifacts {
        if local::folder_of(&artifact.path).is_some() {
            known.push(read(artifact)?);
        }
    }
    for artifact in artifacts {
        let ours = artifact.path.starts_with("windows-gpo/backups/")
            && artifact.path.ends_with("/registry.pol");
        if ours && !known.contains(&read(artifact)?) {
            let text = "its policies are not those of any Registry.pol for local policy";
            return Err(vec![unreadable(&artifact.path, text)]);
        }
    }
    Ok(())
}

const fn parent(undo: bool) -> &'static str {
    if undo { "undo-backups" } else { "backups" }
}

fn id(object: &Object, undo: bool) -> &str {
    if undo {
        &object.undo_backup
    } else {
        &object.backup
    }
}

fn info(object: &Object, settings: &Settings, undo: bool) -> Vec<u8> {
    let mut xml = Xml::new(Layout::OneLine);
    instance(&mut xml, &[("xmlns", MANIFEST)], object, settings, undo);
    xml.into_bytes()
}

fn instance(
    xml: &mut Xml,
    attributes: Attributes<'_>,
    object: &Object,
    settings: &Settings,
    undo: bool,
) {
    let domain = &settings.domain;
    let comment = if undo { "takes the policies back" } else { "" };
    xml.open("BackupInst", attributes)
        .cdata("GPOGuid", &[], &object.id)
        .cdata("GPODomain", &[], domain)
        .cdata(
            "GPODomainGuid",
            &[],
            &guid::derive(&[domain, "domain"]).to_ascii_lowercase(),
        )
        .cdata("GPODomainController", &[], &controller(settings))
        .cdata("BackupTime", &[], TIME)
        .cdata("ID", &[], id(object, undo))
        .cdata("Comment", &[], comment)
        .cdata("GPODisplayName", &[], &object.name)
        .close();
}

fn scheme(object: &Object, settings: &Settings) -> Vec<u8> {
    let mut xml = Xml::declared(Layout::Indented);
    xml.comment(" Copyright (c) Microsoft Corporation.  All rights reserved. ")
        .open(
            "GroupPolicyBackupScheme",
            &[
                ("bkp:version", "2.0"),
                ("bkp:type", "GroupPolicyBackupTemplate"),
                ("xmlns:bkp", OPERATIONS),
                ("xmlns", OPERATIONS),
            ],
        )
        .open("GroupPolicyObject", &[])
        .empty("SecurityGroups", &[])
        .empty("FilePaths", &[])
        .open("GroupPolicyCoreSettings", &[])
        .cdata("ID", &[], &object.id)
        .cdata("Domain", &[], &settings.domain)
        .empty("SecurityDescriptor", &[])
        .cdata("DisplayName", &[], &object.name)
        .cdata("Options", &[], USER_HALF_OFF)
        .cdata("UserVersionNumber", &[], "0")
        .cdata("MachineVersionNumber", &[], MACHINE_VERSION)
        .cdata("MachineExtensionGuids", &[], &extensions(settings))
        .empty("UserExtensionGuids", &[])
        .empty("WMIFilter", &[])
        .close();
    let file = |path: &str| Place::new(object, settings, path);
    xml.open(
        "GroupPolicyExtension",
        &[("bkp:ID", REGISTRY_CSE), ("bkp:DescName", "Registry")],
    );
    file("registry.pol").write(&mut xml, "FSObjectFile");
    let adm = format!(r"{}\Adm\*.*", share(object, settings));
    xml.empty(
        "FSObjectFile",
        &[
            ("bkp:Path", r"%GPO_FSPATH%\Adm\*.*"),
            ("bkp:SourceExpandedPath", &adm),
        ],
    )
    .close();
    if settings.nla {
        xml.open(
            "GroupPolicyExtension",
            &[
                ("bkp:ID", "{F15C46CD-82A0-4C2D-A210-5D0D3182A418}"),
                ("bkp:DescName", "Unknown Extension"),
            ],
        );
        file("Preferences").write(&mut xml, "FSObjectDir");
        file(r"Preferences\Registry").write(&mut xml, "FSObjectDir");
        file(r"Preferences\Registry\Registry.xml").write(&mut xml, "FSObjectFile");
        xml.close();
    }
    xml.close().close();
    xml.into_bytes()
}

/// One file or folder of the computer half, as Backup.xml lists it.
struct Place {
    path: String,
    source: String,
    location: String,
}

impl Place {
    fn new(object: &Object, settings: &Settings, path: &str) -> Self {
        Self {
            path: format!(r"%GPO_MACH_FSPATH%\{path}"),
            source: format!(r"{}\Machine\{path}", share(object, settings)),
            location: format!(r"DomainSysvol\GPO\Machine\{path}"),
        }
    }

    fn write(&self, xml: &mut Xml, element: &'static str) {
        xml.empty(
            element,
            &[
                ("bkp:Path", &self.path),
                ("bkp:SourceExpandedPath", &self.source),
                ("bkp:Location", &self.location),
            ],
        );
    }
}

fn share(object: &Object, settings: &Settings) -> String {
    let domain = &settings.domain;
    format!(
        r"\\{}\sysvol\{domain}\Policies\{}",
        controller(settings),
        object.id
    )
}

fn controller(settings: &Settings) -> String {
    format!("dc.{}", settings.domain)
}

/// Ascending by extension, tools after it (windows-qos 3.3). What the registry extension brings is all that the field's
/// own QoS objects have; the block of Policy-based QoS itself is only written when asked for.
fn extensions(settings: &Settings) -> String {
    let mut blocks = vec![[REGISTRY_CSE, "{D02B1F72-3407-48AE-BA88-E8213C6761F1}"]];
    if settings.nla {
        blocks.push([NULL_GUID, PREFERENCE_TOOL]);
        blocks.push(["{B087BE9D-ED37-454F-AF9C-04291E351182}", PREFERENCE_TOOL]);
    }
    if settings.eqos_extension {
        blocks.push(["{FB2CA36D-0B40-4307-821B-A13B252DE56C}", NULL_GUID]);
    }
    blocks.sort_unstable();
    blocks
        .iter()
        .map(|[cse, tool]| format!("[{cse}{tool}]"))
        .collect()
}

/// `Do not use NLA` as a preference item, since it is outside the keys that Group Policy cleans up (windows-qos 3.5).
fn preference(object: &Object, undo: bool) -> Vec<u8> {
    let mut xml = Xml::declared(Layout::Indented);
    xml.open(
        "RegistrySettings",
        &[("clsid", "{A3CCFC41-DFDB-43a5-8D26-0FE8B954DA51}")],
    )
    .open(
        "Registry",
        &[
            ("clsid", "{9CD4B2F4-923D-47f5-A062-E897DD1DAD50}"),
            ("name", NLA_VALUE),
            ("status", NLA_VALUE),
            ("image", "7"),
            ("changed", PREFERENCE_TIME),
            ("uid", &object.preference),
        ],
    )
    .empty(
        "Properties",
        &[
            ("action", if undo { "D" } else { "U" }),
            ("displayDecimal", "0"),
            ("default", "0"),
            ("hive", "HKEY_LOCAL_MACHINE"),
            ("key", NLA_KEY),
            ("name", NLA_VALUE),
            ("type", "REG_SZ"),
            ("value", "1"),
        ],
    )
    .close()
    .close();
    xml.into_bytes()
}

const USER_HALF_OFF: &str = "1";
const NULL_GUID: &str = "{00000000-0000-0000-0000-000000000000}";
const REGISTRY_CSE: &str = "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}";
const PREFERENCE_TOOL: &str = "{BEE07A6A-EC9F-4659-B8C9-0B1937907C83}";
