"""Ten thousand times nothing is left over: no memory, no file, no thread, no unit."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from pathlib import Path

import odavl
import pytest
from conftest import CONFIG

TIMES = 10_000
SOME = 500


def left() -> tuple[int, int, int]:
    """Memory in KiB, open files and threads of this process."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines["VmRSS"].split()[0]), len(os.listdir("/proc/self/fd")), int(lines["Threads"])


def hold(act: Callable[[int], object]) -> None:
    act(SOME)
    memory, files, threads = left()
    act(TIMES)
    after = left()
    assert after[0] - memory < 8 << 10, "memory in KiB"
    assert after[1] <= files and after[2] <= threads + 4


def test_what_is_refused_leaves_nothing(tmp_path: Path) -> None:
    def fail(times: int) -> None:
        for _ in range(times):
            with pytest.raises(TypeError):
                me.usage.consume(7)  # type: ignore[arg-type]
            with pytest.raises(odavl.InvalidInputError):
                me.usage.consume("tests", 2**70)
            with pytest.raises(odavl.InvalidInputError):
                closed.usage.consume("tests")

    with odavl.Odavl.open(CONFIG, data=tmp_path / "a") as db, odavl.Odavl.open(CONFIG, data=tmp_path / "b") as other:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        other.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        me, closed = db.system("acme"), other.system("acme")
        other.close()
        hold(fail)
        assert me.usage.consume("tests", 0).used == 0


def test_what_is_answered_and_what_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async def some(me: odavl.AsyncSession) -> None:
        tasks = [asyncio.ensure_future(me.usage.consume("tests", 0)) for _ in range(50)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, odavl.Consumed | asyncio.CancelledError) for each in done)

    async def main() -> None:
        async with odavl.AsyncOdavl.open(CONFIG, data=tmp_path) as db:
            await db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
            me = await db.system("acme")

            async def many(times: int) -> None:
                for _ in range(times // 50):
                    await some(me)

            await many(SOME)
            memory, files, threads = left()
            await many(TIMES)
            after = left()
            assert after[0] - memory < 8 << 10, "memory in KiB"
            assert after[1] <= files and after[2] <= threads + 4
            assert (await me.usage.consume("tests", 0)).used == 0

    asyncio.run(main())


def test_files_that_raise_and_puts_that_are_refused_leave_nothing(tmp_path: Path) -> None:
    class Broken:
        def read(self, _: int) -> bytes:
            raise OSError("disk")

    def fail(times: int) -> None:
        for _ in range(times // 20):
            with pytest.raises(odavl.InvalidInputError):
                me.storage.put("x", Broken())
            with pytest.raises(odavl.InvalidInputError):
                me.storage.put("x", iter([b"1"]), size=2)
            with pytest.raises(odavl.NotFoundError):
                me.storage.get("x")

    with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        me = db.system("acme")
        hold(fail)
        assert me.storage.stats() == odavl.StorageStats(0, 0, 0)
        assert {limit.meter: limit.used for limit in me.usage.read().limits}["bytes"] == 0


def test_sessions_and_installations_leave_nothing(tmp_path: Path) -> None:
    def open_and_close(times: int) -> None:
        for _ in range(times // 100):
            with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
                for _ in range(10):
                    db.system("acme").acting_on("acme")

    with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    hold(open_and_close)
