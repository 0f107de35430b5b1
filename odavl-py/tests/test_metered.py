"""Functions whose calls are charged, `def` and `async def`, by either session."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import odavl
import pytest
from conftest import CONFIG


@pytest.fixture(params=[odavl.Session, odavl.AsyncSession])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    with odavl.Odavl.open(CONFIG, data=tmp_path / "data") as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        yield request.param(db.system("acme")._core)


def used(session: odavl.Session, meter: str = "tests") -> int:
    now: int = odavl.Session(session._core).usage.consume(meter, 0).used
    return now


def test_a_call_is_charged_when_it_returns_and_not_where_it_raises(session: odavl.Session) -> None:
    @session.metered("tests", units=2)
    def work(left: int, *, over: int = 1) -> int:
        """Works."""
        assert used(session) == before + 2
        return left // over

    before = 0
    assert work(7) == 7 and used(session) == 2
    before = 2
    with pytest.raises(ZeroDivisionError):
        work(7, over=0)
    assert used(session) == 2
    assert (work.__name__, work.__doc__) == ("work", "Works.")


def test_a_coroutine_is_charged_when_it_returns_and_not_where_it_raises_or_is_cancelled(session: odavl.Session) -> None:
    @session.metered("tests", units=2)
    async def work(over: int) -> float:
        await asyncio.sleep(0)
        return 1 / over

    @session.metered("tests")
    async def stands() -> None:
        began.set()
        await asyncio.Event().wait()

    async def main() -> None:
        assert await work(1) == 1
        with pytest.raises(ZeroDivisionError):
            await work(0)
        standing = asyncio.create_task(stands())
        await began.wait()
        standing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await standing

    began = asyncio.Event()
    assert inspect.iscoroutinefunction(work)
    asyncio.run(main())
    assert used(session) == 2


def test_a_call_that_is_refused_does_not_run(session: odavl.Session) -> None:
    ran = 0

    @session.metered("tests", units=lambda units: units)
    def work(units: int) -> None:
        nonlocal ran
        ran += 1

    work(19)
    with pytest.raises(odavl.QuotaExceededError):
        work(2)
    with pytest.raises(odavl.InvalidInputError):
        work(-1)
    assert ran == 1 and used(session) == 19


def test_several_meters_are_charged_together(session: odavl.Session) -> None:
    @session.metered({"tests": 1, "calls": 3}, tags={"what": "work"})
    def work() -> None: ...

    work()
    assert (used(session), used(session, "calls")) == (1, 3)


def test_a_generator_is_not_metered(session: odavl.Session) -> None:
    def gives() -> Iterator[int]:
        yield 1

    async def agives() -> AsyncIterator[int]:
        yield 1

    for function in [gives, agives]:
        with pytest.raises(TypeError, match="argument 'function'"):
            session.metered("tests")(function)
