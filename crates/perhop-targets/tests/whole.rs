//! What holds for everything that a plan compiles to: producers read back, paths, digests, and a runbook that names
//! files which are there.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use perhop_policy::{Family, LossKind, PolicySet, Producer, Span, Subject};
use perhop_targets::manifest::sha256_hex;
use perhop_targets::{Artifact, CompileOptions, Compiled, TARGETS, compile, registry};

use support::{Case, cases, request};

/// Compiles with every target that takes the plan as it is.
fn everything(policy: &PolicySet) -> Compiled {
    let only: Vec<String> = TARGETS
        .iter()
        .map(|target| target.id().to_owned())
        .filter(|id| {
            let options = CompileOptions {
                only: std::slice::from_ref(id),
                plan_digest: "",
            };
            compile(policy, &options).is_ok()
        })
        .collect();
    let options = CompileOptions {
        only: &only,
        plan_digest: "00ff",
    };
    compile(policy, &options).expect("each of them compiles alone")
}

#[test]
fn what_shells_are_told_reads_back_as_the_plans_producers() {
    let mut told = 0;
    for Case { name, policy, .. } in cases() {
        for (id, family) in [
            ("lync-shell", Family::LyncServer),
            ("teams-shell", Family::Teams),
        ] {
            let target = registry::find(id).expect("a target");
            let lowered = target.lower(&policy, &request(&policy, id));
            let program = lowered.expect("every case is sayable");
            let own: Vec<Producer> = policy
                .producers()
                .iter()
                .filter(|producer| producer.family == family)
                .cloned()
                .collect();
            let files = program.emit();
            if own.is_empty() {
                assert!(files.is_empty(), "{name}/{id}");
                continue;
            }
            let back = target.read(&files).expect("its own files");
            assert_eq!(sorted(back.producers()), sorted(&own), "{name}/{id}");
            assert_eq!(back.emit().len(), files.len(), "{name}/{id}");
            told += own.len();
        }
    }
    assert!(told > 40, "{told}");
}

#[test]
fn what_clients_receive_is_what_the_shell_sets_for_everyone() {
    for Case { name, policy, .. } in cases() {
        let of_everyone = |id: &str| -> Vec<Producer> {
            let target = registry::find(id).expect("a target");
            let lowered = target.lower(&policy, &request(&policy, id));
            let program = lowered.expect("every case is sayable");
            let files = program.emit();
            if files.is_empty() {
                return Vec::new();
            }
            let back = target.read(&files).expect("its own files");
            let all = back.producers().iter();
            all.filter(|one| one.subject == Subject::Global && is_in_band(one))
                .cloned()
                .collect()
        };
        assert_eq!(
            sorted(&of_everyone("lync-shell")),
            sorted(&of_everyone("lync-inband")),
            "{name}"
        );
    }
}

fn is_in_band(producer: &Producer) -> bool {
    use perhop_policy::ProducerKind::{Clients, OtherDevices, Phones};
    matches!(producer.kind, Clients | OtherDevices | Phones)
}

#[test]
fn paths_are_unique_without_regard_to_case_and_stay_below() {
    for Case { name, policy, .. } in cases() {
        let compiled = everything(&policy);
        let mut seen = BTreeSet::new();
        for file in &compiled.artifacts {
            let path = &file.path;
            assert!(seen.insert(path.to_lowercase()), "{name}: {path} twice");
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-@{}/ ".contains(c);
            assert!(path.chars().all(plain), "{name}: {path}");
            let part = |part: &str| {
                !part.is_empty() && part != "." && part != ".." && !part.ends_with([' ', '.'])
            };
            assert!(path.split('/').all(part), "{name}: {path}");
        }
    }
}

#[test]
fn the_manifest_lists_every_file_with_its_digest_and_every_rule() {
    for Case { name, policy, .. } in cases() {
        let compiled = everything(&policy);
        let again = everything(&policy);
        assert_eq!(compiled.artifacts, again.artifacts, "{name}");
        let by_path: BTreeMap<&str, &Artifact> = compiled
            .artifacts
            .iter()
            .map(|file| (file.path.as_str(), file))
            .collect();
        let manifest: serde_json::Value =
            serde_json::from_slice(&by_path["manifest.json"].bytes).expect("JSON");
        assert_eq!(manifest["schema"], "perhop.manifest/1");
        assert_eq!(manifest["plan"]["name"], policy.name());
        assert_eq!(manifest["plan"]["sha256"], "00ff");
        let files = manifest["files"].as_array().expect("an array");
        assert_eq!(files.len() + 1, by_path.len(), "{name}");
        for entry in files {
            let file = by_path[entry["path"].as_str().expect("a path")];
            assert_eq!(entry["sha256"], sha256_hex(&file.bytes));
            assert_eq!(entry["size"], file.bytes.len());
            assert_eq!(entry["purpose"], file.purpose.as_str());
            assert_eq!(
                entry["rules"].as_array().map(Vec::len),
                Some(file.rules.len())
            );
        }
        let rules = manifest["rules"].as_array().expect("an array");
        assert_eq!(rules.len(), policy.rules().len(), "{name}");
        for (entry, rule) in rules.iter().zip(policy.rules()) {
            assert_eq!(entry["name"], rule.name.as_str());
            assert_eq!(entry["dscp"], rule.dscp.value());
            let fits = entry["fits"].as_object().expect("an object");
            assert_eq!(fits.len(), compiled.targets.len());
        }
        for loss in manifest["losses_accepted"].as_array().expect("an array") {
            let known = LossKind::ALL.map(LossKind::as_str);
            assert!(known.contains(&loss["loss"].as_str().expect("a name")));
        }
    }
}

#[test]
fn every_change_has_its_undo() {
    for Case { name, policy, .. } in cases() {
        let compiled = everything(&policy);
        for id in &compiled.targets {
            let own: Vec<&str> = compiled
                .artifacts
                .iter()
                .filter(|file| file.path.starts_with(&format!("{id}/")))
                .map(|file| file.purpose.as_str())
                .collect();
            if own.contains(&"apply") {
                assert!(own.contains(&"undo"), "{name}/{id} has no undo");
            }
        }
    }
}

#[test]
fn the_runbook_names_files_that_are_there() {
    let mut named = 0;
    for Case { name, policy, .. } in cases() {
        let compiled = everything(&policy);
        let paths: Vec<&str> = compiled
            .artifacts
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        for id in &compiled.targets {
            let target = registry::find(id).expect("a target");
            let lowered = target.lower(&policy, &request(&policy, id));
            let steps = lowered.expect("compiled above").steps();
            let texts = steps.iter().flat_map(|step| {
                step.commands
                    .iter()
                    .chain(&step.check)
                    .chain(&step.undo)
                    .chain(&step.notes)
            });
            for path in texts.flat_map(|text| paths_in(text)) {
                assert!(paths.contains(&path.as_str()), "{name}/{id}: {path}");
                named += 1;
            }
        }
    }
    assert!(named > 100, "{named}");
}

/// What a text names as `.\folder\file` or `./folder/file`, with `/`; folders and what a run makes are left out.
fn paths_in(text: &str) -> Vec<String> {
    text.match_indices(".\\")
        .chain(text.match_indices("./"))
        .filter(|(at, _)| *at == 0 || text[..*at].ends_with([' ', '`', '\'', '"', '(']))
        .map(|(at, _)| {
            let rest = &text[at + 2..];
            let quoted = text[..at]
                .chars()
                .next_back()
                .filter(|c| "'\"".contains(*c));
            let end = match quoted {
                Some(quote) => rest.find(quote),
                None => rest.find([' ', '`', ',', ')']),
            };
            rest[..end.unwrap_or(rest.len())].replace('\\', "/")
        })
        .filter(|path| {
            let last = path.rsplit('/').next().unwrap_or_default();
            last.contains('.')
        })
        .collect()
}

fn sorted(producers: &[Producer]) -> Vec<Producer> {
    let mut out = producers.to_vec();
    for producer in &mut out {
        producer.origin = Span::default();
        for range in &mut producer.ranges {
            range.origin = Span::default();
        }
        producer.ranges.sort();
    }
    out.sort_by(|a, b| (a.family, &a.kind, &a.subject).cmp(&(b.family, &b.kind, &b.subject)));
    out
}
