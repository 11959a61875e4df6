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
