"""What only a session with a service meets: the way there."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import odavl
import pytest
from conftest import CONFIG
from doors import EVERYTHING
from proxy import Proxy
from service import Service

MIB = 1 << 20
MOST = 500_000_000
ROOMY: dict[str, Any] = {
    **CONFIG,
    "plans": {"Basic": {"default": True, "limits": {"tests": 20, "bytes": MOST}}},
}


class Way:
    """A service behind a proxy, and a key for it."""

    def __init__(self, proxy: Proxy, service: Service, key: str) -> None:
        self.proxy, self.service, self.key = proxy, service, key
        self.url = proxy.url

    def connect(self) -> odavl.Session:
        return odavl.connect(self.url, key=self.key)


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    with Proxy() as proxy, odavl.Odavl.open(ROOMY, data=tmp_path / "data") as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        key = db.system("acme").keys.create("tests", EVERYTHING).secret
        assert key is not None
        with Service(tmp_path / "data", {**ROOMY, "public_url": proxy.url}) as service:
            proxy.port = service.port
            yield Way(proxy, service, key)


def test_a_service_that_is_away_is_said_to_be(way: Way) -> None:
    me = way.connect()
    way.service.stop()
    way.proxy.stop()
    wrong: list[Callable[[], object]] = [way.connect, lambda: me.usage.consume("tests"), lambda: me.storage.put("x", b"")]
    for act in wrong:
        with pytest.raises(odavl.UnavailableError, match="cannot be reached") as refused:
            act()
        assert refused.value.hint is not None and isinstance(refused.value, ConnectionError)


def test_a_key_that_does_not_hold_says_why_and_where(way: Way) -> None:
    with pytest.raises(odavl.UnauthenticatedError) as refused:
        odavl.connect(way.url, key="odavl_live_nothing")
    assert refused.value.reason == "malformed" and refused.value.request_id is not None
    me = way.connect()
    other = me.keys.create("other", ["usage:read"])
    assert other.secret is not None
    me.keys.revoke(other.key.id)
    with pytest.raises(odavl.UnauthenticatedError) as revoked:
        odavl.connect(way.url, key=other.secret)
    assert revoked.value.reason == "revoked"
    for key in ["", "a\nb", "\N{SNOWMAN}"]:
        with pytest.raises(odavl.UnauthenticatedError):
            odavl.connect(way.url, key=key)


def test_what_is_no_server_is_refused_without_its_secret() -> None:
    for url in [
        "https://me:canary@odavl.example",
        "ftp://canary",
        "canary",
        "https://odavl.example/canary",
        "http://192.0.2.1",
        "http://odavl.example",
    ]:
        with pytest.raises(odavl.InvalidInputError) as refused:
            odavl.connect(url, key="k")
        assert "canary" not in f"{refused.value!r} {refused.value.hint}"
    connect: Any = odavl.connect
    for name, value in {"url": 7, "key": None, "organization": 7, "allow_http": "yes"}.items():
        with pytest.raises(TypeError, match=f"argument '{name}'"):
            connect(**{"url": "http://127.0.0.1:1", "key": "k", name: value})


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_a_server_that_is_not_odavl_is_said_to_be_none(status: int) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(odavl.OdavlError, match="as odavl never does|is not odavl.s") as refused:
            odavl.connect(f"http://127.0.0.1:{server.server_port}", key="k")
        assert refused.value.hint is not None and "odavl" in refused.value.hint
        server.shutdown()


def test_a_download_that_is_cut_goes_on_from_where_it_was(way: Way, tmp_path: Path) -> None:
    me, content = way.connect(), os.urandom(8 * MIB)
    me.storage.put("x", content)
    download = me.storage.get("x")
    way.proxy.left = 3 * MIB
    assert download.read() == content and way.proxy.cuts == 1
    part = me.storage.get("x", start=MIB)
    way.proxy.left = 3 * MIB
    assert part.save(tmp_path / "part") == 7 * MIB and way.proxy.cuts == 2
    assert (tmp_path / "part").read_bytes() == content[MIB:]


def test_a_download_whose_server_is_gone_leaves_no_file(way: Way, tmp_path: Path) -> None:
    me = way.connect()
    me.storage.put("x", os.urandom(8 * MIB))
    download = me.storage.get("x")
    assert len(download.read(MIB)) == MIB
    way.proxy.stop()
    with pytest.raises(odavl.UnavailableError):
        download.save(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("x")] == []


def test_an_answer_that_was_lost_is_asked_for_again_and_counted_once(way: Way) -> None:
    me = way.connect()
    way.proxy.left = 0
    done = me.usage.consume("tests", 2)
    assert (done.used, done.replayed, way.proxy.cuts) == (2, False, 1)
    way.proxy.left = 0
    with me.usage.reserve("tests", 3) as held:
        assert not held.replayed and held.limits[0].used == 5
    way.proxy.left = 0
    assert me.storage.put("x", b"12345").size == 5
    assert me.storage.stats().objects == 1 and way.proxy.cuts == 3
    # What makes something without a key to know it by is not asked for twice.
    way.proxy.left = 0
    with pytest.raises(odavl.UnavailableError):
        me.keys.create("lost", ["usage:read"])
    assert [key.name for key in me.keys.list()] == ["tests", "lost"]


def test_calls_under_way_are_finished_when_a_session_is_closed(way: Way) -> None:
    me = way.connect()
    answers: list[odavl.Consumed] = []
    way.proxy.passes.clear()
    waiting = threading.Thread(target=lambda: answers.append(me.usage.consume("tests")))
    waiting.start()
    assert way.proxy.waits.wait(10)
    closing = threading.Thread(target=me.close)
    closing.start()
    with pytest.raises(odavl.InvalidInputError, match="closed"):
        while True:
            me.acting_on("acme")
    way.proxy.passes.set()
    closing.join()
    waiting.join()
    assert [answer.used for answer in answers] == [1]
    with way.connect() as other:
        usage = other.usage
    closed: list[Callable[[], object]] = [usage.read, other.whoami, lambda: other.acting_on("acme")]
    for act in closed:
        with pytest.raises(odavl.InvalidInputError, match="closed"):
            act()


def test_a_task_that_is_cancelled_leaves_its_connection(way: Way) -> None:
    async def main() -> None:
        async with odavl.AsyncOdavl.connect(way.url, key=way.key) as me:
            way.proxy.passes.clear()
            calling = asyncio.create_task(me.usage.consume("tests"))
            assert await asyncio.to_thread(way.proxy.waits.wait, 10)
            calling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await calling
            assert await asyncio.to_thread(way.proxy.gone.wait, 10)
            way.proxy.passes.set()
            assert (await me.usage.consume("tests", 0)).used == 0

    asyncio.run(main())


def test_a_read_that_was_cancelled_is_not_taken_for_the_end(way: Way) -> None:
    async def main() -> None:
        async with odavl.AsyncOdavl.connect(way.url, key=way.key) as me:
            await me.storage.put("x", b"12345")
            download = await me.storage.get("x")
            way.proxy.passes.clear()
            reading = asyncio.create_task(download.read())
            assert await asyncio.to_thread(way.proxy.waits.wait, 10)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            way.proxy.passes.set()
            with pytest.raises(odavl.InvalidInputError, match="cancelled"):
                await download.read()
            await download.close()
            assert await (await me.storage.get("x")).read() == b"12345"

    asyncio.run(main())


def test_a_put_that_is_given_up_at_its_end_stores_nothing(way: Way) -> None:
    async def main() -> None:
        async with odavl.AsyncOdavl.connect(way.url, key=way.key) as me:
            ended = asyncio.Event()

            async def pieces() -> AsyncIterator[bytes]:
                for _ in range(20):
                    yield bytes(MIB)
                way.proxy.passes.clear()
                ended.set()

            putting = asyncio.create_task(me.storage.put("x", pieces()))
            await ended.wait()
            assert await asyncio.to_thread(way.proxy.waits.wait, 10)
            putting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await putting
            assert await asyncio.to_thread(way.proxy.gone.wait, 10)
            way.proxy.passes.set()
            assert (await me.storage.stats()).objects == 0

    asyncio.run(main())


class Pieces:
    """Bytes that come when they are asked for."""

    def __init__(self) -> None:
        self.made = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(70):
            self.made += 1
            yield bytes(MIB)


def stored(usage: odavl.UsageReport) -> int:
    return next(limit.used for limit in usage.limits if limit.meter == "bytes")


@pytest.mark.parametrize("size", [20 * MIB, 70 * MIB])
def test_a_put_that_is_cancelled_gives_its_space_back(way: Way, size: int) -> None:
    async def main() -> None:
        async with odavl.AsyncOdavl.connect(way.url, key=way.key) as me:
            way.proxy.most = 5 * MIB
            putting = asyncio.create_task(me.storage.put("x", bytes(size)))
            assert await asyncio.to_thread(way.proxy.waits.wait, 10)
            putting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await putting
            way.proxy.passes.set()

            async def given_back() -> None:
                while stored(await me.usage.read()) > 0:
                    pass

            await asyncio.wait_for(given_back(), 10)
            assert (await me.storage.stats()).objects == 0

    asyncio.run(main())


def test_a_put_that_fails_has_given_its_space_back(way: Way) -> None:
    me = way.connect()
    with pytest.raises(odavl.InvalidInputError):
        me.storage.put("x", Pieces(), size=70 * MIB, sha256="00" * 32)
    assert stored(me.usage.read()) == 0


def test_what_is_refused_whatever_the_bytes_is_refused_before_all_are_read(way: Way) -> None:
    me, pieces = way.connect(), Pieces()
    me.storage.put("x", b"12345")
    with pytest.raises(odavl.PreconditionFailedError):
        me.storage.put("x", pieces, mode="create")
    with pytest.raises(odavl.QuotaExceededError) as refused:
        me.storage.put("y", pieces, size=MOST)
    assert (refused.value.units, refused.value.used) == (MOST, 5)
    assert pieces.made < 70


def test_connections_are_kept(way: Way) -> None:
    me = way.connect()
    me.storage.put("x", b"12345")
    opened = way.proxy.opened
    for _ in range(3):
        me.storage.put("x", b"12345")
        assert me.storage.get("x").read() == b"12345"
    assert way.proxy.opened == opened


def test_units_are_held_for_a_second_at_least_here_and_there(way: Way, tmp_path: Path) -> None:
    with odavl.Odavl.open(ROOMY, data=tmp_path / "data") as db:
        for me in [db.system("acme"), way.connect()]:
            with pytest.raises(odavl.InvalidInputError, match="1 s to 24 h"):
                me.usage.reserve("tests", 1, expires_in=0.999)


def test_a_session_acts_on_another_organisation_where_it_may(way: Way) -> None:
    me = way.connect()
    assert me.acting_on("acme").whoami() == me.whoami()
    with pytest.raises(odavl.OdavlError):
        me.acting_on("operator").usage.read()
    with pytest.raises(odavl.InvalidInputError):
        me.acting_on("a\nb")


def test_what_a_service_does_not_show_is_unsupported(way: Way) -> None:
    with pytest.raises(odavl.UnsupportedError) as refused:
        way.connect().usage.ledger()
    assert refused.value.hint is not None


def test_what_is_large_goes_in_parts_whatever_it_is(way: Way, tmp_path: Path) -> None:
    me, path = way.connect(), tmp_path / "large"
    content = os.urandom(MIB) * 70
    path.write_bytes(content)
    sources: list[Any] = [content, path, (content[at : at + MIB] for at in range(0, len(content), MIB))]
    for data in sources:
        put = me.storage.put("large", data, sha256=hashlib.sha256(content).hexdigest())
        assert put.checksum.startswith("sha256-5:") and put.size == len(content)
    assert me.storage.get("large").read() == content


MEMORY = """
import sys, odavl
from pathlib import Path

url, key, folder = sys.argv[1:]
peak = lambda: int(next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")).split()[1]) >> 10
with odavl.connect(url, key=key) as me:
    me.storage.put("small", b"x")
    me.storage.get("small").read()
    before = peak()
    me.storage.put("large", (bytes(1 << 20) for _ in range(200)))
    me.storage.put("large", Path(folder) / "large")
    me.storage.get("large").save(Path(folder) / "back")
    assert peak() - before < 64, (before, peak())
"""


def test_memory_stays_bounded_on_the_way(way: Way, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(200 * MIB))
    subprocess.run([sys.executable, "-c", MEMORY, way.url, way.key, str(tmp_path)], check=True, timeout=120)
    assert (tmp_path / "back").stat().st_size == 200 * MIB
