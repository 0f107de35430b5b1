"""What can be awaited, made a task, or entered at once: ``await x`` and ``async with x``."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType


class _Closable(Protocol):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


T = TypeVar("T", bound=_Closable)


class Opening(Coroutine[Any, Any, T]):
    """Something on its way: await it, or enter it with ``async with``."""

    __slots__ = ("_coming", "_there")

    def __init__(self, coming: Coroutine[Any, Any, T]) -> None:
        self._coming = coming

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coming.__await__()

    def send(self, value: Any, /) -> Any:
        return self._coming.send(value)

    def throw(self, *error: Any) -> Any:
        return self._coming.throw(*error)

    def close(self) -> None:
        self._coming.close()

    async def __aenter__(self) -> T:
        self._there = await self._coming
        return self._there

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._there.__aexit__(kind, error, trace)
