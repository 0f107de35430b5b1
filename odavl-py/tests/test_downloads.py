"""What becomes of a download that failed, was closed, or was read to its end; and of what its reader left behind."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import nullcontext, suppress
from pathlib import Path

import odavl
import pytest
from conftest import CONFIG
from test_storage_async import opened
from test_upkeep import comes, database_files

MIB = 1 << 20
GOOD = b"what was there before"


@pytest.fixture
def here(tmp_path: Path) -> odavl.Odavl:
    db = odavl.Odavl.open(CONFIG, data=tmp_path / "data")
    db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    return db


def bytes_file(data: Path) -> Path:
    """The file of the one object's bytes."""
    return next(path for path in data.glob("objects/objects/**/*~bytes") if "obj_" in str(path))


def test_one_that_failed_is_never_taken_for_whole(here: odavl.Odavl, tmp_path: Path) -> None:
    to = tmp_path / "report"
    to.write_bytes(GOOD)
    with here, here.system("acme") as me:
        me.storage.put("x", bytes(3 * MIB))
        stored = bytes_file(tmp_path / "data")
        stored.chmod(0o600)
        with stored.open("r+b") as file:
            file.seek(3 * MIB - 1)
            file.write(b"!")
        download = me.storage.get("x")
        with pytest.raises(odavl.CorruptedError):
            download.save(to)
        for again in (lambda: download.save(to), download.read, lambda: list(download)):
            with pytest.raises(odavl.InvalidInputError, match="failed"):
                again()
    assert to.read_bytes() == GOOD and not list(tmp_path.glob("*.part"))


def test_one_that_is_closed_or_at_its_end_makes_no_file(here: odavl.Odavl, tmp_path: Path) -> None:
    to = tmp_path / "report"
    with here, here.system("acme") as me:
        me.storage.put("x", b"12345")
        me.storage.put("empty", b"")
        closed = me.storage.get("x")
        closed.close()
        for act in (lambda: closed.save(to), closed.read):
            with pytest.raises(odavl.InvalidInputError, match="closed"):
                act()
        read = me.storage.get("x")
        assert (read.read(), read.read()) == (b"12345", b"")
        with pytest.raises(odavl.InvalidInputError, match="nothing is left"):
            read.save(to)
        assert not to.exists()
        assert me.storage.get("empty").save(to) == 0 and to.exists()


def test_what_replaces_a_file_is_read_by_whoever_could_read_that(here: odavl.Odavl, tmp_path: Path) -> None:
    private, new = tmp_path / "private", tmp_path / ("n" * 250)
    private.write_bytes(GOOD)
    private.chmod(0o600)
    with here, here.system("acme") as me:
        me.storage.put("x", b"12345")
        for to in (private, new):
            assert me.storage.get("x").save(to) == 5
    assert private.read_bytes() == b"12345" and private.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_and_what_it_leads_to_is_replaced(here: odavl.Odavl, tmp_path: Path) -> None:
    folder, report, new = tmp_path / "folder", tmp_path / "folder" / "report", tmp_path / "new"
    folder.mkdir()
    report.write_bytes(GOOD)
    for link, to in [("current", "folder/next"), ("folder/next", "report"), ("fresh", "new"), ("circle", "circle")]:
        (tmp_path / link).symlink_to(to)
    with here, here.system("acme") as me:
        me.storage.put("x", b"12345")
        for link, file in [("current", report), ("fresh", new), ("fresh", new)]:
            assert me.storage.get("x").save(tmp_path / link) == 5
            assert (tmp_path / link).is_symlink() and file.read_bytes() == b"12345"
        with pytest.raises(odavl.InvalidInputError, match="cannot be written"):
            me.storage.get("x").save(tmp_path / "circle")
    assert (folder / "next").is_symlink() and [path.name for path in folder.iterdir() if "part" in path.name] == []


def test_a_pipe_is_written_to_as_it_is(here: odavl.Odavl, tmp_path: Path) -> None:
    def leaves() -> int:
        os.close(os.open(fifo, os.O_RDONLY))
        return 0

    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read: list[int] = []
    with here, here.system("acme") as me:
        me.storage.put("x", bytes(MIB))
        for reads in [lambda: len(fifo.read_bytes()), leaves]:
            reading = threading.Thread(target=lambda reads=reads: read.append(reads()))
            reading.start()
            with pytest.raises(odavl.UnavailableError) if read else nullcontext():
                assert me.storage.get("x").save(fifo) == MIB
            reading.join(30)
    assert read == [MIB, 0] and fifo.is_fifo()


def test_one_whose_save_is_cancelled_leaves_no_file(tmp_path: Path) -> None:
    async def main() -> None:
        db, me = await opened(tmp_path)
        async with db:
            await me.storage.put("x", bytes(MIB))
            for number in range(300):
                download = await me.storage.get("x")
                saving = asyncio.create_task(download.save(tmp_path / "report"))
                # It is cancelled a little later each time, and so while the file is made, too.
                for _ in range(number % 30):
                    await asyncio.sleep(0)
                saving.cancel()
                with suppress(asyncio.CancelledError):
                    await saving
                await download.close()

    asyncio.run(main())
    assert comes(lambda: not list(tmp_path.glob(".*.part")))


def test_a_pipe_is_stored_whole(here: odavl.Odavl, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with here, here.system("acme") as me:
        writing = threading.Thread(target=fifo.write_bytes, args=(bytes(MIB),))
        writing.start()
        assert me.storage.put("x", fifo).size == MIB
        writing.join(30)
        assert me.storage.put("cpus", Path("/proc/cpuinfo")).size > 0


def test_one_ends_with_its_installation(here: odavl.Odavl, tmp_path: Path) -> None:
    me = here.system("acme")
    me.storage.put("x", bytes(8 * MIB))
    download = me.storage.get("x")
    assert next(iter(download))
    here.close()
    assert not database_files(tmp_path)
    with pytest.raises(odavl.InvalidInputError, match="closed"):
        download.read()


def test_the_end_is_waited_for_by_whoever_asks_for_it(here: odavl.Odavl, tmp_path: Path) -> None:
    me = here.system("acme")
    left: list[list[str]] = []

    def close() -> None:
        here.close()
        left.append(database_files(tmp_path))

    putting = threading.Thread(target=me.storage.put, args=("x", bytes(60_000_000)))
    closing = [threading.Thread(target=close) for _ in range(2)]
    putting.start()
    assert comes(lambda: any("staging" in file for file in database_files(tmp_path)))
    for thread in closing:
        thread.start()
    for thread in (putting, *closing):
        thread.join(30)
    assert left == [[], []]


def test_units_are_given_back_where_nobody_gets_the_reservation(tmp_path: Path) -> None:
    async def main() -> None:
        db, me = await opened(tmp_path)
        async with db:

            async def reserve() -> object:
                return await me.usage.reserve("tests", 5)

            reserving = asyncio.create_task(reserve())
            await asyncio.sleep(0)
            # It is made while the loop is busy, and answered when the task is cancelled.
            time.sleep(0.3)
            reserving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reserving
            for _ in range(100):
                if (await me.usage.consume("tests", 0)).used == 0:
                    return
                await asyncio.sleep(0.05)
            pytest.fail("the units are still held")

    asyncio.run(main())
