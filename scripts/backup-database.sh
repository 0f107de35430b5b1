#!/usr/bin/env bash
# Backs up one database, proves the backup, and removes those that no rule keeps: for cron and CI, on a machine without a
# service of odavl's. All of it is done by `odavl backup run`; this says with what.
#
#   scripts/backup-database.sh production          the database whose URL is in DATABASE_URL
#   scripts/backup-database.sh staging main        the same, under the name `main` rather than `app`
#
# Variables: DATABASE_URL; ODAVL_BACKUP_STORE (s3://bucket, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or a
# folder); ODAVL_BACKUP_RECIPIENTS (age1...); ODAVL_BACKUP_SIGNING_KEY (a file). Where ODAVL_BACKUP_IDENTITY names the file of
# an identity, backups are restored to a scratch database and compared, as often as `verify` in the configuration says; without
# one, their bytes are read back. ODAVL is the command, where it is not on the path.
set -euo pipefail

environment="${1:?say the environment: production or staging}"
source="${2:-app}"
: "${DATABASE_URL:?say which database it is, as postgres://user:password@host/database}"
odavl="${ODAVL:-odavl}"

exec "$odavl" backup run "$source" --environment "$environment" --url-env DATABASE_URL
