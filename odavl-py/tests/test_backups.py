"""Backups through every door: begun, waited for, proved, and closed to whoever operates nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import odavl
import pytest
from conftest import CONFIG
from doors import Door
from odavl._watch import Watch

NONE = "bkp_01kawmzc40f7ab3h9q2v6x8d1n"


def backups_to(store: Path) -> dict[str, Any]:
    sources = {"main": {}, "gone": {"sqlite": str(store / "no.db")}, "unsaid": {"url_env": "ODAVL_TEST_NOWHERE"}}
    return {**CONFIG, "backup": {"store": str(store), "unencrypted": True, "sources": sources}}


@pytest.fixture
def db(door: Door, tmp_path: Path) -> Iterator[Any]:
    db = door.open(backups_to(tmp_path / "backups"), data=tmp_path / "data")
    db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    yield db
    db.close()


@pytest.fixture
def backups(db: Any) -> Any:
    return db.system("operator").backups


def made(backups: Any) -> Any:
    return backups.wait(backups.create("main"), timeout=60)


def test_a_backup_is_begun_waited_for_verified_and_planned_with(backups: Any) -> None:
    before = {source.name: source for source in backups.sources()}
    assert list(before) == ["gone", "main", "unsaid"]
    main = before["main"]
    assert (main.environment, main.schedule, main.backups, main.newest) == ("production", None, 0, None)
    assert (main.failed, main.running, main.troubles) == (None, None, ())

    work = backups.create("main")
    assert (work.source, work.work, work.backup_id) == ("main", "backup", None)
    backup = backups.wait(work, timeout=60)
    assert (backup.source, backup.proof, backup.pinned, backup.recipients) == ("main", "verified", False, ())
    assert backup.bytes > backup.stored_bytes > 0 and work.since <= backup.started_at <= backup.finished_at
    assert backups.get("main", backup.id) == backup

    work = backups.verify("main", backup.id)
    assert (work.work, work.backup_id) == ("verify", backup.id)
    verified = backups.wait(work, timeout=60)
    assert (verified.id, verified.proof) == (backup.id, "verified")
    assert [(verdict.tier, verdict.passed) for verdict in verified.verdicts] == [("restore", True)] * 2
    after = {source.name: source for source in backups.sources()}["main"]
    assert (after.backups, after.newest, after.newest_verified, after.running) == (1, verified, verified, None)

    plan = backups.restore_plan("main", backup.id, to="copy")
    assert (plan.backup_id, plan.to, plan.proof, plan.bytes) == (backup.id, "copy", "verified", backup.bytes)
    assert plan.took_seconds == verified.verdicts[-1].seconds and plan.at == backup.started_at


def test_backups_come_in_pages_the_newest_first(backups: Any) -> None:
    ids = [made(backups).id for _ in range(3)]
    first = backups.list("main", limit=2)
    rest = backups.list("main", limit=2, cursor=first.next_cursor)
    assert [backup.id for backup in [*first, *rest]] == ids[::-1]
    assert len(first) == 2 and rest.next_cursor is None
    with pytest.raises(odavl.InvalidInputError):
        backups.list("main", limit=0)


def test_what_has_failed_is_raised_with_why_and_is_seen_as_soon_as_it_has_ended(backups: Any) -> None:
    work = backups.create("gone")
    source = running = None
    while source is None or running is not None:
        source = {source.name: source for source in backups.sources()}["gone"]
        running = source.running
    assert source.failed is not None and source.backups == 0
    assert (source.failed.work, source.failed.backup_id, source.failed.at) == ("backup", None, work.since)
    for _ in range(2):
        with pytest.raises(odavl.UnavailableError, match="the backup of gone failed: ") as failed:
            backups.wait(work)
        assert source.failed.detail in str(failed.value)
    with pytest.raises(odavl.InvalidInputError) as unsaid:
        backups.create("unsaid")
    assert "ODAVL_TEST_NOWHERE" in str(unsaid.value) and unsaid.value.hint is not None


def test_a_backup_that_could_not_be_verified_is_raised(backups: Any) -> None:
    backup = made(backups)
    work = odavl.BackupWork("main", "backup", None, backup.started_at, None, 0, None)
    main = next(source for source in backups.sources() if source.name == "main")
    failed = odavl.BackupFailure("verify", backup.id, work.since, "the server is away")
    with pytest.raises(odavl.UnavailableError, match=f"{backup.id} was made, and could not be verified: the server"):
        Watch(work, None).is_at_work([replace(main, failed=failed)])
    assert not Watch(work, None).is_at_work([main])


def test_a_backup_that_is_bad_is_raised(backups: Any, tmp_path: Path) -> None:
    backup = made(backups)
    volume = next(path for path in (tmp_path / "backups").rglob("*~bytes") if backup.id in str(path))
    volume.write_bytes(bytes(volume.stat().st_size))
    with pytest.raises(odavl.CorruptedError, match=backup.id):
        backups.wait(backups.verify("main", backup.id), timeout=60)
    assert backups.get("main", backup.id).proof == "failed"


def test_who_waits_in_vain_is_told(backups: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = made(backups)
    now = datetime.now(timezone.utc) + timedelta(hours=1)
    never = odavl.BackupWork("main", "verify", backup.id, now, None, 0, None)
    with pytest.raises(TimeoutError, match=f"verification of {backup.id} of main is not done after 0.2 s"):
        backups.wait(never, timeout=0.2)
    monkeypatch.setattr("odavl._watch.LOST", 0.2)
    with pytest.raises(odavl.UnavailableError, match="nobody knows") as lost:
        backups.wait(never)
    assert lost.value.hint is not None
    with pytest.raises(odavl.NotFoundError, match="other"):
        backups.wait(replace(never, source="other"))
    with pytest.raises(TypeError, match="argument 'work': 'str'"):
        backups.wait("main")


def test_what_is_not_there_is_not_found(backups: Any) -> None:
    for source in ["other", "postgres://u:p@h/d", "a/b", "..", ""]:
        absent: list[Callable[[str], object]] = [
            backups.create,
            backups.list,
            lambda source: backups.get(source, NONE),
            lambda source: backups.verify(source, NONE),
            lambda source: backups.restore_plan(source, NONE, to="copy"),
        ]
        for act in absent:
            with pytest.raises(odavl.NotFoundError):
                act(source)
    for id in [NONE, "key_1", ""]:
        for of in [backups.get, backups.verify, lambda *of: backups.restore_plan(*of, to="copy")]:
            with pytest.raises(odavl.NotFoundError):
                of("main", id)
    with pytest.raises(odavl.InvalidInputError):
        backups.restore_plan("main", made(backups).id, to="")
    with pytest.raises(TypeError, match="argument 'source'"):
        backups.create(7)


def test_nobody_but_operators_sees_or_begins_one(db: Any) -> None:
    own = db.system("acme").keys.create("own", ["org:admin", "storage:admin"]).secret
    mine = db.authenticate(own).backups
    looking = db.system("operator").keys.create("looking", ["instance:read"]).secret
    reads = db.authenticate(looking).backups
    assert [source.name for source in reads.sources()] == ["gone", "main", "unsaid"]
    refused: list[Callable[[], object]] = [
        mine.sources,
        lambda: mine.list("main"),
        lambda: mine.get("main", NONE),
        lambda: mine.restore_plan("main", NONE, to="copy"),
        *(lambda of=of: of.create("main") for of in [mine, reads]),
        *(lambda of=of: of.verify("main", NONE) for of in [mine, reads]),
    ]
    for act in refused:
        with pytest.raises(odavl.ForbiddenError) as forbidden:
            act()
        assert forbidden.value.reason == "insufficient_scope"
    assert len(reads.list("main")) == 0


def test_values_are_frozen_equal_hashable_and_shown(backups: Any) -> None:
    backup = made(backups)
    source, other = ({source.name: source for source in backups.sources()}["main"] for _ in range(2))
    assert source == other and hash(source) == hash(other) and source.newest == backup
    assert repr(source).startswith("BackupSource(name='main', environment='production', schedule=None, backups=1")
    assert f"<td>{backup.id}</td>" in backup._repr_html_() and repr(backup).startswith(f"Backup(id='{backup.id}'")
    with pytest.raises(FrozenInstanceError):
        backup.proof = "verified"


def test_variables_say_where_backups_are_kept_before_the_file(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite3.connect(tmp_path / "app.db").execute("CREATE TABLE t (a)").connection.close()
    app = {"sqlite": str(tmp_path / "app.db"), "environment": "staging"}
    config = {"backup": {"store": str(tmp_path / "not"), "unencrypted": True, "sources": {"app": app}}}
    monkeypatch.setenv("ODAVL_BACKUP_STORE", str(tmp_path / "here"))
    db = door.open(config, data=tmp_path / "data")
    db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    backups = db.system("operator").backups
    assert backups.wait(backups.create("app"), timeout=60).environment == "staging"
    db.close()
    assert not (tmp_path / "not").exists() and any((tmp_path / "here").rglob("*~bytes"))


@pytest.mark.embedded("a service says it of itself")
def test_where_nothing_is_said_of_backups_there_are_no_sources(door: Door, tmp_path: Path) -> None:
    with door.open(CONFIG, data=tmp_path / "data") as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        backups = db.system("acme").backups
        assert backups.sources() == ()
        with pytest.raises(odavl.NotFoundError):
            backups.create("main")
