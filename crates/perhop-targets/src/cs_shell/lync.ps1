$shellHint = 'run this in the Lync Server or Skype for Business Server Management Shell'

# The objects of one kind as they are now.
function Get-Current([string] $Noun) {
    switch ($Noun) {
        'CsConferenceServer' { Get-CsService -ConferencingServer }
        'CsApplicationServer' { Get-CsService -ApplicationServer }
        'CsMediationServer' { Get-CsService -MediationServer }
        'CsWebServer' { Get-CsService -WebServer }
        'CsEdgeServer' { Get-CsService -EdgeServer }
        'CsTrustedApplicationPool' { Get-CsTrustedApplicationPool }
        'CsConferencingConfiguration' { Get-CsConferencingConfiguration }
        'CsMediaConfiguration' { Get-CsMediaConfiguration }
        'CsUCPhoneConfiguration' { Get-CsUCPhoneConfiguration }
    }
}

# Whether objects of this kind are services, which the plan names by their pool, by 'site:NAME' or by '*'.
function Test-Service([string] $Noun) {
    return $Noun -like '*Server' -or $Noun -eq 'CsTrustedApplicationPool'
}

# The part of the plan that a kind of object belongs to.
function Get-Part([string] $Noun) {
    if (Test-Service $Noun) {
        return 'Servers'
    }
    if ($Noun -eq 'CsConferencingConfiguration') {
        return 'Clients'
    }
    return 'Devices'
}

# The names under which the plan may have an object, the most specific first.
function Get-Key([string] $Noun, $Object) {
    $identity = ([string] $Object.Identity) -replace ':\s+', ':'
    if (-not (Test-Service $Noun)) {
        return $identity -replace '^service:ConferenceServer:', 'service:ConferencingServer:'
    }
    $identity -replace '^[^:]+:', ''
    $site = $Object.PSObject.Properties['SiteId']
    if ($null -ne $site) {
        [string] $site.Value
    }
    '*'
}

# What remains to be done after a change of these kinds of object.
function Show-Next([string[]] $Noun) {
    $parts = @($Noun | ForEach-Object { Get-Part $_ } | Select-Object -Unique)
    if ($parts -contains 'Servers') {
        Write-Host 'next: services take up new ports when they start; run restart.ps1 on each server'
    }
    if ($parts -contains 'Clients') {
        Write-Host 'next: clients get their ranges at sign-in; users sign out and in'
    }
    if ($Noun -contains 'CsUCPhoneConfiguration') {
        Write-Host 'next: restart the phones'
    }
}
