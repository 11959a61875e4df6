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
    @{ Scope = 'servers'; Joined = $true; Name = 'Contosos -Remove-Item C- n - The plan ends. x QoS servers'; BackupId = '{E3821773-76AD-85C6-8CCD-1622E7ADAD9F}' }
    @{ Scope = 'clients'; Joined = $true; Name = 'Contosos -Remove-Item C- n - The plan ends. x QoS clients'; BackupId = '{9AC0EA9C-DC34-8DC3-83C9-EDFFE1E5728A}' }
    @{ Scope = 'clients@Köln ‘‘“Süd”’’ $(x) `n @ ''it''''s'' | & %PATH% ]]>'; Joined = $true; Name = 'Contosos -Remove-Item C- n - The plan ends. x QoS clients-K-ln S-d -x n - its - - -PATH'; BackupId = '{AD6BBBCF-063E-816E-9CF4-E7C5D85469AE}' }
    @{ Scope = 'clients@New  York'; Joined = $true; Name = 'Contosos -Remove-Item C- n - The plan ends. x QoS clients-New York'; BackupId = '{561005E4-8E0C-8600-A967-6CFE5B200B8F}' }
    @{ Scope = 'clients@pool'' + $env:X + ''.contoso.com'; Joined = $true; Name = 'Contosos -Remove-Item C- n - The plan ends. x QoS clients-pool - -envX - .contoso.com'; BackupId = '{094886C8-C1B1-8CC7-8CCF-40FC2E9BA193}' }
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
