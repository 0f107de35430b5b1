"""Work on backups that goes on when its call has ended: what came of it."""

from __future__ import annotations

from time import monotonic

from .errors import CorruptedError, NotFoundError, UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .models import Backup, BackupFailure, BackupSource, BackupWork

__all__ = ["Watch"]

FIRST, LONGEST = 0.05, 5.0
"""How long to pause before it is looked at again, in seconds: at first, and at most."""
LOST = 60.0
"""For how many seconds a work that nobody sees at work may come to nothing: another node may be at it, or none any more."""


class Watch:
    """A work that is looked at now and then."""

    __slots__ = ("_ends_at", "_pause", "_seen_at", "_timeout", "_work")

    def __init__(self, work: BackupWork, timeout: float | None) -> None:
        from .models import BackupWork

        if not isinstance(work, BackupWork):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"argument 'work': {type(work).__name__!r} object is not what `create` or `verify` answers")
        self._work = work
        self._timeout = timeout
        self._pause = FIRST
        self._seen_at = monotonic()
        self._ends_at = None if timeout is None else self._seen_at + timeout

    def is_at_work(self, sources: Iterable[BackupSource]) -> bool:
        """Whether it goes on; raises why it failed, where it did."""
        source = next((source for source in sources if source.name == self._work.source), None)
        if source is None:
            raise NotFoundError(f"there is no source `{self._work.source}`")
        if self._is_mine(source.running, source.running and source.running.since):
            self._seen_at = monotonic()
            return True
        failed = source.failed
        if failed is not None and self._is_mine(failed, failed.at):
            raise UnavailableError(f"the {self._name} failed: {failed.detail}")
        if failed is not None and failed.work == "verify" and failed.at == self._work.since:
            # Who has a backup made has it verified, too.
            raise UnavailableError(f"{failed.backup_id} was made, and could not be verified: {failed.detail}")
        return False

    def _is_mine(self, other: BackupWork | BackupFailure | None, at: object) -> bool:
        mine = self._work
        return other is not None and (other.work, other.backup_id, at) == (mine.work, mine.backup_id, mine.since)

    @property
    def _name(self) -> str:
        what = "backup" if self._work.backup_id is None else f"verification of {self._work.backup_id}"
        return f"{what} of {self._work.source}"

    def outcome(self, backups: Iterable[Backup]) -> Backup | None:
        """The backup that it made or verified, among these, the newest first; ``None`` where it is not there yet."""
        since = self._work.since
        if self._work.backup_id is None:
            done = [backup for backup in backups if backup.started_at >= since]
        else:
            tried = [(backup, verdict) for backup in backups for verdict in backup.verdicts]
            done = [backup for backup, verdict in tried if verdict.tier == "restore" and verdict.at >= since]
        if not done:
            return None
        if done[-1].proof == "failed":
            raise CorruptedError(f"the backup {done[-1].id} is bad")
        return done[-1]

    def pause(self) -> float:
        """In how many seconds it is looked at again; raises where that is too late."""
        now = monotonic()
        if self._ends_at is not None and now >= self._ends_at:
            raise TimeoutError(f"the {self._name} is not done after {self._timeout} s; it goes on")
        if now - self._seen_at > LOST:
            error = UnavailableError(f"nobody knows what came of the {self._name}")
            error.hint = "the process that was at it may have ended: see `sources()`, and begin it again"
            raise error
        self._pause, pause = min(self._pause * 1.5, LONGEST), self._pause
        return pause if self._ends_at is None else min(pause, self._ends_at - now)
