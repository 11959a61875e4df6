# Compares what is there with the plan: exit code 0 as planned, 1 something differs, 3 it could not be read.
$wrong = 0
try {
    Assert-Command
    $work = @(Get-Work $Only)
    foreach ($item in $work) {
        $target = "$($item.Noun) $($item.Identity)"
        if ($null -eq $item.Object) {
            if (-not (Test-Missed $item $work)) {
                Write-Host "none    $target"
                continue
            }
            Write-Host "MISSING $target"
            $wrong++
            continue
        }
        $different = Get-Difference $item.Object $item.Values
        if ($different.Count -eq 0) {
            Write-Host "ok      $target"
        }
        else {
            Write-Host "DIFFERS ${target}: $(Format-Difference $item.Object $different)"
            $wrong++
        }
    }
    $wrong += Show-Hiding $Only
}
catch {
    Write-Host "error: $($_.Exception.Message)" -ForegroundColor Red
    exit 3
}
if ($wrong -gt 0) {
    Write-Host "$wrong not as planned"
    exit 1
}
Write-Host 'all values are as planned'
exit 0
