//! Queues by mark: one for each kind of traffic that the plan has, and one for the rest.
//!
//! Schedulers match the DSCP only, never ports. Shares start from what enterprise guides give (RFC 4594's classes; all
//! strict queues together no more than a third of a link, a quarter left for the rest).

use perhop_policy::{ClassKind, Diagnostic, Dscp, PolicySet};

use crate::codes;
use crate::network::model::mark_name;
use crate::network::options::{KINDS, Options};

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// What is in it.
    pub kind: ClassKind,
    /// The marks that it takes, ascending.
    pub dscps: Vec<Dscp>,
    /// Its share of the link in percent.
    pub share: u8,
}

impl Queue {
    /// Whether it is emptied before all others: audio's is.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.kind == ClassKind::Audio
    }

    /// Its share of what strict queues leave, in percent; 0 for a strict one.
    #[must_use]
    pub fn remaining(&self, all: &Queues) -> u8 {
        if self.is_strict() {
            return 0;
        }
        remaining(self.share, all.strict())
    }

    /// The share whose [`Queue::remaining`] is this, when strict queues have so much.
    #[must_use]
    pub fn share_of(percent: u8, strict: u8) -> Option<u8> {
        (1..=100).find(|share| strict < 100 && remaining(*share, strict) == percent)
    }
}

/// The queues of a plan, the most urgent first. The rest of the packets share what is left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queues {
    /// The queues.
    pub list: Vec<Queue>,
    /// Marks of a strict queue that other kinds of traffic carry too, which then fill it.
    pub shared: Vec<(Dscp, ClassKind)>,
}

impl Queues {
    /// Percent of the link for packets without a queue of their own.
    #[must_use]
    pub fn rest(&self) -> u8 {
        100 - self.list.iter().map(|queue| queue.share).sum::<u8>()
    }

    /// The rest's share of what strict queues leave, in percent.
    #[must_use]
    pub fn rest_remaining(&self) -> u8 {
        100 - self
            .list
            .iter()
            .map(|queue| queue.remaining(self))
            .sum::<u8>()
    }

    /// Percent of the link for strict queues.
    #[must_use]
    pub fn strict(&self) -> u8 {
        let strict = self.list.iter().filter(|queue| queue.is_strict());
        strict.map(|queue| queue.share).sum()
    }

    /// The queue of a mark.
    #[must_use]
    pub fn of(&self, dscp: Dscp) -> Option<&Queue> {
        self.list.iter().find(|queue| queue.dscps.contains(&dscp))
    }
}

impl Queues {
    /// A line for each queue with its marks and its share, and one for the rest. It is what a file of queues begins with,
    /// because devices name queues by numbers.
    #[must_use]
    pub fn comments(&self) -> Vec<String> {
        let one = |queue: &Queue| {
            let marks: Vec<String> = queue.dscps.iter().map(|dscp| mark_name(*dscp)).collect();
            let (kind, share) = (queue.kind.as_str(), queue.share);
            format!("{kind}: {}, {share} % of the link", marks.join(" "))
        };
        let mut out: Vec<String> = self.list.iter().map(one).collect();
        out.push(format!("the rest: {} % of the link", self.rest()));
        out
    }

    /// What [`Queues::comments`] wrote, among other comments.
    #[must_use]
    pub fn from_comments(comments: &[String]) -> Option<Self> {
        let named = |name: &str| {
            let mut all = (0..64).filter_map(Dscp::try_new);
            all.find(|dscp| mark_name(*dscp) == name)
        };
        let mut out = Self::default();
        for line in comments {
            let Some((kind, rest)) = line.split_once(": ") else {
                continue;
            };
            let Some(kind) = KINDS.into_iter().find(|one| one.as_str() == kind) else {
                continue;
            };
            let (marks, share) = rest.strip_suffix(" % of the link")?.split_once(", ")?;
            let share = share.parse().ok().filter(|share| *share <= 100)?;
            let dscps = marks.split(' ').map(named).collect::<Option<_>>()?;
            out.list.push(Queue { kind, dscps, share });
        }
        let shares = out.list.iter().map(|queue| u32::from(queue.share));
        (shares.sum::<u32>() <= 100).then_some(out)
    }

    /// Marks without a queue of the plan's that switches with eight classes put into the strict one by themselves.
    #[must_use]
    pub fn strangers(&self) -> Vec<Dscp> {
        let strict = self.list.iter().any(Queue::is_strict);
        let own = (40..48).filter_map(Dscp::try_new).filter(|_| strict);
        own.filter(|dscp| self.of(*dscp).is_none()).collect()
    }

    /// Each mark's class on such a switch; the strangers are with the rest.
    #[must_use]
    pub fn classes(&self) -> Vec<(Dscp, u64)> {
        let own = self.list.iter().flat_map(|queue| {
            let class = traffic_class(queue.kind);
            queue.dscps.iter().map(move |dscp| (*dscp, class))
        });
        let strangers = self.strangers().into_iter();
        own.chain(strangers.map(|dscp| (dscp, REST_CLASS)))
            .collect()
    }

    /// What the kinds of one class of such a switch, or the rest, have of what the strict queue leaves, in percent.
    #[must_use]
    pub fn remaining_of_class(&self, class: u64) -> u8 {
        if class == REST_CLASS {
            return self.rest_remaining();
        }
        let own = self.list.iter();
        own.filter(|queue| traffic_class(queue.kind) == class)
            .map(|queue| queue.remaining(self))
            .sum()
    }
}

/// The class, 0 to 7, of a kind's traffic on switches with eight classes. By themselves they put a mark into the class of
/// its top three bits, with 0 and 1 the other way round; 5 is strict here, and 6 and 7 are for the network's own traffic.
/// That leaves too few for all, so app-sharing and other are in one.
#[must_use]
pub const fn traffic_class(kind: ClassKind) -> u64 {
    match kind {
        ClassKind::Audio => 5,
        ClassKind::Video => 4,
        ClassKind::Signaling => 3,
        ClassKind::AppSharing | ClassKind::Other => 2,
        ClassKind::FileTransfer => 0,
    }
}

/// The class of packets without a queue of their own on such switches.
pub const REST_CLASS: u64 = 1;

/// A share of the link as a share of what strict queues leave. Different shares stay different.
fn remaining(share: u8, strict: u8) -> u8 {
    let left = 100 - u32::from(strict);
    u8::try_from(u32::from(share) * 100 / left).unwrap_or(100)
}

/// The queues for the marks of a plan's classes and rules.
///
/// # Errors
/// Shares that starve somebody.
pub fn queues(policy: &PolicySet, options: &Options) -> Result<Queues, Vec<Diagnostic>> {
    let mut marks: Vec<(ClassKind, Dscp)> = policy
        .classes()
        .iter()
        .map(|class| (class.kind, class.dscp))
        .collect();
    marks.extend(
        policy
            .rules()
            .iter()
            .map(|rule| (policy.class(rule.class).kind, rule.dscp)),
    );
    let mut out = Queues::default();
    for kind in KINDS {
        let own = || {
            marks
                .iter()
                .filter(|(one, _)| *one == kind)
                .map(|(_, dscp)| *dscp)
        };
        for dscp in own() {
            let strict = out.of(dscp).is_some_and(Queue::is_strict);
            if strict && kind != ClassKind::Audio && !out.shared.contains(&(dscp, kind)) {
                out.shared.push((dscp, kind));
            }
        }
        let mut dscps: Vec<Dscp> = own()
            .filter(|dscp| *dscp != Dscp::DF && out.of(*dscp).is_none())
            .collect();
        dscps.sort_unstable();
        dscps.dedup();
        if !dscps.is_empty() {
            out.list.push(Queue {
                kind,
                dscps,
                share: share(kind, options),
            });
        }
    }
    check(&out, options).map(|()| out)
}

fn share(kind: ClassKind, options: &Options) -> u8 {
    let given = options.shares.iter().rev().find(|(one, _)| *one == kind);
    given.map_or_else(
        || match kind {
            ClassKind::Audio => 15,
            ClassKind::Video => 30,
            ClassKind::AppSharing | ClassKind::Other => 10,
            ClassKind::Signaling | ClassKind::FileTransfer => 5,
        },
        |(_, percent)| *percent,
    )
}

fn check(queues: &Queues, options: &Options) -> Result<(), Vec<Diagnostic>> {
    let all: u32 = queues.list.iter().map(|queue| u32::from(queue.share)).sum();
    let strict: u32 = queues
        .list
        .iter()
        .filter(|queue| queue.is_strict())
        .map(|queue| u32::from(queue.share))
        .sum();
    let wrong = |message: String, note: &str, help: &str| {
        let out = Diagnostic::error(codes::OPTION_VALUE, message)
            .primary(options.shares_at, "these shares")
            .note(note)
            .help(help);
        Err(vec![out])
    };
    if strict > MOST_STRICT {
        return wrong(
            format!("audio is to have {strict} % of the link"),
            "a strict queue is emptied before all others; past a third of the link it starves them",
            "give audio 33 % or less, or the link more bandwidth",
        );
    }
    if all > 100 - LEAST_REST {
        return wrong(
            format!("the plan's queues are to have {all} % of the link together"),
            "a quarter of the link is for everything that the plan does not mark",
            "make the shares 75 % or less together",
        );
    }
    Ok(())
}

const MOST_STRICT: u32 = 33;
const LEAST_REST: u32 = 25;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::class;
    use perhop_policy::set::Parts;

    fn policy(classes: &[(ClassKind, u8)]) -> PolicySet {
        PolicySet::try_new(Parts {
            classes: classes
                .iter()
                .map(|(kind, dscp)| class(kind.as_str(), *kind, *dscp))
                .collect(),
            ..Parts::default()
        })
        .unwrap()
    }

    #[test]
    fn each_mark_has_one_queue_and_the_shares_add_up() {
        let policy = policy(&[
            (ClassKind::Video, 34),
            (ClassKind::Audio, 46),
            (ClassKind::Other, 46),
            (ClassKind::Other, 0),
            (ClassKind::Other, 10),
        ]);
        let made = queues(&policy, &Options::default()).unwrap();
        let kinds: Vec<ClassKind> = made.list.iter().map(|queue| queue.kind).collect();
        assert_eq!(
            kinds,
            [ClassKind::Audio, ClassKind::Video, ClassKind::Other]
        );
        assert_eq!((made.strict(), made.rest()), (15, 45));
        assert_eq!(made.list[1].remaining(&made), 35);
        assert_eq!(made.rest_remaining(), 100 - 35 - 11);
        assert_eq!(made.shared, [(Dscp::EF, ClassKind::Other)]);
        assert!(made.of(Dscp::DF).is_none());
        let read = Queues::from_comments(&made.comments()).unwrap();
        assert_eq!((read.list, made.list.len()), (made.list.clone(), 3));
        // VA and CS5 are not the plan's, so they are not to be in its strict class.
        let strangers: Vec<u8> = made.strangers().iter().map(|one| one.value()).collect();
        assert_eq!(strangers, [40, 41, 42, 43, 44, 45, 47]);
        let all = (0..8).map(|class| made.remaining_of_class(class));
        assert_eq!(all.collect::<Vec<_>>(), [0, 54, 11, 0, 35, 0, 0, 0]);
        for bad in [
            "audio: EF, 15 %",
            "audio: ef, 15 % of the link",
            "audio: EF, 101 % of the link",
        ] {
            assert_eq!(Queues::from_comments(&[bad.to_owned()]), None);
        }
    }

    #[test]
    fn shares_that_starve_are_refused() {
        let policy = policy(&[(ClassKind::Audio, 46), (ClassKind::Video, 34)]);
        let with = |shares: &[(ClassKind, u8)]| {
            let options = Options {
                shares: shares.to_vec(),
                ..Options::default()
            };
            queues(&policy, &options)
        };
        assert!(with(&[(ClassKind::Audio, 34)]).is_err());
        assert!(with(&[(ClassKind::Audio, 33), (ClassKind::Video, 43)]).is_err());
        let made = with(&[(ClassKind::Audio, 33), (ClassKind::Video, 42)]).unwrap();
        assert_eq!(made.rest(), 25);
        // A class that the plan does not have takes no share.
        assert!(with(&[(ClassKind::Other, 100)]).is_ok());
    }
}
