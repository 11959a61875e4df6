use perhop_policy::Dscp;

use super::*;

#[test]
fn an_octet_never_stands_for_a_code_point() {
    assert_eq!(Unit::Number.write(Dscp::EF), "46");
    assert_eq!(Unit::HexNumber.write(Dscp::EF), "0x2e");
    assert_eq!(Unit::Octet.write(Dscp::EF), "184");
    assert_eq!(Unit::HexOctet.write(Dscp::EF), "0xb8");
    for unit in [Unit::Number, Unit::HexNumber, Unit::Octet, Unit::HexOctet] {
        for value in 0..64 {
            let dscp = Dscp::try_new(value).unwrap();
            assert_eq!(unit.read(&unit.write(dscp)), Some(dscp));
        }
        for wrong in ["", "256", "0x1ff", "-1", "EF", "0x", "046", " 46", "0X2E"] {
            assert_eq!(unit.read(wrong), None, "{wrong}");
        }
    }
    // Octets with bits of ECN, and code points past the last.
    assert_eq!(Unit::Octet.read("185"), None);
    assert_eq!(Unit::Number.read("64"), None);
}
