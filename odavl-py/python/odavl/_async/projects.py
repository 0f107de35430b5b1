"""Projects."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .. import _odavl
    from ..models import Page, Project

__all__ = ["AsyncProjects"]


class AsyncProjects:
    """``session.projects``: what runs are of."""

    __slots__ = ("_core",)

    def __init__(self, core: _odavl.Projects) -> None:
        self._core = core

    async def create(self, slug: str, *, idempotency_key: str | None = None) -> Project:
        """Makes a project. Raises ``AlreadyExistsError`` where there is one of that `slug`."""
        return await self._core.create(slug, idempotency_key)

    async def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[Project]:
        """The organisation's projects: `limit` (1 to 1,000; 100) of them after `cursor`."""
        return await self._core.list(limit, cursor)
