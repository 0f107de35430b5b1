"""The asynchronous door, held as the synchronous one, so that each test is of both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import odavl


class Waiting:
    """Whatever an asynchronous thing answers, waited for in a loop."""

    def __init__(self, thing: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._thing = thing
        self._loop = loop

    def _wait(self, value: Any) -> Any:
        if inspect.isawaitable(value):

            async def awaited() -> Any:
                return await value

            value = self._loop.run_until_complete(awaited())
        mine = type(value).__module__.startswith("odavl._async")
        return Waiting(value, self._loop) if mine else value

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._thing, name)
        if not callable(value):
            return self._wait(value)
        return lambda *args, **named: self._wait(value(*args, **named))

    def __enter__(self) -> Any:
        return self._wait(self._thing.__aenter__())

    def __exit__(self, *error: Any) -> Any:
        return self._wait(self._thing.__aexit__(*error))

    def __iter__(self) -> Iterator[Any]:
        each: AsyncIterator[Any] = aiter(self._thing)
        while True:
            try:
                yield self._wait(anext(each))
            except StopAsyncIteration:
                return

    def __repr__(self) -> str:
        return repr(self._thing)


class Door:
    """One of the doors: where installations are opened."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._loop = asyncio.new_event_loop() if name == "async" else None

    def open(self, *args: Any, **named: Any) -> Any:
        if self._loop is None:
            return odavl.Odavl.open(*args, **named)
        return Waiting(odavl.AsyncOdavl, self._loop).open(*args, **named)

    def end(self) -> None:
        if self._loop is not None:
            self._loop.close()
