"""API keys."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from .. import _odavl
    from ..models import ApiKey, KeyLimit, NewApiKey, Page

__all__ = ["AsyncKeys"]


class AsyncKeys:
    """``session.keys``: the organisation's API keys. With ``keys:write`` one's own, with ``keys:admin`` all."""

    __slots__ = ("_core",)

    def __init__(self, core: _odavl.Keys) -> None:
        self._core = core

    async def create(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        environment: str = "live",
        metadata: Mapping[str, str] | None = None,
        limits: Iterable[KeyLimit] = (),
        allowed_ips: Iterable[str] = (),
        expires_at: datetime | str | None = None,
        idempotency_key: str | None = None,
    ) -> NewApiKey:
        """Makes a key; its ``secret`` is in the answer and nowhere else.

        `name` has 1 to 100 characters; `scopes` are such as ``"usage:read"``, never more than the maker's;
        `environment` is ``"live"`` or ``"test"``; `metadata` are at most 16 notes; `limits` bound the key besides the
        organisation's; `allowed_ips` are networks (CIDR), none for any; at `expires_at` it ends. A retry with the same
        `idempotency_key` finds the key that was made, without its secret.

        >>> new = await me.keys.create("ci", ["insight:write"])
        >>> new.secret.startswith("odavl_live_")
        True

        Raises ``ForbiddenError`` for scopes that the maker lacks, ``QuotaExceededError`` where the plan has no more keys.
        """
        return await self._core.create(
            name, scopes, environment, metadata, limits, allowed_ips, expires_at, idempotency_key
        )

    async def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ApiKey]:
        """The organisation's keys, in the order they were made: `limit` (1 to 1,000; 100) of them after `cursor`."""
        return await self._core.list(limit, cursor)

    async def read(self, id: str) -> ApiKey:
        """One key. Raises ``NotFoundError`` where there is none."""
        return await self._core.read(id)

    async def update(
        self,
        id: str,
        *,
        name: str | None = None,
        disabled: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        limits: Iterable[KeyLimit] | None = None,
        allowed_ips: Iterable[str] | None = None,
        adopt: bool = False,
    ) -> ApiKey:
        """Changes a key; what is not said stays. With `adopt` it becomes the caller's own."""
        return await self._core.update(id, name, disabled, metadata, limits, allowed_ips, adopt)

    async def rotate(self, id: str, *, grace: float = 0) -> NewApiKey:
        """Gives a key a new secret; the old one goes on working for `grace` seconds, to 30 days.

        Both are one key with one quota. Raises ``ConflictError`` while it is being rotated already.
        """
        return await self._core.rotate(id, grace)

    async def revoke(self, id: str) -> ApiKey:
        """Ends a key for ever; it is refused everywhere within seconds."""
        return await self._core.revoke(id)
