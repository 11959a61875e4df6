#Requires -Version 3.0
#Requires -RunAsAdministrator
# Removes the QoS policies of: clients
# Removes by name only; policies of other names stay.
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    # Empty: this computer's own store. Also: GPO:DOMAIN\NAME, GPO:COMPUTER, LDAP://...
    [string] $PolicyStore = ''
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$names = @(
    'Media clients chrome video'
    'Media clients edge video'
)

$store = @{}
if ($PolicyStore) { $store['PolicyStore'] = $PolicyStore }

$before = Join-Path $PSScriptRoot ('before-' + (Get-Date -Format 'yyyyMMdd-HHmmss') + '.xml')
Get-NetQosPolicy @store | Export-Clixml -LiteralPath $before
Write-Verbose ('the policies that were there: ' + $before)

foreach ($name in $names) {
    $current = @(Get-NetQosPolicy -Name $name @store -ErrorAction SilentlyContinue)
    if ($current.Count -eq 0) {
        Write-Output ('not there: ' + $name)
        continue
    }
    if ($PSCmdlet.ShouldProcess($name, 'remove QoS policy')) {
        Remove-NetQosPolicy -Name $name @store -Confirm:$false
        Write-Output ('removed:   ' + $name)
    }
}
