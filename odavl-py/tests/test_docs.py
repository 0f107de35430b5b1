"""The examples in the package's docstrings run, each method's in an installation of its own."""

from __future__ import annotations

import doctest
import importlib
from contextlib import ExitStack
from pathlib import Path

import odavl
import pytest
from service import Service

MODULES = ["odavl", *(f"odavl._sync.{name}" for name in ["installation", "session", "usage", "storage", "keys", "gateway", "backups"])]
EXAMPLES = [
    test
    for module in MODULES
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    if test.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_an_example_says_what_it_says(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odavl.toml").write_text("data = 'odavl-data'\n")
    backup = {"store": tmp_path / "backups", "unencrypted": True, "sources": {"main": {}}}
    with ExitStack() as served, odavl.Odavl.open({"backup": backup}, data=tmp_path / "example") as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        if example.name.endswith(".connect"):
            key = db.system("acme").keys.create("example", ["usage:write"]).secret
            example.globs.update(url=served.enter_context(Service(tmp_path / "example")).url, key=key)
        example.globs.update(folder=tmp_path / "folder", me=db.system("acme"), operator=db.system("operator"))
        said: list[str] = []
        doctest.DocTestRunner().run(example, out=said.append)
        assert said == []


def test_every_example_was_found() -> None:
    assert len(EXAMPLES) >= 8
