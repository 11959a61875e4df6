#Requires -Version 3.0
#Requires -Modules GroupPolicy
# Imports the Group Policy objects of the plan, each for its own kind of host.
# An object of the same name is backed up first, then its settings are replaced.
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    # Only the objects of these kinds of hosts; without it all but those of hosts that are not joined to the domain.
    [string[]] $Scope,
    # The domain; without it the computer's own.
    [string] $Domain,
    # Where to link, by kind of host: @{ clients = 'OU=Computers,DC=contoso,DC=com' }
    [hashtable] $Link = @{}
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$objects = @(
)

$in = @{}
if ($Domain) { $in['Domain'] = $Domain }
if ($Scope) {
    $unknown = @($Scope | Where-Object { @($objects | ForEach-Object { $_.Scope }) -notcontains $_ })
    if ($unknown.Count -gt 0) { throw ('there is no object for: ' + ($unknown -join ', ')) }
    $selected = @($objects | Where-Object { $Scope -contains $_.Scope })
} else {
    $selected = @($objects | Where-Object { $_.Joined })
}

$backups = Join-Path $PSScriptRoot 'backups'
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
}
