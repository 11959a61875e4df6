//! What was seen on a flow, as bits.

use perhop_wire::media::Wrapper;
use perhop_wire::packet::Direction;

use super::facts::{Form, Kind};
use crate::flow::{FlowDirection, Signs};

pub(super) const STUN: u16 = 1;
pub(super) const MICROSOFT: u16 = 1 << 1;
pub(super) const DTLS: u16 = 1 << 2;
pub(super) const RTCP: u16 = 1 << 3;
pub(super) const SRTCP: u16 = 1 << 4;
pub(super) const ZRTP: u16 = 1 << 5;
pub(super) const SIP: u16 = 1 << 6;
pub(super) const QUIC: u16 = 1 << 7;
const RECEIVED: u16 = 1 << 8;
const SENT: u16 = 1 << 9;
const WRAPPER_SHIFT: u32 = 10;
const WRAPPER: u16 = 3 << WRAPPER_SHIFT;

/// Adds what a packet's form says.
pub(super) fn add_form(signs: u16, form: Form) -> u16 {
    let kind = match form.kind() {
        kind if kind == Kind::Rtcp as u8 => RTCP,
        kind if kind == Kind::Stun as u8 => STUN,
        kind if kind == Kind::Dtls as u8 => DTLS,
        _ => 0,
    };
    let direction = match form.direction() {
        Direction::Unknown => 0,
        Direction::In => RECEIVED,
        Direction::Out => SENT,
    };
    let with = signs | kind | direction;
    match form.wrapper() {
        0 => with,
        wrapper => with & !WRAPPER | u16::from(wrapper) << WRAPPER_SHIFT | STUN,
    }
}

/// The number a wrapper has in a [`Form`].
pub(super) const fn wrapper_number(wrapper: Option<Wrapper>) -> u8 {
    match wrapper {
        None => 0,
        Some(Wrapper::ChannelData) => 1,
        Some(Wrapper::Indication) => 2,
        Some(Wrapper::MultiplexedTurn) => 3,
    }
}

pub(super) const fn wrapper(signs: u16) -> Option<Wrapper> {
    match (signs & WRAPPER) >> WRAPPER_SHIFT {
        0 => None,
        1 => Some(Wrapper::ChannelData),
        2 => Some(Wrapper::Indication),
        _ => Some(Wrapper::MultiplexedTurn),
    }
}

pub(super) const fn direction(signs: u16) -> FlowDirection {
    FlowDirection {
        received: signs & RECEIVED != 0,
        sent: signs & SENT != 0,
    }
}

pub(super) const fn report(signs: u16, in_sdp: bool) -> Signs {
    Signs {
        stun: signs & STUN != 0,
        microsoft_stun: signs & MICROSOFT != 0,
        dtls: signs & DTLS != 0,
        rtcp: signs & RTCP != 0,
        srtcp: signs & SRTCP != 0,
        zrtp: signs & ZRTP != 0,
        sip: signs & SIP != 0,
        quic: signs & QUIC != 0,
        in_sdp,
    }
}
