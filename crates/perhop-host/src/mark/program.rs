//! The program at an interface's way out: finds the region of a packet, counts it, and writes its DSCP.
//!
//! It never drops a packet and never ends what other programs do: it always returns "next".

use super::headers::{self, Exits};
use super::search;
use super::table::{
    AddressRows, ENTRY_BYTES, FLAG_KEEP, FLAG_MARK, FLAG_PRIORITY, KINDS, PortRows, Rows, Tables,
};
use super::{FRAGMENT_KEY_BYTES, MapId};
use crate::bpf::asm::{
    Alu, Asm, Cond, Helper, Insn, Label, R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, Size,
};

/// What a packet of an interface begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// An Ethernet header.
    Ethernet,
    /// The IP header: tun and other tunnels.
    None,
}

/// How the sending application is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppSource {
    /// By the storage of the packet's socket.
    Socket,
    /// By the packet's mark (`skb->mark`): for tests.
    PacketMark,
}

/// How to make the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What packets begin with.
    pub link: Link,
    /// How the application is known.
    pub app: AppSource,
    /// Packets that came in at an interface are marked as well.
    pub forwarded: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            link: Link::Ethernet,
            app: AppSource::Socket,
            forwarded: false,
        }
    }
}

/// Where `struct __sk_buff` has what.
pub mod packet {
    /// Bytes, link header included.
    pub const LEN: i16 = 0;
    /// `skb->mark`
    pub const MARK: i16 = 8;
    /// `skb->priority`
    pub const PRIORITY: i16 = 32;
    /// Interface that it came in at; 0 when it is sent by this host.
    pub const INGRESS: i16 = 36;
    /// First byte.
    pub const DATA: i16 = 76;
    /// One past the last byte that can be read.
    pub const DATA_END: i16 = 80;
    /// Packets that it will become; 0 when one.
    pub const GSO_SEGS: i16 = 164;
    /// The socket.
    pub const SK: i16 = 168;
}

/// The program's stack frame.
pub(super) mod frame {
    pub(in crate::mark) const KEY: i16 = -8;
    pub(in crate::mark) const WORD: i16 = -16;
    pub(in crate::mark) const SRC_PORT: i16 = -24;
    pub(in crate::mark) const DST_PORT: i16 = -32;
    pub(in crate::mark) const KIND: i16 = -40;
    pub(in crate::mark) const FIRST: i16 = -48;
    pub(in crate::mark) const APP_ROW: i16 = -56;
    pub(in crate::mark) const SRC_PORT_ROW: i16 = -64;
    pub(in crate::mark) const DST_PORT_ROW: i16 = -72;
    pub(in crate::mark) const SRC_ROW: i16 = -80;
    pub(in crate::mark) const DST_ROW: i16 = -88;
    pub(in crate::mark) const FRAGMENT: i16 = -128;
    pub(in crate::mark) const PREFIX_KEY: i16 = -152;
}

/// `TCX_NEXT`, and `TC_ACT_UNSPEC` where there is only one program.
const NEXT: i32 = -1;

/// Makes the program; maps are named by [`MapId`].
#[must_use]
pub fn egress(tables: &Tables, options: &Options) -> Vec<Insn> {
    let mut asm = Asm::default();
    let (out, later, known) = (asm.label(), asm.label(), asm.label());
    if tables.regions > 0 {
        asm.mov(R6, R1);
        if !options.forwarded {
            asm.load(Size::W, R1, R6, packet::INGRESS);
            asm.jump_if(Cond::Ne, R1, 0, out);
        }
        headers::read(&mut asm, options.link, Exits { out, later });
        let vectors = vectors(&mut asm, tables, options.app, out);
        search::emit(&mut asm, tables, &vectors, out);
        remember_fragments(&mut asm);
        asm.bind(known);
        act(&mut asm, tables, out);
        asm.bind(later);
        recall_fragment(&mut asm, tables, known, out);
    }
    asm.bind(out);
    asm.set(R0, NEXT);
    asm.exit();
    asm.finish()
}

/// Puts where each condition's vector begins into the frame; returns those places.
fn vectors(asm: &mut Asm, tables: &Tables, app: AppSource, out: Label) -> Vec<i16> {
    let mut places = vec![frame::APP_ROW];
    asm.set(R8, 0);
    if tables.asks_app {
        application(asm, tables, app);
    }
    asm.alu_imm(Alu::Mul, R8, KINDS as i32);
    asm.load(Size::D, R1, R10, frame::KIND);
    asm.alu(Alu::Add, R1, R8);
    row(asm, tables, tables.apps, frame::APP_ROW, out);
    for (port, from, place) in [
        (tables.src_port, frame::SRC_PORT, frame::SRC_PORT_ROW),
        (tables.dst_port, frame::DST_PORT, frame::DST_PORT_ROW),
    ] {
        if let Some(port) = port {
            self::port(asm, tables, port, (from, place), out);
            places.push(place);
        }
    }
    let sides = [
        (&tables.src, frame::SRC_ROW, SENDER),
        (&tables.dst, frame::DST_ROW, RECEIVER),
    ];
    for (address, place, side) in sides {
        if let Some(address) = address {
            self::address(asm, tables, address, (place, side), out);
            places.push(place);
        }
    }
    places
}

/// R8 = number of the application, 0 when it is none that the tables know.
fn application(asm: &mut Asm, tables: &Tables, source: AppSource) {
    let done = asm.label();
    match source {
        AppSource::PacketMark => asm.load(Size::W, R8, R6, packet::MARK),
        AppSource::Socket => {
            let have = asm.label();
            // A request that is not yet a connection has its listener's application.
            asm.load(Size::D, R1, R6, packet::SK);
            asm.jump_if(Cond::Eq, R1, 0, done);
            asm.call(Helper::FullSock);
            asm.jump_if(Cond::Ne, R0, 0, have);
            asm.load(Size::D, R1, R6, packet::SK);
            asm.jump_if(Cond::Eq, R1, 0, done);
            asm.call(Helper::ListenerSock);
            asm.jump_if(Cond::Eq, R0, 0, done);
            asm.bind(have);
            asm.mov(R2, R0);
            asm.map(R1, MapId::Tags as i32);
            asm.set(R3, 0);
            asm.set(R4, 0);
            asm.call(Helper::StorageGet);
            asm.jump_if(Cond::Eq, R0, 0, done);
            asm.load(Size::W, R8, R0, 0);
        }
    }
    let known = (tables.apps.count / KINDS) as i32;
    asm.jump_if(Cond::Lt, R8, known, done);
    asm.set(R8, 0);
    asm.bind(done);
}

/// Puts the vector with the number in R1 at a place of the frame.
fn row(asm: &mut Asm, tables: &Tables, rows: Rows, place: i16, out: Label) {
    asm.jump_if(Cond::Ge, R1, rows.count as i32, out);
    asm.alu_imm(Alu::Mul, R1, tables.stride() as i32);
    asm.map_value(R2, MapId::Tables as i32, rows.at);
    asm.alu(Alu::Add, R2, R1);
    asm.store(Size::D, R10, place, R2);
}

fn port(asm: &mut Asm, tables: &Tables, port: PortRows, (from, place): (i16, i16), out: Label) {
    asm.load(Size::D, R1, R10, from);
    asm.alu_imm(Alu::And, R1, 0xffff);
    asm.alu_imm(Alu::Lsh, R1, 1);
    asm.map_value(R2, MapId::Tables as i32, port.classes);
    asm.alu(Alu::Add, R2, R1);
    asm.load(Size::H, R1, R2, 0);
    row(asm, tables, port.rows, place, out);
}

/// Maps and offsets in the IPv4 and the IPv6 header of one side's address.
type Side = [(MapId, i16); 2];
const SENDER: Side = [(MapId::Src4, 12), (MapId::Src6, 8)];
const RECEIVER: Side = [(MapId::Dst4, 16), (MapId::Dst6, 24)];

fn address(
    asm: &mut Asm,
    tables: &Tables,
    address: &AddressRows,
    (place, side): (i16, Side),
    out: Label,
) {
    let (six, done) = (asm.label(), asm.label());
    asm.load(Size::D, R1, R10, frame::KIND);
    asm.jump_if(Cond::Ge, R1, 2, six);
    for (index, (rows, prefixes)) in [&address.v4, &address.v6].into_iter().enumerate() {
        let (map, offset) = side[index];
        if index == 1 {
            asm.bind(six);
        }
        asm.set(R1, 0);
        if prefixes.is_some() {
            let words = if index == 0 { 1 } else { 4 };
            asm.store_imm(Size::W, R10, frame::PREFIX_KEY, 32 * words);
            for word in 0..words as i16 {
                asm.load(Size::W, R1, R7, offset + 4 * word);
                asm.store(Size::W, R10, frame::PREFIX_KEY + 4 + 4 * word, R1);
            }
            asm.map(R1, map as i32);
            asm.stack(R2, frame::PREFIX_KEY);
            asm.call(Helper::MapLookup);
            asm.jump_if(Cond::Eq, R0, 0, out);
            asm.load(Size::W, R1, R0, 0);
        }
        row(asm, tables, *rows, place, out);
        if index == 0 {
            asm.jump(done);
        }
    }
    asm.bind(done);
}

/// When more fragments follow, remembers the region (R9) for them.
fn remember_fragments(asm: &mut Asm) {
    let whole = asm.label();
    asm.load(Size::D, R1, R10, frame::FIRST);
    asm.jump_if(Cond::Eq, R1, 0, whole);
    asm.store(Size::W, R10, frame::KEY, R9);
    asm.map(R1, MapId::Fragments as i32);
    asm.stack(R2, frame::FRAGMENT);
    asm.stack(R3, frame::KEY);
    asm.set(R4, 0);
    asm.call(Helper::MapUpdate);
    asm.bind(whole);
}

fn recall_fragment(asm: &mut Asm, tables: &Tables, known: Label, out: Label) {
    const { assert!(FRAGMENT_KEY_BYTES == 40) }
    asm.map(R1, MapId::Fragments as i32);
    asm.stack(R2, frame::FRAGMENT);
    asm.call(Helper::MapLookup);
    asm.jump_if(Cond::Eq, R0, 0, out);
    asm.load(Size::W, R9, R0, 0);
    asm.jump_if(Cond::Lt, R9, tables.regions as i32, known);
}

/// Counts and marks a packet of region R9.
fn act(asm: &mut Asm, tables: &Tables, out: Label) {
    let (one, no_priority, v6, kept, rewritten) = (
        asm.label(),
        asm.label(),
        asm.label(),
        asm.label(),
        asm.label(),
    );
    asm.alu_imm(Alu::Mul, R9, ENTRY_BYTES as i32);
    asm.map_value(R8, MapId::Tables as i32, tables.entries);
    asm.alu(Alu::Add, R8, R9);
    asm.load(Size::W, R1, R8, 0);
    asm.store(Size::W, R10, frame::KEY, R1);
    asm.map(R1, MapId::Counters as i32);
    asm.stack(R2, frame::KEY);
    asm.call(Helper::MapLookup);
    asm.jump_if(Cond::Eq, R0, 0, out);
    asm.mov(R9, R0);
    // What leaves as one may become many packets in the network card.
    asm.load(Size::W, R4, R6, packet::GSO_SEGS);
    asm.jump_if(Cond::Ne, R4, 0, one);
    asm.set(R4, 1);
    asm.bind(one);
    count(asm, 0);
    asm.load(Size::W, R2, R6, packet::LEN);
    asm.load(Size::D, R1, R9, 8);
    asm.alu(Alu::Add, R1, R2);
    asm.store(Size::D, R9, 8, R1);
    asm.load(Size::B, R5, R8, 9);
    asm.mov(R1, R5);
    asm.alu_imm(Alu::And, R1, i32::from(FLAG_PRIORITY));
    asm.jump_if(Cond::Eq, R1, 0, no_priority);
    asm.load(Size::W, R1, R8, 4);
    asm.store(Size::W, R6, packet::PRIORITY, R1);
    asm.bind(no_priority);
    asm.mov(R1, R5);
    asm.alu_imm(Alu::And, R1, i32::from(FLAG_MARK));
    asm.jump_if(Cond::Eq, R1, 0, kept);
    asm.alu_imm(Alu::And, R5, i32::from(FLAG_KEEP));
    asm.load(Size::B, R3, R8, 8);
    asm.load(Size::D, R1, R10, frame::KIND);
    asm.jump_if(Cond::Ge, R1, 2, v6);
    mark_v4(asm, kept, out);
    asm.jump(rewritten);
    asm.bind(v6);
    mark_v6(asm, kept, out);
    asm.bind(rewritten);
    count(asm, 16);
    asm.jump(out);
    asm.bind(kept);
    count(asm, 24);
    asm.jump(out);
}

/// Adds R4 to one of the counters at R9.
fn count(asm: &mut Asm, offset: i16) {
    asm.load(Size::D, R1, R9, offset);
    asm.alu(Alu::Add, R1, R4);
    asm.store(Size::D, R9, offset, R1);
}

/// Writes the DS field in R3, keeping ECN, and the header checksum (RFC 1624, equation 3). R5: keep marks.
fn mark_v4(asm: &mut Asm, kept: Label, out: Label) {
    let free = asm.label();
    asm.load(Size::B, R1, R7, 1);
    asm.mov(R2, R1);
    asm.alu_imm(Alu::And, R2, 0xfc);
    asm.jump_if_reg(Cond::Eq, R2, R3, out);
    asm.jump_if(Cond::Eq, R5, 0, free);
    asm.jump_if(Cond::Ne, R2, 0, kept);
    asm.bind(free);
    asm.alu_imm(Alu::And, R1, 3);
    asm.alu(Alu::Or, R3, R1);
    asm.load(Size::H, R2, R7, 0);
    asm.store(Size::B, R7, 1, R3);
    asm.load(Size::H, R1, R7, 0);
    asm.load(Size::H, R0, R7, 10);
    asm.alu_imm(Alu::Xor, R0, 0xffff);
    asm.alu_imm(Alu::Xor, R2, 0xffff);
    asm.alu(Alu::Add, R0, R2);
    asm.alu(Alu::Add, R0, R1);
    for _ in 0..2 {
        asm.mov(R1, R0);
        asm.alu_imm(Alu::Rsh, R1, 16);
        asm.alu_imm(Alu::And, R0, 0xffff);
        asm.alu(Alu::Add, R0, R1);
    }
    asm.alu_imm(Alu::Xor, R0, 0xffff);
    asm.store(Size::H, R7, 10, R0);
}

/// Writes the DS field in R3 into the traffic class, keeping ECN. R5: keep marks.
fn mark_v6(asm: &mut Asm, kept: Label, out: Label) {
    let free = asm.label();
    asm.load(Size::B, R1, R7, 0);
    asm.load(Size::B, R2, R7, 1);
    asm.mov(R0, R1);
    asm.alu_imm(Alu::And, R0, 0x0f);
    asm.alu_imm(Alu::Lsh, R0, 8);
    asm.alu(Alu::Or, R0, R2);
    asm.alu_imm(Alu::Rsh, R0, 4);
    asm.alu_imm(Alu::And, R0, 0xfc);
    asm.jump_if_reg(Cond::Eq, R0, R3, out);
    asm.jump_if(Cond::Eq, R5, 0, free);
    asm.jump_if(Cond::Ne, R0, 0, kept);
    asm.bind(free);
    asm.alu_imm(Alu::And, R1, 0xf0);
    asm.alu_imm(Alu::And, R2, 0x3f);
    asm.mov(R0, R3);
    asm.alu_imm(Alu::Rsh, R0, 4);
    asm.alu(Alu::Or, R1, R0);
    asm.alu_imm(Alu::Lsh, R3, 4);
    asm.alu_imm(Alu::And, R3, 0xc0);
    asm.alu(Alu::Or, R2, R3);
    asm.store(Size::B, R7, 0, R1);
    asm.store(Size::B, R7, 1, R2);
}
