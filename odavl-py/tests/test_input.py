"""Wrong types are a `TypeError` that names its argument, wrong values an exception of the table; nothing is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import odavl
import pytest
from doors import Door

Act = Callable[[Any], object]

TYPES: list[tuple[str, Act]] = [
    ("meter", lambda me: me.usage.consume(3)),
    ("meter", lambda me: me.usage.consume(None)),
    ("meter", lambda me: me.usage.consume(b"tests")),
    ("units", lambda me: me.usage.consume("tests", "1")),
    ("units", lambda me: me.usage.consume("tests", 1.5)),
    ("units", lambda me: me.usage.consume("tests", None)),
    ("idempotency_key", lambda me: me.usage.consume("tests", idempotency_key=7)),
    ("tags", lambda me: me.usage.consume("tests", tags=3)),
    ("tags", lambda me: me.usage.consume("tests", tags={"a": 1})),
    ("tags", lambda me: me.usage.consume("tests", tags=["a"])),
    ("charges", lambda me: me.usage.reserve(7)),
    ("charges", lambda me: me.usage.reserve("tests", "5")),
    ("expires_in", lambda me: me.usage.reserve("tests", expires_in="1h")),
    ("reservation", lambda me: me.usage.settle(7, {})),
    ("from_", lambda me: me.usage.history("tests", 0, "2026-01-01T00:00:00Z")),
    ("window", lambda me: me.usage.history("tests", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", window=1)),
    ("limit", lambda me: me.usage.ledger(limit="10")),
    ("organization", lambda me: me.acting_on(7)),
]

VALUES: list[Act] = [
    lambda me: me.usage.consume("no_such_meter"),
    lambda me: me.usage.consume("Not a meter!"),
    lambda me: me.usage.consume("tests\ud800"),
    lambda me: me.usage.consume("tests", -1),
    lambda me: me.usage.consume("tests", 2**53),
    lambda me: me.usage.consume("tests", 2**64),
    lambda me: me.usage.consume("tests", -(2**200)),
    lambda me: me.usage.consume("tests", idempotency_key=""),
    lambda me: me.usage.consume("tests", idempotency_key="\ud800"),
    lambda me: me.usage.consume("tests", tags={"a": "\udfff"}),
    lambda me: me.usage.consume("tests", tags={str(n): "" for n in range(17)}),
    lambda me: me.usage.reserve({}),
    lambda me: me.usage.reserve("tests", 1, expires_in=0),
    lambda me: me.usage.reserve("tests", 1, expires_in=float("nan")),
    lambda me: me.usage.reserve("tests", 1, expires_in=1e300),
    lambda me: me.usage.history("tests", datetime(2026, 1, 1), datetime(2026, 1, 2)),
    lambda me: me.usage.history("tests", "yesterday", "today"),
    lambda me: me.usage.history("tests", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
    lambda me: me.usage.history("tests", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", window="week"),
    lambda me: me.usage.history("tests", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", group_by="tag"),
    lambda me: me.usage.ledger(limit=0),
    lambda me: me.usage.ledger(limit=2**70),
    lambda me: me.usage.ledger(cursor="\n"),
]


@pytest.mark.parametrize("number", range(len(TYPES)))
def test_a_wrong_type_names_its_argument(me: Any, number: int) -> None:
    name, act = TYPES[number]
    with pytest.raises(TypeError, match=f"argument '{name}'"):
        act(me)


def test_units_are_said_once(me: Any) -> None:
    with pytest.raises(TypeError, match="argument 'units'"):
        me.usage.reserve({"tests": 2}, 3)
    with pytest.raises(TypeError, match="argument 'units'"):
        me.metered({"tests": 2}, units=3)


def test_wrong_values_are_invalid_input_and_nothing_is_counted(me: Any) -> None:
    before = me.usage.read().limits
    for number, act in enumerate(VALUES):
        with pytest.raises(odavl.InvalidInputError):
            act(me)
            pytest.fail(f"VALUES[{number}] was taken")
    assert me.usage.consume("tests", 0).used == 0
    assert me.usage.read().limits == before


@pytest.mark.embedded("an installation is opened")
def test_a_configuration_with_a_mistake_says_where(door: Door, tmp_path: Path) -> None:
    file = tmp_path / "odavl.toml"
    file.write_text("lisen = 1\n")
    for config, said in [(file, "lisen"), (str(file), "line 1"), ({"lisen": 1}, "lisen"), (tmp_path, "cannot be read")]:
        with pytest.raises(odavl.InvalidInputError, match=said):
            door.open(config)
    with pytest.raises(TypeError, match="argument 'config'"):
        door.open(7)
    for wrong, said in [
        ({(1, 2): 1}, r"\(1, 2\) is not the name of a field"),
        ({"plans": {"A": {7: 1}}}, r"7 is not the name of a field of plans\.A"),
        ({"clients": {1, "a"}}, "clients is a set"),
        ({"clients": ["a", object()]}, r"'object' object .*: clients\[1\]"),
    ]:
        with pytest.raises(TypeError, match=f"argument 'config': {said}"):
            door.open(wrong)
    circle: dict[str, Any] = {}
    circle["plans"] = circle
    with pytest.raises(odavl.InvalidInputError):
        door.open(circle)
    with pytest.raises(odavl.InvalidInputError, match="data"):
        door.open(data="a\0b")
    with pytest.raises(TypeError, match="argument 'data'"):
        door.open(data=7)
    with pytest.raises(odavl.InvalidInputError):
        door.open(database="mysql://nowhere", data=tmp_path)


@pytest.mark.embedded("an installation is opened")
def test_a_configuration_is_a_file_a_mapping_or_arguments(door: Door, tmp_path: Path, monkeypatch: Any) -> None:
    file = tmp_path / "odavl.toml"
    file.write_text(f"data = '{tmp_path / 'one'}'\nkey_prefix = 'acme'\n")
    door.open(file).close()
    door.open({"data": tmp_path / "two", "clients": ("a",), "resources": {"reports"}}).close()
    monkeypatch.setenv("ODAVL_DATA", str(tmp_path / "three"))
    door.open(file).close()
    door.open(file, data=str(tmp_path / "four")).close()
    assert all((tmp_path / name / "odavl.db").exists() for name in ["one", "two", "three", "four"])


def test_threads_run_while_a_configuration_is_read(tmp_path: Path) -> None:
    fifo = tmp_path / "odavl.toml"
    os.mkfifo(fifo)
    program = """if True:
        import pathlib, sys, threading, odavl
        file = pathlib.Path(sys.argv[1])
        threading.Thread(target=file.write_text, args=("key_prefix = 'acme'\\n",)).start()
        odavl.Odavl.open(file, data=sys.argv[2]).close()
    """
    subprocess.run([sys.executable, "-c", program, fifo, tmp_path / "data"], check=True, timeout=60)


def test_credentials_that_do_not_hold_say_why(db: Any) -> None:
    with pytest.raises(odavl.UnauthenticatedError) as refused:
        db.authenticate("odavl_live_nothing")
    assert refused.value.reason == "malformed" and isinstance(refused.value, PermissionError)
    with pytest.raises(odavl.NotFoundError):
        db.system("nobody")
    with pytest.raises(TypeError, match="argument '(credential|key)'"):
        db.authenticate(None)


@pytest.mark.embedded("a session with a service is closed by itself")
def test_what_is_closed_says_so(db: Any, me: Any) -> None:
    usage = me.usage
    db.close()
    db.close()
    for act in [lambda: usage.consume("tests"), me.whoami, lambda: db.system("acme"), lambda: me.acting_on("acme")]:
        with pytest.raises(odavl.InvalidInputError, match="closed"):
            act()
    assert "closed" in repr(db)


@pytest.mark.embedded("an installation is opened")
def test_a_block_closes_what_it_opened(door: Door, tmp_path: Path) -> None:
    with door.open(data=tmp_path / "data") as db:
        db.ready()
        db.sweep()
    with pytest.raises(odavl.InvalidInputError, match="closed"):
        db.ready()


def test_a_number_that_no_machine_has_room_for_is_refused_by_its_name(me: Any) -> None:
    with pytest.raises(odavl.InvalidInputError, match="'start'"):
        me.storage.get("a", start=2**70)


def test_a_limit_that_is_none_is_refused_by_its_name(me: Any) -> None:
    with pytest.raises(TypeError, match="'limits'"):
        me.keys.create("k", ["storage:read"], limits={"tests": 5})


def test_a_password_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    url = "postgres://odavl:canary@db.example/odavl"
    wrong = {"backup": {"store": "/tmp", "sources": {"main": url}}}
    file = tmp_path / "odavl.toml"
    file.write_text(f"[backup.sources]\nmain = '{url}'\n")
    for config in (wrong, file):
        with pytest.raises(odavl.InvalidInputError, match="expected") as refused:
            odavl.Odavl.open(config, data=tmp_path / "data")
        assert "canary" not in str(refused.value)
