"""The examples in the package's docstrings run, each method's in an installation of its own, through either door."""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import CodeType
from typing import Any

import odavl
import pytest
from service import Service

WINGS = ["installation", "session", "usage", "storage", "keys", "gateway", "backups"]
MODULES = ["odavl", *(f"odavl.{door}.{name}" for door in ["_sync", "_async"] for name in WINGS)]
EXAMPLES = [
    test
    for module in MODULES
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    if test.examples
]


@pytest.fixture
def awaiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Examples may await: `exec` forgets what is to be awaited, and `eval` gives it."""

    def run(code: CodeType, names: dict[str, Any]) -> None:
        coming: Coroutine[Any, Any, None] | None = eval(code, names)
        if coming is not None:
            loop.run_until_complete(coming)

    loop = asyncio.new_event_loop()
    monkeypatch.setattr(doctest, "exec", run, raising=False)
    yield
    loop.close()


@pytest.mark.usefixtures("awaiting")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_an_example_says_what_it_says(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odavl.toml").write_text("data = 'odavl-data'\n")
    backup = {"store": tmp_path / "backups", "unencrypted": True, "sources": {"main": {}}}
    session: type[Any] = odavl.AsyncSession if "._async." in example.name else odavl.Session
    with ExitStack() as served, odavl.Odavl.open({"backup": backup}, data=tmp_path / "example") as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        if example.name.endswith(".connect"):
            key = db.system("acme").keys.create("example", ["usage:write"]).secret
            example.globs.update(url=served.enter_context(Service(tmp_path / "example")).url, key=key)
        me, operator = (session(db.system(org)._core) for org in ["acme", "operator"])
        example.globs.update(folder=tmp_path / "folder", me=me, operator=operator)
        said: list[str] = []
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        doctest.DocTestRunner().run(example, compileflags=flags, out=said.append)
        assert said == []


def test_what_is_named_after_the_package_is_there_and_imported_when_it_is_asked_for() -> None:
    program = """if True:
        import sys, odavl
        assert not {"odavl.asgi", "odavl.models"} & {*sys.modules} and {"asgi", "models"} <= {*dir(odavl)}
        assert odavl.asgi.Protect and odavl.models.Page is odavl.Page
    """
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_every_example_was_found() -> None:
    assert len(EXAMPLES) >= 16
