"""What is to be done whole, by a thread and by a task: cancelling a task ends its waiting alone."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from . import _odavl
    from ._async import AsyncReservation
    from ._sync import Reservation
    from .models import Ended

    _T = TypeVar("_T")

__all__ = ["aended", "awhole", "ended", "whole"]


def whole(call: _odavl.Call[_T]) -> _T:
    return call.wait()


async def awhole(call: _odavl.Call[_T]) -> _T:
    from asyncio import shield

    return await shield(call.whole())


def ended(held: Reservation, end: _odavl.Call[Ended]) -> Ended:
    answer = whole(end)
    held._ended = True
    return answer


async def aended(held: AsyncReservation, end: _odavl.Call[Ended]) -> Ended:
    """Ends `held`, also where nobody waits for it any more."""
    held._ended = True
    try:
        return await awhole(end)
    except Exception:
        held._ended = False
        raise
