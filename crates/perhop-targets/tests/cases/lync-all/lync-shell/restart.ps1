#Requires -Version 2.0
<#
.SYNOPSIS
Restarts the services of one server that take up new ports when they start. This ends the calls they carry.
.DESCRIPTION
Run it on each server, one server of a pool after the other. Without -Restart it only lists the services. With -Restart
it asks before each one; -Confirm:$false answers yes to all.
.PARAMETER ComputerName
Another server than this one.
.PARAMETER Restart
Restarts what runs.
#>
# Plan: Contoso everything
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
param(
    [string] $ComputerName = '',
    [switch] $Restart
)
$services = @(
    @{ Name = 'RTCAVMCU'; What = 'A/V conferencing' }
    @{ Name = 'RTCASMCU'; What = 'application sharing conferencing' }
    @{ Name = 'RTCCAA'; What = 'conferencing attendant' }
    @{ Name = 'RTCCAS'; What = 'conferencing announcement' }
    @{ Name = 'RTCRGS'; What = 'response group' }
    @{ Name = 'RTCCPS'; What = 'call park' }
    @{ Name = 'RTCATS'; What = 'audio test' }
    @{ Name = 'RTCMEDSRV'; What = 'mediation' }
    @{ Name = 'RTCMEDIARELAY'; What = 'A/V edge' }
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$on = @{}
if ($ComputerName -ne '') {
    $on = @{ ComputerName = $ComputerName }
}
try {
    foreach ($service in $services) {
        $name = $service.Name
        $found = Get-Service -Name $name @on -ErrorAction SilentlyContinue
        if ($null -eq $found) {
            Write-Host "none      $name ($($service.What)) is not on this computer"
            continue
        }
        if (-not $Restart) {
            Write-Host ('{0,-9} {1} ({2})' -f $found.Status, $name, $service.What)
            continue
        }
        if ($found.Status -ne 'Running') {
            Write-Warning "$name ($($service.What)) does not run and is left so"
            continue
        }
        if ($PSCmdlet.ShouldProcess("$name ($($service.What))", 'restart, which ends the calls it carries')) {
            Stop-CsWindowsService -Name $name @on
            Start-CsWindowsService -Name $name @on
            Write-Host "restarted $name"
        }
    }
    if (-not $Restart) {
        Write-Host 'nothing was restarted; with -Restart each running one is, after a question'
    }
}
catch {
    Write-Host "error: $($_.Exception.Message)" -ForegroundColor Red
    exit 3
}
exit 0
