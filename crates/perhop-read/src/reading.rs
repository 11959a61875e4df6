//! Files in, facts out.

use crate::fact::{Fact, What};
use crate::finding::Finding;
use crate::place::Place;
use crate::policy::HostPolicy;
use crate::recognise;

/// A file to read.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name as the user knows it, with `/` between folders.
    pub name: &'a str,
    /// The whole content.
    pub bytes: &'a [u8],
}

/// Words that lints look things up in; a catalogue's, which this crate does not have.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// Executables that are known to send media.
    pub executables: Vec<String>,
    /// Executables that recipes misspell, each with the right name.
    pub misspelt: Vec<(String, String)>,
}

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Registry.pol, of a Group Policy object or of local policy.
    RegistryPol,
    /// A `.reg` export.
    RegFile,
    /// What LGPO.exe reads and writes.
    LgpoText,
    /// The preference items of a Group Policy object.
    Preferences,
    /// Another part of a Group Policy backup.
    GpoBackup,
    /// PowerShell output, a property a line.
    ShellList,
    /// PowerShell output in columns.
    ShellTable,
    /// `Export-Csv`.
    ShellCsv,
    /// `ConvertTo-Json`.
    ShellJson,
    /// `Export-Clixml`.
    Clixml,
    /// What clients are sent when they sign in, alone or in a log.
    InBand,
    /// A custom profile of Intune as Microsoft Graph has it.
    IntuneJson,
    /// The settings of such a profile as a list.
    IntuneCsv,
    /// SyncML.
    SyncMl,
    /// A script that perhop wrote.
    Script,
    /// The table that perhop writes, as a workbook.
    Workbook,
    /// The table that perhop writes, as comma-separated values.
    TableCsv,
    /// A configuration of Cisco IOS or NX-OS, Arista EOS, or another of that kind.
    DeviceConfig,
    /// `nft -j list ruleset`.
    NftJson,
    /// `nft list ruleset`, or a file for `nft -f`.
    NftText,
    /// Rules of Meraki's dashboard.
    MerakiJson,
    /// Nothing that is known.
    Unknown,
}

impl Format {
    /// The name that programs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RegistryPol => "registry-pol",
            Self::RegFile => "reg",
            Self::LgpoText => "lgpo-text",
            Self::Preferences => "gpo-preferences",
            Self::GpoBackup => "gpo-backup",
            Self::ShellList => "powershell-list",
            Self::ShellTable => "powershell-table",
            Self::ShellCsv => "powershell-csv",
            Self::ShellJson => "powershell-json",
            Self::Clixml => "clixml",
            Self::InBand => "in-band",
            Self::IntuneJson => "intune-json",
            Self::IntuneCsv => "intune-csv",
            Self::SyncMl => "syncml",
            Self::Script => "perhop-script",
            Self::Workbook => "perhop-xlsx",
            Self::TableCsv => "perhop-csv",
            Self::DeviceConfig => "device-config",
            Self::NftJson => "nft-json",
            Self::NftText => "nft-text",
            Self::MerakiJson => "meraki-json",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is of a device of the network, or of a packet filter.
    #[must_use]
    pub const fn is_of_network(self) -> bool {
        matches!(
            self,
            Self::DeviceConfig | Self::NftJson | Self::NftText | Self::MerakiJson
        )
    }

    /// In words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RegistryPol => "Registry.pol",
            Self::RegFile => ".reg export",
            Self::LgpoText => "LGPO text",
            Self::Preferences => "Group Policy preferences",
            Self::GpoBackup => "part of a Group Policy backup",
            Self::ShellList => "PowerShell list",
            Self::ShellTable => "PowerShell table",
            Self::ShellCsv => "PowerShell CSV",
            Self::ShellJson => "PowerShell JSON",
            Self::Clixml => "CLIXML",
            Self::InBand => "in-band provisioning",
            Self::IntuneJson => "Intune profile",
            Self::IntuneCsv => "list of Intune settings",
            Self::SyncMl => "SyncML",
            Self::Script => "script written by perhop",
            Self::Workbook => "workbook written by perhop",
            Self::TableCsv => "table written by perhop",
            Self::DeviceConfig => "configuration of a network device",
            Self::NftJson | Self::NftText => "nftables ruleset",
            Self::MerakiJson => "list of Meraki rules",
            Self::Unknown => "not recognised",
        }
    }
}

/// Something in a file that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Where.
    pub place: Place,
    /// What, shortened when it is long.
    pub text: String,
    /// Why it was left.
    pub why: String,
}

/// What is in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRead {
    /// Its name.
    pub name: String,
    /// Its form.
    pub format: Format,
    /// The Group Policy object that it is a part of, by name.
    pub object: Option<String>,
    /// What it says.
    pub facts: Vec<Fact>,
    /// What is wrong in it.
    pub findings: Vec<Finding>,
    /// What was not understood; never more than [`MAX_LEFT`] entries.
    pub left: Vec<Left>,
    /// How many more entries there are.
    pub left_more: usize,
    /// The sender that the file itself says it is for.
    pub scope: Option<String>,
}

/// More entries of what was not understood tell nobody anything.
pub const MAX_LEFT: usize = 200;

impl FileRead {
    /// A file about which nothing is known yet.
    #[must_use]
    pub fn new(name: &str, format: Format) -> Self {
        Self {
            name: name.to_owned(),
            format,
            object: None,
            facts: Vec::new(),
            findings: Vec::new(),
            left: Vec::new(),
            left_more: 0,
            scope: None,
        }
    }

    /// Lists something that was not understood.
    pub fn leave(&mut self, place: Place, text: impl AsRef<str>, why: impl Into<String>) {
        if self.left.len() >= MAX_LEFT {
            self.left_more += 1;
            return;
        }
        self.left.push(Left {
            place,
            text: shortened(text.as_ref()),
            why: why.into(),
        });
    }

    /// The policies in the file.
    pub fn policies(&self) -> impl Iterator<Item = (&Place, &HostPolicy)> {
        self.facts.iter().filter_map(|fact| match &fact.what {
            What::Policy(policy) => Some((&fact.place, policy)),
            _ => None,
        })
    }
}

/// What is in some files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// One entry a file, in the order given.
    pub files: Vec<FileRead>,
}

impl Reading {
    /// Reads files. Every bytes give an answer.
    #[must_use]
    pub fn of(inputs: &[Input<'_>], words: &Words) -> Self {
        let mut files: Vec<FileRead> = inputs
            .iter()
            .enumerate()
            .map(|(index, input)| recognise::read(index, input))
            .collect();
        crate::registry::backup::name_objects(&mut files);
        for file in &mut files {
            crate::policy::lint::executables(file, words);
            crate::policy::lint::together(file);
        }
        crate::shell::service::hides_global(&mut files);
        Self { files }
    }

    /// Every finding, in the order of the files.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.files.iter().flat_map(|file| &file.findings)
    }

    /// Every fact, in the order of the files.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.files.iter().flat_map(|file| &file.facts)
    }

    /// `client.reg:14`.
    #[must_use]
    pub fn place(&self, place: &Place) -> String {
        let name = self
            .files
            .get(place.file)
            .map_or("", |file| file.name.as_str());
        place.in_file(name)
    }
}

/// At most a line of text.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MOST + 1)
        .collect();
    if clean.chars().count() > MOST {
        let mut cut: String = clean.chars().take(MOST).collect();
        cut.push('\u{2026}');
        cut
    } else {
        clean.trim().to_owned()
    }
}
