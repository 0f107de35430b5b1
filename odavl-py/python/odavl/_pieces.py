"""What can be stored, as pieces of bytes."""

from __future__ import annotations

from contextlib import aclosing, closing
from io import BytesIO

from .errors import InvalidInputError, OdavlError, TooLargeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
    from io import FileIO
    from os import PathLike
    from typing import Any

SIZE = 1 << 20
"""How much of a file is read at a time."""
MOST = 64 << 20
"""How much of what comes in pieces is taken into memory: what a service takes of a run, unless its `upload_most` says more."""


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


def is_special(path: PathLike[str]) -> bool:
    """Whether nobody knows the size of what `path` names: of a pipe, of a device, of what the kernel shows in `/proc`."""
    from os import stat
    from stat import S_ISDIR, S_ISREG

    try:
        seen = stat(path)
    except (OSError, ValueError):
        return False
    return not S_ISDIR(seen.st_mode) and not (S_ISREG(seen.st_mode) and seen.st_size)


async def ais_special(path: PathLike[str]) -> bool:
    from asyncio import to_thread

    return await to_thread(is_special, path)


def pieces(data: Any) -> Generator[bytes, None, None]:
    """The pieces of a path, a file or an iterable; what it raises itself is told as ``InvalidInputError``."""
    if hasattr(data, "__fspath__"):
        return _told(_opened(data))
    if hasattr(data, "read"):
        return _told(_read(data))
    if hasattr(data, "__iter__"):
        return _told(data)
    raise _no(data)


def _told(data: Iterable[Any]) -> Generator[bytes, None, None]:
    try:
        yield from _closed(data)
    except OdavlError:
        raise
    except Exception as error:
        raise _broken(error) from error


def _closed(data: Iterable[Any]) -> Generator[bytes, None, None]:
    """The pieces of `data`; a generator, which is nobody else's, is closed where no more of it is wanted."""
    from types import GeneratorType

    try:
        for piece in data:
            yield _plain(piece)
    finally:
        if isinstance(data, GeneratorType):
            data.close()


def _opened(path: PathLike[str]) -> Generator[Any, None, None]:
    with _open(path) as file:
        yield from _read(file)


def _open(path: PathLike[str]) -> FileIO:
    from os import fspath

    try:
        # Without a buffer, whose lock would keep it from being closed while a thread waits for a pipe.
        return open(path, "rb", buffering=0)
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{fspath(path)} cannot be read: {getattr(error, 'strerror', error)}") from error


def _read(file: Any) -> Generator[Any, None, None]:
    while not _is_end(piece := _plain(file.read(SIZE))):
        yield piece


def _is_end(piece: Any) -> bool:
    if piece is None:
        error = InvalidInputError("the file has no bytes now, and is not at its end")
        error.hint = "let it wait for them: os.set_blocking(file.fileno(), True)"
        raise error
    return isinstance(piece, bytes | bytearray) and not piece


def apieces(data: Any) -> AsyncGenerator[bytes, None]:
    """The same, of what may be asynchronous. A file that is not is read in another thread."""
    if hasattr(data, "__fspath__"):
        return _atold(_aopened(data))
    if hasattr(data, "read"):
        return _atold(_aread(data))
    if hasattr(data, "__aiter__"):
        return _atold(data)
    if hasattr(data, "__iter__"):
        return _atold(_aiterated(data))
    raise _no(data)


async def _atold(data: AsyncIterable[Any]) -> AsyncGenerator[bytes, None]:
    from types import AsyncGeneratorType

    try:
        async for piece in data:
            yield _plain(piece)
    except OdavlError:
        raise
    except Exception as error:
        raise _broken(error) from error
    finally:
        if isinstance(data, AsyncGeneratorType):
            await data.aclose()


async def _aopened(path: PathLike[str]) -> AsyncGenerator[Any, None]:
    from asyncio import to_thread

    with await to_thread(_open, path) as file:
        async with aclosing(_aread(file)) as read:
            async for piece in read:
                yield piece


async def _aread(file: Any) -> AsyncGenerator[Any, None]:
    from asyncio import to_thread
    from inspect import isawaitable, iscoroutinefunction

    while True:
        piece = await file.read(SIZE) if iscoroutinefunction(file.read) else await to_thread(file.read, SIZE)
        if isawaitable(piece):
            piece = await piece
        if _is_end(piece := _plain(piece)):
            return
        yield piece


async def _aiterated(data: Iterable[Any]) -> AsyncGenerator[Any, None]:
    with closing(_closed(data)) as coming:
        for piece in coming:
            yield piece


def allof(data: Any) -> bytes | bytearray:
    """All bytes of what is held in memory: what comes in pieces to `MOST`."""
    content: bytes | bytearray | None = whole(data)
    if content is not None:
        return content
    gathered = BytesIO()
    with closing(pieces(data)) as coming:
        for piece in coming:
            _gather(gathered, piece)
    return gathered.getvalue()


async def aallof(data: Any) -> bytes | bytearray:
    """The same, of what may be asynchronous."""
    content: bytes | bytearray | None = whole(data)
    if content is not None:
        return content
    gathered = BytesIO()
    async with aclosing(apieces(data)) as coming:
        async for piece in coming:
            _gather(gathered, piece)
    return gathered.getvalue()


def _gather(gathered: BytesIO, piece: Any) -> None:
    if not isinstance(piece, bytes | bytearray):
        raise TypeError(f"argument 'data': {type(piece).__name__!r} object is not a piece of bytes")
    if gathered.tell() + len(piece) > MOST:
        error = TooLargeError(f"the data is larger than {MOST} bytes")
        error.hint = "where more is taken (`upload_most`), send it as bytes"
        raise error
    gathered.write(piece)


def _no(data: object) -> TypeError:
    kind = type(data).__name__
    return TypeError(f"argument 'data': {kind!r} object is neither bytes, a path, a file nor an iterable of bytes")


def _broken(error: Exception) -> InvalidInputError:
    told = InvalidInputError(f"the data broke off: {type(error).__name__}: {error}")
    told.hint = "nothing was stored; send it again, whole"
    return told
