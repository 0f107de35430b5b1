"""Keys, projects, runs and the gateway through every door."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import odavl
import pytest
from conftest import CONFIG
from odavl import KeyLimit


def test_a_key_is_made_used_rotated_and_revoked(db: Any, me: Any) -> None:
    new = me.keys.create("ci", ["usage:write"], metadata={"team": "a"})
    assert new.secret.startswith("odavl_live_") and new.secret not in repr(new)
    assert (new.key.name, new.key.scopes, new.key.metadata) == ("ci", ("usage:write",), {"team": "a"})
    mine = db.authenticate(new.secret)
    assert mine.usage.consume("tests").used == 1
    assert (mine.whoami().key_id, mine.whoami().key_name) == (new.key.id, "ci")
    with pytest.raises(odavl.ForbiddenError) as refused:
        mine.keys.list()
    assert refused.value.reason == "insufficient_scope"
    rotated = me.keys.rotate(new.key.id, grace=60)
    assert db.authenticate(rotated.secret).usage.consume("tests").used == 2
    assert mine.usage.consume("tests").used == 3
    assert me.keys.revoke(new.key.id).revoked_at is not None
    with pytest.raises(odavl.UnauthenticatedError) as gone:
        mine.usage.consume("tests")
    assert gone.value.reason == "revoked"


def test_a_key_has_limits_addresses_and_an_end_of_its_own(db: Any, me: Any) -> None:
    until = datetime.now(timezone.utc) + timedelta(days=1)
    limits = [KeyLimit("tests", 2), KeyLimit("calls", 100, "60s")]
    new = me.keys.create("ci", ["usage:write"], environment="test", limits=limits, expires_at=until)
    assert set(new.key.limits) == {KeyLimit("tests", 2, None), KeyLimit("calls", 100, "60s")}
    assert new.key.environment == "test" and abs(new.key.expires_at - until) < timedelta(seconds=1)
    mine = db.authenticate(new.secret)
    mine.usage.consume("tests", 2)
    with pytest.raises(odavl.QuotaExceededError) as refused:
        mine.usage.consume("tests")
    assert refused.value.limit == 2
    changed = me.keys.update(new.key.id, name="other", limits=[], allowed_ips=["203.0.113.0/24"])
    assert (changed.name, changed.limits, changed.allowed_ips) == ("other", (), ("203.0.113.0/24",))
    assert me.keys.read(new.key.id) == changed
    with pytest.raises(odavl.ForbiddenError):
        mine.usage.consume("tests")
    assert me.keys.update(new.key.id, disabled=True).disabled


@pytest.mark.embedded("whoever asks a service has one of the keys")
def test_keys_come_in_pages_and_a_plan_has_only_so_many(me: Any) -> None:
    made = [me.keys.create(str(n), ["usage:read"], idempotency_key=str(n)).key.id for n in range(5)]
    first = me.keys.list(limit=3)
    assert [key.id for key in [*first, *me.keys.list(cursor=first.next_cursor)]] == made
    again = me.keys.create("4", ["usage:read"], idempotency_key="4")
    assert again.secret is None and again.key.id == made[4]
    with pytest.raises(odavl.QuotaExceededError) as refused:
        me.keys.create("5", ["usage:read"])
    assert refused.value.meter == "api_keys"


def test_what_makes_no_key_is_said(me: Any) -> None:
    before = len(me.keys.list())
    wrong: list[Callable[[], object]] = [
        lambda: me.keys.create("", ["usage:read"]),
        lambda: me.keys.create("x", []),
        lambda: me.keys.create("x", ["no:such"]),
        lambda: me.keys.create("x", ["usage:read"], environment="prod"),
        lambda: me.keys.create("x", ["usage:read"], allowed_ips=["nowhere"]),
        lambda: me.keys.create("x", ["usage:read"], limits=[KeyLimit("no_such", 1)]),
        lambda: me.keys.create("x", ["usage:read"], limits=[KeyLimit("tests", 1, "fortnight")]),
        lambda: me.keys.create("x", ["usage:read"], expires_at="tomorrow"),
    ]
    for act in wrong:
        with pytest.raises(odavl.InvalidInputError):
            act()
    types: list[tuple[str, Callable[[], object]]] = [
        ("scopes", lambda: me.keys.create("x", "usage:read")),
        ("scopes", lambda: me.keys.create("x", [7])),
        ("limits", lambda: me.keys.create("x", ["usage:read"], limits=7)),
        ("grace", lambda: me.keys.rotate("key_" + "0" * 26, grace="1h")),
        ("disabled", lambda: me.keys.update("key_" + "0" * 26, disabled="yes")),
    ]
    for name, act in types:
        with pytest.raises(TypeError, match=f"argument '{name}'"):
            act()
    with pytest.raises(odavl.NotFoundError):
        me.keys.read("key_nothing")
    assert len(me.keys.list()) == before


def test_another_organisation_s_things_are_not_there(db: Any, me: Any) -> None:
    key = me.keys.create("ci", ["usage:read"]).key
    with pytest.raises(odavl.NotFoundError):
        db.system("operator").keys.read(key.id)


def test_the_gateway_decides_about_a_key(db: Any, me: Any) -> None:
    operator = db.system("operator")
    secret = me.keys.create("customer", ["usage:write"], metadata={"customer": "7"}).secret
    yes = operator.gateway.verify(secret, scope="usage:write", charges={"tests": 19, "calls": 1}, tags={"a": "b"})
    assert yes.valid and yes.metadata == {"customer": "7"} and yes.code is None
    assert {limit.meter: limit.remaining for limit in yes.limits} == {"tests": 1, "calls": None}
    no = operator.gateway.verify(secret, charges={"tests": 2})
    assert (no.valid, no.code, no.limits[0].used) == (False, "quota_exceeded", 19)
    assert operator.gateway.verify(secret, scope="keys:admin").reason == "insufficient_scope"
    assert operator.gateway.verify("odavl_live_nothing").reason == "malformed"
    assert operator.gateway.verify(secret, environment="test").reason == "wrong_environment"
    assert operator.gateway.verify(secret, ip="203.0.113.7").valid
    wrong: list[dict[str, Any]] = [
        {"ip": "nowhere"},
        {"scope": "no"},
        {"charges": {"no_such": 1}},
        {"environment": "prod"},
    ]
    for named in wrong:
        with pytest.raises(odavl.InvalidInputError):
            operator.gateway.verify(secret, **named)
    with pytest.raises(TypeError, match="argument 'key'"):
        operator.gateway.verify(7)
    mine = db.authenticate(secret)
    with pytest.raises(odavl.ForbiddenError):
        mine.gateway.verify(secret)


def sarif(run: str) -> bytes:
    result = {"ruleId": "a", "level": "error", "message": {"text": "no"}}
    driver = {"driver": {"name": "tool", "version": "1"}}
    runs = [{"tool": driver, "results": [result], "automationDetails": {"guid": run}}]
    return json.dumps({"version": "2.1.0", "runs": runs}).encode()


def test_results_of_a_run_are_taken_once_and_read_back(me: Any, tmp_path: Path) -> None:
    assert me.projects.create("app").slug == "app"
    with pytest.raises(odavl.AlreadyExistsError):
        me.projects.create("app")
    assert [project.slug for project in me.projects.list()] == ["app"]
    run, other = str(uuid.uuid4()), str(uuid.uuid4())
    document = sarif(run)
    taken = me.runs.create("reports", "app", document, run_id=run)
    assert not taken.replayed and taken.upload.summary.levels.error == 1
    assert taken.upload.summary.tools == (odavl.Tool("tool", "1"),)
    file = tmp_path / "run.sarif"
    file.write_bytes(document)
    assert me.runs.create("reports", "app", file, run_id=run).replayed
    with file.open("rb") as opened:
        assert me.runs.create("reports", "app", opened, run_id=run).replayed
    assert me.runs.create("reports", "app", [document], run_id=run).replayed
    assert me.runs.content(taken.upload.id) == document
    packed = gzip.compress(sarif(other), mtime=0)
    with pytest.raises(odavl.InvalidInputError):
        me.runs.create("reports", "app", packed, run_id=other, encoding="gzip")
    digest = hashlib.sha256(sarif(other)).hexdigest()
    me.runs.create("reports", "app", packed, run_id=other, encoding="gzip", sha256=digest)
    assert [each.run_id for each in me.runs.list(product="reports", project="app")] == [other, run]
    assert me.runs.read(taken.upload.id) == taken.upload
    assert me.runs.delete(taken.upload.id).run_id == run
    used = {limit.meter: limit.used for limit in me.usage.read().limits}
    assert (used["reported"], used["bytes"]) == (2, len(packed))


def test_what_is_no_run_is_said_and_nothing_is_counted(me: Any, tmp_path: Path) -> None:
    me.projects.create("app")
    run = str(uuid.uuid4())
    for named in [
        {"data": b"{}", "run_id": run},
        {"data": sarif(str(uuid.uuid4())), "run_id": run},
        {"data": sarif(run), "run_id": "seven"},
        {"data": sarif(run), "run_id": run, "sha256": "0" * 64},
        {"data": sarif(run), "run_id": run, "encoding": "rar"},
        {"data": sarif(run), "run_id": run, "product": "other"},
    ]:
        with pytest.raises(odavl.InvalidInputError):
            me.runs.create(**{"product": "reports", "project": "app", **named})
    with pytest.raises(odavl.NotFoundError):
        me.runs.create("reports", "nothing", sarif(run), run_id=run)
    for data in ["text", [1, 2], [sarif(run), "text"], 7]:
        with pytest.raises(TypeError, match="argument 'data'"):
            me.runs.create("reports", "app", data, run_id=run)
    for path in [tmp_path, tmp_path / "nothing"]:
        with pytest.raises(odavl.InvalidInputError, match="cannot be read"):
            me.runs.create("reports", "app", path, run_id=run)
    used = {limit.meter: limit.used for limit in me.usage.read().limits}
    assert (used["reported"], used["bytes"]) == (0, 0)


def test_the_loop_runs_while_a_document_is_digested(tmp_path: Path) -> None:
    async def main() -> None:
        async with odavl.AsyncOdavl.open(CONFIG, data=tmp_path) as db:
            await db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
            me = await db.system("acme")
            await me.projects.create("app")
            document = bytes(60 << 20)
            began = time.thread_time()
            with pytest.raises(odavl.InvalidInputError):
                await me.runs.create("reports", "app", document, run_id=str(uuid.uuid4()))
            assert time.thread_time() - began < 0.01

    asyncio.run(main())


def test_no_more_of_a_run_is_read_than_is_taken(me: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            yield bytes(1000)

    read: list[int] = []
    run = str(uuid.uuid4())
    monkeypatch.setattr("odavl._pieces.MOST", 10_000)
    file = tmp_path / "run.sarif"
    file.write_bytes(bytes(10_001))
    for data in [endless(), file, io.BytesIO(bytes(10_001))]:
        with pytest.raises(odavl.TooLargeError, match="10000 bytes"):
            me.runs.create("reports", "app", data, run_id=run)
    assert len(read) == 11
    wrong: list[dict[str, Any]] = [{"product": "?"}, {"project": "A b"}, {"run_id": "seven"}, {"encoding": "gzip"}]
    for named in wrong:
        with pytest.raises(odavl.InvalidInputError):
            me.runs.create(**{"product": "reports", "project": "app", "run_id": run, "data": endless(), **named})
    assert len(read) == 11
