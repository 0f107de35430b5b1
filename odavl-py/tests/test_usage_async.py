"""What only tasks do with units: they are cancelled at any moment, and none stays held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import odavl
import pytest
from conftest import CONFIG


@pytest.fixture
def here(tmp_path: Path) -> Iterator[odavl.Session]:
    with odavl.Odavl.open(CONFIG, data=tmp_path) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        yield db.system("acme")


def used(here: odavl.Session, folder: Path) -> tuple[int, list[dict[str, int]]]:
    """How many of the tests are used or held once all is done, and what was charged."""
    here.close()
    with odavl.Odavl.open(CONFIG, data=folder) as db:
        me = db.system("acme")
        charged = [dict(entry.charges) for entry in me.usage.ledger() if entry.charges]
        return me.usage.consume("tests", 0).used, charged


async def cancelled(work: Coroutine[Any, Any, object], *, when: asyncio.Event) -> None:
    working = asyncio.create_task(work)
    await when.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


Ends = Callable[[odavl.AsyncSession, asyncio.Event], Coroutine[Any, Any, object]]


async def at_its_end(me: odavl.AsyncSession, done: asyncio.Event) -> None:
    async with me.usage.reserve("tests", 7):
        done.set()


async def within(me: odavl.AsyncSession, done: asyncio.Event) -> None:
    async with me.usage.reserve("tests", 9) as held:
        done.set()
        await held.settle(7)


async def by_its_id(me: odavl.AsyncSession, done: asyncio.Event) -> None:
    held = await me.usage.reserve("tests", 9)
    done.set()
    await me.usage.settle(held.id, {"tests": 7})


async def metered(me: odavl.AsyncSession, done: asyncio.Event) -> None:
    @me.metered("tests", 7)
    async def work() -> None:
        done.set()

    await work()


@pytest.mark.parametrize("ends", [at_its_end, within, by_its_id, metered])
@pytest.mark.parametrize("is_last", [False, True], ids=["and the loop goes on", "and the loop ends"])
def test_what_is_being_settled_is_settled_though_its_task_is_cancelled(
    here: odavl.Session, tmp_path: Path, ends: Ends, is_last: bool
) -> None:
    async def main() -> None:
        me = odavl.AsyncSession(here._core)
        done = asyncio.Event()
        await cancelled(ends(me, done), when=done)
        for _ in range(0 if is_last else 100):
            if (await me.usage.ledger()).items:
                break
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert used(here, tmp_path) == (7, [{"tests": 7}])


def test_what_is_being_released_is_released_though_its_task_is_cancelled_again(
    here: odavl.Session, tmp_path: Path
) -> None:
    async def main() -> None:
        me = odavl.AsyncSession(here._core)
        held, raised = asyncio.Event(), asyncio.Event()

        async def raises() -> None:
            async with me.usage.reserve("tests", 7):
                held.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    raised.set()

        raising = asyncio.create_task(raises())
        await held.wait()
        raising.cancel()
        await raised.wait()
        raising.cancel()
        with pytest.raises(asyncio.CancelledError):
            await raising

    asyncio.run(main())
    assert used(here, tmp_path) == (0, [])


@pytest.mark.parametrize("busy", [0, 0.02])
def test_what_is_being_reserved_is_given_back_whenever_its_task_is_cancelled(
    here: odavl.Session, tmp_path: Path, busy: float
) -> None:
    async def main(steps: int) -> None:
        me = odavl.AsyncSession(here._core)

        async def reserve() -> odavl.AsyncReservation:
            return await me.usage.reserve("tests", 1)

        reserving = asyncio.create_task(reserve())
        for _ in range(steps):
            await asyncio.sleep(0)
        # The answer comes while the loop is busy.
        time.sleep(busy)
        reserving.cancel()
        with suppress(asyncio.CancelledError):
            await (await reserving).release()

    for steps in range(1, 9):
        asyncio.run(main(steps))
    assert used(here, tmp_path) == (0, [])


def test_what_is_reserved_when_its_loop_stops_is_given_back_at_the_end(here: odavl.Session, tmp_path: Path) -> None:
    me = odavl.AsyncSession(here._core)
    loop = asyncio.new_event_loop()

    async def reserve() -> odavl.AsyncReservation:
        return await me.usage.reserve("tests", 1)

    reserving = loop.create_task(reserve())
    loop.call_later(0.001, loop.stop)
    loop.run_forever()
    # The answer comes, and nobody takes it.
    time.sleep(0.2)
    assert used(here, tmp_path) == (0, [])
    reserving.cancel()
    with suppress(asyncio.CancelledError, odavl.OdavlError):
        loop.run_until_complete(reserving)
    loop.close()


def test_a_retry_takes_what_was_reserved_under_its_key_when_its_task_was_cancelled(
    here: odavl.Session, tmp_path: Path
) -> None:
    async def main(steps: int) -> None:
        me = odavl.AsyncSession(here._core)

        async def reserve() -> None:
            async with me.usage.reserve("tests", 1, idempotency_key=f"job-{steps}"):
                await asyncio.sleep(0)

        reserving = asyncio.create_task(reserve())
        for _ in range(steps):
            await asyncio.sleep(0)
        time.sleep(0.02)
        reserving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reserving
        await reserve()

    for steps in range(1, 3):
        asyncio.run(main(steps))
    assert used(here, tmp_path) == (2, [{"tests": 1}, {"tests": 1}])
