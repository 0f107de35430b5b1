"""Someone who may act."""

from __future__ import annotations

from .._metered import Metered
from .backups import AsyncBackups
from .gateway import AsyncGateway
from .keys import AsyncKeys
from .projects import AsyncProjects
from .runs import AsyncRuns
from .storage import AsyncStorage
from .usage import AsyncUsage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from .. import _odavl
    from ..models import Me

__all__ = ["AsyncSession"]


class AsyncSession:
    """Someone who may act: every use case starts here.

    Who it is and what they may do is looked up at every call, so a revoked key or a changed role bites at once,
    however long a session is kept. It can be used by any number of threads, tasks and event loops at once.
    """

    __slots__ = ("_core", "backups", "gateway", "keys", "projects", "runs", "storage", "usage")

    usage: AsyncUsage
    """What was used, and charging it."""
    storage: AsyncStorage
    """Stored objects."""
    keys: AsyncKeys
    """API keys."""
    projects: AsyncProjects
    """Projects."""
    runs: AsyncRuns
    """Results of analysis tools."""
    backups: AsyncBackups
    """Backups of databases, for operators."""
    gateway: AsyncGateway
    """Decisions about other organisations' keys."""

    def __init__(self, core: _odavl.Session) -> None:
        self._core = core
        self.usage = AsyncUsage(core.usage)
        self.storage = AsyncStorage(core.storage)
        self.keys = AsyncKeys(core.keys)
        self.projects = AsyncProjects(core.projects)
        self.runs = AsyncRuns(core.runs)
        self.backups = AsyncBackups(core.backups)
        self.gateway = AsyncGateway(core.gateway)

    async def whoami(self) -> Me:
        """Who the caller is, for which organisation, with which scopes."""
        return await self._core.me()

    def acting_on(self, organization: str) -> AsyncSession:
        """The same caller, acting on another organisation: its id, slug or ``external:<external_id>``."""
        return AsyncSession(self._core.acting_on(organization))

    def metered(
        self,
        meter: str | Mapping[str, int],
        units: int | Callable[..., int] = 1,
        *,
        expires_in: float = 3600,
        tags: Mapping[str, str] | None = None,
    ) -> Metered:
        """Decorates a function, ``def`` or ``async def``: its calls hold `units` of `meter` while they run.

        They are charged when the function returns, and given back where it raises; where they are refused, it does not
        run. `units` may be a function of the call's arguments. Whoever is charged is the session's caller; units are
        given back by themselves in `expires_in` seconds where the process ends in the middle. A call that takes longer is
        charged nothing and raises ``NotFoundError`` rather than answer. Needs ``usage:write``.

        >>> @me.metered("guardian_tests", units=lambda pages: len(pages))
        ... def test(pages):
        ...     return "all is well"
        >>> test(["/", "/about"])
        'all is well'
        >>> (await me.usage.consume("guardian_tests", 0)).used
        2
        """
        if not isinstance(meter, str) and units != 1:
            raise TypeError("argument 'units': the mapping says how many of each meter")
        return Metered(self._core, meter, units, expires_in, tags)

    async def close(self) -> None:
        """Closes what the session came from, as ``db.close()`` does. Calls under way are finished first."""
        await self._core.close()

    async def __aenter__(self) -> AsyncSession:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._core.close()
