"""Decisions for other services."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .. import _odavl
    from ..models import Verdict

__all__ = ["AsyncGateway"]


class AsyncGateway:
    """``session.gateway``: one decision about someone else's key and quota. Needs ``gateway:write``."""

    __slots__ = ("_core",)

    def __init__(self, core: _odavl.Gateway) -> None:
        self._core = core

    async def verify(
        self,
        key: str,
        *,
        scope: str | None = None,
        charges: Mapping[str, int] | None = None,
        environment: str | None = None,
        ip: str | None = None,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Verdict:
        """Decides about a request that carried `key`: key, `scope`, address, rate and quota, in that order.

        `charges` are units of at most four meters: all of them are charged, or none; 0 asks whether one would pass. A
        key that is refused is an answer: ``valid`` is false, ``code`` and ``reason`` say why, and nothing was charged.

        >>> (await operator.gateway.verify("odavl_live_nothing")).reason
        'malformed'
        """
        return await self._core.verify(key, scope, charges, environment, ip, idempotency_key, tags)
