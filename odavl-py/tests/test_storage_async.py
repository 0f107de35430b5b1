"""What only tasks do: asynchronous sources, and puts that are cancelled."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import odavl
import pytest
from conftest import CONFIG

MIB = 1 << 20


async def opened(data: Path) -> tuple[odavl.AsyncOdavl, odavl.AsyncSession]:
    db = await odavl.AsyncOdavl.open(CONFIG, data=data)
    await db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    return db, await db.system("acme")


class Slow:
    """A file that tasks read."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces

    async def read(self, _: int) -> bytes:
        await asyncio.sleep(0)
        self.left -= 1
        return b"x" * 1000 if self.left >= 0 else b""


async def gives(pieces: int, *, then: BaseException | None = None) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        await asyncio.sleep(0)
        yield b"y" * 1000
    if then is not None:
        raise then


def test_asynchronous_files_and_iterators_are_taken(tmp_path: Path) -> None:
    async def main() -> None:
        db, me = await opened(tmp_path)
        async with db:
            assert (await me.storage.put("file", Slow(5))).size == 5000
            assert (await me.storage.put("iterator", gives(7), size=7000)).size == 7000
            async with me.storage.get("iterator") as download:
                assert b"".join([piece async for piece in download]) == b"y" * 7000
            assert await (await me.storage.get("file")).read() == b"x" * 5000
            with pytest.raises(odavl.InvalidInputError, match="broke off"):
                await me.storage.put("file", gives(2, then=OSError("gone")))
            assert (await me.storage.stats()).bytes == 12_000

    asyncio.run(main())


def test_what_is_on_its_way_may_be_a_task(tmp_path: Path) -> None:
    async def main() -> None:
        db, me = await opened(tmp_path)
        async with db:
            await me.storage.put("x", b"12345")
            getting = asyncio.create_task(me.storage.get("x"))
            held, got = await asyncio.gather(me.usage.reserve("tests", 5), asyncio.wait_for(me.storage.get("x"), 30))
            assert await (await getting).read() == await got.read() == b"12345"
            assert (await held.release()).limits[0].used == 0
            missing = asyncio.create_task(me.storage.get("y"))
            with pytest.raises(odavl.NotFoundError):
                await missing
            cut = asyncio.create_task(me.storage.get("x"))
            await asyncio.sleep(0)
            cut.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cut
            me.storage.get("x").close()
        again = await asyncio.create_task(odavl.AsyncOdavl.open(CONFIG, data=tmp_path))
        await again.close()

    asyncio.run(main())


def test_an_asynchronous_generator_of_which_no_more_is_wanted_is_closed_at_once(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1000)
        finally:
            await asyncio.sleep(0)
            closed.append("endless")

    async def main() -> None:
        db, me = await opened(tmp_path)
        async with db:
            source = endless()
            with pytest.raises(odavl.InvalidInputError):
                await me.storage.put("x", source, size=5)
            assert closed == ["endless"]

    closed: list[str] = []
    asyncio.run(main())


def test_the_loop_runs_while_a_pipe_is_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        db, me = await opened(tmp_path / "data")
        async with db:
            await me.projects.create("app")
            putting = asyncio.create_task(me.storage.put("x", pipe))
            creating = asyncio.create_task(me.runs.create("reports", "app", other, run_id=str(uuid.uuid4())))
            for path in [pipe, other]:
                # It is opened here, in the loop, when somebody reads from it.
                while not putting.done() and not creating.done():
                    try:
                        writes = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
                    except OSError:
                        await asyncio.sleep(0.01)
                        continue
                    os.write(writes, b"{}")
                    os.close(writes)
                    break
            assert (await putting).size == 2
            with pytest.raises(odavl.InvalidInputError, match="version"):
                await creating

    pipe, other = tmp_path / "pipe", tmp_path / "other"
    os.mkfifo(pipe)
    os.mkfifo(other)
    asyncio.run(main())


def test_a_large_object_whose_read_was_cancelled_between_its_parts_is_not_taken_for_less(tmp_path: Path) -> None:
    async def main() -> None:
        db, me = await opened(tmp_path)
        async with db:
            await me.storage.put("x", bytes(32 * MIB))
            download = await me.storage.get("x")
            reading = asyncio.create_task(download.read())
            await asyncio.sleep(0)
            # The first part comes while the loop is busy, and the next one is asked for before it is cancelled.
            time.sleep(0.3)
            for _ in range(3):
                await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            with pytest.raises(odavl.InvalidInputError, match="cancelled"):
                await download.read()
            await download.close()
            reading = asyncio.create_task((download := await me.storage.get("x")).read())
            await asyncio.sleep(0)
            await download.close()
            with pytest.raises(odavl.InvalidInputError, match="closed"):
                await reading

    asyncio.run(main())


@pytest.mark.parametrize("reads", ["read", "iteration"])
def test_what_came_for_somebody_who_has_just_left_is_not_skipped(tmp_path: Path, reads: str) -> None:
    async def main() -> None:
        db, me = await opened(tmp_path)
        async with db:
            await me.storage.put("x", b"0123456789")
            async with me.storage.get("x") as download:
                wanted = download.read(4) if reads == "read" else anext(download)
                reading = asyncio.ensure_future(wanted)
                await asyncio.sleep(0)
                # It comes while the loop is busy, and is there when the task is cancelled.
                time.sleep(0.3)
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
                with pytest.raises(odavl.InvalidInputError, match="lost"):
                    await download.read(4)

    asyncio.run(main())


def test_a_put_that_is_cancelled_leaves_nothing_and_counts_nothing(tmp_path: Path) -> None:
    async def stands() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        came.set()
        await asyncio.Event().wait()

    async def main() -> None:
        db, me = await opened(tmp_path)
        async with db:
            putting = asyncio.create_task(me.storage.put("x", stands()))
            await came.wait()
            putting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await putting
            assert (await me.storage.stats()).objects == 0
            assert {limit.meter: limit.used for limit in (await me.usage.read()).limits}["bytes"] == 0

    came = asyncio.Event()
    asyncio.run(main())


def test_a_reservation_is_released_by_a_task_that_is_cancelled(tmp_path: Path) -> None:
    async def holds(me: odavl.AsyncSession) -> None:
        async with me.usage.reserve("tests", 5):
            held.set()
            await asyncio.Event().wait()

    async def main() -> None:
        db, me = await opened(tmp_path)
        async with db:
            holding = asyncio.create_task(holds(me))
            await held.wait()
            assert (await me.usage.consume("tests", 0)).used == 5
            holding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await holding
            assert (await me.usage.consume("tests", 0)).used == 0

    held = asyncio.Event()
    asyncio.run(main())


def test_closing_is_awaited(tmp_path: Path) -> None:
    async def main() -> None:
        db, me = await opened(tmp_path)
        await me.storage.put("x", b"1")
        await me.close()
        with pytest.raises(odavl.InvalidInputError, match="closed"):
            await me.storage.get("x")
        await db.close()

    asyncio.run(main())
