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
    @{ Scope = 'servers'; Joined = $true; Name = 'Contoso QoS servers'; BackupId = '{19BDC652-1BA4-80CE-A6B5-19D65CC31DB4}' }
    @{ Scope = 'clients'; Joined = $true; Name = 'Contoso QoS clients'; BackupId = '{876A1EEE-3538-8BE9-A476-6B2BACBAFA3B}' }
    @{ Scope = 'clients@New York'; Joined = $true; Name = 'Contoso QoS clients-New York'; BackupId = '{9BC4812C-FD10-8A0D-9CDB-A56CD1D35C05}' }
    @{ Scope = 'clients@pool01.contoso.com'; Joined = $true; Name = 'Contoso QoS clients-pool01.contoso.com'; BackupId = '{7B7DCFBC-CF1F-8C38-80E9-48C80C5D0084}' }
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
