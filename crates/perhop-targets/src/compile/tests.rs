use perhop_policy::set::Parts;
use perhop_policy::{
    AppMatch, Class, ClassId, ClassKind, Dscp, DstPorts, FlowKey, Host, Loss, LossKind, Marker,
    OptionValue, PortMatch, PortRange, ProtocolMatch, Role, Rule, Scope, ScopeId, Severity, Span,
    SrcPorts, TargetRequest,
};

use super::*;
use crate::target::{OptionKind, OptionSpec, Step};

/// A target that loses what it is told to lose.
struct Fake {
    id: &'static str,
    default: bool,
    fit: fn() -> Fit,
}

struct FakeProgram {
    id: &'static str,
    fits: Vec<(RuleId, Fit)>,
}

impl Target for Fake {
    fn id(&self) -> &'static str {
        self.id
    }
    fn summary(&self) -> &'static str {
        "a fake"
    }
    fn losses(&self) -> &'static [LossKind] {
        &[LossKind::WiderApplication]
    }
    fn options(&self) -> &'static [OptionSpec] {
        &[
            OptionSpec {
                key: "prefix",
                kind: OptionKind::Text,
                doc: "a prefix",
            },
            OptionSpec {
                key: "precedence",
                kind: OptionKind::Integer(0, 255),
                doc: "a number",
            },
        ]
    }
    fn is_default_for(&self, _: &PolicySet) -> bool {
        self.default
    }
    fn lower(
        &self,
        policy: &PolicySet,
        _: &TargetRequest,
    ) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        let fits = (0u32..).zip(policy.rules());
        Ok(Box::new(FakeProgram {
            id: self.id,
            fits: fits.map(|(id, _)| (RuleId(id), (self.fit)())).collect(),
        }))
    }
    fn read(&self, _: &[Artifact]) -> Result<Box<dyn Program>, Vec<Diagnostic>> {
        Err(Vec::new())
    }
}

impl Program for FakeProgram {
    fn fits(&self) -> &[(RuleId, Fit)] {
        &self.fits
    }
    fn emit(&self) -> Vec<Artifact> {
        vec![Artifact {
            path: format!("{}/apply.txt", self.id),
            bytes: b"abc".to_vec(),
            purpose: Purpose::Apply,
            rules: self.fits.iter().map(|(id, _)| *id).collect(),
        }]
    }
    fn steps(&self) -> Vec<Step> {
        let order = if self.id == "exact" { 710 } else { 700 };
        vec![Step {
            order,
            title: format!("use `{}`", self.id),
            place: "on a host".into(),
            commands: vec![format!("apply {}", self.id)],
            check: vec![],
            undo: vec!["run `undo`".into()],
            notes: vec![],
        }]
    }
    fn apply_to(&self, _: &str, _: &FlowKey<'_>) -> Option<Option<Dscp>> {
        None
    }
}

fn wide() -> Fit {
    Fit::Wider(vec![Loss {
        kind: LossKind::WiderApplication,
        reason: "it marks for every application on the host".into(),
    }])
}

static EXACT: Fake = Fake {
    id: "exact",
    default: true,
    fit: || Fit::Exact,
};
static WIDE: Fake = Fake {
    id: "wide",
    default: false,
    fit: wide,
};
static ELSEWHERE: Fake = Fake {
    id: "elsewhere",
    default: false,
    fit: || Fit::Elsewhere,
};
static NARROW: Fake = Fake {
    id: "narrow",
    default: false,
    fit: || {
        Fit::Narrower(vec![Loss {
            kind: LossKind::NarrowerProtocol,
            reason: "it knows UDP only".into(),
        }])
    },
};
static ABSENT: Fake = Fake {
    id: "absent",
    default: false,
    fit: || {
        Fit::Absent(Loss {
            kind: LossKind::AbsentRule,
            reason: "it knows no ports".into(),
        })
    },
};
static KNOWN: [&dyn Target; 5] = [&EXACT, &WIDE, &ELSEWHERE, &NARROW, &ABSENT];

fn policy(targets: Vec<TargetRequest>) -> PolicySet {
    let rule = |name: &str, first: u16, at: usize| Rule {
        name: name.into(),
        scope: ScopeId(0),
        component: "Lync 2013".into(),
        peer: String::new(),
        class: ClassId(0),
        app: AppMatch::parse("lync.exe"),
        protocol: ProtocolMatch::Both,
        src: vec![],
        dst: vec![],
        src_ports: SrcPorts(PortMatch::Range(
            PortRange::try_new(first, first + 39).unwrap(),
        )),
        dst_ports: DstPorts::default(),
        dscp: Dscp::EF,
        marker: Marker::HostPolicy,
        throttle: None,
        origin: Span::new(at, at + 5),
    };
    PolicySet::try_new(Parts {
        name: "Contoso | `x`".into(),
        classes: vec![Class {
            name: "audio".into(),
            kind: ClassKind::Audio,
            dscp: Dscp::EF,
            pcp: None,
            origin: Span::default(),
        }],
        scopes: vec![Scope {
            name: "clients".into(),
            role: Role::Client,
            host: Host::Windows,
            site: None,
            addresses: vec![],
            origin: Span::default(),
        }],
        rules: vec![rule("clients/a", 20000, 10), rule("clients/b", 20040, 30)],
        targets,
        ..Parts::default()
    })
    .unwrap()
}

fn request(id: &str, accept: &[&str]) -> TargetRequest {
    TargetRequest {
        id: id.into(),
        origin: Span::new(100, 110),
        listed: true,
        accept: accept
            .iter()
            .map(|name| ((*name).to_owned(), Span::new(120, 130)))
            .collect(),
        options: vec![],
    }
}

fn run(targets: Vec<TargetRequest>) -> Result<Compiled, Vec<Diagnostic>> {
    compile_with(&KNOWN, &policy(targets), &CompileOptions::default())
}

fn codes_of(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|one| one.code).collect()
}

#[test]
fn without_a_list_the_defaults_are_made() {
    let out = run(vec![]).unwrap();
    assert_eq!(out.targets, ["exact"]);
    let mut settings = request("exact", &[]);
    settings.listed = false;
    settings.options = vec![(
        "prefix".into(),
        OptionValue::Text("x".into()),
        Span::default(),
    )];
    assert_eq!(run(vec![settings.clone()]).unwrap().targets, ["exact"]);
    settings.id = "wide".into();
    let out = run(vec![settings]).unwrap();
    assert_eq!(out.targets, ["exact"]);
    assert_eq!(codes_of(&out.warnings), ["target/unused-settings"]);
}

#[test]
fn a_loss_is_an_error_until_it_is_accepted_by_name() {
    let found = run(vec![request("wide", &[])]).unwrap_err();
    assert_eq!(codes_of(&found), ["target/wider"]);
    let one = &found[0];
    assert_eq!(
        one.message,
        "`wide` cannot keep rule `clients/a` and 1 other to its application"
    );
    assert_eq!(one.labels[0].span, Span::new(100, 110));
    assert!(one.labels[0].primary);
    assert_eq!(one.labels[1].span, Span::new(10, 15));
    assert_eq!(one.notes, ["it marks for every application on the host"]);
    assert_eq!(
        one.helps,
        [
            "accept it with `accept = [\"wider.application\"]` under [target.wide], or leave the target out of `targets`"
        ]
    );
    let out = run(vec![request("wide", &["wider.application"])]).unwrap();
    assert!(out.warnings.is_empty());
    assert_eq!(out.losses.len(), 2);
    assert_eq!(out.losses[1].rule, RuleId(1));
}

#[test]
fn each_kind_of_loss_has_its_code() {
    let found = run(vec![request("narrow", &[]), request("absent", &[])]).unwrap_err();
    assert_eq!(codes_of(&found), ["target/narrower", "target/absent"]);
    assert_eq!(
        found[0].message,
        "`narrow` cannot mark every protocol of rule `clients/a` and 1 other"
    );
    assert_eq!(
        found[1].message,
        "`absent` cannot say rule `clients/a` and 1 other at all"
    );
    let accepted = [
        request("narrow", &["narrower.protocol"]),
        request("absent", &["absent.rule"]),
    ];
    assert_eq!(run(accepted.to_vec()).unwrap().losses.len(), 4);
}

#[test]
fn a_target_that_the_plan_does_not_name_points_at_the_rules() {
    let policy = policy(vec![]);
    let only = ["wide".to_owned()];
    let options = CompileOptions {
        only: &only,
        plan_digest: "",
    };
    let found = compile_with(&KNOWN, &policy, &options).unwrap_err();
    assert_eq!(found[0].labels[0].span, Span::new(10, 15));
    assert!(found[0].labels[0].primary && !found[0].labels[1].primary);
}

#[test]
fn an_accepted_loss_that_does_not_happen_is_a_warning() {
    let out = run(vec![request(
        "exact",
        &["wider.application", "wider.ports"],
    )])
    .unwrap();
    assert_eq!(
        codes_of(&out.warnings),
        ["target/unmatched-accept", "target/unmatched-accept"]
    );
    assert_eq!(
        out.warnings[0].notes,
        ["no rule of this plan loses it there"]
    );
    assert_eq!(out.warnings[1].notes, ["`exact` never has this loss"]);
}

#[test]
fn wrong_names_are_errors_with_a_suggestion_and_all_at_once() {
    let mut bad = request("exact", &["wider.aplication"]);
    bad.options = vec![
        ("prefx".into(), OptionValue::Boolean(true), Span::default()),
        ("prefix".into(), OptionValue::Integer(3), Span::default()),
        (
            "precedence".into(),
            OptionValue::Integer(256),
            Span::default(),
        ),
    ];
    let found = run(vec![request("wyde", &[]), bad]).unwrap_err();
    assert_eq!(
        codes_of(&found),
        [
            "target/unknown",
            "target/unknown-option",
            "target/option-type",
            "target/option-range",
            "target/unknown-loss"
        ]
    );
    assert_eq!(found[0].helps, ["did you mean `wide`?"]);
    assert_eq!(found[1].helps, ["did you mean `prefix`?"]);
    assert_eq!(
        found[2].message,
        "`prefix` of `exact` takes text, not a whole number"
    );
    assert_eq!(
        found[3].message,
        "`precedence` of `exact` is 256, outside 0 to 255"
    );
    assert_eq!(found[4].helps, ["did you mean `wider.application`?"]);
}

#[test]
fn nothing_is_made_when_one_target_fails() {
    let found = run(vec![
        request("exact", &["wider.ports"]),
        request("wide", &[]),
    ])
    .unwrap_err();
    assert_eq!(
        codes_of(&found),
        ["target/wider", "target/unmatched-accept"]
    );
    assert_eq!(found[1].severity, Severity::Warning);
}

#[test]
fn only_overrides_the_plan() {
    let policy = policy(vec![request("wide", &["wider.application"])]);
    let only = ["exact".to_owned(), "wide".to_owned()];
    let options = CompileOptions {
        only: &only,
        plan_digest: "",
    };
    let out = compile_with(&KNOWN, &policy, &options).unwrap();
    assert_eq!(out.targets, ["exact", "wide"]);
    let only = ["exacd".to_owned()];
    let options = CompileOptions {
        only: &only,
        plan_digest: "",
    };
    let found = compile_with(&KNOWN, &policy, &options).unwrap_err();
    assert_eq!(found[0].message, "there is no target `exacd`");
    assert_eq!(found[0].helps, ["did you mean `exact`?"]);
}

#[test]
fn rules_that_no_target_makes_are_told() {
    let out = run(vec![request("elsewhere", &[])]).unwrap();
    assert_eq!(codes_of(&out.warnings), ["target/not-made"]);
    assert_eq!(
        out.warnings[0].message,
        "no target makes 2 rules of `clients`"
    );
}

#[test]
fn runbook_and_manifest_come_first_and_the_same_each_time() {
    let requests = vec![
        request("exact", &[]),
        request("wide", &["wider.application"]),
    ];
    let policy = policy(requests);
    let options = CompileOptions {
        only: &[],
        plan_digest: "00ff",
    };
    let out = compile_with(&KNOWN, &policy, &options).unwrap();
    let again = compile_with(&KNOWN, &policy, &options).unwrap();
    assert_eq!(out.artifacts, again.artifacts);
    let paths: Vec<&str> = out
        .artifacts
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "RUNBOOK.md",
            "manifest.json",
            "exact/apply.txt",
            "wide/apply.txt"
        ]
    );
    golden("runbook.md", &out.artifacts[0].bytes);
    golden("manifest.json", &out.artifacts[1].bytes);
}

/// Compares with a committed file; `UPDATE_GOLDEN=1` writes it.
fn golden(name: &str, bytes: &[u8]) {
    let path = format!("{}/src/compile/tests/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(bytes), expected, "{name}");
}
