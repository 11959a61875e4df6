#Requires -Version 3.0
# Compares the policies in this computer's registry with the plan's. Changes nothing.
# Hosts: clients. Ends with 1 when a policy is missing or different.
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$policyKey = 'Registry::HKEY_LOCAL_MACHINE\Software\Policies\Microsoft\Windows\QoS'
$wanted = @(
    @{ Name = 'Own clients browser video'; Values = @{ Version = '1.0'; 'Application Name' = 'browser.exe'; Protocol = '*'; 'Local Port' = '10100:10199'; 'Local IP' = '*'; 'Local IP Prefix Length' = '*'; 'Remote Port' = '*'; 'Remote IP' = '*'; 'Remote IP Prefix Length' = '*'; 'DSCP Value' = '34'; 'Throttle Rate' = '1221' } }
    @{ Name = 'Own clients intranet-phone audio'; Values = @{ Version = '1.0'; 'Application Name' = 'browser.exe'; Protocol = '*'; 'Local Port' = '10000:10199'; 'Local IP' = '*'; 'Local IP Prefix Length' = '*'; 'Remote Port' = '*'; 'Remote IP' = '198.51.100.0'; 'Remote IP Prefix Length' = '24'; 'DSCP Value' = '46'; 'Throttle Rate' = '-1' } }
    @{ Name = 'Own clients recorder audio'; Values = @{ Version = '1.0'; 'Application Name' = 'C:\Program Files\Recorder\rec.exe'; Protocol = 'UDP'; 'Local Port' = '30000'; 'Local IP' = '*'; 'Local IP Prefix Length' = '*'; 'Remote Port' = '*'; 'Remote IP' = '*'; 'Remote IP Prefix Length' = '*'; 'DSCP Value' = '46'; 'Throttle Rate' = '-1' } }
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

if ($differences -gt 0) { exit 1 }
exit 0
