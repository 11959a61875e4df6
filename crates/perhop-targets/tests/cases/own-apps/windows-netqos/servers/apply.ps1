#Requires -Version 3.0
#Requires -RunAsAdministrator
# Makes the QoS policies of: servers
# A policy that is there as wanted is left alone; one that differs is made anew. Others are not touched.
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    # Empty: this computer's own store. Also: GPO:DOMAIN\NAME, GPO:COMPUTER, LDAP://...
    [string] $PolicyStore = ''
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$wanted = @(
    @{ Name = 'Own servers gateway video'; AppPathNameMatchCondition = 'gw.exe'; IPProtocolMatchCondition = 'TCP'; IPDstPrefixMatchCondition = '10.0.0.0/8'; IPDstPortStartMatchCondition = 5000; IPDstPortEndMatchCondition = 5100; DSCPAction = 34; ThrottleRateActionBitsPerSecond = 5005312; NetworkProfile = 'All' }
    @{ Name = 'Own servers gateway video 2'; AppPathNameMatchCondition = 'gw.exe'; IPProtocolMatchCondition = 'TCP'; IPDstPrefixMatchCondition = '2001:db8::/32'; IPDstPortStartMatchCondition = 5000; IPDstPortEndMatchCondition = 5100; DSCPAction = 34; ThrottleRateActionBitsPerSecond = 5005312; NetworkProfile = 'All' }
)

$store = @{}
if ($PolicyStore) { $store['PolicyStore'] = $PolicyStore }

$before = Join-Path $PSScriptRoot ('before-' + (Get-Date -Format 'yyyyMMdd-HHmmss') + '.xml')
Get-NetQosPolicy @store | Export-Clixml -LiteralPath $before
Write-Verbose ('the policies that were there: ' + $before)

function Get-Condition($policy, [string] $name) {
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
}

foreach ($policy in $wanted) {
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
}
