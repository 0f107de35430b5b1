# Made from `_async/projects.py` by `scripts/python-twin`: change that one.
"""Projects."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .. import _odavl
    from ..models import Page, Project

__all__ = ["Projects"]


class Projects:
    """``session.projects``: what runs are of."""

    __slots__ = ("_core",)

    def __init__(self, core: _odavl.Projects) -> None:
        self._core = core

    def create(self, slug: str, *, idempotency_key: str | None = None) -> Project:
        """Makes a project. Raises ``AlreadyExistsError`` where there is one of that `slug`."""
        return self._core.create(slug, idempotency_key).wait()

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[Project]:
        """The organisation's projects: `limit` (1 to 1,000; 100) of them after `cursor`."""
        return self._core.list(limit, cursor).wait()
