#Requires -Version 3.0
# Compares the effective QoS policies with those of: edge
# Changes nothing. Ends with 1 when a policy is missing or different.
[CmdletBinding()]
param(
    [string] $PolicyStore = 'ActiveStore'
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$wanted = @(
    @{ Name = 'Contoso everything edge A-V Edge service audio to servers'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'Both'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPortStartMatchCondition = 49152; IPDstPortEndMatchCondition = 57499; DSCPAction = 46; NetworkProfile = 'All' }
    @{ Name = 'Contoso everything edge A-V Edge service audio to clients'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'Both'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPortStartMatchCondition = 20000; IPDstPortEndMatchCondition = 20039; DSCPAction = 46; NetworkProfile = 'All' }
    @{ Name = 'Contoso everything edge A-V Edge service audio to clients 2'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'Both'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPrefixMatchCondition = '10.1.0.0/16'; IPDstPortStartMatchCondition = 21000; IPDstPortEndMatchCondition = 21039; DSCPAction = 46; NetworkProfile = 'All' }
    @{ Name = 'Contoso everything edge A-V Edge service video to servers'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'Both'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPortStartMatchCondition = 57501; IPDstPortEndMatchCondition = 65534; DSCPAction = 34; NetworkProfile = 'All' }
    @{ Name = 'Contoso everything edge A-V Edge service video to clients'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'Both'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPortStartMatchCondition = 20040; IPDstPortEndMatchCondition = 20079; DSCPAction = 34; NetworkProfile = 'All' }
    @{ Name = 'Contoso everything edge A-V Edge service video to clients 2'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'Both'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPrefixMatchCondition = '10.1.0.0/16'; IPDstPortStartMatchCondition = 22040; IPDstPortEndMatchCondition = 22079; DSCPAction = 34; NetworkProfile = 'All' }
    @{ Name = 'Contoso everything edge A-V Edge service app-sharing to servers'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'TCP'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPortStartMatchCondition = 40803; IPDstPortEndMatchCondition = 49150; DSCPAction = 24; NetworkProfile = 'All' }
    @{ Name = 'Contoso everything edge A-V Edge service app-sharing to clients'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'TCP'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPortStartMatchCondition = 20080; IPDstPortEndMatchCondition = 20119; DSCPAction = 24; NetworkProfile = 'All' }
    @{ Name = 'Contoso everything edge A-V Edge service file-transfer to clients'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'Both'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPortStartMatchCondition = 20120; IPDstPortEndMatchCondition = 20139; DSCPAction = 14; NetworkProfile = 'All' }
    @{ Name = 'Contoso everything edge A-V Edge service audio to Exchange UM servers'; AppPathNameMatchCondition = 'MediaRelaySvc.exe'; IPProtocolMatchCondition = 'UDP'; IPSrcPrefixMatchCondition = '192.0.2.10/32'; IPDstPrefixMatchCondition = '192.0.2.40/32'; IPDstPortStartMatchCondition = 1024; IPDstPortEndMatchCondition = 65535; DSCPAction = 46; NetworkProfile = 'All' }
)

$store = @{}
if ($PolicyStore) { $store['PolicyStore'] = $PolicyStore }

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

$differences = 0
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
exit 0
