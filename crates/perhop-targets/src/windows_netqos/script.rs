//! The three scripts: apply, undo, check.

use crate::syntax::powershell::{Script, Value, parse};
use crate::windows_netqos::parameters;
use crate::windows_policy::{Policy, Section};

const LIST: &str = "$wanted = @(";

/// Makes the policies; a second run changes nothing.
pub(super) fn apply(section: &Section, store: &str) -> Vec<u8> {
    let mut script = Script::new();
    script
        .code("#Requires -Version 3.0\n#Requires -RunAsAdministrator")
        .comment(&format!("Makes the QoS policies of: {}", section.scope))
        .comment("A policy that is there as wanted is left alone; one that differs is made anew. Others are not touched.");
    head(&mut script, store);
    list(&mut script, section);
    script
        .code(STORE)
        .blank()
        .code(SAVE)
        .blank()
        .code(COMPARE)
        .blank()
        .code(APPLY);
    script.into_bytes()
}

/// Removes the policies by name, and no other.
pub(super) fn undo(section: &Section, store: &str) -> Vec<u8> {
    let mut script = Script::new();
    script
        .code("#Requires -Version 3.0\n#Requires -RunAsAdministrator")
        .comment(&format!("Removes the QoS policies of: {}", section.scope))
        .comment("Removes by name only; policies of other names stay.");
    head(&mut script, store);
    let names: Vec<Value> = section
        .policies
        .iter()
        .map(|policy| Value::text(&policy.name))
        .collect();
    script.list("$names = @(", &names).blank();
    script.code(STORE).blank().code(SAVE).blank().code(UNDO);
    script.into_bytes()
}

/// Compares the effective policies with the wanted ones; changes nothing.
pub(super) fn check(section: &Section) -> Vec<u8> {
    let mut script = Script::new();
    script
        .code("#Requires -Version 3.0")
        .comment(&format!(
            "Compares the effective QoS policies with those of: {}",
            section.scope
        ))
        .comment("Changes nothing. Ends with 1 when a policy is missing or different.")
        .code("[CmdletBinding()]\nparam(\n    [string] $PolicyStore = 'ActiveStore'\n)")
        .code("Set-StrictMode -Version 2.0\n$ErrorActionPreference = 'Stop'")
        .blank();
    list(&mut script, section);
    script.code(STORE).blank().code(COMPARE).blank().code(CHECK);
    script.into_bytes()
}

/// The policies of a script that [`apply`] wrote.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Policy>, String> {
    let text = str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let mut lines = text.lines().skip_while(|line| *line != LIST);
    lines.next().ok_or("there is no list of policies")?;
    let mut policies = Vec::new();
    for line in lines {
        if line == ")" {
            return Ok(policies);
        }
        match parse(line) {
            Some(Value::Table(table)) => policies.push(parameters::read(&table)?),
            _ => return Err(format!("`{}` is not a table", line.trim())),
        }
    }
    Err("the list of policies has no end".to_owned())
}

fn head(script: &mut Script, store: &str) {
    script
        .code("[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]")
        .code("param(")
        .deeper()
        .comment(
            "Empty: this computer's own store. Also: GPO:DOMAIN\\NAME, GPO:COMPUTER, LDAP://...",
        )
        .assign("[string] $PolicyStore = ", &Value::text(store))
        .close(")")
        .code("Set-StrictMode -Version 2.0\n$ErrorActionPreference = 'Stop'")
        .blank();
}

fn list(script: &mut Script, section: &Section) {
    let tables: Vec<Value> = section
        .policies
        .iter()
        .map(|policy| Value::Table(parameters::of(policy)))
        .collect();
    script.list(LIST, &tables).blank();
}

const STORE: &str = r"$store = @{}
if ($PolicyStore) { $store['PolicyStore'] = $PolicyStore }";

const SAVE: &str = r"$before = Join-Path $PSScriptRoot ('before-' + (Get-Date -Format 'yyyyMMdd-HHmmss') + '.xml')
Get-NetQosPolicy @store | Export-Clixml -LiteralPath $before
Write-Verbose ('the policies that were there: ' + $before)";

/// Windows gives unset conditions as null, 0 or an empty text, numbers or words for the protocol, and a single port as a
/// range (windows-qos 4.4).
const COMPARE: &str = r"function Get-Condition($policy, [string] $name) {
    $value = $null
    if ($policy -is [hashtable]) {
        if ($policy.ContainsKey($name)) { $value = $policy[$name] }
    } elseif ($policy.PSObject.Properties[$name]) {
        $value = $policy.$name
    }
    return [string] $value
}
function Get-Port($policy, [string] $side) {
    $one = Get-Condition $policy ('IP' + $side + 'PortMatchCondition')
    $first = Get-Condition $policy ('IP' + $side + 'PortStartMatchCondition')
    $last = Get-Condition $policy ('IP' + $side + 'PortEndMatchCondition')
    if ($one -and $one -ne '0') { $first = $one; $last = $one }
    if (-not $first) { $first = '0' }
    if (-not $last) { $last = '0' }
    return $first + '-' + $last
}
function Get-Prefix($policy, [string] $side) {
    $prefix = Get-Condition $policy ('IP' + $side + 'PrefixMatchCondition')
    return $prefix -replace '(^[0-9.]+)/32$|/128$', '$1'
}
function Get-Fingerprint($policy) {
    $protocol = Get-Condition $policy 'IPProtocolMatchCondition'
    if ($protocol -eq '1') { $protocol = 'TCP' }
    if ($protocol -eq '2') { $protocol = 'UDP' }
    if ($protocol -eq '3') { $protocol = 'Both' }
    $source = (Get-Prefix $policy 'Src') + '|' + (Get-Port $policy 'Src')
    $destination = (Get-Prefix $policy 'Dst') + '|' + (Get-Port $policy 'Dst')
    $app = Get-Condition $policy 'AppPathNameMatchCondition'
    return $app + '|' + $protocol + '|' + $source + '|' + $destination + '|' + (Get-Condition $policy 'DSCPAction')
}";

const APPLY: &str = r"foreach ($policy in $wanted) {
    $name = $policy.Name
    $current = @(Get-NetQosPolicy -Name $name @store -ErrorAction SilentlyContinue)
    if ($current.Count -eq 1 -and (Get-Fingerprint $current[0]) -eq (Get-Fingerprint $policy)) {
        Write-Output ('unchanged: ' + $name)
        continue
    }
    if ($PSCmdlet.ShouldProcess($name, 'make QoS policy')) {
        if ($current.Count -gt 0) { Remove-NetQosPolicy -Name $name @store -Confirm:$false }
        New-NetQosPolicy @policy @store -Confirm:$false | Out-Null
        Write-Output ('made:      ' + $name)
    }
}";

const UNDO: &str = r"foreach ($name in $names) {
    $current = @(Get-NetQosPolicy -Name $name @store -ErrorAction SilentlyContinue)
    if ($current.Count -eq 0) {
        Write-Output ('not there: ' + $name)
        continue
    }
    if ($PSCmdlet.ShouldProcess($name, 'remove QoS policy')) {
        Remove-NetQosPolicy -Name $name @store -Confirm:$false
        Write-Output ('removed:   ' + $name)
    }
}";

const CHECK: &str = r"$differences = 0
foreach ($policy in $wanted) {
    $current = @(Get-NetQosPolicy -Name $policy.Name @store -ErrorAction SilentlyContinue)
    if ($current.Count -eq 0) {
        Write-Output ('missing:   ' + $policy.Name)
        $differences++
    } elseif ((Get-Fingerprint $current[0]) -ne (Get-Fingerprint $policy)) {
        Write-Output ('different: ' + $policy.Name)
        $differences++
    } else {
        Write-Output ('ok:        ' + $policy.Name)
    }
}
if ($differences -gt 0) { exit 1 }
exit 0";
