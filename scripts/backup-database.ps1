# Backs up one database, proves the backup, and removes those that no rule keeps: scripts/backup-database.sh for PowerShell 7.
#
#   scripts/backup-database.ps1 production          the database whose URL is in DATABASE_URL
#   scripts/backup-database.ps1 staging main        the same, under the name `main` rather than `app`
#
# The variables are those that scripts/backup-database.sh names.
param(
    [Parameter(Mandatory)] [string] $Environment,
    [string] $Source = 'app'
)
$ErrorActionPreference = 'Stop'
# What odavl ends with is passed on, whatever the caller's preference.
$PSNativeCommandUseErrorActionPreference = $false

if (-not $env:DATABASE_URL) { throw 'say which database it is: DATABASE_URL = postgres://user:password@host/database' }
$odavl = if ($env:ODAVL) { $env:ODAVL } else { 'odavl' }
& $odavl backup run $Source --environment $Environment --url-env DATABASE_URL
exit $LASTEXITCODE
