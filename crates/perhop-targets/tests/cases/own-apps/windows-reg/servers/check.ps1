#Requires -Version 3.0
# Compares the policies in this computer's registry with the plan's. Changes nothing.
# Hosts: servers. Ends with 1 when a policy is missing or different.
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$policyKey = 'Registry::HKEY_LOCAL_MACHINE\Software\Policies\Microsoft\Windows\QoS'
$wanted = @(
    @{ Name = 'Own servers gateway video'; Values = @{ Version = '1.0'; 'Application Name' = 'gw.exe'; Protocol = 'TCP'; 'Local Port' = '*'; 'Local IP' = '*'; 'Local IP Prefix Length' = '*'; 'Remote Port' = '5000:5100'; 'Remote IP' = '10.0.0.0'; 'Remote IP Prefix Length' = '8'; 'DSCP Value' = '34'; 'Throttle Rate' = '611' } }
    @{ Name = 'Own servers gateway video 2'; Values = @{ Version = '1.0'; 'Application Name' = 'gw.exe'; Protocol = 'TCP'; 'Local Port' = '*'; 'Local IP' = '*'; 'Local IP Prefix Length' = '*'; 'Remote Port' = '5000:5100'; 'Remote IP' = '2001:db8::'; 'Remote IP Prefix Length' = '32'; 'DSCP Value' = '34'; 'Throttle Rate' = '611' } }
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
