//! The lowest bit that all vectors have.

use super::MapId;
use super::program::frame;
use super::table::{BIT_TABLE, DE_BRUIJN, GROUP, Tables};
use crate::bpf::asm::{Alu, Asm, Cond, Label, R1, R2, R3, R8, R9, R10, Reg, Size};

/// Leaves the number of the region in R9, below the number of regions, or goes to `out`. `vectors` are the places of the
/// frame that hold where each condition's vector begins; R8 is lost.
pub(super) fn emit(asm: &mut Asm, tables: &Tables, vectors: &[i16], out: Label) {
    let hit = asm.label();
    if tables.summary_words() == 0 {
        and(asm, R3, vectors, None, 0);
        asm.jump_if(Cond::Eq, R3, 0, out);
        asm.store_imm(Size::D, R10, frame::WORD, 0);
    }
    for group in 0..tables.summary_words() {
        let (again, next) = (asm.label(), asm.label());
        let here = (tables.words() - group * GROUP).min(GROUP);
        and(asm, R8, vectors, None, 8 * group as i16);
        asm.set(R9, 0);
        asm.bind(again);
        asm.jump_if(Cond::Eq, R8, 0, next);
        // The verifier wants to see an end.
        asm.jump_if(Cond::Ge, R9, GROUP as i32, next);
        asm.alu_imm(Alu::Add, R9, 1);
        lowest(asm, R8);
        asm.jump_if(Cond::Ge, R1, here as i32, out);
        asm.mov(R2, R8);
        asm.alu_imm(Alu::Sub, R2, 1);
        asm.alu(Alu::And, R8, R2);
        asm.alu_imm(Alu::Add, R1, (group * GROUP) as i32);
        asm.store(Size::D, R10, frame::WORD, R1);
        asm.alu_imm(Alu::Lsh, R1, 3);
        let first_word = 8 * tables.summary_words() as i16;
        and(asm, R3, vectors, Some(R1), first_word);
        asm.jump_if(Cond::Eq, R3, 0, again);
        asm.jump(hit);
        asm.bind(next);
    }
    if tables.summary_words() > 0 {
        asm.jump(out);
    }
    asm.bind(hit);
    lowest(asm, R3);
    asm.load(Size::D, R9, R10, frame::WORD);
    asm.alu_imm(Alu::Lsh, R9, 6);
    asm.alu(Alu::Add, R9, R1);
    asm.jump_if(Cond::Ge, R9, tables.regions as i32, out);
}

/// `into` = what all vectors have at `offset`, and at the bytes of `index` from there. R2 is lost.
fn and(asm: &mut Asm, into: Reg, vectors: &[i16], index: Option<Reg>, offset: i16) {
    for (number, &place) in vectors.iter().enumerate() {
        asm.load(Size::D, R2, R10, place);
        if let Some(index) = index {
            asm.alu(Alu::Add, R2, index);
        }
        if number == 0 {
            asm.load(Size::D, into, R2, offset);
        } else {
            asm.load(Size::D, R2, R2, offset);
            asm.alu(Alu::And, into, R2);
        }
    }
}

/// R1 = position of the lowest bit of `word`, which is not zero, below 64. R2 is lost.
fn lowest(asm: &mut Asm, word: Reg) {
    asm.mov(R1, word);
    asm.neg(R1);
    asm.alu(Alu::And, R1, word);
    asm.set64(R2, DE_BRUIJN);
    asm.alu(Alu::Mul, R1, R2);
    asm.alu_imm(Alu::Rsh, R1, 58);
    asm.map_value(R2, MapId::Tables as i32, BIT_TABLE);
    asm.alu(Alu::Add, R2, R1);
    asm.load(Size::B, R1, R2, 0);
}
