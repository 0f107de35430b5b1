"""A while that passes, for a thread and for a task."""

from __future__ import annotations

__all__ = ["apause", "pause"]


def pause(seconds: float) -> None:
    from time import sleep

    sleep(seconds)


async def apause(seconds: float) -> None:
    from asyncio import sleep

    await sleep(seconds)
