"""What an installation does by itself while it is open, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.request import Request, urlopen

import odavl
import pytest
from conftest import CONFIG
from doors import EVERYTHING, Door
from service import Service

SOON = 30.0
"""Within how many seconds something comes about that is done every five."""


def comes(about: Callable[[], bool]) -> bool:
    until = time.monotonic() + SOON
    while not about() and time.monotonic() < until:
        time.sleep(0.05)
    return about()


def used(me: Any, meter: str) -> int:
    return int(next(limit.used for limit in me.usage.read().limits if limit.meter == meter))


@pytest.mark.embedded("a service does the same by itself")
def test_what_expired_is_given_back_while_it_is_open(db: Any, me: Any) -> None:
    me.usage.reserve("tests", 5, expires_in=1)
    assert used(me, "tests") == 5
    assert comes(lambda: used(me, "tests") == 0)


@pytest.mark.embedded("a service does the same by itself")
def test_what_expired_stays_where_upkeep_is_left_to_others(door: Door, tmp_path: Path) -> None:
    with door.open(CONFIG, data=tmp_path, upkeep=False) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        me = db.system("acme")
        me.usage.reserve("tests", 5, expires_in=1)
        # Longer than it takes to expire and be found.
        time.sleep(7)
        assert used(me, "tests") == 5
        db.sweep()
        assert used(me, "tests") == 0


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Any]]]:
    """Where messages arrive, and what arrived."""
    came: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", came
        server.shutdown()
        thread.join()


def test_webhooks_are_sent_while_it_is_open(tmp_path: Path, receiver: tuple[str, list[Any]]) -> None:
    url, came = receiver
    config, data = {**CONFIG, "private_webhooks": True}, tmp_path / "data"
    with odavl.Odavl.open(config, data=data, upkeep=False) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        key = db.system("acme").keys.create("tests", EVERYTHING).secret
    with Service(data, config) as service:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        request = Request(f"{service.url}/api/v1/webhooks", json.dumps({"url": url}).encode(), headers)
        with urlopen(request) as answer:
            assert answer.status == 200
    with odavl.Odavl.open(config, data=data) as db:
        db.system("acme").usage.consume("tests", 16)
        assert comes(lambda: bool(came))
    assert came[0]["data"]["meter"] == "tests"


class Slow(logging.Handler):
    """Takes its time for the first line, until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.goes_on = Event(), Event()

    def emit(self, record: logging.LogRecord) -> None:
        if not self.reached.is_set():
            self.reached.set()
            self.is_told = self.goes_on.wait(SOON)


def test_upkeep_that_fails_is_logged_and_answers_do_not_wait_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    monkeypatch.setattr(logging.getLogger("odavl"), "handlers", [slow])
    with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        me = odavl.AsyncSession(db.system("acme")._core)
        mark = tmp_path / "objects" / "objects" / "odavl" / "mark" / "~meta"
        assert comes(mark.exists)
        mark.write_text("damaged")
        assert slow.reached.wait(SOON)
        asyncio.run(me.usage.consume("calls"))
        slow.goes_on.set()
        assert comes(lambda: any(record.name == "odavl" for record in caplog.records))
    told = next(record for record in caplog.records if record.name == "odavl")
    assert slow.is_told
    assert told.levelname == "WARNING" and "could not be swept" in told.getMessage() and "error: " in told.getMessage()


def database_files(data: Path) -> list[str]:
    """Which of the installation's files are open in this process."""
    links = []
    for entry in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{entry}"))
        except FileNotFoundError:
            # What listed them was one itself.
            pass
    return [link for link in links if link.startswith(str(data))]


@pytest.mark.embedded("a service keeps its own files")
def test_nothing_of_it_is_left_once_it_is_closed(door: Door, tmp_path: Path) -> None:
    db = door.open(CONFIG, data=tmp_path)
    db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    me = db.system("acme")
    me.usage.consume("tests")
    assert database_files(tmp_path)
    db.close()
    # The session is still there, and keeps nothing open.
    assert not database_files(tmp_path)
    with pytest.raises(odavl.InvalidInputError, match="closed"):
        me.usage.consume("tests")


def test_what_is_closed_within_a_task_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with odavl.AsyncOdavl.open(CONFIG, data=tmp_path) as db:
            await db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
            async with await db.system("acme") as me:
                await asyncio.gather(*(me.usage.consume("tests", 0) for _ in range(20)))
            assert not database_files(tmp_path)

    asyncio.run(main())


def test_calls_under_way_are_finished_first(tmp_path: Path) -> None:
    with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        me = db.system("acme")
        begun, answers = Event(), 0

        def consume() -> None:
            nonlocal answers
            with pytest.raises(odavl.InvalidInputError, match="closed"):
                while True:
                    me.usage.consume("calls")
                    answers += 1
                    begun.set()

        thread = Thread(target=consume)
        thread.start()
        assert begun.wait(SOON)
        db.close()
        thread.join(SOON)
    with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
        assert db.system("acme").usage.consume("calls", 0).used == answers


def test_it_is_closed_by_who_is_being_read(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        db.close()
        yield b"b"

    db = odavl.Odavl.open(CONFIG, data=tmp_path)
    db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    assert db.system("acme").storage.put("x", pieces()).size == 2
    assert comes(lambda: not database_files(tmp_path))


def ends_well(data: Path) -> bool:
    """Whether a child that is forked now can open the same, and charge."""
    child = os.fork()
    if child == 0:
        # What hangs is ended, and told by how.
        signal.alarm(20)
        try:
            with odavl.Odavl.open(CONFIG, data=data) as own:
                own.system("acme").usage.consume("calls")
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_right_after_closing_opens_its_own(tmp_path: Path) -> None:
    with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    for _ in range(200):
        with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
            me = db.system("acme")
            me.usage.consume("calls")
        assert ends_well(tmp_path)
    with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
        assert db.system("acme").usage.consume("calls", 0).used == 400


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_in_the_middle_of_upkeep_opens_its_own(tmp_path: Path) -> None:
    with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    for _ in range(50):
        # It tidies as soon as it is open.
        with odavl.Odavl.open(CONFIG, data=tmp_path):
            assert ends_well(tmp_path)
