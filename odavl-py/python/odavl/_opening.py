"""What can be awaited, or entered at once: ``await x`` and ``async with x``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from types import TracebackType


class _Closable(Protocol):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


T = TypeVar("T", bound=_Closable)


class Opening(Generic[T]):
    """Something on its way: await it, or enter it with ``async with``."""

    __slots__ = ("_coming", "_there")

    def __init__(self, coming: Coroutine[Any, Any, T]) -> None:
        self._coming = coming

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coming.__await__()

    async def __aenter__(self) -> T:
        self._there = await self._coming
        return self._there

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._there.__aexit__(kind, error, trace)
