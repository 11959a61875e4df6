# Sets what differs, after everything was saved.
$done = 0
$changes = @()
try {
    Assert-Command
    $work = @(Get-Work $Only)
    foreach ($item in $work) {
        if ($null -eq $item.Object -and (Test-Service $item.Noun)) {
            $target = "$($item.Noun) $($item.Identity)"
            if (Test-Missed $item $work) {
                throw "$target does not exist; nothing was changed"
            }
            Write-Warning "${target}: there is no such service, so there is nothing to set"
            continue
        }
        $different = Get-Difference $item.Object $item.Values
        if ($different.Count -gt 0) {
            $changes += New-Object PSObject -Property @{ Item = $item; Different = $different }
        }
    }
    if (-not $WhatIfPreference -and ($SaveOnly -or $changes.Count -gt 0)) {
        Save-Current $SaveIn
    }
    if ($SaveOnly) {
        exit 0
    }
    if ($changes.Count -eq 0) {
        Write-Host 'nothing to change: all values are as planned'
    }
    foreach ($change in $changes) {
        $item = $change.Item
        $what = Format-Difference $item.Object $change.Different
        if ($PSCmdlet.ShouldProcess("$($item.Noun) $($item.Identity)", $what)) {
            if ($null -eq $item.Object) {
                Invoke-Change 'New' $item.Noun $item.Identity $item.Values
            }
            else {
                Invoke-Change 'Set' $item.Noun $item.Identity $change.Different
            }
            $done++
            Write-Host "set $($item.Noun) $($item.Identity): $what"
        }
    }
    Show-Hiding $Only | Out-Null
    if ($done -gt 0) {
        Show-Next @($changes | ForEach-Object { $_.Item.Noun })
    }
}
catch {
    Write-Host "error: $($_.Exception.Message)" -ForegroundColor Red
    if ($done -gt 0) {
        Write-Host "$done of $($changes.Count) changes were made; undo.ps1 takes them back" -ForegroundColor Red
    }
    exit 3
}
exit 0
