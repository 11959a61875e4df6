#Requires -Version 3.0
# Compares the policies in this computer's registry with the plan's. Changes nothing.
# Hosts: edge. Ends with 1 when a policy is missing or different.
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$policyKey = 'Registry::HKEY_LOCAL_MACHINE\Software\Policies\Microsoft\Windows\QoS'
$wanted = @(
    @{ Name = 'Contoso everything edge A-V Edge service audio to servers'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = '*'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '49152:57499'; 'Remote IP' = '*'; 'Remote IP Prefix Length' = '*'; 'DSCP Value' = '46'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Contoso everything edge A-V Edge service audio to clients'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = '*'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '20000:20039'; 'Remote IP' = '*'; 'Remote IP Prefix Length' = '*'; 'DSCP Value' = '46'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Contoso everything edge A-V Edge service audio to clients 2'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = '*'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '21000:21039'; 'Remote IP' = '10.1.0.0'; 'Remote IP Prefix Length' = '16'; 'DSCP Value' = '46'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Contoso everything edge A-V Edge service video to servers'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = '*'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '57501:65534'; 'Remote IP' = '*'; 'Remote IP Prefix Length' = '*'; 'DSCP Value' = '34'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Contoso everything edge A-V Edge service video to clients'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = '*'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '20040:20079'; 'Remote IP' = '*'; 'Remote IP Prefix Length' = '*'; 'DSCP Value' = '34'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Contoso everything edge A-V Edge service video to clients 2'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = '*'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '22040:22079'; 'Remote IP' = '10.1.0.0'; 'Remote IP Prefix Length' = '16'; 'DSCP Value' = '34'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Contoso everything edge A-V Edge service app-sharing to servers'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = 'TCP'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '40803:49150'; 'Remote IP' = '*'; 'Remote IP Prefix Length' = '*'; 'DSCP Value' = '24'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Contoso everything edge A-V Edge service app-sharing to clients'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = 'TCP'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '20080:20119'; 'Remote IP' = '*'; 'Remote IP Prefix Length' = '*'; 'DSCP Value' = '24'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Contoso everything edge A-V Edge service file-transfer to clients'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = '*'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '20120:20139'; 'Remote IP' = '*'; 'Remote IP Prefix Length' = '*'; 'DSCP Value' = '14'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Contoso everything edge A-V Edge service audio to Exchange UM servers'; Values = @{ Version = '1.0'; 'Application Name' = 'MediaRelaySvc.exe'; Protocol = 'UDP'; 'Local Port' = '*'; 'Local IP' = '192.0.2.10'; 'Local IP Prefix Length' = '32'; 'Remote Port' = '1024:65535'; 'Remote IP' = '192.0.2.40'; 'Remote IP Prefix Length' = '32'; 'DSCP Value' = '46'; 'Throttle Rate' = '-1' } }
)

$differences = 0
function Test-Text($key, [string] $name, [string] $data) {
    if (@($key.GetValueNames()) -notcontains $name) { return $false }
    return ($key.GetValueKind($name) -eq 'String') -and ($key.GetValue($name) -eq $data)
}
foreach ($policy in $wanted) {
    $path = $policyKey + '\' + $policy.Name
    if (-not (Test-Path -LiteralPath $path)) {
        Write-Output ('missing:   ' + $policy.Name)
        $differences++
        continue
    }
    $key = Get-Item -LiteralPath $path
    $wrong = @($policy.Values.Keys | Where-Object { -not (Test-Text $key $_ $policy.Values[$_]) })
    if ($wrong.Count -gt 0) {
        Write-Output ('different: ' + $policy.Name + ': ' + ($wrong -join ', '))
        $differences++
    } else {
        Write-Output ('ok:        ' + $policy.Name)
    }
}

$nlaKey = 'Registry::HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\QoS'
$nlaValue = 'Do not use NLA'
if ((Test-Path -LiteralPath $nlaKey) -and (Test-Text (Get-Item -LiteralPath $nlaKey) $nlaValue '1')) {
    Write-Output ('ok:        ' + $nlaValue)
} else {
    Write-Output ('missing:   ' + $nlaValue + ' (String, 1)')
    $differences++
}

if ($differences -gt 0) { exit 1 }
exit 0
