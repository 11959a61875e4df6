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
