"""What only tasks do with units: they are cancelled at any moment, and none stays held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
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


async def metered(me: odavl.AsyncSession, done: asyncio.Event) -> None:
    @me.metered("tests", 7)
    async def work() -> None:
        done.set()

    await work()


@pytest.mark.parametrize("ends", [at_its_end, within, metered])
@pytest.mark.parametrize("is_last", [False, True], ids=["and the loop goes on", "and the loop ends"])
def test_what_is_being_settled_is_settled_though_its_task_is_cancelled(
    here: odavl.Session, ends: Ends, is_last: bool
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
    assert here.usage.consume("tests", 0).used == 7
    assert [entry.charges for entry in here.usage.ledger()] == [{"tests": 7}]


def test_what_is_being_released_is_released_though_its_task_is_cancelled_again(here: odavl.Session) -> None:
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
    assert here.usage.consume("tests", 0).used == 0


@pytest.mark.parametrize("busy", [0, 0.02])
def test_what_is_being_reserved_is_given_back_whenever_its_task_is_cancelled(here: odavl.Session, busy: float) -> None:
    async def main(steps: int) -> None:
        me = odavl.AsyncSession(here._core)
        before = asyncio.all_tasks()

        async def reserve() -> odavl.AsyncReservation:
            return await me.usage.reserve("tests", 1)

        reserving = asyncio.create_task(reserve())
        for _ in range(steps):
            await asyncio.sleep(0)
        # The answer comes while the loop is busy.
        time.sleep(busy)
        reserving.cancel()
        try:
            await (await reserving).release()
        except asyncio.CancelledError:
            # Those that give it back.
            await asyncio.gather(*asyncio.all_tasks() - before)

    for steps in range(1, 9):
        asyncio.run(main(steps))
    assert here.usage.consume("tests", 0).used == 0
