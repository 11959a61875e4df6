//! Programs that write into a socket which application it belongs to: when it is made, bound or connected.
//!
//! The application is the executable of the process (`mm->exe_file`), never its name in `ps`, which threads change: by
//! inode for rules with a full path, by the file's name for others, and by the name of a control group, which is how
//! scripts are told apart. Offsets are the running kernel's.

use super::{FILE_KEY_BYTES, MapId, NAME_BYTES};
use crate::bpf::asm::{
    Alu, Asm, Cond, Helper, Insn, Label, R0, R1, R2, R3, R4, R6, R7, R8, R9, R10, Reg, Size,
};
use crate::bpf::btf::{Btf, BtfError};

/// Control groups above a process that are looked at, its own first.
const GROUPS: usize = 6;

/// When the program runs, which decides where the socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The context is the socket: it is made or bound.
    Socket,
    /// The context has the socket: connect.
    Address,
}

/// Where the kernel keeps what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    mm: i32,
    exe_file: i32,
    dentry: i32,
    name: i32,
    inode: i32,
    number: i32,
    superblock: i32,
    device: i32,
    cgroups: i32,
    default_group: i32,
    node: i32,
    node_name: i32,
    parent: i32,
    group: i32,
}

impl Offsets {
    /// Asks the kernel's type information.
    ///
    /// # Errors
    /// A structure or member that is not there.
    pub fn of(btf: &Btf<'_>) -> Result<Self, BtfError> {
        Ok(Self {
            mm: btf.offset("task_struct", "mm")?,
            exe_file: btf.offset("mm_struct", "exe_file")?,
            dentry: btf.offset("file", "f_path.dentry")?,
            name: btf.offset("dentry", "d_name.name")?,
            inode: btf.offset("file", "f_inode")?,
            number: btf.offset("inode", "i_ino")?,
            superblock: btf.offset("inode", "i_sb")?,
            device: btf.offset("super_block", "s_dev")?,
            cgroups: btf.offset("task_struct", "cgroups")?,
            default_group: btf.offset("css_set", "dfl_cgrp")?,
            node: btf.offset("cgroup", "kn")?,
            node_name: btf.offset("kernfs_node", "name")?,
            parent: btf.offset("cgroup", "self.parent")?,
            group: btf.offset("cgroup_subsys_state", "cgroup")?,
        })
    }
}

mod frame {
    pub(super) const POINTER: i16 = -8;
    pub(super) const FILE: i16 = -16;
    pub(super) const FILE_KEY: i16 = -32;
    pub(super) const TASK: i16 = -40;
    pub(super) const NAME: i16 = -104;
}

/// `bpf_sock_addr.sk`
const ADDRESS_SOCKET: i16 = 64;
/// `BPF_SK_STORAGE_GET_F_CREATE`
const CREATE: i32 = 1;

/// Makes the program. `units`: whether control groups are looked at.
#[must_use]
pub fn tagger(moment: Moment, offsets: &Offsets, units: bool) -> Vec<Insn> {
    let mut asm = Asm::default();
    let (out, write) = (asm.label(), asm.label());
    asm.mov(R6, R1);
    asm.call(Helper::CurrentTask);
    asm.mov(R9, R0);
    asm.set(R7, 0);
    follow(&mut asm, R9, offsets.mm, out);
    follow(&mut asm, R8, offsets.exe_file, out);
    if units {
        self::units(&mut asm, offsets, write);
        // R8 is the file again.
        follow(&mut asm, R9, offsets.mm, out);
        follow(&mut asm, R8, offsets.exe_file, out);
    }
    by_file(&mut asm, offsets, write, out);
    by_name(&mut asm, offsets, out);
    asm.bind(write);
    store(&mut asm, moment, out);
    asm.bind(out);
    asm.set(R0, 1);
    asm.exit();
    asm.finish()
}

/// R8 = the pointer at `base + offset`; to `out` when there is none.
fn follow(asm: &mut Asm, base: Reg, offset: i32, out: Label) {
    asm.mov(R3, base);
    asm.alu_imm(Alu::Add, R3, offset);
    asm.stack(R1, frame::POINTER);
    asm.set(R2, 8);
    asm.call(Helper::ReadKernel);
    asm.jump_if(Cond::Ne, R0, 0, out);
    asm.load(Size::D, R8, R10, frame::POINTER);
    asm.jump_if(Cond::Eq, R8, 0, out);
}

/// Copies `bytes` from `R8 + offset` to the frame.
fn copy(asm: &mut Asm, offset: i32, to: i16, bytes: i32, out: Label) {
    asm.mov(R3, R8);
    asm.alu_imm(Alu::Add, R3, offset);
    asm.stack(R1, to);
    asm.set(R2, bytes);
    asm.call(Helper::ReadKernel);
    asm.jump_if(Cond::Ne, R0, 0, out);
}

/// Reads the text at R8 into the frame, with zeros after it.
fn text(asm: &mut Asm) {
    for at in (0..NAME_BYTES as i16).step_by(8) {
        asm.store_imm(Size::D, R10, frame::NAME + at, 0);
    }
    asm.mov(R3, R8);
    asm.stack(R1, frame::NAME);
    asm.set(R2, NAME_BYTES as i32);
    asm.call(Helper::ReadKernelStr);
}

/// R7 = what the map has for the key, and to `found`.
fn look_up(asm: &mut Asm, map: MapId, key: i16, found: Label) {
    let none = asm.label();
    asm.map(R1, map as i32);
    asm.stack(R2, key);
    asm.call(Helper::MapLookup);
    asm.jump_if(Cond::Eq, R0, 0, none);
    asm.load(Size::W, R7, R0, 0);
    asm.jump(found);
    asm.bind(none);
}

/// The names of the control group of the task (R9) and of those above it.
fn units(asm: &mut Asm, offsets: &Offsets, found: Label) {
    let none = asm.label();
    follow(asm, R9, offsets.cgroups, none);
    follow(asm, R8, offsets.default_group, none);
    for _ in 0..GROUPS {
        asm.store(Size::D, R10, frame::TASK, R8);
        follow(asm, R8, offsets.node, none);
        follow(asm, R8, offsets.node_name, none);
        text(asm);
        look_up(asm, MapId::Units, frame::NAME, found);
        asm.load(Size::D, R8, R10, frame::TASK);
        follow(asm, R8, offsets.parent, none);
        follow(asm, R8, offsets.group, none);
    }
    asm.bind(none);
}

/// The inode of the file at R8, which is kept in the frame.
fn by_file(asm: &mut Asm, offsets: &Offsets, found: Label, out: Label) {
    const { assert!(FILE_KEY_BYTES == 16) }
    asm.store(Size::D, R10, frame::FILE, R8);
    asm.store_imm(Size::D, R10, frame::FILE_KEY + 8, 0);
    follow(asm, R8, offsets.inode, out);
    copy(asm, offsets.number, frame::FILE_KEY, 8, out);
    follow(asm, R8, offsets.superblock, out);
    copy(asm, offsets.device, frame::FILE_KEY + 8, 4, out);
    look_up(asm, MapId::Files, frame::FILE_KEY, found);
}

/// The name of the file in the frame, in small letters; falls through.
fn by_name(asm: &mut Asm, offsets: &Offsets, out: Label) {
    let found = asm.label();
    asm.load(Size::D, R8, R10, frame::FILE);
    follow(asm, R8, offsets.dentry, out);
    follow(asm, R8, offsets.name, out);
    text(asm);
    small_letters(asm);
    look_up(asm, MapId::Names, frame::NAME, found);
    asm.bind(found);
}

/// Eight letters at a time: a byte from `A` to `Z` gets bit 5.
fn small_letters(asm: &mut Asm) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    for at in (0..NAME_BYTES as i16).step_by(8) {
        asm.load(Size::D, R1, R10, frame::NAME + at);
        // R2: seven bits of each byte; R3: bit 7 when at least `A`; R4: bit 7 when past `Z`.
        asm.set64(R4, ONES * 0x7f);
        asm.mov(R2, R1);
        asm.alu(Alu::And, R2, R4);
        asm.set64(R4, ONES * u64::from(0x80 - b'A'));
        asm.mov(R3, R2);
        asm.alu(Alu::Add, R3, R4);
        asm.set64(R4, ONES * u64::from(0x7f - b'Z'));
        asm.alu(Alu::Add, R2, R4);
        asm.alu(Alu::Xor, R3, R2);
        // Bytes of other alphabets stay.
        asm.mov(R2, R1);
        asm.set64(R4, ONES * 0x80);
        asm.alu(Alu::Xor, R2, R4);
        asm.alu(Alu::And, R3, R2);
        asm.alu(Alu::And, R3, R4);
        asm.alu_imm(Alu::Rsh, R3, 2);
        asm.alu(Alu::Or, R1, R3);
        asm.store(Size::D, R10, frame::NAME + at, R1);
    }
}

/// Writes R7 into the socket's storage.
fn store(asm: &mut Asm, moment: Moment, out: Label) {
    match moment {
        Moment::Socket => asm.mov(R2, R6),
        Moment::Address => {
            asm.load(Size::D, R2, R6, ADDRESS_SOCKET);
            asm.jump_if(Cond::Eq, R2, 0, out);
        }
    }
    asm.map(R1, MapId::Tags as i32);
    asm.set(R3, 0);
    asm.set(R4, CREATE);
    asm.call(Helper::StorageGet);
    asm.jump_if(Cond::Eq, R0, 0, out);
    asm.store(Size::D, R0, 0, R7);
}
