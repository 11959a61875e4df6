//! Software and phones by product: one file each, a table of [`crate::software`].

mod asterisk;
mod baresip;
mod chromium_policy;
mod cisco_mpp;
mod citrix_hdx;
mod coturn;
mod freeswitch;
mod grandstream;
mod janus;
mod jitsi;
mod kamailio;
mod linphone;
mod livekit;
mod lldp_med;
mod poly;
mod rtpengine;
mod snom;
mod yealink;
mod zoom;

pub use asterisk::ASTERISK;
pub use baresip::BARESIP;
pub use chromium_policy::CHROMIUM_POLICY;
pub use cisco_mpp::CISCO_MPP;
pub use citrix_hdx::CITRIX_HDX;
pub use coturn::COTURN;
pub use freeswitch::FREESWITCH;
pub use grandstream::GRANDSTREAM;
pub use janus::JANUS;
pub use jitsi::JITSI;
pub use kamailio::KAMAILIO;
pub use linphone::LINPHONE;
pub use livekit::LIVEKIT;
pub use lldp_med::LLDP_MED;
pub use poly::POLY;
pub use rtpengine::RTPENGINE;
pub use snom::SNOM;
pub use yealink::YEALINK;
pub use zoom::ZOOM;

use crate::software::Product;

/// Every product, in the order of the registry.
pub static PRODUCTS: &[&Product] = &[
    &ASTERISK,
    &FREESWITCH,
    &KAMAILIO,
    &RTPENGINE,
    &JANUS,
    &JITSI,
    &LIVEKIT,
    &COTURN,
    &BARESIP,
    &LINPHONE,
    &CHROMIUM_POLICY,
    &CITRIX_HDX,
    &ZOOM,
    &YEALINK,
    &POLY,
    &CISCO_MPP,
    &SNOM,
    &GRANDSTREAM,
    &LLDP_MED,
];
