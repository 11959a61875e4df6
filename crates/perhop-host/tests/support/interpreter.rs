//! Runs the marking program as the kernel would, on memory of its own: every access outside it fails the test.

use std::collections::BTreeMap;

use perhop_host::bpf::asm::Insn;
use perhop_host::mark::axis::Prefix;
use perhop_host::mark::table::Tables;
use perhop_host::mark::{COUNTER_BYTES, FRAGMENT_KEY_BYTES, MapId};

const CONTEXT: u64 = 0x0001_0000;
const PACKET: u64 = 0x0010_0000;
const STACK: u64 = 0x0020_0000;
const RESULT: u64 = 0x0030_0000;
const COUNTERS: u64 = 0x0100_0000;
const TABLES: u64 = 0x1000_0000;
const MAP: u64 = 0xffff_0000;
/// More steps than any packet takes.
const STEPS: usize = 20_000;

pub(crate) struct Machine<'a> {
    tables: &'a Tables,
    packet: Vec<u8>,
    mark: u32,
    pub(crate) ingress: u32,
    pub(crate) priority: u32,
    /// Bytes of the packet that can be read before they are asked for.
    pub(crate) linear: usize,
    pub(crate) counters: Vec<u8>,
    fragments: BTreeMap<Vec<u8>, u32>,
    stack: Vec<u8>,
    result: [u8; 4],
}

impl<'a> Machine<'a> {
    pub(crate) fn new(tables: &'a Tables) -> Self {
        Self {
            tables,
            packet: Vec::new(),
            mark: 0,
            ingress: 0,
            priority: 0,
            linear: usize::MAX,
            counters: vec![0; COUNTER_BYTES * tables.rules.len().max(1)],
            fragments: BTreeMap::new(),
            stack: vec![0; 512],
            result: [0; 4],
        }
    }

    /// The packet afterwards.
    pub(crate) fn run(&mut self, program: &[Insn], packet: &[u8], mark: u32) -> Vec<u8> {
        self.packet = packet.to_vec();
        self.mark = mark;
        // What a frame holds at first is not to be relied on.
        self.stack.fill(0xa5);
        let linear = self.linear;
        let result = self.execute(program);
        self.linear = linear;
        assert_eq!(result as i32, -1, "the program always says next");
        std::mem::take(&mut self.packet)
    }

    fn execute(&mut self, program: &[Insn]) -> u64 {
        let mut regs = [0u64; 11];
        (regs[1], regs[10]) = (CONTEXT, STACK + 512);
        let mut at = 0usize;
        for _ in 0..STEPS {
            let insn = program[at];
            let (dst, src) = (usize::from(insn.dst()), usize::from(insn.src()));
            let imm = i64::from(insn.imm) as u64;
            let operand = if insn.code & 8 != 0 { regs[src] } else { imm };
            at += 1;
            match insn.code & 7 {
                0 => {
                    assert_eq!(insn.code, 0x18);
                    let next = program[at].imm as u32;
                    regs[dst] = match src {
                        0 => u64::from(insn.imm as u32) | u64::from(next) << 32,
                        1 => MAP + insn.imm as u64,
                        2 => TABLES + u64::from(next),
                        other => panic!("immediate of kind {other}"),
                    };
                    at += 1;
                }
                1 => regs[dst] = self.read(shift(regs[src], insn.off), size(insn.code)),
                2 => self.write(shift(regs[dst], insn.off), size(insn.code), imm),
                3 => self.write(shift(regs[dst], insn.off), size(insn.code), regs[src]),
                7 => regs[dst] = alu(insn.code, regs[dst], operand),
                5 if insn.code == 0x95 => return regs[0],
                5 if insn.code == 0x85 => {
                    regs[0] = self.call(insn.imm, &regs);
                    regs[1..6].fill(0xdead_dead_dead_dead);
                }
                5 => {
                    if taken(insn.code, regs[dst], operand) {
                        at = at.wrapping_add_signed(isize::from(insn.off));
                    }
                }
                class => panic!("class {class}"),
            }
        }
        panic!("the program does not end");
    }

    fn read(&mut self, at: u64, size: usize) -> u64 {
        if (CONTEXT..CONTEXT + 192).contains(&at) {
            let linear = self.packet.len().min(self.linear) as u64;
            return match at - CONTEXT {
                0 => self.packet.len() as u64,
                8 => u64::from(self.mark),
                36 => u64::from(self.ingress),
                76 => PACKET,
                80 => PACKET + linear,
                164 => 0,
                other => panic!("context at {other}"),
            };
        }
        let mut eight = [0; 8];
        eight[..size].copy_from_slice(self.memory(at, size));
        u64::from_le_bytes(eight)
    }

    fn write(&mut self, at: u64, size: usize, value: u64) {
        if at == CONTEXT + 32 {
            self.priority = value as u32;
            return;
        }
        assert!(at < TABLES, "tables are read only");
        self.memory(at, size)
            .copy_from_slice(&value.to_le_bytes()[..size]);
    }

    fn memory(&mut self, at: u64, size: usize) -> &mut [u8] {
        // Tables are the only part that is not ours; they are copied to be lent.
        if at >= TABLES {
            let from = (at - TABLES) as usize;
            self.scratch(from, size)
        } else {
            let linear = self.packet.len().min(self.linear);
            let (base, bytes): (u64, &mut [u8]) = match at {
                COUNTERS.. => (COUNTERS, &mut self.counters),
                RESULT.. => (RESULT, &mut self.result),
                STACK.. => (STACK, &mut self.stack),
                _ => (PACKET, &mut self.packet[..linear]),
            };
            let from = usize::try_from(at.checked_sub(base).expect("a place")).unwrap();
            &mut bytes[from..from + size]
        }
    }

    fn scratch(&mut self, from: usize, size: usize) -> &mut [u8] {
        self.stack.truncate(512);
        self.stack.extend(&self.tables.bytes[from..from + size]);
        &mut self.stack[512..]
    }

    fn call(&mut self, helper: i32, regs: &[u64; 11]) -> u64 {
        match helper {
            1 => self.look_up(regs[1] - MAP, regs[2]),
            2 => {
                assert_eq!(regs[1] - MAP, MapId::Fragments as u64);
                let key = self.memory(regs[2], FRAGMENT_KEY_BYTES).to_vec();
                let value = self.read(regs[3], 4) as u32;
                self.fragments.insert(key, value);
                0
            }
            39 => {
                assert!(regs[2] as usize <= self.packet.len());
                self.linear = self.linear.max(regs[2] as usize);
                0
            }
            other => panic!("helper {other}"),
        }
    }

    fn look_up(&mut self, map: u64, key: u64) -> u64 {
        let is = |id: MapId| map == id as u64;
        if is(MapId::Counters) {
            let slot = self.read(key, 4);
            assert!((slot as usize) < self.tables.rules.len());
            return COUNTERS + slot * COUNTER_BYTES as u64;
        }
        let found = if is(MapId::Fragments) {
            let key = self.memory(key, FRAGMENT_KEY_BYTES).to_vec();
            self.fragments.get(&key).copied()
        } else {
            let six = is(MapId::Src6) || is(MapId::Dst6);
            let side = if is(MapId::Src4) || is(MapId::Src6) {
                &self.tables.src
            } else {
                &self.tables.dst
            };
            let rows = side.as_ref().unwrap();
            let (_, prefixes) = if six { &rows.v6 } else { &rows.v4 };
            let bytes = if six { 16 } else { 4 };
            let asked = self.memory(key, 4 + bytes).to_vec();
            assert_eq!(asked[0] as usize, 8 * bytes);
            longest(prefixes.as_ref().unwrap(), &asked[4..])
        };
        found.map_or(0, |value| {
            self.result = value.to_le_bytes();
            RESULT
        })
    }
}

fn longest(prefixes: &[Prefix], address: &[u8]) -> Option<u32> {
    let bits = 8 * address.len() as u32;
    let number = address
        .iter()
        .fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    let matching = prefixes.iter().filter(|prefix| {
        let rest = bits - u32::from(prefix.len);
        (number ^ prefix.first).checked_shr(rest).unwrap_or(0) == 0
    });
    matching.max_by_key(|prefix| prefix.len).map(|p| p.class)
}

fn shift(base: u64, off: i16) -> u64 {
    base.wrapping_add_signed(i64::from(off))
}

fn size(code: u8) -> usize {
    match code & 0x18 {
        0x10 => 1,
        0x08 => 2,
        0x00 => 4,
        _ => 8,
    }
}

fn alu(code: u8, a: u64, b: u64) -> u64 {
    match code & 0xf0 {
        0x00 => a.wrapping_add(b),
        0x10 => a.wrapping_sub(b),
        0x20 => a.wrapping_mul(b),
        0x40 => a | b,
        0x50 => a & b,
        0x60 => a << b,
        0x70 => a >> b,
        0x80 => a.wrapping_neg(),
        0xa0 => a ^ b,
        0xb0 => b,
        other => panic!("operation {other:#x}"),
    }
}

fn taken(code: u8, a: u64, b: u64) -> bool {
    match code & 0xf0 {
        0x00 => true,
        0x10 => a == b,
        0x20 => a > b,
        0x30 => a >= b,
        0x40 => a & b != 0,
        0x50 => a != b,
        0xa0 => a < b,
        0xb0 => a <= b,
        other => panic!("condition {other:#x}"),
    }
}
