"""An installation of one's own for each test, through each door."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doors import Door

# A shell starts what it runs in the background with Ctrl-C ignored, and so would be what is tested here.
signal.signal(signal.SIGINT, signal.default_int_handler)

CONFIG: dict[str, Any] = {
    "resources": ["reports"],
    "meters": {
        "calls": {"kind": "sum"},
        "tests": {"kind": "sum"},
        "pages": {"kind": "sum"},
        "requests": {"kind": "sum", "counts": "requests"},
        "bytes": {"kind": "gauge", "counts": "stored_bytes"},
        "reported": {"kind": "sum", "counts": "reports"},
    },
    "plans": {
        "Basic": {
            "default": True,
            "api_keys": 5,
            "limits": {"tests": 20, "bytes": 64_000_000, "pages": {"max": 2, "per": "60s"}},
        }
    },
}
"""Meters without a limit, with a quota (20 tests a month), and with a rate (2 pages a minute)."""


DOORS = ["sync", "async", "connected"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test is of every door, unless it says why it is not: ``@pytest.mark.embedded("why")``."""
    if "door" in metafunc.fixturenames:
        is_embedded = metafunc.definition.get_closest_marker("embedded")
        metafunc.parametrize("door", DOORS[:2] if is_embedded else DOORS, indirect=True)


@pytest.fixture
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    door = Door(request.param)
    yield door
    door.end()


@pytest.fixture
def db(door: Door, tmp_path: Path) -> Iterator[Any]:
    db = door.open(CONFIG, data=tmp_path / "data")
    db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    yield db
    db.close()


@pytest.fixture
def me(db: Any) -> Any:
    return db.system("acme")
