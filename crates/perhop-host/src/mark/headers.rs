//! From a packet's first byte to its ports: Ethernet with up to two tags, IPv4 with options, IPv6 with extension headers,
//! fragments.

use super::program::{Link, frame, packet};
use crate::bpf::asm::{
    Alu, Asm, Cond, Helper, Label, R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, Size,
};

/// Extension headers that are gone through.
const EXTENSIONS: usize = 5;
/// Bytes that are made readable when the headers of a packet lie elsewhere.
const PULL: i32 = 512;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_TAGS: [u16; 2] = [0x8100, 0x88a8];
const TCP: i32 = 6;
const UDP: i32 = 17;

/// Where the reading of headers may lead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exits {
    /// Not a packet that rules are about.
    pub(super) out: Label,
    /// A fragment without ports; its key is in the frame.
    pub(super) later: Label,
}

/// Reads the headers. Afterwards R7 is at the network header, the frame has both ports as they lie in the packet, the
/// kind, and whether more fragments follow (with the key).
pub(super) fn read(asm: &mut Asm, link: Link, exits: Exits) {
    let (start, short, ports) = (asm.label(), asm.label(), asm.label());
    let (v4, v6) = (asm.label(), asm.label());
    asm.set(R9, 0);
    asm.bind(start);
    asm.load(Size::W, R7, R6, packet::DATA);
    asm.load(Size::W, R3, R6, packet::DATA_END);
    asm.store_imm(Size::D, R10, frame::FIRST, 0);
    match link {
        Link::Ethernet => ethernet(asm, v4, v6, short, exits.out),
        Link::None => {
            need(asm, 1, short);
            asm.load(Size::B, R4, R7, 0);
            asm.alu_imm(Alu::Rsh, R4, 4);
            asm.jump_if(Cond::Eq, R4, 4, v4);
            asm.jump_if(Cond::Eq, R4, 6, v6);
            asm.jump(exits.out);
        }
    }
    asm.bind(short);
    pull(asm, start, exits.out);
    asm.bind(v4);
    ipv4(asm, short, ports, exits);
    asm.bind(v6);
    ipv6(asm, short, ports, exits);
    asm.bind(ports);
    asm.mov(R2, R5);
    asm.alu_imm(Alu::Add, R2, 4);
    asm.jump_if_reg(Cond::Gt, R2, R3, short);
    asm.load(Size::H, R1, R5, 0);
    asm.store(Size::D, R10, frame::SRC_PORT, R1);
    asm.load(Size::H, R1, R5, 2);
    asm.store(Size::D, R10, frame::DST_PORT, R1);
}

/// A value as it looks when two bytes of a packet are loaded.
fn wire(value: u16) -> i32 {
    i32::from(value.to_be())
}

/// `bytes` from R7 on must be there.
fn need(asm: &mut Asm, bytes: i32, short: Label) {
    asm.mov(R2, R7);
    asm.alu_imm(Alu::Add, R2, bytes);
    asm.jump_if_reg(Cond::Gt, R2, R3, short);
}

fn ethernet(asm: &mut Asm, v4: Label, v6: Label, short: Label, out: Label) {
    need(asm, 14, short);
    asm.load(Size::H, R4, R7, 12);
    asm.alu_imm(Alu::Add, R7, 14);
    let known = asm.label();
    for _ in 0..2 {
        let tagged = asm.label();
        for tag in ETHERTYPE_TAGS {
            asm.jump_if(Cond::Eq, R4, wire(tag), tagged);
        }
        asm.jump(known);
        asm.bind(tagged);
        need(asm, 4, short);
        asm.load(Size::H, R4, R7, 2);
        asm.alu_imm(Alu::Add, R7, 4);
    }
    asm.bind(known);
    asm.jump_if(Cond::Eq, R4, wire(ETHERTYPE_IPV4), v4);
    asm.jump_if(Cond::Eq, R4, wire(ETHERTYPE_IPV6), v6);
    asm.jump(out);
}

/// Makes the headers readable, once.
fn pull(asm: &mut Asm, start: Label, out: Label) {
    let fits = asm.label();
    asm.jump_if(Cond::Ne, R9, 0, out);
    asm.set(R9, 1);
    asm.mov(R1, R6);
    asm.load(Size::W, R2, R6, packet::LEN);
    asm.jump_if(Cond::Le, R2, PULL, fits);
    asm.set(R2, PULL);
    asm.bind(fits);
    asm.call(Helper::PullData);
    asm.jump_if(Cond::Ne, R0, 0, out);
    asm.jump(start);
}

fn ipv4(asm: &mut Asm, short: Label, ports: Label, exits: Exits) {
    let (known, whole, first) = (asm.label(), asm.label(), asm.label());
    need(asm, 20, short);
    asm.load(Size::B, R8, R7, 9);
    asm.store_imm(Size::D, R10, frame::KIND, 0);
    asm.jump_if(Cond::Eq, R8, UDP, known);
    asm.store_imm(Size::D, R10, frame::KIND, 1);
    asm.jump_if(Cond::Ne, R8, TCP, exits.out);
    asm.bind(known);
    asm.load(Size::H, R2, R7, 6);
    asm.mov(R1, R2);
    asm.alu_imm(Alu::And, R1, wire(0x3fff));
    asm.jump_if(Cond::Eq, R1, 0, whole);
    for at in (0..super::FRAGMENT_KEY_BYTES as i16).step_by(8) {
        asm.store_imm(Size::D, R10, frame::FRAGMENT + at, 0);
    }
    for (from, to) in [(12, 0), (16, 16)] {
        asm.load(Size::W, R1, R7, from);
        asm.store(Size::W, R10, frame::FRAGMENT + to, R1);
    }
    asm.load(Size::H, R1, R7, 4);
    asm.store(Size::W, R10, frame::FRAGMENT + 32, R1);
    asm.store(Size::W, R10, frame::FRAGMENT + 36, R8);
    asm.mov(R1, R2);
    asm.alu_imm(Alu::And, R1, wire(0x1fff));
    asm.jump_if(Cond::Eq, R1, 0, first);
    asm.jump(exits.later);
    asm.bind(first);
    asm.store_imm(Size::D, R10, frame::FIRST, 1);
    asm.bind(whole);
    asm.load(Size::B, R2, R7, 0);
    asm.alu_imm(Alu::And, R2, 15);
    asm.alu_imm(Alu::Lsh, R2, 2);
    asm.jump_if(Cond::Lt, R2, 20, exits.out);
    asm.mov(R5, R7);
    asm.alu(Alu::Add, R5, R2);
    asm.jump(ports);
}

fn ipv6(asm: &mut Asm, short: Label, ports: Label, exits: Exits) {
    let tcp = asm.label();
    need(asm, 40, short);
    asm.store_imm(Size::D, R10, frame::KIND, 2);
    asm.load(Size::B, R8, R7, 6);
    asm.mov(R5, R7);
    asm.alu_imm(Alu::Add, R5, 40);
    for _ in 0..EXTENSIONS {
        asm.jump_if(Cond::Eq, R8, UDP, ports);
        asm.jump_if(Cond::Eq, R8, TCP, tcp);
        extension(asm, short, exits);
    }
    asm.jump_if(Cond::Eq, R8, UDP, ports);
    asm.jump_if(Cond::Ne, R8, TCP, exits.out);
    asm.bind(tcp);
    asm.store_imm(Size::D, R10, frame::KIND, 3);
    asm.jump(ports);
}

/// One extension header at R5 whose number is in R8; afterwards R5 and R8 are the next one's (RFC 8200, RFC 4302).
fn extension(asm: &mut Asm, short: Label, exits: Exits) {
    let (fragment, whole, authentication, options, next) = (
        asm.label(),
        asm.label(),
        asm.label(),
        asm.label(),
        asm.label(),
    );
    asm.mov(R2, R5);
    asm.alu_imm(Alu::Add, R2, 8);
    asm.jump_if_reg(Cond::Gt, R2, R3, short);
    asm.load(Size::B, R4, R5, 1);
    asm.load(Size::B, R1, R5, 0);
    asm.jump_if(Cond::Eq, R8, 44, fragment);
    asm.jump_if(Cond::Eq, R8, 51, authentication);
    for header in [0, 43, 60] {
        asm.jump_if(Cond::Eq, R8, header, options);
    }
    asm.jump(exits.out);
    asm.bind(fragment);
    asm.mov(R8, R1);
    for at in (0..32).step_by(4) {
        asm.load(Size::W, R1, R7, 8 + at);
        asm.store(Size::W, R10, frame::FRAGMENT + at, R1);
    }
    asm.load(Size::W, R1, R5, 4);
    asm.store(Size::W, R10, frame::FRAGMENT + 32, R1);
    asm.store_imm(Size::W, R10, frame::FRAGMENT + 36, 44);
    asm.load(Size::H, R2, R5, 2);
    asm.mov(R1, R2);
    asm.alu_imm(Alu::And, R1, wire(0xfff8));
    asm.jump_if(Cond::Ne, R1, 0, exits.later);
    asm.alu_imm(Alu::And, R2, wire(1));
    asm.jump_if(Cond::Eq, R2, 0, whole);
    asm.store_imm(Size::D, R10, frame::FIRST, 1);
    asm.bind(whole);
    asm.alu_imm(Alu::Add, R5, 8);
    asm.jump(next);
    asm.bind(authentication);
    asm.alu_imm(Alu::Add, R4, 2);
    asm.alu_imm(Alu::Lsh, R4, 2);
    asm.mov(R8, R1);
    asm.alu(Alu::Add, R5, R4);
    asm.jump(next);
    asm.bind(options);
    asm.alu_imm(Alu::Add, R4, 1);
    asm.alu_imm(Alu::Lsh, R4, 3);
    asm.mov(R8, R1);
    asm.alu(Alu::Add, R5, R4);
    asm.bind(next);
}
