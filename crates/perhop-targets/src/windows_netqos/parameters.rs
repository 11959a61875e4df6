//! The parameters of `New-NetQosPolicy` for a policy, and back.

use ipnet::IpNet;
use perhop_policy::{
    AppMatch, Dscp, DstPorts, PortMatch, PortRange, Protocol, ProtocolMatch, Rate, SrcPorts,
};

use crate::syntax::powershell::Value;
use crate::windows_policy::Policy;

/// The parameters in the order that they are written. Conditions that a policy does not have are left out.
pub(super) fn of(policy: &Policy) -> Vec<(String, Value)> {
    let mut out = vec![("Name", Value::text(&policy.name))];
    if policy.app != AppMatch::Any {
        out.push((
            "AppPathNameMatchCondition",
            Value::text(policy.app.as_str()),
        ));
    }
    let protocol = match policy.protocol {
        ProtocolMatch::Both => "Both",
        ProtocolMatch::Only(Protocol::Tcp) => "TCP",
        ProtocolMatch::Only(Protocol::Udp) => "UDP",
    };
    out.push(("IPProtocolMatchCondition", Value::text(protocol)));
    side(&mut out, SRC, policy.src, policy.src_ports.0);
    side(&mut out, DST, policy.dst, policy.dst_ports.0);
    out.push(("DSCPAction", Value::number(policy.dscp.value())));
    if let Some(rate) = policy.throttle.and_then(Rate::from_windows_units) {
        let bits = i64::try_from(rate.bits()).unwrap_or(i64::MAX);
        out.push((THROTTLE, Value::Integer(bits)));
    }
    out.push(("NetworkProfile", Value::text("All")));
    out.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Reads parameters back.
pub(super) fn read(parameters: &[(String, Value)]) -> Result<Policy, String> {
    let mut rest: Vec<(&str, &Value)> = parameters.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let mut take = |name: &str| {
        let at = rest.iter().position(|(key, _)| *key == name)?;
        Some(rest.remove(at).1.clone())
    };
    let Some(Value::Text(name)) = take("Name") else {
        return Err("a policy without a name".to_owned());
    };
    let wrong = |what: &str| format!("`{name}`: `{what}` is missing or wrong");
    let app = match take("AppPathNameMatchCondition") {
        None => AppMatch::Any,
        Some(Value::Text(app)) => AppMatch::parse(&app),
        Some(_) => return Err(wrong("AppPathNameMatchCondition")),
    };
    let protocol = match take("IPProtocolMatchCondition") {
        Some(Value::Text(text)) if text == "Both" => ProtocolMatch::Both,
        Some(Value::Text(text)) if text == "TCP" => ProtocolMatch::Only(Protocol::Tcp),
        Some(Value::Text(text)) if text == "UDP" => ProtocolMatch::Only(Protocol::Udp),
        _ => return Err(wrong("IPProtocolMatchCondition")),
    };
    let (src, src_ports) = read_side(&mut take, SRC).map_err(wrong)?;
    let (dst, dst_ports) = read_side(&mut take, DST).map_err(wrong)?;
    let dscp = match take("DSCPAction") {
        Some(Value::Integer(number)) => u8::try_from(number).ok().and_then(Dscp::try_new),
        _ => None,
    };
    let dscp = dscp.ok_or_else(|| wrong("DSCPAction"))?;
    let throttle = match take(THROTTLE) {
        None => None,
        Some(Value::Integer(bits)) => Some(
            u64::try_from(bits)
                .ok()
                .and_then(|bits| Rate::from_windows_units(bits.div_ceil(UNIT)))
                .ok_or_else(|| wrong(THROTTLE))?
                .windows_units(),
        ),
        Some(_) => return Err(wrong(THROTTLE)),
    };
    if take("NetworkProfile") != Some(Value::text("All")) {
        return Err(wrong("NetworkProfile"));
    }
    if let Some((key, _)) = rest.first() {
        return Err(format!(
            "`{name}`: the parameter `{key}` is not one of ours"
        ));
    }
    Ok(Policy {
        name,
        app,
        protocol,
        src_ports: SrcPorts(src_ports),
        src,
        dst_ports: DstPorts(dst_ports),
        dst,
        dscp,
        throttle,
    })
}

/// In bits a second; Windows keeps whole units of 8192.
const THROTTLE: &str = "ThrottleRateActionBitsPerSecond";
const UNIT: u64 = 8192;

/// The names of one side's parameters.
struct Side {
    prefix: &'static str,
    port: &'static str,
    start: &'static str,
    end: &'static str,
}

const SRC: Side = Side {
    prefix: "IPSrcPrefixMatchCondition",
    port: "IPSrcPortMatchCondition",
    start: "IPSrcPortStartMatchCondition",
    end: "IPSrcPortEndMatchCondition",
};

const DST: Side = Side {
    prefix: "IPDstPrefixMatchCondition",
    port: "IPDstPortMatchCondition",
    start: "IPDstPortStartMatchCondition",
    end: "IPDstPortEndMatchCondition",
};

/// A range of one port has a form of its own: start must be below end.
fn side(out: &mut Vec<(&'static str, Value)>, names: Side, net: Option<IpNet>, ports: PortMatch) {
    if let Some(net) = net {
        out.push((names.prefix, Value::Text(net.trunc().to_string())));
    }
    match ports.range() {
        None => {}
        Some(range) if range.first() == range.last() => {
            out.push((names.port, Value::number(range.first())));
        }
        Some(range) => {
            out.push((names.start, Value::number(range.first())));
            out.push((names.end, Value::number(range.last())));
        }
    }
}

fn read_side(
    take: &mut impl FnMut(&str) -> Option<Value>,
    names: Side,
) -> Result<(Option<IpNet>, PortMatch), &'static str> {
    let net = match take(names.prefix) {
        None => None,
        Some(Value::Text(text)) => Some(text.parse().map_err(|_| names.prefix)?),
        Some(_) => return Err(names.prefix),
    };
    let mut port = |name: &'static str| match take(name) {
        None => Ok(None),
        Some(Value::Integer(number)) => u16::try_from(number).map(Some).map_err(|_| name),
        Some(_) => Err(name),
    };
    let range = match (port(names.port)?, port(names.start)?, port(names.end)?) {
        (None, None, None) => return Ok((net, PortMatch::Any)),
        (Some(port), None, None) => PortRange::single(port),
        (None, Some(first), Some(last)) => PortRange::try_new(first, last).ok_or(names.end)?,
        _ => return Err(names.start),
    };
    Ok((net, PortMatch::Range(range)))
}
