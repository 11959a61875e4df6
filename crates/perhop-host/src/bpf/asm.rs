//! An assembler for eBPF (RFC 9669): registers, labels, symbolic maps.

/// A register. `R0` holds results, `R1` to `R5` arguments that a call destroys, `R6` to `R9` are kept, `R10` is the
/// frame's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reg(pub u8);

/// Result of calls and of the program.
pub const R0: Reg = Reg(0);
/// First argument.
pub const R1: Reg = Reg(1);
/// Second argument.
pub const R2: Reg = Reg(2);
/// Third argument.
pub const R3: Reg = Reg(3);
/// Fourth argument.
pub const R4: Reg = Reg(4);
/// Fifth argument.
pub const R5: Reg = Reg(5);
/// Kept over calls.
pub const R6: Reg = Reg(6);
/// Kept over calls.
pub const R7: Reg = Reg(7);
/// Kept over calls.
pub const R8: Reg = Reg(8);
/// Kept over calls.
pub const R9: Reg = Reg(9);
/// End of the stack frame; not writable.
pub const R10: Reg = Reg(10);

/// Instruction class and mode of a 64-bit immediate load, which takes two instructions.
pub const LOAD_IMM64: u8 = 0x18;
/// In the source field of [`LOAD_IMM64`]: the immediate is a map.
pub const PSEUDO_MAP: u8 = 1;
/// In the source field of [`LOAD_IMM64`]: a place in the only value of a map.
pub const PSEUDO_MAP_VALUE: u8 = 2;

/// One instruction as the kernel takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Insn {
    /// Class, operation, size.
    pub code: u8,
    /// Destination in the low four bits, source in the high ones.
    pub regs: u8,
    /// Jump or memory offset.
    pub off: i16,
    /// Immediate.
    pub imm: i32,
}

impl Insn {
    /// Destination register.
    #[must_use]
    pub const fn dst(self) -> u8 {
        self.regs & 15
    }

    /// Source register, or the kind of an immediate load.
    #[must_use]
    pub const fn src(self) -> u8 {
        self.regs >> 4
    }
}

/// Width of a memory access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// One byte.
    B = 0x10,
    /// Two bytes.
    H = 0x08,
    /// Four bytes.
    W = 0x00,
    /// Eight bytes.
    D = 0x18,
}

/// 64-bit arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alu {
    /// `dst += src`
    Add = 0x00,
    /// `dst -= src`
    Sub = 0x10,
    /// `dst *= src`
    Mul = 0x20,
    /// `dst |= src`
    Or = 0x40,
    /// `dst &= src`
    And = 0x50,
    /// `dst <<= src`
    Lsh = 0x60,
    /// `dst >>= src`, zeros from the left
    Rsh = 0x70,
    /// `dst = -dst`
    Neg = 0x80,
    /// `dst ^= src`
    Xor = 0xa0,
    /// `dst = src`
    Mov = 0xb0,
}

/// Conditions of jumps, on 64 bits without sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cond {
    /// Equal.
    Eq = 0x10,
    /// Greater.
    Gt = 0x20,
    /// Greater or equal.
    Ge = 0x30,
    /// Some bit in common.
    Set = 0x40,
    /// Not equal.
    Ne = 0x50,
    /// Less.
    Lt = 0xa0,
    /// Less or equal.
    Le = 0xb0,
}

/// Functions of the kernel (`enum bpf_func_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Helper {
    /// `bpf_map_lookup_elem`
    MapLookup = 1,
    /// `bpf_map_update_elem`
    MapUpdate = 2,
    /// `bpf_get_current_task`
    CurrentTask = 35,
    /// `bpf_skb_pull_data`
    PullData = 39,
    /// `bpf_sk_fullsock`
    FullSock = 95,
    /// `bpf_get_listener_sock`
    ListenerSock = 98,
    /// `bpf_sk_storage_get`
    StorageGet = 107,
    /// `bpf_probe_read_kernel`
    ReadKernel = 113,
    /// `bpf_probe_read_kernel_str`
    ReadKernelStr = 115,
}

/// A place in the program, bound once, jumped to from anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(usize);

/// A program in the making.
#[derive(Debug, Default)]
pub struct Asm {
    insns: Vec<Insn>,
    labels: Vec<Option<usize>>,
    jumps: Vec<(usize, Label)>,
}

impl Asm {
    /// A label that is not yet bound.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Binds a label to the next instruction.
    ///
    /// # Panics
    /// When it is bound already: a bug of the caller.
    pub fn bind(&mut self, label: Label) {
        let place = &mut self.labels[label.0];
        assert!(place.is_none(), "a label is bound once");
        *place = Some(self.insns.len());
    }

    /// `dst = src`
    pub fn mov(&mut self, dst: Reg, src: Reg) {
        self.alu(Alu::Mov, dst, src);
    }

    /// `dst = value`, sign-extended.
    pub fn set(&mut self, dst: Reg, value: i32) {
        self.alu_imm(Alu::Mov, dst, value);
    }

    /// Arithmetic of two registers.
    pub fn alu(&mut self, op: Alu, dst: Reg, src: Reg) {
        self.push(0x0f | op as u8, dst, src.0, 0, 0);
    }

    /// Arithmetic with an immediate, sign-extended.
    pub fn alu_imm(&mut self, op: Alu, dst: Reg, value: i32) {
        self.push(0x07 | op as u8, dst, 0, 0, value);
    }

    /// `dst = -dst`
    pub fn neg(&mut self, dst: Reg) {
        self.push(0x07 | Alu::Neg as u8, dst, 0, 0, 0);
    }

    /// `dst = *(base + off)`, zero-extended.
    pub fn load(&mut self, size: Size, dst: Reg, base: Reg, off: i16) {
        self.push(0x61 | size as u8, dst, base.0, off, 0);
    }

    /// `*(base + off) = src`
    pub fn store(&mut self, size: Size, base: Reg, off: i16, src: Reg) {
        self.push(0x63 | size as u8, base, src.0, off, 0);
    }

    /// `*(base + off) = value`
    pub fn store_imm(&mut self, size: Size, base: Reg, off: i16, value: i32) {
        self.push(0x62 | size as u8, base, 0, off, value);
    }

    /// `dst = value`, 64 bits.
    pub fn set64(&mut self, dst: Reg, value: u64) {
        self.wide(dst, 0, value as u32 as i32, (value >> 32) as u32 as i32);
    }

    /// `dst` = the map with this number, which [`link`] makes a descriptor.
    pub fn map(&mut self, dst: Reg, map: i32) {
        self.wide(dst, PSEUDO_MAP, map, 0);
    }

    /// `dst` = address of byte `offset` of the only value of a map.
    pub fn map_value(&mut self, dst: Reg, map: i32, offset: usize) {
        let offset = i32::try_from(offset).expect("tables are smaller than 2 GiB");
        self.wide(dst, PSEUDO_MAP_VALUE, map, offset);
    }

    /// Calls a function of the kernel.
    pub fn call(&mut self, helper: Helper) {
        self.push(0x85, R0, 0, 0, helper as i32);
    }

    /// Ends the program with what is in [`R0`].
    pub fn exit(&mut self) {
        self.push(0x95, R0, 0, 0, 0);
    }

    /// Jumps.
    pub fn jump(&mut self, to: Label) {
        self.jumps.push((self.insns.len(), to));
        self.push(0x05, R0, 0, 0, 0);
    }

    /// Jumps when a register compares so with an immediate, sign-extended.
    pub fn jump_if(&mut self, cond: Cond, dst: Reg, value: i32, to: Label) {
        self.jumps.push((self.insns.len(), to));
        self.push(0x05 | cond as u8, dst, 0, 0, value);
    }

    /// Jumps when two registers compare so.
    pub fn jump_if_reg(&mut self, cond: Cond, dst: Reg, src: Reg, to: Label) {
        self.jumps.push((self.insns.len(), to));
        self.push(0x0d | cond as u8, dst, src.0, 0, 0);
    }

    /// `dst = address of the stack at off`, which is negative.
    pub fn stack(&mut self, dst: Reg, off: i16) {
        self.mov(dst, R10);
        self.alu_imm(Alu::Add, dst, i32::from(off));
    }

    /// The program.
    ///
    /// # Panics
    /// When a label is not bound, or farther than a jump reaches: a bug of the caller.
    #[must_use]
    pub fn finish(mut self) -> Vec<Insn> {
        for &(at, label) in &self.jumps {
            let to = self.labels[label.0].expect("every label is bound");
            let distance = to as i64 - at as i64 - 1;
            self.insns[at].off = i16::try_from(distance).expect("programs are short");
        }
        self.insns
    }

    fn wide(&mut self, dst: Reg, kind: u8, low: i32, high: i32) {
        self.push(LOAD_IMM64, dst, kind, 0, low);
        self.push(0, R0, 0, 0, high);
    }

    fn push(&mut self, code: u8, dst: Reg, src: u8, off: i16, imm: i32) {
        let regs = dst.0 | src << 4;
        self.insns.push(Insn {
            code,
            regs,
            off,
            imm,
        });
    }
}

/// The program with descriptors in the place of map numbers.
#[must_use]
pub fn link(program: &[Insn], descriptor: impl Fn(i32) -> i32) -> Vec<Insn> {
    let mut out = program.to_vec();
    for insn in &mut out {
        if insn.code == LOAD_IMM64 && matches!(insn.src(), PSEUDO_MAP | PSEUDO_MAP_VALUE) {
            insn.imm = descriptor(insn.imm);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_those_of_the_standard() {
        let mut asm = Asm::default();
        let end = asm.label();
        asm.mov(R6, R1);
        asm.load(Size::W, R2, R6, 76);
        asm.jump_if(Cond::Eq, R2, 7, end);
        asm.set64(R3, 0x1_0000_0002);
        asm.map_value(R4, 5, 16);
        asm.bind(end);
        asm.call(Helper::MapLookup);
        asm.exit();
        let program = link(&asm.finish(), |map| map + 100);
        let fields: Vec<_> = program
            .iter()
            .map(|i| (i.code, i.regs, i.off, i.imm))
            .collect();
        assert_eq!(
            fields,
            [
                (0xbf, 0x16, 0, 0),
                (0x61, 0x62, 76, 0),
                (0x15, 0x02, 4, 7),
                (0x18, 0x03, 0, 2),
                (0, 0, 0, 1),
                (0x18, 0x24, 0, 105),
                (0, 0, 0, 16),
                (0x85, 0, 0, 1),
                (0x95, 0, 0, 0),
            ]
        );
        assert_eq!(size_of::<Insn>(), 8);
    }

    #[test]
    #[should_panic(expected = "every label is bound")]
    fn a_jump_to_nowhere_is_a_bug() {
        let mut asm = Asm::default();
        let label = asm.label();
        asm.jump(label);
        let _ = asm.finish();
    }
}
