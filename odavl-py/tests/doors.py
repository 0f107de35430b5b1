"""The doors, each held as the synchronous one, so that each test is of all."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import odavl
from service import Service

EVERYTHING = ["keys:admin", "usage:admin", "storage:admin", "org:admin", "uploads:admin"]


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


class Connected:
    """An installation that a service has: sessions are the service's, by keys that may do everything.

    ``here`` is the same, opened in this process.
    """

    def __init__(self, config: Any = MappingProxyType({}), *, data: Path, database: str | None = None) -> None:
        self.here = odavl.Odavl.open(config, data=data, database=database)
        self._service = Service(data, config, database)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.here, name)

    def system(self, org: str) -> odavl.Session:
        scopes = [*EVERYTHING, *(["gateway:write", "instance:write"] if org == "operator" else [])]
        new = self.here.system(org).keys.create("tests", scopes)
        assert new.secret is not None
        return self.authenticate(new.secret)

    def authenticate(self, credential: str, *, organization: str | None = None) -> odavl.Session:
        return odavl.connect(self._service.url, key=credential, organization=organization)

    def close(self) -> None:
        self.here.close()
        self._service.stop()


class Door:
    """One of the doors: where installations are opened."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._loop = asyncio.new_event_loop() if name == "async" else None

    def open(self, *args: Any, **named: Any) -> Any:
        if self.name == "connected":
            return Connected(*args, **named)
        if self._loop is None:
            return odavl.Odavl.open(*args, **named)
        return Waiting(odavl.AsyncOdavl, self._loop).open(*args, **named)

    def end(self) -> None:
        if self._loop is not None:
            self._loop.close()
