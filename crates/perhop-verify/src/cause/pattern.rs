//! What a path does to marks, by the names of RFC 9435 section 4 and the studies that it quotes.

use perhop_policy::Dscp;

/// A rule that turns a sent mark into the one that is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// Every mark becomes 0.
    Bleached,
    /// The three high bits are cleared, the low ones stay: 46 becomes 6, 34 and 18 become 2, 24 becomes 0.
    TosPrecedenceBleached,
    /// The same, but marks from 48 on are left alone.
    SomeTosPrecedenceBleached,
    /// The three low bits are cleared: 46 becomes 40, 34 becomes 32. The device knows IP precedence only.
    LowBitsCleared,
    /// The same, but marks from 48 on are left alone.
    SomeLowBitsCleared,
    /// The three high bits are replaced by another value (1 to 7), the low ones stay.
    PrecedenceReplaced(u8),
    /// Every mark becomes one other value.
    Fixed(Dscp),
}

impl Pattern {
    /// What this rule makes of a mark.
    #[must_use]
    pub fn apply(self, sent: Dscp) -> Dscp {
        let d = sent.value();
        let kept = d >= 48;
        let seen = match self {
            Self::Bleached => 0,
            Self::SomeTosPrecedenceBleached | Self::SomeLowBitsCleared if kept => d,
            Self::TosPrecedenceBleached | Self::SomeTosPrecedenceBleached => d & 7,
            Self::LowBitsCleared | Self::SomeLowBitsCleared => d & 56,
            Self::PrecedenceReplaced(high) => (high << 3 | (d & 7)) & 63,
            Self::Fixed(value) => value.value(),
        };
        Dscp::try_new(seen).expect("six bits")
    }

    /// The name that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bleached => "bleached",
            Self::TosPrecedenceBleached => "ToS precedence bleached",
            Self::SomeTosPrecedenceBleached => "ToS precedence bleached below 48",
            Self::LowBitsCleared => "low three bits cleared",
            Self::SomeLowBitsCleared => "low three bits cleared below 48",
            Self::PrecedenceReplaced(_) => "ToS precedence re-marked",
            Self::Fixed(_) => "re-marked to one value",
        }
    }

    /// Whether the rule works on bits rather than on whole values: devices of the IP precedence age do that, people who
    /// configure a mark do not.
    #[must_use]
    pub const fn is_structural(self) -> bool {
        !matches!(self, Self::Bleached | Self::Fixed(_))
    }
}

/// Every rule that explains all pairs of a sent and a different seen mark, the most usual first.
///
/// One pair seldom names the rule; several classes do. The two rules that spare marks from 48 on are told only when a
/// pair shows it.
#[must_use]
pub fn explaining(pairs: &[(Dscp, Dscp)]) -> Vec<Pattern> {
    let Some(&(first_sent, first_seen)) = pairs.first() else {
        return Vec::new();
    };
    let high = first_seen.value() >> 3;
    let mut rules = vec![
        Pattern::Bleached,
        Pattern::TosPrecedenceBleached,
        Pattern::LowBitsCleared,
    ];
    if pairs.iter().any(|(sent, _)| sent.value() >= 48) {
        rules.extend([
            Pattern::SomeTosPrecedenceBleached,
            Pattern::SomeLowBitsCleared,
        ]);
    }
    if high != 0 && high != first_sent.value() >> 3 {
        rules.push(Pattern::PrecedenceReplaced(high));
    }
    if first_seen != Dscp::DF {
        rules.push(Pattern::Fixed(first_seen));
    }
    rules.retain(|rule| pairs.iter().all(|(sent, seen)| rule.apply(*sent) == *seen));
    rules
}

/// The bitwise rule that explains the most distinct pairs, when it explains at least two with different sent marks, or
/// one that nobody would configure: a seen mark of 1 to 7 has no standard meaning but LE.
#[must_use]
pub fn structural(pairs: &[(Dscp, Dscp)]) -> Option<Pattern> {
    let mut best: Option<(usize, Pattern)> = None;
    let candidates = pairs
        .iter()
        .flat_map(|pair| explaining(std::slice::from_ref(pair)))
        .filter(|rule| rule.is_structural());
    for rule in candidates {
        let mut sent: Vec<Dscp> = pairs
            .iter()
            .filter(|(sent, seen)| rule.apply(*sent) == *seen)
            .map(|(sent, _)| *sent)
            .collect();
        sent.sort_unstable();
        sent.dedup();
        let odd = pairs
            .iter()
            .any(|(sent, seen)| rule.apply(*sent) == *seen && (2..8).contains(&seen.value()));
        if (sent.len() >= 2 || odd)
            && best.is_none_or(|(count, known)| {
                sent.len() > count || (sent.len() == count && rule < known)
            })
        {
            best = Some((sent.len(), rule));
        }
    }
    best.map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dscp(value: u8) -> Dscp {
        Dscp::try_new(value).unwrap()
    }

    fn pairs(list: &[(u8, u8)]) -> Vec<(Dscp, Dscp)> {
        list.iter().map(|(a, b)| (dscp(*a), dscp(*b))).collect()
    }

    /// RFC 9435 and the table of what 46, 34, 26, 18, 24, 10 and 1 become.
    #[test]
    fn the_table_of_what_a_path_does() {
        let sent = [46, 34, 26, 24, 18, 10, 1];
        let table: [(Pattern, [u8; 7]); 4] = [
            (Pattern::Bleached, [0; 7]),
            (Pattern::TosPrecedenceBleached, [6, 2, 2, 0, 2, 2, 1]),
            (Pattern::LowBitsCleared, [40, 32, 24, 24, 16, 8, 0]),
            (Pattern::PrecedenceReplaced(1), [14, 10, 10, 8, 10, 10, 9]),
        ];
        for (rule, seen) in table {
            for (a, b) in sent.into_iter().zip(seen) {
                assert_eq!(rule.apply(dscp(a)), dscp(b), "{rule:?} of {a}");
            }
        }
        assert_eq!(Pattern::SomeTosPrecedenceBleached.apply(dscp(48)), dscp(48));
        assert_eq!(Pattern::SomeLowBitsCleared.apply(dscp(46)), dscp(40));
    }

    #[test]
    fn several_classes_name_the_rule() {
        assert_eq!(
            explaining(&pairs(&[(46, 6), (34, 2), (24, 0)])),
            [Pattern::TosPrecedenceBleached]
        );
        assert_eq!(explaining(&pairs(&[(46, 0), (34, 0)])), [Pattern::Bleached]);
        assert_eq!(
            explaining(&pairs(&[(46, 14), (34, 10)])),
            [Pattern::PrecedenceReplaced(1)]
        );
        assert_eq!(
            explaining(&pairs(&[(46, 40)])),
            [Pattern::LowBitsCleared, Pattern::Fixed(dscp(40))]
        );
        assert_eq!(explaining(&pairs(&[(46, 6), (34, 9)])), []);
        assert_eq!(explaining(&[]), []);
        assert_eq!(
            explaining(&pairs(&[(46, 6), (48, 48)])),
            [Pattern::SomeTosPrecedenceBleached]
        );
    }

    #[test]
    fn a_bitwise_rule_needs_two_classes_or_an_odd_value() {
        assert_eq!(structural(&pairs(&[(46, 40)])), None);
        assert_eq!(
            structural(&pairs(&[(46, 40), (34, 32)])),
            Some(Pattern::LowBitsCleared)
        );
        assert_eq!(
            structural(&pairs(&[(46, 6)])),
            Some(Pattern::TosPrecedenceBleached)
        );
        assert_eq!(structural(&pairs(&[(46, 34), (34, 46)])), None);
    }
}
