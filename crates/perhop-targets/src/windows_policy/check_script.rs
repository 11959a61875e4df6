//! A script that compares a host's registry with the policies, whatever brought them there.

use crate::syntax::powershell::{Script, Value};
use crate::windows_policy::{NLA_KEY, NLA_VALUE, POLICY_KEY, Section, VALUE_NAMES};

/// The script. It changes nothing; it ends with 1 when anything differs.
#[must_use]
pub fn write(section: &Section, nla: bool) -> Vec<u8> {
    let mut script = Script::new();
    script
        .code("#Requires -Version 3.0")
        .comment(
            "Compares the policies in this computer's registry with the plan's. Changes nothing.",
        )
        .comment(&format!(
            "Hosts: {}. Ends with 1 when a policy is missing or different.",
            section.scope
        ))
        .code("Set-StrictMode -Version 2.0\n$ErrorActionPreference = 'Stop'\n")
        .blank()
        .assign("$policyKey = ", &key(POLICY_KEY))
        .code("$wanted = @(")
        .deeper();
    for policy in &section.policies {
        let values = VALUE_NAMES
            .iter()
            .zip(policy.values())
            .map(|(name, data)| ((*name).to_owned(), Value::Text(data)))
            .collect();
        script.assign(
            "",
            &Value::Table(vec![
                ("Name".to_owned(), Value::text(&policy.name)),
                ("Values".to_owned(), Value::Table(values)),
            ]),
        );
    }
    script.close(")").blank().code(COMPARE);
    if nla {
        script
            .blank()
            .assign("$nlaKey = ", &key(NLA_KEY))
            .assign("$nlaValue = ", &Value::text(NLA_VALUE))
            .code(NLA);
    }
    script.blank().code(END);
    script.into_bytes()
}

fn key(below: &str) -> Value {
    Value::Text(format!(r"Registry::HKEY_LOCAL_MACHINE\{below}"))
}

const COMPARE: &str = r"$differences = 0
function Test-Text($key, [string] $name, [string] $data) {
    if (@($key.GetValueNames()) -notcontains $name) { return $false }
    return ($key.GetValueKind($name) -eq 'String') -and ($key.GetValue($name) -eq $data)
}
foreach ($policy in $wanted) {
    $path = $policyKey + '\' + $policy.Name
    if (-not (Test-Path -LiteralPath $path)) {
        Write-Output ('missing:   ' + $policy.Name)
        $differences++
        continue
    }
    $key = Get-Item -LiteralPath $path
    $wrong = @($policy.Values.Keys | Where-Object { -not (Test-Text $key $_ $policy.Values[$_]) })
    if ($wrong.Count -gt 0) {
        Write-Output ('different: ' + $policy.Name + ': ' + ($wrong -join ', '))
        $differences++
    } else {
        Write-Output ('ok:        ' + $policy.Name)
    }
}";

const NLA: &str = r"if ((Test-Path -LiteralPath $nlaKey) -and (Test-Text (Get-Item -LiteralPath $nlaKey) $nlaValue '1')) {
    Write-Output ('ok:        ' + $nlaValue)
} else {
    Write-Output ('missing:   ' + $nlaValue + ' (String, 1)')
    $differences++
}";

const END: &str = r"if ($differences -gt 0) { exit 1 }
exit 0";
