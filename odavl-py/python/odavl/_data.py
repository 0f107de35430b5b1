"""What can be stored: bytes, paths, files, and whatever gives bytes piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable
from os import PathLike
from typing import Protocol, TypeAlias

__all__ = ["AsyncData", "AsyncReadable", "Buffer", "Data", "Readable"]


class Readable(Protocol):
    """A file that is open for reading bytes."""

    def read(self, size: int, /) -> bytes: ...


class AsyncReadable(Protocol):
    """A file that is open for reading bytes, by tasks."""

    def read(self, size: int, /) -> Awaitable[bytes]: ...


Buffer: TypeAlias = bytes | bytearray | memoryview
Data: TypeAlias = Buffer | PathLike[str] | Readable | Iterable[Buffer]
AsyncData: TypeAlias = Data | AsyncReadable | AsyncIterable[Buffer]
