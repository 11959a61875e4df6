#Requires -Version 5.1
<#
.SYNOPSIS
Puts back the values that apply.ps1 saved.
.DESCRIPTION
Only values that the plan sets are put back. Without saved values it stops, unless -Defaults is given.
.PARAMETER SavedIn
The numbered folder to put back; without it, saved\001 beside this script: what was there before the first run.
.PARAMETER Defaults
When nothing was saved: go to the documented defaults, which may not be what was there before.
#>
# Plan: Campus
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [string] $SavedIn = '',
    [switch] $Defaults
)
$Only = 'All'
$planName = 'Campus'
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$here = Split-Path -Parent $MyInvocation.MyCommand.Path
$plan = @()

# Adds to the plan: one object, or all objects of a kind ('*'), and the values it is to have.
function Add-Planned([string] $Noun, [string] $Identity, [hashtable] $Values) {
    $script:plan += New-Object PSObject -Property @{
        Noun     = $Noun
        Identity = $Identity
        Values   = $Values
    }
}

# The kinds of object that the plan is about, in its order.
function Get-PlannedNoun {
    $plan | ForEach-Object { $_.Noun } | Select-Object -Unique
}

# One value of an object.
function Get-Value($Object, [string] $Name) {
    $property = $Object.PSObject.Properties[$Name]
    if ($null -eq $property -and $Name -eq 'MediaCommunicationPortCount') {
        $property = $Object.PSObject.Properties['MediaComunicationPortCount']
    }
    if ($null -eq $property) {
        throw "$($Object.Identity) has no property $Name"
    }
    return $property.Value
}

# The planned entry that decides an object: the one of its name, else of its site, else of its kind.
function Find-Planned([string] $Noun, $Object) {
    $entries = @($plan | Where-Object { $_.Noun -eq $Noun })
    foreach ($key in @(Get-Key $Noun $Object)) {
        foreach ($entry in $entries) {
            if ($entry.Identity -eq $key) {
                return $entry
            }
        }
    }
}

# What is to be compared: every object that the plan decides, and every entry that has no object yet.
function Get-Work([string] $Part) {
    foreach ($noun in @(Get-PlannedNoun)) {
        if ($Part -ne 'All' -and (Get-Part $noun) -ne $Part) {
            continue
        }
        $met = @()
        foreach ($object in @(Get-Current $noun)) {
            $entry = Find-Planned $noun $object
            if ($null -ne $entry) {
                $met += $entry.Identity
                New-Object PSObject -Property @{
                    Noun     = $noun
                    Key      = $entry.Identity
                    Identity = [string] $object.Identity
                    Object   = $object
                    Values   = $entry.Values
                }
            }
        }
        foreach ($entry in $plan) {
            if ($entry.Noun -eq $noun -and $met -notcontains $entry.Identity) {
                New-Object PSObject -Property @{
                    Noun     = $noun
                    Key      = $entry.Identity
                    Identity = $entry.Identity
                    Object   = $null
                    Values   = $entry.Values
                }
            }
        }
    }
}

# Whether an object that is not there is missed: a service is not when the plan means all of a kind or of a site, or
# when its pool has other services of the plan.
function Test-Missed($Item, $Work) {
    if (-not (Test-Service $Item.Noun)) {
        return $true
    }
    if ($Item.Key -eq '*' -or $Item.Key -like 'site:*') {
        return $false
    }
    $others = @($Work | Where-Object { $null -ne $_.Object -and $_.Key -eq $Item.Key })
    return $others.Count -eq 0
}

# Those of the values that an object does not have.
function Get-Difference($Object, [hashtable] $Values) {
    $different = @{}
    foreach ($name in $Values.Keys) {
        if ($null -eq $Object -or (Get-Value $Object $name) -ne $Values[$name]) {
            $different[$name] = $Values[$name]
        }
    }
    return $different
}

# Differences in words: 'ClientAudioPort 5350 -> 20000, ...'.
function Format-Difference($Object, [hashtable] $Different) {
    $words = @()
    foreach ($name in @($Different.Keys | Sort-Object)) {
        $now = '(none)'
        if ($null -ne $Object) {
            $now = Get-Value $Object $name
        }
        $words += "$name $now -> $($Different[$name])"
    }
    return $words -join ', '
}

# Calls Set-, New- or Remove- of a kind of object.
function Invoke-Change([string] $Verb, [string] $Noun, [string] $Identity, [hashtable] $Values) {
    $parameters = $Values + @{ Identity = $Identity; Confirm = $false }
    & "$Verb-$Noun" @parameters
}

# Stops when the shell does not have the commands for the plan.
function Assert-Command {
    foreach ($noun in @(Get-PlannedNoun)) {
        if (-not (Get-Command "Set-$noun" -ErrorAction SilentlyContinue)) {
            throw "Set-$noun is not there: $shellHint"
        }
    }
}

# Saves every object of the planned kinds, and the values that the plan is about, in a new numbered folder.
function Save-Current([string] $Folder) {
    $number = 1
    while (Test-Path -LiteralPath (Join-Path $Folder ('{0:d3}' -f $number))) {
        $number++
    }
    $target = Join-Path $Folder ('{0:d3}' -f $number)
    $rows = @(New-Object PSObject -Property @{ Noun = 'Plan'; Identity = $planName; Name = ''; Value = $null })
    $objects = @()
    foreach ($noun in @(Get-PlannedNoun)) {
        foreach ($object in @(Get-Current $noun)) {
            $objects += $object
            $entry = Find-Planned $noun $object
            if ($null -eq $entry) {
                continue
            }
            foreach ($name in @($entry.Values.Keys | Sort-Object)) {
                $rows += New-Object PSObject -Property @{
                    Noun     = $noun
                    Identity = [string] $object.Identity
                    Name     = $name
                    Value    = Get-Value $object $name
                }
            }
        }
    }
    try {
        New-Item -ItemType Directory -Path $target -Force -Confirm:$false | Out-Null
        $rows | Export-Clixml -Path (Join-Path $target 'values.clixml') -Confirm:$false
        if ($objects.Count -gt 0) {
            $objects | Export-Clixml -Path (Join-Path $target 'objects.clixml') -Confirm:$false
        }
        $objects | Format-List * | Out-File -FilePath (Join-Path $target 'objects.txt') -Width 500 -Confirm:$false
        $again = @(Import-Clixml -Path (Join-Path $target 'values.clixml'))
        if ($again.Count -ne $rows.Count) {
            throw "$($again.Count) of $($rows.Count) rows can be read back"
        }
    }
    catch {
        throw "the current values could not be saved in $target, so nothing was changed: $($_.Exception.Message)"
    }
    Write-Host "saved the current values in $target"
}

# Says which objects hide the planned ones with other values; returns how many switch the planned ranges off.
function Show-Hiding([string] $Part) {
    $off = 0
    foreach ($entry in @($plan | Where-Object { $_.Identity -eq 'Global' })) {
        if ($Part -ne 'All' -and (Get-Part $entry.Noun) -ne $Part) {
            continue
        }
        foreach ($object in @(Get-Current $entry.Noun)) {
            if ($null -ne (Find-Planned $entry.Noun $object)) {
                continue
            }
            $different = Get-Difference $object $entry.Values
            if ($different.Count -eq 0) {
                continue
            }
            $name = "$($entry.Noun) $($object.Identity)"
            if ($different.ContainsKey('ClientMediaPortRangeEnabled')) {
                $off++
                Write-Warning "$name hides Global and does not follow the plan's switch for port ranges"
            }
            Write-Warning "$name hides Global: $(Format-Difference $object $different) is not in force there"
        }
    }
    return $off
}

$shellHint = 'run this in a PowerShell session with the MicrosoftTeams module that is signed in to the tenant'

# The objects of one kind as they are now.
function Get-Current([string] $Noun) {
    Get-CsTeamsMeetingConfiguration -Identity Global
}

# The part of the plan that a kind of object belongs to.
function Get-Part([string] $Noun) {
    return 'All'
}

# The name under which the plan has the one object.
function Get-Key([string] $Noun, $Object) {
    return 'Global'
}

# Whether objects of this kind are services: none is.
function Test-Service([string] $Noun) {
    return $false
}

# What remains to be done after a change.
function Show-Next([string[]] $Noun) {
    Write-Host 'next: clients take up the settings when they are restarted'
}

# The plan begins.
# client port ranges and marking, everyone: audio 50000-50019, video 50020-50039, app-sharing 50040-50059
Add-Planned 'CsTeamsMeetingConfiguration' 'Global' @{ ClientMediaPortRangeEnabled = $true; ClientAudioPort = 50000; ClientAudioPortRange = 20; ClientVideoPort = 50020; ClientVideoPortRange = 20; ClientAppSharingPort = 50040; ClientAppSharingPortRange = 20; EnableQoS = $true }
# The plan ends.

# Defaults as documented, for values that were never saved.
$documented = @{ CsTeamsMeetingConfiguration = @{ ClientAudioPort = 50000; ClientAudioPortRange = 20; ClientVideoPort = 50020; ClientVideoPortRange = 20; ClientAppSharingPort = 50040; ClientAppSharingPortRange = 20; EnableQoS = $false } }

# Puts back what was saved, in the opposite order.
$rows = @()
$done = 0
try {
    Assert-Command
    if ($SavedIn -eq '') {
        $SavedIn = Join-Path (Join-Path $here 'saved') '001'
    }
    $file = Join-Path $SavedIn 'values.clixml'
    if (Test-Path -LiteralPath $file) {
        $rows = @(Import-Clixml -Path $file)
        Write-Host "putting back the values saved in $SavedIn"
    }
    elseif ($Defaults) {
        Write-Warning 'nothing was saved: going to the documented defaults, which may not be what was there before'
    }
    else {
        throw "$file is not there; name the folder with -SavedIn, or go to the documented defaults with -Defaults"
    }
    $work = @(Get-Work $Only)
    [array]::Reverse($work)
    foreach ($item in $work) {
        if ($null -eq $item.Object) {
            continue
        }
        $before = @{}
        $existed = $rows.Count -eq 0
        foreach ($row in $rows) {
            if ($row.Noun -eq $item.Noun -and $row.Identity -eq $item.Identity) {
                $existed = $true
                if ($null -eq $row.Value) {
                    Write-Warning "$($item.Noun) $($item.Identity): $($row.Name) had no value before; it stays as it is"
                }
                else {
                    $before[$row.Name] = $row.Value
                }
            }
        }
        if ($rows.Count -eq 0 -and $documented.ContainsKey($item.Noun)) {
            foreach ($name in $item.Values.Keys) {
                if ($documented[$item.Noun].ContainsKey($name)) {
                    $before[$name] = $documented[$item.Noun][$name]
                }
                else {
                    Write-Warning "$($item.Noun) $($item.Identity): $name has no documented default; it stays as it is"
                }
            }
        }
        $target = "$($item.Noun) $($item.Identity)"
        if (-not $existed) {
            if (Test-Service $item.Noun) {
                Write-Warning "$target was not there when the values were saved; it stays as it is"
            }
            elseif ($PSCmdlet.ShouldProcess($target, 'remove, as it was not there before')) {
                Invoke-Change 'Remove' $item.Noun $item.Identity @{}
                $done++
                Write-Host "removed $target"
            }
            continue
        }
        $different = Get-Difference $item.Object $before
        if ($different.Count -eq 0) {
            continue
        }
        $what = Format-Difference $item.Object $different
        if ($PSCmdlet.ShouldProcess($target, $what)) {
            Invoke-Change 'Set' $item.Noun $item.Identity $different
            $done++
            Write-Host "set ${target}: $what"
        }
    }
    if ($done -eq 0) {
        Write-Host 'nothing was changed'
    }
    else {
        Show-Next @($work | ForEach-Object { $_.Noun })
    }
}
catch {
    Write-Host "error: $($_.Exception.Message)" -ForegroundColor Red
    exit 3
}
exit 0
