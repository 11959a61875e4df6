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
