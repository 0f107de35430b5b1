#!/usr/bin/env python3
"""Measures backups beside what does a part of the same, on one database and one disk. `scripts/bench backup` runs it.

    bench/backup.py ODAVL ODAVL-BENCH FOLDER [ROUNDS] [large]

The database at ODAVL_BENCH_POSTGRES's server is made once; `large` makes one of ten times the size, and measures no more
than memory and time on it. Each round runs every command once, so that what else the machine does meets all of them.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

ODAVL, BENCH, FOLDER = (Path(arg).resolve() for arg in sys.argv[1:4])
LARGE = "large" in sys.argv[4:]
ROUNDS = next((int(arg) for arg in sys.argv[4:] if arg.isdigit()), 1 if LARGE else 3)
SERVER = os.environ["ODAVL_BENCH_POSTGRES"]
SIZE = 10 if LARGE else 1
DATABASE = "bench_backup_large" if LARGE else "bench_backup"
MIB = 1 << 20

# 800,000 documents that are the same each time: half of each is what no two have in common.
DOCUMENTS = """
CREATE TABLE documents (id BIGINT PRIMARY KEY, body JSONB NOT NULL);
INSERT INTO documents SELECT i, jsonb_build_object('id', i, 'customer', 'customer-' || i * 7919 % 50021,
    'kind', (ARRAY['created', 'paid', 'sent', 'returned', 'closed'])[1 + i % 5], 'at', timestamp '2026-01-01' + i * interval '37 s',
    'amount', (i * 2654435761 % 1000003) / 100.0, 'token', md5('seed' || i), 'tags', jsonb_build_array('a' || i % 7, 'b' || i % 11))
FROM generate_series(1::BIGINT, {rows}) AS i;
VACUUM ANALYZE;
"""
# The same in 74 MB of SQLite.
SQLITE = """
CREATE TABLE documents (id INTEGER PRIMARY KEY, body TEXT NOT NULL, token TEXT NOT NULL);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 330000)
INSERT INTO documents SELECT i, json_object('id', i, 'customer', 'customer-' || i * 7919 % 50021, 'kind', 'paid',
    'amount', i * 2654435761 % 1000003, 'note', 'a sentence that is in every document, as there is one in most'),
    printf('%08x%08x%08x%08x', i * 2654435761 % 4294967296, i * 2246822519 % 4294967296, i * 3266489917 % 4294967296,
    i * 668265263 % 4294967296) FROM n;
CREATE INDEX tokens ON documents (token);
"""


def url(database):
    return urlsplit(SERVER)._replace(path=f"/{database}").geturl()


def environment(**more):
    """What PostgreSQL's programs and odavl are told; no password is an argument."""
    server = urlsplit(SERVER)
    told = {
        "PGHOST": server.hostname,
        "PGPORT": str(server.port or 5432),
        "PGUSER": server.username,
        "PGPASSWORD": server.password or "",
        # As odavl does on loopback: encryption between them would be measured twice.
        "PGSSLMODE": "disable",
        "DATABASE_URL": url(DATABASE),
        "ODAVL_BACKUP_STORE": str(FOLDER / "store"),
        "ODAVL_BACKUP_IDENTITY": str(FOLDER / "identity.txt"),
        "ODAVL_BACKUP_SIGNING_KEY": str(FOLDER / "signing.txt"),
        "RESTIC_PASSWORD": "bench",
        "NO_COLOR": "1",
    }
    return os.environ | told | more


class Ended:
    """A command that has ended: how long it took, its largest resident set with its children's, and what it said."""

    def __init__(self, command, **env):
        shell = isinstance(command, str)
        args = ["bash", "-c", f"set -euo pipefail; {command}"] if shell else [str(arg) for arg in command]
        begun = time.monotonic()
        with open(FOLDER / "said", "w+b") as said:
            child = subprocess.Popen(args, env=environment(**env), cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            _, status, usage = os.wait4(child.pid, 0)
            self.seconds = time.monotonic() - begun
            child.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            self.said = said.read().decode(errors="replace")
        self.peak = usage.ru_maxrss / 1024
        if child.returncode:
            sys.exit(f"{' '.join(args)} failed ({child.returncode}):\n{self.said}")

    def json(self):
        return json.loads(next(line for line in self.said.splitlines() if line.startswith("{")))


def psql(database, sql):
    return Ended(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]).said.strip()


def make_database():
    if psql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
        return
    print(f"making {DATABASE} ...", file=sys.stderr)
    psql("postgres", f"CREATE DATABASE {DATABASE}")
    Ended(["pgbench", "-iq", "-s", 15 * SIZE, DATABASE])
    statements = DOCUMENTS.format(rows=800_000 * SIZE)
    (FOLDER / "documents.sql").write_text(statements)
    Ended(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", DATABASE, "-f", "documents.sql"])


def odavl(line, **env):
    return Ended([ODAVL, "backup", *line.split()], **env)


def empty(name):
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    (FOLDER / name).mkdir()


class Store:
    """A store in a process of its own, that keeps all in memory and speaks S3."""

    def __enter__(self):
        self.child = subprocess.Popen([BENCH, "--store"], stdout=subprocess.PIPE, text=True)
        at = self.child.stdout.readline().strip()
        (FOLDER / "s3.toml").write_text("[stores.bench]\npath_style = true\n")
        return {
            "ODAVL_BACKUP_STORE": f"s3://odavl-test/bench?endpoint={at}&profile=bench",
            "AWS_ACCESS_KEY_ID": "test-key",
            "AWS_SECRET_ACCESS_KEY": "test-secret-canary",
        }

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()


class Table:
    """What was measured, by its name: seconds, and the largest resident set in MiB."""

    def __init__(self):
        self.seconds, self.peaks, self.stored = {}, {}, {}

    def add(self, name, ended, stored=None):
        seconds = ended.seconds if isinstance(ended, Ended) else ended
        self.seconds.setdefault(name, []).append(seconds)
        if isinstance(ended, Ended):
            self.peaks.setdefault(name, []).append(ended.peak)
        if stored:
            self.stored[name] = stored
        print(f"  {seconds:7.2f} s  {name}", file=sys.stderr)

    def median(self, name):
        return statistics.median(self.seconds[name])

    def rows(self, names, base):
        for name in names:
            times = "" if name == base else f"{self.median(name) / self.median(base):.2f}"
            peak = f"{max(self.peaks[name]):.0f} MiB" if name in self.peaks and "odavl" in name else ""
            stored = f"{self.stored[name] / 1e6:.1f} MB" if name in self.stored else ""
            print(f"| {name} | {self.median(name):.2f} s | {times} | {peak} | {stored} |")


DUMP = "`pg_dump -Fc -Z0 > /dev/null`"
BARE = "odavl, without a fingerprint"
WHOLE = "odavl"
TO_S3 = "odavl, to a store that speaks S3"
PIPE = "`pg_dump \\| gzip > store`"
ALONE = "odavl's fingerprint alone"
RESTORE = "`pg_restore -j2`"
VERIFY = "odavl's verify: restored, compared, removed"
RESTIC = "restic of `pg_dump --stdin` (file level)"
PGBACKREST = "pgbackrest, full (physical, of all databases)"
SQLITE_COPY = "`.backup`, `zstd`"
SQLITE_OURS = "odavl, of SQLite"


def pg_dump(table):
    table.add(DUMP, Ended(f"pg_dump -Fc -Z0 {DATABASE} > /dev/null"))


def backup(table, name, line, **env):
    empty("store")
    made = odavl(f"create bench --url-env DATABASE_URL --json {line}", **env)
    table.add(name, made, made.json()["stored_bytes"])


def pipe(table):
    empty("gzip")
    ended = Ended(f"pg_dump {DATABASE} | gzip > gzip/dump.gz && sync gzip/dump.gz")
    table.add(PIPE, ended, (FOLDER / "gzip/dump.gz").stat().st_size)


def fingerprint(table):
    told = Ended([BENCH, "fingerprint", DATABASE], ODAVL_BENCH_POSTGRES=url(DATABASE)).said
    table.add(ALONE, float(told))


def restores(table):
    """The same dump restored both ways: by `pg_restore` from a file that is there, and from the store."""
    Ended(f"pg_dump -Fc -Z0 -f plain.dump {DATABASE}")
    psql("postgres", "CREATE DATABASE bench_restored")
    table.add(RESTORE, Ended("pg_restore -j2 --no-owner --no-acl -d bench_restored plain.dump"))
    psql("postgres", "DROP DATABASE bench_restored")
    (FOLDER / "plain.dump").unlink()
    table.add(VERIFY, odavl("verify bench --url-env DATABASE_URL"))


def restic(table):
    empty("restic")
    Ended("restic init -q -r restic")
    table.add(RESTIC, Ended(f"pg_dump -Fc -Z0 {DATABASE} | restic backup -q -r restic --stdin --stdin-filename dump"), folder_size("restic"))


def folder_size(name):
    return sum(file.stat().st_size for file in (FOLDER / name).rglob("*") if file.is_file())


def pgbackrest(table):
    """It reads the server's own folder, as the user who owns it."""
    data = psql("postgres", "SHOW data_directory")
    if not Path(data).exists():
        return
    owner = Path(data).owner()
    repo = Path(f"/var/tmp/odavl-pgbackrest-{os.getpid()}")
    socket = psql("postgres", "SHOW unix_socket_directories").split(",")[0]
    options = {
        "stanza": "bench", "pg1-path": data, "pg1-port": environment()["PGPORT"], "pg1-socket-path": socket, "pg1-user": environment()["PGUSER"],
        "repo1-path": repo / "repo", "log-path": repo, "lock-path": repo, "spool-path": repo, "config": repo / "none", "log-level-console": "warn",
        "log-level-file": "off", "repo1-cipher-type": "aes-256-cbc", "compress-type": "zst", "process-max": 2, "start-fast": "y", "archive-check": "n",
    }
    repo.mkdir()
    (repo / "none").touch()
    # Where its user may run it.
    program = shutil.copy(shutil.which("pgbackrest"), repo)
    shutil.chown(repo, owner)

    def run(command, *without):
        told = [f"--{name}={value}" for name, value in options.items() if name not in without]
        as_owner = [] if os.getuid() == repo.stat().st_uid else ["runuser", "-u", owner, "--", "env", "-C", "/"]
        return Ended([*as_owner, program, *told, command], PGBACKREST_REPO1_CIPHER_PASS="bench")

    try:
        run("stanza-create", "process-max", "start-fast", "archive-check", "compress-type", "spool-path")
        ended = run("backup", "spool-path")
        size = sum(file.stat().st_size for file in (repo / "repo").rglob("*") if file.is_file())
        table.add(PGBACKREST, ended, size)
    finally:
        shutil.rmtree(repo)


def sqlite(table):
    if not (FOLDER / "bench.db").exists():
        Ended(["sqlite3", "bench.db", SQLITE])
    empty("copied")
    ended = Ended("sqlite3 bench.db '.backup copied/copy.db' && zstd -q copied/copy.db -o copied/copy.zst && rm copied/copy.db && sync copied/copy.zst")
    table.add(SQLITE_COPY, ended, (FOLDER / "copied/copy.zst").stat().st_size)
    empty("store")
    made = odavl("create bench --sqlite bench.db --json")
    table.add(SQLITE_OURS, made, made.json()["stored_bytes"])


def everything(table):
    with Store() as s3:
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
            pg_dump(table)
            backup(table, BARE, "--no-fingerprint")
            pipe(table)
            backup(table, TO_S3, f"--config {FOLDER / 's3.toml'}", **s3)
            fingerprint(table)
            backup(table, WHOLE, "")
            restores(table)
            restic(table)
            pgbackrest(table)
            sqlite(table)


def size_of_ten(table):
    for _ in range(ROUNDS):
        pg_dump(table)
        backup(table, WHOLE, "")
        table.add(VERIFY, odavl("verify bench --url-env DATABASE_URL"))


def show(table, groups):
    size = int(psql("postgres", f"SELECT pg_database_size('{DATABASE}')")) / 1e6
    print(f"PostgreSQL {re.split(' ', psql('postgres', 'SHOW server_version'))[0]}, {size:.0f} MB, medians of {ROUNDS}\n")
    print("| | took | times the first | most memory | stored |\n|---|--:|--:|--:|--:|")
    for base, *names in groups:
        table.rows([name for name in [base, *names] if name in table.seconds], base)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, flags in [("identity.txt", []), ("signing.txt", ["--signing"])]:
        (FOLDER / name).unlink(missing_ok=True)
        Ended([ODAVL, "backup", "key", *flags, FOLDER / name])
    recipient = re.search("age1[a-z0-9]+", (FOLDER / "identity.txt").read_text())[0]
    os.environ["ODAVL_BACKUP_RECIPIENTS"] = recipient
    make_database()
    table = Table()
    if LARGE:
        size_of_ten(table)
        show(table, [(DUMP, WHOLE, VERIFY)])
    else:
        everything(table)
        groups = [(DUMP, BARE, WHOLE, TO_S3, PIPE, ALONE, RESTIC, PGBACKREST), (RESTORE, VERIFY), (SQLITE_COPY, SQLITE_OURS)]
        show(table, groups)


main()
