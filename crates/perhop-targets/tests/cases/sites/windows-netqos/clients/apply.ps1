#Requires -Version 3.0
#Requires -RunAsAdministrator
# Makes the QoS policies of: clients
# A policy that is there as wanted is left alone; one that differs is made anew. Others are not touched.
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    # Empty: this computer's own store. Also: GPO:DOMAIN\NAME, GPO:COMPUTER, LDAP://...
    [string] $PolicyStore = ''
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$wanted = @(
    @{ Name = 'Contoso clients Lync 2013 audio'; AppPathNameMatchCondition = 'lync.exe'; IPProtocolMatchCondition = 'Both'; IPSrcPortStartMatchCondition = 20000; IPSrcPortEndMatchCondition = 20039; DSCPAction = 46; NetworkProfile = 'All' }
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
function Get-Fingerprint($policy) {
    $protocol = Get-Condition $policy 'IPProtocolMatchCondition'
    switch ($protocol) { '1' { $protocol = 'TCP' } '2' { $protocol = 'UDP' } '3' { $protocol = 'Both' } }
    $parts = @(
        (Get-Condition $policy 'AppPathNameMatchCondition')
        $protocol
        ((Get-Condition $policy 'IPSrcPrefixMatchCondition') -replace '(^[0-9.]+)/32$|/128$', '$1')
        (Get-Port $policy 'Src')
        ((Get-Condition $policy 'IPDstPrefixMatchCondition') -replace '(^[0-9.]+)/32$|/128$', '$1')
        (Get-Port $policy 'Dst')
        (Get-Condition $policy 'DSCPAction')
    )
    return $parts -join '|'
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
