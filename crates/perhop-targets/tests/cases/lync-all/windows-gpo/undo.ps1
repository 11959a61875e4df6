#Requires -Version 3.0
#Requires -Modules GroupPolicy
# Takes the policies back: replaces the settings of each object by none, so that hosts let them go.
# With -Remove, when all hosts have done so: deletes the objects and their links.
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
param(
    # Only the objects of these kinds of hosts; without it all but those of hosts that are not joined to the domain.
    [string[]] $Scope,
    # The domain; without it the computer's own.
    [string] $Domain,
    # Deletes the objects and their links.
    [switch] $Remove
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$objects = @(
    @{ Scope = 'servers'; Joined = $true; Name = 'Contoso everything QoS servers'; BackupId = '{8422A549-2C58-8B4F-A908-BFFD510E1778}' }
    @{ Scope = 'edge'; Joined = $false; Name = 'Contoso everything QoS edge'; BackupId = '{B286B3E3-FD64-8A3D-BF00-217ED3ECC651}' }
    @{ Scope = 'clients'; Joined = $true; Name = 'Contoso everything QoS clients'; BackupId = '{8C59FDF0-9069-836A-BE22-F2BB7622D064}' }
    @{ Scope = 'servers@pool01.contoso.com'; Joined = $true; Name = 'Contoso everything QoS servers-pool01.contoso.com'; BackupId = '{BBB143F6-9D20-8BB0-B540-67A5D5B415DA}' }
    @{ Scope = 'clients@Redmond'; Joined = $true; Name = 'Contoso everything QoS clients-Redmond'; BackupId = '{E5433897-4DF1-84B2-A7C8-D4D076940689}' }
    @{ Scope = 'clients@pool01.contoso.com'; Joined = $true; Name = 'Contoso everything QoS clients-pool01.contoso.com'; BackupId = '{443FD476-0D70-84D9-8757-7A7EB9385091}' }
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

$backups = Join-Path $PSScriptRoot 'undo-backups'
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
}
