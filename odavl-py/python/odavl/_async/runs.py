"""Results of analysis tools."""

from __future__ import annotations

from .._pieces import aallof

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .. import _odavl
    from .._data import AsyncData
    from ..models import Page, Results, UploadedResults

__all__ = ["AsyncRuns"]


class AsyncRuns:
    """``session.runs``: the results of analysis tools, as SARIF 2.1.0."""

    __slots__ = ("_core",)

    def __init__(self, core: _odavl.Runs) -> None:
        self._core = core

    async def create(
        self,
        product: str,
        project: str,
        data: AsyncData,
        *,
        run_id: str,
        encoding: str = "identity",
        sha256: str | None = None,
    ) -> UploadedResults:
        """Uploads the results of a run: a SARIF document whose ``automationDetails.guid`` is `run_id`, a UUID.

        The document is held in memory: of a path, a file or pieces at most 64 MiB are read.

        The same run again is answered the same, and charged once, also when the limit is reached. `encoding` is
        ``"identity"``, ``"gzip"`` or ``"zstd"``; of a packed document `sha256` is that of the unpacked one. Needs the
        product's scope ``write``.

        Raises ``QuotaExceededError``; ``ConflictError`` for another content under the same run; ``InvalidInputError``
        and ``TooLargeError`` for what is no such document: then nothing is stored and nothing charged.
        """
        # What is wrong already is refused before anything is read: this begins nothing.
        self._core.create(product, project, b"", run_id, encoding, sha256)
        return await self._core.create(product, project, await aallof(data), run_id, encoding, sha256)

    async def list(
        self,
        *,
        product: str | None = None,
        project: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Results]:
        """Runs, the newest first: of one `product` or `project`, `limit` (1 to 1,000; 100) of them after `cursor`."""
        return await self._core.list(product, project, limit, cursor)

    async def read(self, id: str) -> Results:
        """One upload, in figures. Raises ``NotFoundError`` where there is none."""
        return await self._core.read(id)

    async def content(self, id: str) -> bytes:
        """An upload's bytes as they were sent: packed as its ``encoding`` says."""
        return await self._core.content(id)

    async def delete(self, id: str) -> Results:
        """Deletes an upload and gives its bytes back; the run stays counted, and is not taken again."""
        return await self._core.delete(id)
