//! Single values: code points, priorities, port ranges, prefixes and names, each with the message for a wrong one.

use ipnet::IpNet;
use perhop_policy::{Diagnostic, Dscp, Pcp, PortRange, Rate};

use crate::ast::{Node, Table, Value};
use crate::code;
use crate::suggest::did_you_mean;

/// Longest name of anything, in characters; registry keys and policy names are made from them.
pub const MAX_NAME: usize = 100;

/// A code point by name or number.
///
/// # Errors
/// Another type, a number past 63, a name that is not registered.
pub fn dscp(path: &str, node: &Node) -> Result<Dscp, Diagnostic> {
    match &node.value {
        Value::Integer(number) => u8::try_from(*number)
            .ok()
            .and_then(Dscp::try_new)
            .ok_or_else(|| dscp_past_63(path, *number, node)),
        Value::Text(text) => Dscp::from_name(text).ok_or_else(|| {
            let problem = Diagnostic::error(
                code::BAD_DSCP,
                format!(
                    "`{path}` is `{}`, which names no code point",
                    text.escape_debug()
                ),
            )
            .primary(node.span, "not in the IANA DSCP registry");
            if let Ok(number) = text.trim().parse::<u8>()
                && Dscp::try_new(number).is_some()
            {
                return problem.help(format!("write the number without quotes: {number}"));
            }
            match did_you_mean(text, Dscp::names()) {
                Some(hint) => problem.help(hint),
                None => problem.help("write a name such as `\"EF\"`, or a number from 0 to 63"),
            }
        }),
        _ => Err(wrong_type(path, node, DSCP)),
    }
}

/// A layer-2 priority.
///
/// # Errors
/// Another type, or a number outside 0 to 7.
pub fn pcp(path: &str, node: &Node) -> Result<Pcp, Diagnostic> {
    let Value::Integer(number) = node.value else {
        return Err(wrong_type(path, node, PCP));
    };
    u8::try_from(number)
        .ok()
        .and_then(Pcp::try_new)
        .ok_or_else(|| {
            Diagnostic::error(
                code::BAD_PCP,
                format!("`{path}` is {number}, outside 0 to 7"),
            )
            .primary(node.span, "not an 802.1p priority")
            .note("IEEE 802.1Q has three priority bits")
        })
}

/// A port range: `"first-last"`, `{ start, count }`, or one port.
///
/// # Errors
/// Another type or form, an empty range, a port outside 1 to 65535 (UC-02).
pub fn ports(path: &str, node: &Node) -> Result<PortRange, Diagnostic> {
    match &node.value {
        Value::Integer(number) => port(*number)
            .map(PortRange::single)
            .ok_or_else(|| past_65535(path, *number, node)),
        Value::Text(text) => ports_text(path, text, node),
        Value::Table(table) => ports_table(path, table, node),
        _ => Err(wrong_type(path, node, PORTS)),
    }
}

/// An address or a prefix. Host bits are not allowed: they hide which of two subnets is meant.
///
/// # Errors
/// Another type, text that is no address, a prefix with host bits.
pub fn prefix(path: &str, node: &Node) -> Result<IpNet, Diagnostic> {
    let Value::Text(text) = &node.value else {
        return Err(wrong_type(path, node, PREFIX));
    };
    let Some(net) = text
        .parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
    else {
        return Err(Diagnostic::error(
            code::BAD_PREFIX,
            format!(
                "`{path}` has `{}`, which is no address or prefix",
                text.escape_debug()
            ),
        )
        .primary(node.span, "not an address")
        .help("write an address such as `192.0.2.10` or a prefix such as `192.0.2.0/24`"));
    };
    let whole = net.trunc();
    if whole == net {
        return Ok(net);
    }
    Err(Diagnostic::error(
        code::HOST_BITS,
        format!("`{text}` has host bits set: the prefix is `{whole}`"),
    )
    .primary(
        node.span,
        format!("bits after /{} are not 0", net.prefix_len()),
    )
    .note("a prefix that starts inside a subnet hides which subnet was meant")
    .help(format!(
        "write `{whole}` for the subnet, or `{}` for the one host",
        net.addr()
    )))
}

/// A rate: a whole number and its unit.
///
/// # Errors
/// Another type, another unit, a rate that is too low or too high.
pub fn rate(path: &str, node: &Node) -> Result<Rate, Diagnostic> {
    let read = match &node.value {
        Value::Text(text) => Rate::from_text(text),
        _ => None,
    };
    read.ok_or_else(|| wrong_type(path, node, RATE))
}

/// A name that people gave to something.
///
/// # Errors
/// Another type, or a name that cannot be shown or stored.
pub fn name(path: &str, node: &Node) -> Result<String, Diagnostic> {
    let Value::Text(text) = &node.value else {
        return Err(wrong_type(path, node, "a name in quotes"));
    };
    match name_fault(text) {
        None => Ok(text.clone()),
        Some(fault) => Err(bad_name(path, text, fault, node.span)),
    }
}

/// What makes a text unfit for a name.
#[must_use]
pub fn name_fault(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        Some("is empty")
    } else if text.chars().count() > MAX_NAME {
        Some("is longer than 100 characters")
    } else if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        Some("has characters that cannot be seen")
    } else if text.trim() != text {
        Some("begins or ends with a blank")
    } else {
        None
    }
}

/// The error for a name that is unfit.
#[must_use]
pub fn bad_name(path: &str, text: &str, fault: &str, span: perhop_policy::Span) -> Diagnostic {
    let shown: String = text.chars().take(40).collect();
    Diagnostic::error(
        code::BAD_NAME,
        format!("`{path}`: the name `{}` {fault}", shown.escape_debug()),
    )
    .primary(span, fault)
    .note("names become registry keys, file names and lines of reports")
}

/// The error for a value of another type. What is expected is a noun, after a colon what it looks like.
#[must_use]
pub fn wrong_type(path: &str, node: &Node, expected: &str) -> Diagnostic {
    let (noun, looks) = expected.split_once(": ").unwrap_or((expected, ""));
    let problem = Diagnostic::error(
        code::WRONG_TYPE,
        format!(
            "`{path}` is {}, expected {noun}",
            shortened(&node.value.describe())
        ),
    );
    if looks.is_empty() {
        problem.primary(node.span, format!("not {noun}"))
    } else {
        problem
            .primary(node.span, format!("not {noun}"))
            .help(format!("write {looks}"))
    }
}

/// What a code point looks like.
pub const DSCP: &str = "a DSCP: a name such as `\"EF\"`, or a number from 0 to 63";
/// What a priority looks like.
pub const PCP: &str = "an 802.1p priority from 0 to 7";
/// What a port range looks like.
pub const PORTS: &str =
    "ports: `\"20000-20039\"`, `{ start = 20000, count = 40 }`, or one port number";
/// What a prefix looks like.
pub const PREFIX: &str = "an address or prefix: such as `\"192.0.2.0/24\"`, in quotes";
/// What a rate looks like.
pub const RATE: &str = "a rate: from `\"20 kbit/s\"` to `\"100 Gbit/s\"`, in quotes";

fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 {
        text.to_owned()
    } else {
        let head: String = text.chars().take(56).collect();
        format!("{head}...`")
    }
}

/// Characters that change how a text looks without being seen: bidirectional controls, joiners, the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn dscp_past_63(path: &str, number: i64, node: &Node) -> Diagnostic {
    let problem = Diagnostic::error(
        code::BAD_DSCP,
        format!("`{path}` is {number}, outside 0 to 63"),
    )
    .primary(node.span, "a DSCP has six bits");
    let octet = u8::try_from(number)
        .ok()
        .map(|octet| (octet, Dscp::from_octet(octet)));
    match octet {
        Some((octet, dscp)) if octet % 4 == 0 => problem
            .note(format!(
                "as a ToS octet, {octet} (0x{octet:02X}) carries DSCP {dscp}"
            ))
            .help(format!("write {}", dscp.value())),
        _ => problem.help("write a name such as `\"EF\"`, or a number from 0 to 63"),
    }
}

fn port(number: i64) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port > 0)
}

fn past_65535(path: &str, number: i64, node: &Node) -> Diagnostic {
    Diagnostic::error(
        code::BAD_PORTS,
        format!("`{path}` has port {number}, outside 1 to 65535"),
    )
    .primary(node.span, "no such port")
}

fn ports_text(path: &str, text: &str, node: &Node) -> Result<PortRange, Diagnostic> {
    let malformed = || {
        Diagnostic::error(
            code::BAD_PORTS,
            format!(
                "`{path}` is `{}`, which is no port range",
                text.escape_debug()
            ),
        )
        .primary(node.span, "expected `first-last`")
        .help("write `\"20000-20039\"`, `{ start = 20000, count = 40 }`, or one port number")
    };
    let mut parts = text.splitn(2, ['-', ':', '\u{2013}']);
    let number = |part: &str| -> Option<i64> {
        let part = part.trim();
        let digits =
            !part.is_empty() && part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit());
        if digits { part.parse().ok() } else { None }
    };
    let first = parts.next().and_then(number).ok_or_else(malformed)?;
    let last = match parts.next() {
        None => first,
        Some(part) => number(part).ok_or_else(malformed)?,
    };
    let (Some(low), Some(high)) = (port(first), port(last)) else {
        let wrong = if port(first).is_none() { first } else { last };
        return Err(past_65535(path, wrong, node));
    };
    if text.contains([':', '\u{2013}']) {
        let mut problem = malformed();
        problem.helps = vec![format!("write `\"{low}-{high}\"`, with a hyphen")];
        return Err(problem);
    }
    PortRange::try_new(low, high).ok_or_else(|| {
        let problem = Diagnostic::error(
            code::BAD_PORTS,
            format!("`{path}` goes from {low} down to {high}"),
        )
        .primary(node.span, "first port is larger than last");
        match PortRange::from_start_and_count(low, u32::from(high)) {
            Some(range) => problem.help(format!(
                "if {high} is the number of ports, write `{{ start = {low}, count = {high} }}`, which is {range}"
            )),
            None => problem.help(format!("write `\"{high}-{low}\"`")),
        }
    })
}

fn ports_table(path: &str, table: &Table, node: &Node) -> Result<PortRange, Diagnostic> {
    for entry in &table.entries {
        let key = &entry.key;
        if !matches!(key.value.as_str(), "start" | "count") {
            let problem = Diagnostic::error(
                code::UNKNOWN_KEY,
                format!("`{path}` has no key `{}`", key.value.escape_debug()),
            )
            .primary(key.span, "unknown");
            return Err(problem.help("write `{ start = 20000, count = 40 }`"));
        }
        if !matches!(entry.node.value, Value::Integer(_)) {
            let path = format!("{path}.{}", key.value);
            return Err(wrong_type(&path, &entry.node, "a whole number"));
        }
    }
    let number = |key| match table.get(key).map(|entry| &entry.node.value) {
        Some(Value::Integer(number)) => Ok(*number),
        _ => Err(
            Diagnostic::error(code::MISSING_KEY, format!("`{path}` lacks `{key}`"))
                .primary(node.span, format!("no `{key}` here"))
                .help("write `{ start = 20000, count = 40 }`"),
        ),
    };
    let (start, count) = (number("start")?, number("count")?);
    let first = port(start).ok_or_else(|| past_65535(path, start, node))?;
    u32::try_from(count)
        .ok()
        .and_then(|count| PortRange::from_start_and_count(first, count))
        .ok_or_else(|| {
            let problem = Diagnostic::error(
                code::BAD_PORTS,
                if count < 1 {
                    format!("`{path}` has a count of {count}: no port at all")
                } else {
                    format!(
                        "`{path}` ends at port {}, past 65535",
                        i128::from(start) + i128::from(count) - 1
                    )
                },
            )
            .primary(node.span, "not a range of ports")
            .note("last port = start + count - 1; the types of the cmdlets do not prevent a larger one");
            if count > i64::from(first) && port(count).is_some() {
                problem.help(format!(
                    "if {count} is the last port, write `\"{first}-{count}\"`"
                ))
            } else {
                problem.help(format!(
                    "from {start}, a count of 1 to {} is possible",
                    65536 - i64::from(first)
                ))
            }
        })
}

#[cfg(test)]
mod tests {
    use perhop_policy::{FileId, Span};

    use super::*;
    use crate::ast::At;
    use crate::source;

    fn node(value: &str) -> Node {
        let (table, problems) = source::parse(FileId(0), &format!("x = {value}"));
        assert!(problems.is_empty(), "{value}");
        table.entries[0].node.clone()
    }

    fn range(value: &str) -> Result<String, String> {
        ports("x", &node(value))
            .map(|range| range.to_string())
            .map_err(|one| one.message)
    }

    #[test]
    fn a_range_is_read_in_three_forms() {
        for value in [
            "'20000-20039'",
            "{ start = 20000, count = 40 }",
            "' 20000 - 20039 '",
        ] {
            assert_eq!(range(value), Ok("20000-20039".to_owned()), "{value}");
        }
        assert_eq!(range("5061"), Ok("5061".to_owned()));
        assert_eq!(range("'5061'"), Ok("5061".to_owned()));
        assert_eq!(range("'1-65535'"), Ok("1-65535".to_owned()));
        assert_eq!(
            range("{ start = 1, count = 65535 }"),
            Ok("1-65535".to_owned())
        );
        assert_eq!(
            range("{ start = 65535, count = 1 }"),
            Ok("65535".to_owned())
        );
    }

    #[test]
    fn a_range_has_no_port_that_does_not_exist() {
        for value in [
            "0",
            "65536",
            "-1",
            "'0-10'",
            "'1-65536'",
            "'5-4'",
            "''",
            "'-'",
            "'1-'",
            "'1-2-3'",
            "'0x10'",
            "'+5'",
            "'20000:20039'",
            "'99999999999999999999'",
            "{ start = 2, count = 65535 }",
            "{ start = 1, count = 0 }",
            "{ start = 1, count = -1 }",
            "{ start = 1 }",
            "{ start = 1, count = 2, last = 3 }",
            "{}",
            "true",
        ] {
            assert!(range(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_mark_is_a_name_in_any_case_or_a_number() {
        let mark = |value: &str| dscp("x", &node(value)).ok().map(Dscp::value);
        assert_eq!(mark("'EF'"), Some(46));
        assert_eq!(mark("'ef'"), Some(46));
        assert_eq!(mark("46"), Some(46));
        assert_eq!(mark("0x2E"), Some(46));
        assert_eq!(mark("63"), Some(63));
        assert_eq!(mark("'af41'"), Some(34));
        for wrong in ["64", "184", "-1", "'46'", "'EF '", "''", "4.6", "[46]"] {
            assert_eq!(mark(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_prefix_has_no_host_bits() {
        let net = |value: &str| prefix("x", &node(value)).ok().map(|net| net.to_string());
        assert_eq!(net("'192.0.2.10'").as_deref(), Some("192.0.2.10/32"));
        assert_eq!(net("'192.0.2.0/24'").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(net("'2001:db8::/32'").as_deref(), Some("2001:db8::/32"));
        for wrong in [
            "'192.0.2.1/24'",
            "'192.0.2.0/33'",
            "'192.0.2'",
            "'2001:db8::1/64'",
            "'x'",
            "1",
        ] {
            assert_eq!(net(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_can_be_seen() {
        let text =
            |text: &str| name("x", &At::new(Value::Text(text.to_owned()), Span::default())).is_ok();
        for fine in [
            "Contoso",
            "São Paulo",
            "it's `fine` & $x",
            "日本",
            &"x".repeat(100),
        ] {
            assert!(text(fine), "{fine}");
        }
        for wrong in [
            "",
            " ",
            " x",
            "x ",
            "a\tb",
            "a\u{202e}b",
            "a\u{feff}b",
            &"x".repeat(101),
        ] {
            assert!(!text(wrong), "{wrong:?}");
        }
    }
}
