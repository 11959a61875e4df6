//! The scripts that import the objects and take them back.

use perhop_policy::Role;

use crate::syntax::powershell::{Script, Value};
use crate::windows_gpo::GpoProgram;
use crate::windows_policy::Section;

/// Imports each object, made when it is not there.
pub(super) fn import(program: &GpoProgram) -> Vec<u8> {
    let mut script = Script::new();
    script
        .code("#Requires -Version 3.0\n#Requires -Modules GroupPolicy")
        .comment("Imports the Group Policy objects of the plan, each for its own kind of host.")
        .comment("An object of the same name is backed up first, then its settings are replaced.")
        .code(IMPORT_PARAMETERS)
        .blank();
    objects(&mut script, program, false);
    script.code(SELECT).blank().code(IMPORT);
    script.into_bytes()
}

/// Empties each object, or deletes it.
pub(super) fn undo(program: &GpoProgram) -> Vec<u8> {
    let mut script = Script::new();
    script
        .code("#Requires -Version 3.0\n#Requires -Modules GroupPolicy")
        .comment("Takes the policies back: replaces the settings of each object by none, so that hosts let them go.")
        .comment("With -Remove, when all hosts have done so: deletes the objects and their links.")
        .code(UNDO_PARAMETERS)
        .blank();
    objects(&mut script, program, true);
    script.code(SELECT).blank().code(UNDO);
    script.into_bytes()
}

/// A scope as the argument of `-Scope`, typed at a prompt.
pub(super) fn scope_argument(section: &Section) -> String {
    Value::text(&section.scope).source()
}

/// Edges are not in the list that is taken without `-Scope`: they are not joined to the domain.
fn objects(script: &mut Script, program: &GpoProgram, undo: bool) {
    let tables: Vec<Value> = program
        .pairs()
        .map(|(section, object)| {
            let backup = if undo {
                &object.undo_backup
            } else {
                &object.backup
            };
            Value::Table(vec![
                ("Scope".to_owned(), Value::text(&section.scope)),
                (
                    "Joined".to_owned(),
                    Value::Boolean(section.role != Role::Edge),
                ),
                ("Name".to_owned(), Value::text(&object.name)),
                ("BackupId".to_owned(), Value::text(backup)),
            ])
        })
        .collect();
    script.list("$objects = @(", &tables).blank();
}

const IMPORT_PARAMETERS: &str = r"[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    # Only the objects of these kinds of hosts; without it all but those of hosts that are not joined to the domain.
    [string[]] $Scope,
    # The domain; without it the computer's own.
    [string] $Domain,
    # Where to link, by kind of host: @{ clients = 'OU=Computers,DC=contoso,DC=com' }
    [hashtable] $Link = @{}
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'";

const UNDO_PARAMETERS: &str = r"[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
param(
    # Only the objects of these kinds of hosts; without it all but those of hosts that are not joined to the domain.
    [string[]] $Scope,
    # The domain; without it the computer's own.
    [string] $Domain,
    # Deletes the objects and their links.
    [switch] $Remove
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'";

const SELECT: &str = r#"$in = @{}
if ($Domain) { $in['Domain'] = $Domain }
if ($Scope) {
    $unknown = @($Scope | Where-Object { @($objects | ForEach-Object { $_.Scope }) -notcontains $_ })
    if ($unknown.Count -gt 0) { throw ('there is no object for: ' + ($unknown -join ', ')) }
    $selected = @($objects | Where-Object { $Scope -contains $_.Scope })
} else {
    $selected = @($objects | Where-Object { $_.Joined })
}"#;

const IMPORT: &str = r"$backups = Join-Path $PSScriptRoot 'backups'
$before = Join-Path $PSScriptRoot 'before'
foreach ($object in $selected) {
    $current = Get-GPO -Name $object.Name @in -ErrorAction SilentlyContinue
    if ($current -and $PSCmdlet.ShouldProcess($object.Name, 'back up the object as it is')) {
        New-Item -ItemType Directory -Path $before -Force | Out-Null
        Backup-GPO -Guid $current.Id -Path $before @in | Out-Null
    }
    if ($PSCmdlet.ShouldProcess($object.Name, 'import the settings')) {
        Import-GPO -BackupId $object.BackupId -Path $backups -TargetName $object.Name -CreateIfNeeded @in | Out-Null
        (Get-GPO -Name $object.Name @in).GpoStatus = 'UserSettingsDisabled'
        Write-Output ('imported: ' + $object.Name)
    }
    if ($Link.ContainsKey($object.Scope) -and $PSCmdlet.ShouldProcess($Link[$object.Scope], 'link ' + $object.Name)) {
        New-GPLink -Name $object.Name -Target $Link[$object.Scope] @in | Out-Null
        Write-Output ('linked:   ' + $object.Name + ' to ' + $Link[$object.Scope])
    }
}";

const UNDO: &str = r"$backups = Join-Path $PSScriptRoot 'undo-backups'
foreach ($object in $selected) {
    $current = Get-GPO -Name $object.Name @in -ErrorAction SilentlyContinue
    if (-not $current) {
        Write-Output ('not there: ' + $object.Name)
        continue
    }
    if ($Remove) {
        if ($PSCmdlet.ShouldProcess($object.Name, 'delete the object and its links')) {
            Remove-GPO -Guid $current.Id @in
            Write-Output ('deleted:   ' + $object.Name)
        }
    } elseif ($PSCmdlet.ShouldProcess($object.Name, 'replace its settings by none')) {
        Import-GPO -BackupId $object.BackupId -Path $backups -TargetName $object.Name @in | Out-Null
        Write-Output ('emptied:   ' + $object.Name)
    }
}";
