"""Stored objects."""

from __future__ import annotations

from contextlib import aclosing
from io import BytesIO
from os import PathLike

from .._opening import Opening
from .._pieces import ais_special, apieces, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from .. import _odavl
    from .._data import AsyncData
    from ..models import DeletedObject, ObjectEntry, Page, Presigned, StorageStats, StoredObject

__all__ = ["AsyncDownload", "AsyncStorage"]


class AsyncStorage:
    """``session.storage``: stored objects. Names are NFC, at most 1,024 bytes, without ``.`` or ``..`` in them."""

    __slots__ = ("_core",)

    def __init__(self, core: _odavl.Storage) -> None:
        self._core = core

    async def put(
        self,
        name: str,
        data: AsyncData,
        *,
        content_type: str | None = None,
        mode: str = "overwrite",
        size: int | None = None,
        sha256: str | None = None,
    ) -> StoredObject:
        """Stores `data` as the object `name`: all of it is there when this answers, or nothing. Needs ``storage:write``.

        `data` is ``bytes``, a ``Path``, an open binary file, or anything that gives ``bytes`` piece by piece; it is sent
        as it comes, in bounded memory. A generator is closed when no more of it is wanted; one that is not asynchronous
        runs in the thread that calls, and an event loop there stands still while it makes a piece. `mode` ``"create"``
        refuses to replace what is there. `size` in bytes and `sha256` (64 hexadecimal digits), where they are known
        ahead, are held to.

        >>> (await me.storage.put("reports/today.txt", b"all is well")).size
        11

        Raises ``QuotaExceededError`` before it is read where `size` does not fit (through a service from 64 MiB on: the
        digest of what is smaller goes ahead), ``PreconditionFailedError`` where `mode` refuses, and ``InvalidInputError``
        where `data` is not what was said, or raises itself: then nothing is stored and nothing counted.
        """
        if isinstance(data, PathLike) and not await ais_special(data):
            return await self._core.put_file(name, data, content_type, mode, size, sha256)
        if (content := whole(data)) is not None:
            return await self._core.put(name, content, content_type, mode, size, sha256)
        async with aclosing(apieces(data)) as coming:
            sink = self._core.begin(name, content_type, mode, size, sha256)
            try:
                async for piece in coming:
                    if not await sink.send(piece):
                        break
            except BaseException:
                await sink.abort()
                raise
            return await sink.finish()

    def get(self, name: str, *, start: int | None = None, end: int | None = None) -> Opening[AsyncDownload]:
        """The object `name`, to be read: all of it, or the bytes from `start` to before `end`. Needs ``storage:read``.

        A `start` below 0 counts from the end. Raises ``NotFoundError`` where there is none.

        >>> put = await me.storage.put("reports/today.txt", b"all is well")
        >>> await (await me.storage.get("reports/today.txt")).read()
        b'all is well'
        """
        return Opening(self._get(name, start, end))

    async def _get(self, name: str, start: int | None, end: int | None) -> AsyncDownload:
        return AsyncDownload(await self._core.get(name, start, end))

    async def list(
        self,
        prefix: str = "",
        *,
        delimiter: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[ObjectEntry]:
        """Objects whose names begin with `prefix`, in the order of their names. Needs ``storage:read``.

        With the `delimiter` ``"/"``, what holds a further ``/`` after the prefix is one entry, a folder without an
        object. `limit` (1 to 1,000; 100) of them after `cursor`.
        """
        return await self._core.list(prefix, delimiter, limit, cursor)

    async def delete(self, name: str) -> DeletedObject:
        """Deletes the object `name`. Its bytes count until they are removed. Needs ``storage:write``."""
        return await self._core.delete(name)

    async def stats(self) -> StorageStats:
        """What is stored, exactly. Needs ``storage:read``."""
        return await self._core.stats()

    async def download_url(self, name: str) -> Presigned:
        """A request that fetches the object `name` for a quarter of an hour, without another credential.

        It is a credential itself: keep it out of logs. Needs ``storage:read``.
        """
        return await self._core.download_url(name)


class AsyncDownload:
    """An object that is being read, of one version, whatever happens to its name meanwhile.

    Iterate over it for its bytes as they come, or read it as a file. It is read once.
    """

    __slots__ = ("_core", "object", "size")

    object: StoredObject
    """What is known of it."""
    size: int
    """How many bytes are to be read: all of it, or the range that was asked for."""

    def __init__(self, core: _odavl.Download) -> None:
        self._core = core
        self.object = core.object
        self.size = core.size

    async def read(self, size: int | None = -1) -> bytes:
        """All that was not read yet, or at most `size` bytes; ``b""`` at the end."""
        if size is not None and size != -1:
            return await self._core.read(size)
        part, has_more = await self._core.part(True)
        if not has_more:
            return part
        # A large object is in memory once: `getvalue` gives what was written, and copies nothing.
        gathered = BytesIO()
        gathered.write(part)
        while has_more:
            part, has_more = await self._core.part(False)
            gathered.write(part)
        return gathered.getvalue()

    async def save(self, path: str | PathLike[str]) -> int:
        """Writes all that was not read yet to the file `path`, which is replaced when all is there; how many bytes.

        Of a link the file that it leads to is replaced; a pipe or a device is written to as it is. Raises
        ``InvalidInputError`` where no file can be there.
        """
        return await self._core.save(path)

    def __aiter__(self) -> AsyncDownload:
        return self

    async def __anext__(self) -> bytes:
        if piece := await self._core.next():
            return piece
        raise StopAsyncIteration

    async def close(self) -> None:
        """Lets go of it; what was not read is not read any more."""
        await self._core.close()

    async def __aenter__(self) -> AsyncDownload:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.object.name!r}, {self.size} bytes>"
