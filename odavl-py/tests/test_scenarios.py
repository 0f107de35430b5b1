"""The scenarios that every door plays (``scenarios/``), by Python: the same steps come to the same."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from doors import Door

import odavl

if sys.version_info >= (3, 11):
    import tomllib
else:  # The tests of the scenarios need a reader of TOML.
    pytest.skip("tomllib came with Python 3.11", allow_module_level=True)

FOLDER = Path(__file__).parents[2] / "scenarios"
EVERYTHING = ["keys:admin", "usage:admin", "storage:admin", "org:admin", "uploads:admin", "insight:admin"]
DOORS = {"python": "sync", "python_async": "async", "python_connected": "connected"}
ENGINES = ["sqlite", "postgres"]

Step = Mapping[str, Any]


def read(file: str) -> dict[str, Any]:
    with (FOLDER / f"{file}.toml").open("rb") as opened:
        return tomllib.load(opened)


def cases() -> list[tuple[str, dict[str, Any]]]:
    files = ["keys", "quotas", "reservations", "gateway", "storage"]
    return [(f"{file}: {case['name']}", case) for file in files for case in read(file)["case"]]


def can(door: str, case: dict[str, Any]) -> bool:
    lacks = read("doors").get(door, {})
    return not any(
        word in lacks
        for step in case["steps"]
        for word in [step["do"], *(f"{step['do']}.{name}" for name in step)]
    )


PLAYED = [
    pytest.param(engine, door, case, id=f"{engine}-{door}-{name}")
    for engine in ENGINES
    for door in DOORS
    for name, case in cases()
    if can(door, case)
]


def needs(variable: str, why: str) -> str:
    value = os.environ.get(variable)
    assert value, f"the scenarios need {variable}: {why}"
    return value

# Which came to what they have to.
played: Counter[tuple[str, str]] = Counter()


class World:
    """An installation, opened by a door."""

    def __init__(self, engine: str, name: str, folder: Path) -> None:
        self._door = Door(DOORS[name])
        self._folder, self._made = folder, 0
        self._schema = f"odavl_python_{uuid.uuid4().hex[:12]}" if engine == "postgres" else None
        self._database: str | None = None
        if self._schema:
            self._psql(f"CREATE SCHEMA {self._schema}")
            server = needs("ODAVL_TEST_POSTGRES", "run them by scripts/test")
            self._database = f"{server}?options=-c%20search_path%3D{self._schema}"
        self.db = self._door.open(FOLDER / "odavl.toml", data=folder / "data", database=self._database)
        self.db.set_up(email="ada@example.com", password="correct horse battery", org="first")
        self.gateway = self.db.system("operator")

    def _psql(self, sql: str) -> None:
        server = needs("ODAVL_TEST_POSTGRES", "run them by scripts/test")
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", server, "-c", sql], check=True)

    def actors(self) -> dict[str, str]:
        """Two organisations that no other case has, with a key of each."""
        self._made += 1
        keys = {}
        for name in ["acme", "other"]:
            slug = f"{name}-{self._made}"
            command = needs("ODAVL_TEST_COMMAND", "run them by scripts/python")
            place = ["--data", str(self._folder / "data"), "--config", str(FOLDER / "odavl.toml")]
            environment = {**os.environ, **({"ODAVL_DATABASE": self._database} if self._database else {})}
            make = [command, "admin", *place, "org", "create", slug]
            subprocess.run(make, check=True, capture_output=True, env=environment)
            here = getattr(self.db, "here", self.db)
            keys[name] = here.system(slug).keys.create(name, EVERYTHING).secret
        return keys

    def end(self) -> None:
        self.db.close()
        self._door.end()
        if self._schema:
            self._psql(f"DROP SCHEMA {self._schema} CASCADE")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], World]]:
    opened: dict[tuple[str, str], World] = {}
    for engine in ENGINES:
        for door in DOORS:
            opened[engine, door] = World(engine, door, tmp_path_factory.mktemp(f"{engine}-{door}"))
    yield opened
    for world in opened.values():
        world.end()


def standing(limits: Any, **more: Any) -> dict[str, Any]:
    first = limits[0] if limits else None
    names = ["units", "used", "limit", "remaining", "warning"]
    return {**{name: getattr(first, name, None) for name in names}, **more}


class Play:
    """A case on its way: keys, reservations and cursors by the names that it gives them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._saved = world.actors()

    def take(self, step: Step) -> None:
        try:
            key = step.get("with_text") or self._saved[step.get("with", "acme")]
            answer, saved = getattr(self, "_" + step["do"])(self._world.db.authenticate(key), step)
        except odavl.OdavlError as error:
            assert error.code == step.get("fails"), f"{step}: {error!r}"
            answer, saved = {name: getattr(error, name, None) for name in ["meter", "limit", "used"]}, None
        else:
            assert "fails" not in step, f"{step} came to {answer}"
        for name, expected in step.get("is", {}).items():
            found = answer[name]
            found = list(found) if isinstance(found, tuple) else found
            assert found == (None if expected == "none" else expected), f"`{name}` of {step}: {answer}"
        if "save" in step:
            self._saved[step["save"]] = saved

    def _id(self, step: Step) -> str:
        return "key_" + self._saved[step["key"]].split("_")[2]

    def _key(self, me: Any, step: Step) -> Any:
        limits = [odavl.KeyLimit(**limit) for limit in step.get("limits", [])]
        new = me.keys.create(
            step["name"],
            step["scopes"].split(),
            environment=step.get("environment", "live"),
            limits=limits,
            allowed_ips=step.get("allowed_ips", []),
        )
        key = new.key
        return {"name": key.name, "scopes": key.scopes, "environment": key.environment}, new.secret

    def _keys(self, me: Any, step: Step) -> Any:
        return {"names": [key.name for key in me.keys.list().items]}, None

    def _rotate(self, me: Any, step: Step) -> Any:
        new = me.keys.rotate(self._id(step), grace=step["grace"])
        return {"name": new.key.name}, new.secret

    def _revoke(self, me: Any, step: Step) -> Any:
        return {"name": me.keys.revoke(self._id(step)).name}, None

    def _me(self, me: Any, step: Step) -> Any:
        who = me.whoami()
        return {"name": who.key_name, "plan": who.plan, "scopes": who.scopes}, None

    def _verify(self, me: Any, step: Step) -> Any:
        verdict = self._world.gateway.gateway.verify(
            step.get("text") or self._saved[step["key"]],
            scope=step.get("scope"),
            charges=dict(step.get("charges", [])),
            environment=step.get("environment"),
            ip=step.get("ip"),
            idempotency_key=step.get("idempotency_key"),
        )
        more = {name: getattr(verdict, name) for name in ["valid", "code", "reason", "replayed"]}
        return standing(verdict.limits, **more), None

    def _consume(self, me: Any, step: Step) -> Any:
        done = me.usage.consume(
            step["meter"], step.get("units", 1), idempotency_key=step.get("idempotency_key")
        )
        return standing([done], replayed=done.replayed), None

    def _usage(self, me: Any, step: Step) -> Any:
        return standing([limit for limit in me.usage.read().limits if limit.meter == step["meter"]]), None

    def _history(self, me: Any, step: Step) -> Any:
        now, day = datetime.now(timezone.utc), timedelta(days=1)
        found = me.usage.history(step["meter"], now - day, now + day)
        return {"units": sum(at.units for at in found), "count": sum(at.count for at in found)}, None

    def _reserve(self, me: Any, step: Step) -> Any:
        held = me.usage.reserve(dict(step["charges"]), idempotency_key=step.get("idempotency_key"))
        return standing(held.limits, replayed=held.replayed), held.id

    def _settle(self, me: Any, step: Step) -> Any:
        ended = me.usage.settle(self._saved[step["reservation"]], dict(step["charges"]))
        return standing(ended.limits, replayed=ended.replayed), None

    def _release(self, me: Any, step: Step) -> Any:
        ended = me.usage.release(self._saved[step["reservation"]])
        return standing(ended.limits, replayed=ended.replayed), None

    def _put(self, me: Any, step: Step) -> Any:
        data = b"x" * step["size"] if "size" in step else step["text"].encode()
        mode = "overwrite" if step.get("overwrite", True) else "create"
        done = me.storage.put(step["name"], data, content_type=step.get("content_type"), mode=mode)
        return {"name": done.name, "size": done.size}, None

    def _get(self, me: Any, step: Step) -> Any:
        return {"text": me.storage.get(step["name"]).read().decode()}, None

    def _list(self, me: Any, step: Step) -> Any:
        page = me.storage.list(
            step.get("prefix", ""),
            delimiter="/" if step.get("folders") else None,
            limit=step.get("limit"),
            cursor=self._saved[step["cursor"]] if "cursor" in step else None,
        )
        more = page.next_cursor is not None
        return {"names": [entry.name for entry in page.items], "more": more}, page.next_cursor

    def _delete(self, me: Any, step: Step) -> Any:
        return {"name": me.storage.delete(step["name"]).object.name}, None

    def _stats(self, me: Any, step: Step) -> Any:
        stats = me.storage.stats()
        return {"objects": stats.objects, "bytes": stats.bytes}, None


@pytest.mark.parametrize(("engine", "way", "case"), PLAYED)
def test_scenario(
    worlds: dict[tuple[str, str], World], engine: str, way: str, case: dict[str, Any]
) -> None:
    play = Play(worlds[engine, way])
    for step in case["steps"]:
        play.take(step)
    played[engine, way] += 1


def test_how_many_were_played(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        for (engine, door), many in played.items():
            left = len(cases()) - many
            print(f"\nscenarios on {engine}, door {door}: {many} played, {left} need what it does not do", end="")
        print()
    assert played == Counter(tuple(chosen.values[:2]) for chosen in PLAYED)
