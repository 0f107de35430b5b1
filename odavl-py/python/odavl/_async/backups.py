"""Backups of databases."""

from __future__ import annotations

from .._pause import apause
from .._watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .. import _odavl
    from ..models import Backup, BackupSource, BackupWork, Page, RestorePlan

__all__ = ["AsyncBackups"]


class AsyncBackups:
    """``session.backups``: backups of the databases that ``[backup.sources]`` of the configuration names, for operators.

    Reading needs ``instance:read``, beginning something ``instance:write``; ``db.system(..)`` has both. What is begun goes
    on when the call has ended, in this process or in the service's: `wait` waits for it. Where the process ends before, no
    half of a backup is left. By its ``schedule`` a backup is made by ``odavl serve`` alone.

    Every method but `sources` raises ``NotFoundError`` for what the configuration does not name.
    """

    __slots__ = ("_core",)

    def __init__(self, core: _odavl.Backups) -> None:
        self._core = core

    async def sources(self) -> tuple[BackupSource, ...]:
        """The sources, by their names, and how the backups of each stand: what was made last, what failed, what is wrong.

        >>> [(source.name, source.backups) for source in await operator.backups.sources()]
        [('main', 0)]
        """
        return await self._core.sources()

    async def list(self, source: str, *, limit: int | None = None, cursor: str | None = None) -> Page[Backup]:
        """The complete backups of `source`, the newest first: `limit` (1 to 1,000; 100) of them after `cursor`."""
        return await self._core.list(source, limit, cursor)

    async def get(self, source: str, id: str) -> Backup:
        """One backup of `source`, with what was found out about it. Raises ``NotFoundError`` where there is none."""
        return await self._core.get(source, id)

    async def create(self, source: str) -> BackupWork:
        """Begins a backup of `source`: it is made, its bytes are proved, and those are removed that no rule keeps.

        >>> backup = await operator.backups.wait(await operator.backups.create("main"))
        >>> backup.proof, [verdict.tier for verdict in backup.verdicts]
        ('verified', ['restore'])

        Raises ``ConflictError`` while something is under way with the source, ``InvalidInputError`` where nobody said
        where its database is.
        """
        return await self._core.create(source)

    async def verify(self, source: str, id: str) -> BackupWork:
        """Begins to verify a backup of `source`: it is restored to a scratch database, compared, and that is removed.

        Where backups are encrypted, ``[backup]`` names the ``identity`` that they are read with.

        >>> made = await operator.backups.wait(await operator.backups.create("main"))
        >>> (await operator.backups.wait(await operator.backups.verify("main", made.id))).proof
        'verified'

        Raises ``ConflictError`` while something is under way with the source, ``NotFoundError`` where there is no such
        backup.
        """
        return await self._core.verify(source, id)

    async def wait(self, work: BackupWork, *, timeout: float | None = None) -> Backup:
        """Waits for `work`, which `create` or `verify` began, or which is ``running``; the backup that it made or verified.

        How far it is is asked every few seconds. Raises ``UnavailableError`` with why it failed, or where nobody is at it any
        more; ``CorruptedError`` where the backup is bad; ``TimeoutError`` after `timeout` seconds, while it goes on.
        """
        watch = Watch(work, timeout)
        while True:
            if not watch.is_at_work(await self.sources()):
                id = work.backup_id
                backups = await self.list(work.source) if id is None else [await self.get(work.source, id)]
                if (backup := watch.outcome(backups)) is not None:
                    return backup
            await apause(watch.pause())

    async def restore_plan(self, source: str, id: str, *, to: str) -> RestorePlan:
        """What restoring a backup of `source` to a new database of the name `to` would do. It restores nothing.

        That is done where the database is, by ``odavl backup restore``. Raises ``InvalidInputError`` for what names no
        database.
        """
        return await self._core.restore_plan(source, id, to)
