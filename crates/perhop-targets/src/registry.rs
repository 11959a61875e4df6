//! The one table of targets.

use crate::target::Target;

/// Every target, in the order that reports list them.
pub static TARGETS: &[&dyn Target] = &[
    &crate::lync_shell::LyncShell,
    &crate::lync_inband::LyncInband,
    &crate::teams_shell::TeamsShell,
    &crate::windows_gpo::WindowsGpo,
    &crate::windows_reg::WindowsReg,
    &crate::windows_netqos::WindowsNetqos,
    &crate::windows_lgpo::WindowsLgpo,
    &crate::windows_psched::WindowsPsched,
    &crate::intune_csp::IntuneCsp,
    &crate::linux_nft::LinuxNft,
    &crate::linux_tc::LinuxTc,
    &crate::cisco_ios::CiscoIos,
    &crate::cisco_nxos::CISCO_NXOS,
    &crate::arista_eos::ARISTA_EOS,
    &crate::junos::JUNOS,
    &crate::aruba_cx::ARUBA_CX,
    &crate::openwrt::OPENWRT,
    &crate::home_routers::DD_WRT,
    &crate::home_routers::TOMATO,
    &crate::mikrotik::MIKROTIK,
    &crate::vyos::VYOS,
    &crate::fortios::FORTIOS,
    &crate::meraki::MERAKI,
    &crate::wifi_map::WifiMap,
    &crate::macos_profile::MacosProfile,
    &crate::products::ASTERISK,
    &crate::products::FREESWITCH,
    &crate::products::KAMAILIO,
    &crate::products::RTPENGINE,
    &crate::products::JANUS,
    &crate::products::JITSI,
    &crate::products::LIVEKIT,
    &crate::products::COTURN,
    &crate::products::BARESIP,
    &crate::products::LINPHONE,
    &crate::products::CHROMIUM_POLICY,
    &crate::products::CITRIX_HDX,
    &crate::products::ZOOM,
    &crate::products::YEALINK,
    &crate::products::POLY,
    &crate::products::CISCO_MPP,
    &crate::products::SNOM,
    &crate::products::GRANDSTREAM,
    &crate::products::LLDP_MED,
    &crate::wireshark::Wireshark,
];

/// The target of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static dyn Target> {
    TARGETS.iter().copied().find(|target| target.id() == id)
}
