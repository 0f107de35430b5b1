"""Functions whose calls are charged, `def` and `async def`, by either session."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
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


def plainly(function: Any) -> Any:
    """A decorator that knows nothing of coroutines."""

    @functools.wraps(function)
    def called(*args: Any) -> Any:
        return function(*args)

    return called


class Object:
    async def __call__(self, over: int) -> float:
        return await divides(over)


async def divides(over: int) -> float:
    await asyncio.sleep(0)
    return 1 / over


def begins(over: int) -> asyncio.Task[float]:
    return asyncio.ensure_future(divides(over))


@pytest.mark.parametrize(
    "function",
    [staticmethod(divides), staticmethod(plainly(divides)), plainly(divides), Object(), functools.partial(divides), begins],
)
def test_whatever_is_awaited_is_charged_when_it_has_run(session: odavl.Session, function: Any) -> None:
    async def main() -> None:
        assert await work(1) == 1
        assert used(session) == 2
        with pytest.raises(ZeroDivisionError):
            await work(0)

    work = session.metered("tests", units=2)(function)
    asyncio.run(main())
    assert used(session) == 2


@pytest.mark.parametrize("decorator", [plainly, lambda function: function])
def test_what_is_never_awaited_is_not_charged_nor_held(session: odavl.Session, decorator: Any) -> None:
    async def nothing() -> None:
        raise AssertionError("nobody was to come here")

    work = session.metered("tests", units=2)(decorator(nothing))
    unawaited = work()
    assert used(session) == (2 if decorator is plainly else 0)
    with pytest.warns(RuntimeWarning, match="never awaited") if decorator is plainly else nullcontext():
        unawaited.close()
        del unawaited
        gc.collect()
    assert used(session) == 0

    async def main() -> None:
        with pytest.raises(odavl.QuotaExceededError):
            await work()

    odavl.Session(session._core).usage.consume("tests", 19)
    asyncio.run(main())


def test_what_is_refused_begins_nothing(session: odavl.Session) -> None:
    async def work() -> None:
        ran.append(1)

    @session.metered("tests", 15)
    def begins() -> asyncio.Task[None]:
        return asyncio.create_task(work())

    async def main() -> None:
        began = begins()
        with pytest.raises(odavl.QuotaExceededError):
            begins()
        await began

    ran: list[int] = []
    asyncio.run(main())
    assert ran == [1] and used(session) == 15


def test_a_task_that_is_cancelled_before_it_begins_holds_nothing(session: odavl.Session) -> None:
    async def main() -> None:
        working = asyncio.ensure_future(work(1))
        assert used(session) == 2
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

    work = session.metered("tests", units=2)(begins)
    asyncio.run(main())
    gc.collect()
    assert used(session) == 0


class Number:
    def __index__(self) -> int:
        return 2


def test_units_are_whatever_is_a_number(session: odavl.Session) -> None:
    number: Any = Number()
    for units in [number, lambda: number]:
        session.metered("tests", units=units)(lambda: None)()
    assert used(session) == 4


def test_methods_of_every_kind_are_metered(session: odavl.Session) -> None:
    class Kind:
        @session.metered("tests")
        def plain(self) -> object:
            return type(self)

        @classmethod
        @session.metered("tests")
        def of_class(cls) -> object:
            return cls

        @session.metered("tests")
        @staticmethod
        def static(kind: object) -> object:
            return kind

    assert Kind().plain() is Kind.of_class() is Kind.static(Kind) is Kind().static(Kind) is Kind
    assert used(session) == 4


def gives() -> Iterator[int]:
    yield 1


async def agives() -> AsyncIterator[int]:
    yield 1


class Gives:
    def __call__(self) -> Iterator[int]:
        yield 1


WRONG: list[Any] = [gives, agives, Gives(), staticmethod(gives), classmethod(repr), 5, None, property()]


@pytest.mark.parametrize("function", WRONG)
def test_what_has_no_end_that_is_known_or_cannot_be_called_is_not_metered(session: odavl.Session, function: Any) -> None:
    with pytest.raises(TypeError, match="argument 'function'"):
        session.metered("tests")(function)


def test_a_mistake_is_found_when_a_function_is_decorated(session: odavl.Session) -> None:
    for meter in ["no such meter!!", "nothing", "bytes", {"nothing": 1}, {"tests": -1}, dict.fromkeys("abcde", 1)]:
        with pytest.raises(odavl.InvalidInputError):
            session.metered(meter)  # type: ignore[arg-type]
    types: list[tuple[str, dict[str, Any]]] = [
        ("meter", {"meter": 7}),
        ("meter", {"meter": ["tests"]}),
        ("units", {"units": "2"}),
        ("units", {"units": 1.5}),
        ("expires_in", {"expires_in": "1h"}),
        ("tags", {"tags": 7}),
    ]
    for name, wrong in types:
        with pytest.raises(TypeError, match=f"argument '{name}'"):
            session.metered(**{"meter": "tests", **wrong})
    with pytest.raises(odavl.InvalidInputError):
        session.metered("tests", -1)
