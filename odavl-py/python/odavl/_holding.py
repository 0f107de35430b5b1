"""Holding units and ending that, for a thread and for a task: cancelling a task ends its waiting, and leaves none held."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any, TypeVar

    from . import _odavl
    from ._async import AsyncReservation
    from ._sync import Reservation
    from .models import Ended, Reserved

    _T = TypeVar("_T")

__all__ = ["aended", "areserved", "ended", "reserved"]

_UNDER_WAY: set[Task[Any]] = set()
"""Loops know their tasks weakly."""


def reserved(_: _odavl.Usage, call: _odavl.Call[Reserved]) -> Reserved:
    return call.wait()


async def areserved(core: _odavl.Usage, call: _odavl.Call[Reserved]) -> Reserved:
    """What `call` reserves; it is released where it comes when nobody waits for it any more."""
    from asyncio import CancelledError, shield

    # The task that waits can be cancelled when the answer is there and before it has it.
    coming = _begun(_awaited(call))
    try:
        return await shield(coming)
    except CancelledError:
        _begun(_given_back(core, coming))
        raise


async def _given_back(core: _odavl.Usage, coming: Task[Reserved]) -> None:
    held = await coming
    if not held.replayed:
        await _whole(lambda: core.release(held.id))


def ended(held: Reservation, end: Callable[[], _odavl.Call[Ended]]) -> Ended:
    answer = end().wait()
    held._ended = True
    return answer


async def aended(held: AsyncReservation, end: Callable[[], _odavl.Call[Ended]]) -> Ended:
    """Ends `held`, also where nobody waits for it any more."""
    from asyncio import shield

    held._ended = True
    try:
        return await shield(_begun(_whole(end)))
    except Exception:
        held._ended = False
        raise


async def _awaited(call: Awaitable[_T]) -> _T:
    return await call


async def _whole(end: Callable[[], Awaitable[_T]]) -> _T:
    from asyncio import CancelledError

    try:
        return await end()
    except CancelledError:
        # `asyncio.run` cancels every task once at its end, and waits for it. Again it answers as the first time.
        return await end()


def _begun(coming: Coroutine[Any, Any, _T]) -> Task[_T]:
    from asyncio import create_task

    task = create_task(coming)
    _UNDER_WAY.add(task)
    task.add_done_callback(_is_over)
    return task


def _is_over(task: Task[Any]) -> None:
    _UNDER_WAY.discard(task)
    # Where nobody waits any more nobody is told what failed; units that are held are given back by themselves.
    _ = task.cancelled() or task.exception()
