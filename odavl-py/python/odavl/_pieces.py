"""What can be stored, as pieces of bytes."""

from __future__ import annotations

from .errors import InvalidInputError, OdavlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
    from typing import Any

SIZE = 1 << 20
"""How much of a file is read at a time."""


def whole(data: Any) -> Any:
    """The bytes that `data` is, where it is in memory already."""
    if isinstance(data, str):
        raise TypeError("argument 'data': a str is neither bytes nor a path; send data.encode(), or Path(data)")
    if isinstance(data, bytes | bytearray):
        return data
    return _plain(data) if hasattr(data, "tobytes") else None


def _plain(piece: Any) -> Any:
    """The bytes that a `memoryview`, or another array, is."""
    return piece.tobytes() if hasattr(piece, "tobytes") else piece


def pieces(data: Any) -> Iterator[bytes]:
    """The pieces of a file or an iterable; what it raises itself is told as ``InvalidInputError``."""
    if hasattr(data, "read"):
        return _told(_read(data))
    if hasattr(data, "__iter__"):
        return _told(data)
    raise _no(data)


def _told(data: Iterable[Any]) -> Iterator[bytes]:
    try:
        for piece in data:
            yield _plain(piece)
    except OdavlError:
        raise
    except Exception as error:
        raise _broken(error) from error


def allof(data: Any) -> bytes | bytearray:
    """All bytes of what is not larger than memory."""
    if hasattr(data, "__fspath__"):
        from pathlib import Path

        return Path(data).read_bytes()
    content = whole(data)
    return b"".join(pieces(data)) if content is None else content


async def aallof(data: Any) -> bytes | bytearray:
    """The same, of what may be asynchronous."""
    if hasattr(data, "__fspath__"):
        return allof(data)
    content = whole(data)
    return b"".join([piece async for piece in apieces(data)]) if content is None else content


def _read(file: Any) -> Iterator[Any]:
    while piece := file.read(SIZE):
        yield piece


def apieces(data: Any) -> AsyncIterator[bytes]:
    """The same, of what may be asynchronous. A file that is not is read in another thread."""
    if hasattr(data, "read"):
        return _atold(_aread(data))
    if hasattr(data, "__aiter__"):
        return _atold(data)
    if hasattr(data, "__iter__"):
        return _atold(_aiterated(data))
    raise _no(data)


async def _atold(data: AsyncIterable[Any]) -> AsyncIterator[bytes]:
    try:
        async for piece in data:
            yield _plain(piece)
    except OdavlError:
        raise
    except Exception as error:
        raise _broken(error) from error


async def _aread(file: Any) -> AsyncIterator[Any]:
    from asyncio import to_thread
    from inspect import isawaitable, iscoroutinefunction

    while True:
        piece = await file.read(SIZE) if iscoroutinefunction(file.read) else await to_thread(file.read, SIZE)
        if isawaitable(piece):
            piece = await piece
        if not piece:
            return
        yield piece


async def _aiterated(data: Iterable[Any]) -> AsyncIterator[Any]:
    for piece in data:
        yield piece


def _no(data: object) -> TypeError:
    kind = type(data).__name__
    return TypeError(f"argument 'data': {kind!r} object is neither bytes, a path, a file nor an iterable of bytes")


def _broken(error: Exception) -> InvalidInputError:
    told = InvalidInputError(f"the data broke off: {type(error).__name__}: {error}")
    told.hint = "nothing was stored; send it again, whole"
    return told
