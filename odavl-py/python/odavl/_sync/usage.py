# Made from `_async/usage.py` by `scripts/python-twin`: change that one.
"""Usage: seen, charged, held."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from .._holding import ended, whole
from ..errors import NotFoundError, OdavlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from .. import _odavl
    from ..models import Bucket, Consumed, Ended, LedgerEntry, Page, Standing, UsageReport

__all__ = ["Reservation", "Usage"]


class Usage:
    """``session.usage``: what was used, and charging it."""

    __slots__ = ("_core",)

    def __init__(self, core: _odavl.Usage) -> None:
        self._core = core

    def read(self) -> UsageReport:
        """Where every meter stands now. Needs ``usage:read``."""
        return self._core.read().wait()

    def consume(
        self,
        meter: str,
        units: int = 1,
        *,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Consumed:
        """Charges `units` (0 to 2^53 - 1; 0 asks whether one would pass), durably, or refuses. Needs ``usage:write``.

        A retry with the same `idempotency_key` gets the same decision and charges nothing. `tags` are kept in the
        ledger: at most 16, names to 64 and values to 256 characters.

        >>> me.usage.consume("insight_analyses").remaining
        9

        Raises ``QuotaExceededError`` or ``RateLimitedError`` with ``meter``, ``units``, ``limit``, ``used`` and
        ``resets_at``; ``ConflictError`` where the key was used for another request.
        """
        return self._core.consume(meter, units, idempotency_key, tags).wait()

    def reserve(
        self,
        meter: str | Mapping[str, int],
        units: int = 1,
        *,
        expires_in: float = 3600,
        idempotency_key: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Reservation:
        """Holds `units` of `meter`, or of one to four meters in a mapping: all of it, or none. Needs ``usage:write``.

        They are given back by themselves in `expires_in` seconds (1 s to 24 h) unless they are settled. As a context
        manager it settles what is held when the block ends, unless the block settled it, and releases it where the
        block raises. A block that takes longer is charged nothing and raises ``NotFoundError`` at its end.

        >>> with me.usage.reserve("guardian_tests", 5) as held:
        ...     done = held.settle(3)
        >>> done.limits[0].units
        3
        """
        if not isinstance(meter, str) and units != 1:
            raise TypeError("argument 'units': the mapping says how many of each meter")
        charges = {meter: units} if isinstance(meter, str) else meter
        return self._reserve(charges, expires_in, idempotency_key, tags)

    def _reserve(
        self,
        charges: Mapping[str, int],
        expires_in: float,
        idempotency_key: str | None,
        tags: Mapping[str, str] | None,
    ) -> Reservation:
        held = self._core.reserve(charges, expires_in, idempotency_key, tags).wait().take()
        return Reservation(self._core, charges, held.id, held.expires_at, held.limits, held.replayed)

    def settle(self, reservation: str, charges: Mapping[str, int]) -> Ended:
        """Ends the reservation of that id and charges what was used of each meter, never more than was held.

        Again it answers as the first time. Raises ``NotFoundError`` where it was released or has expired.
        """
        return whole(self._core.settle(reservation, charges))

    def release(self, reservation: str) -> Ended:
        """Ends the reservation of that id and charges nothing."""
        return whole(self._core.release(reservation))

    def history(
        self,
        meter: str,
        from_: datetime | str,
        to: datetime | str,
        *,
        window: str = "day",
        group_by: str | None = None,
    ) -> tuple[Bucket, ...]:
        """What was used from the window that holds `from_` to the last one that begins before `to`. Needs ``usage:read``.

        Windows are an ``hour``, a ``day`` or a ``month`` (UTC); at most 92 days, 10 years and 100 years of them. With
        `group_by` ``"subject"`` there is one for each key or person. Those in which nothing happened are left out.
        ``pandas.DataFrame(history)`` has a column for each field.

        >>> done = me.usage.consume("autopilot_runs", 2)
        >>> history = me.usage.history("autopilot_runs", "2020-01-01T00:00:00Z", done.resets_at, window="month")
        >>> [(bucket.units, bucket.count) for bucket in history]
        [(2, 1)]
        """
        return self._core.history(meter, from_, to, window, group_by).wait()

    def ledger(self, *, limit: int | None = None, cursor: str | None = None) -> Page[LedgerEntry]:
        """Each charge, oldest first: `limit` (1 to 1,000; 100) of them after `cursor`. Needs ``usage:read``."""
        return self._core.ledger(limit, cursor).wait()


class Reservation:
    """Units that are held; as a context manager they are settled at its end, or released where it raises."""

    __slots__ = ("_charges", "_core", "_ended", "expires_at", "id", "limits", "replayed")

    id: str
    """What to settle or release it by, from any process."""
    expires_at: datetime
    """When the units are given back by themselves."""
    limits: tuple[Standing, ...]
    """Where each meter stands, with what is held."""
    replayed: bool
    """Whether a retry found it made."""

    def __init__(
        self,
        core: _odavl.Usage,
        charges: Mapping[str, int],
        id: str,
        expires_at: datetime,
        limits: tuple[Standing, ...],
        replayed: bool,
    ) -> None:
        self._core = core
        self._charges = charges
        self._ended = False
        self.id = id
        self.expires_at = expires_at
        self.limits = limits
        self.replayed = replayed

    def settle(self, used: int | Mapping[str, int] | None = None) -> Ended:
        """Ends it and charges what was `used`: units of its one meter, or of each in a mapping; all unless said."""
        if used is None:
            charges = self._charges
        elif isinstance(used, Mapping):
            charges = used
        else:
            charges = self._alone(used)
        return ended(self, self._core.settle(self.id, charges))

    def _alone(self, used: int) -> Mapping[str, int]:
        if len(self._charges) != 1:
            raise TypeError("argument 'used': several meters are held; say what was used of each in a mapping")
        return dict.fromkeys(self._charges, used)

    def release(self) -> Ended:
        """Ends it and charges nothing."""
        return ended(self, self._core.release(self.id))

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ended:
            return
        if error is not None:
            with suppress(OdavlError):
                self.release()
            return
        try:
            self.settle()
        except NotFoundError as gone:
            raise self._late() from gone

    def _late(self) -> NotFoundError:
        until = f"{self.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        error = NotFoundError(
            f"nothing was charged: the reservation {self.id} expired at {until}, or was released, before its block ended"
        )
        error.hint = "hold the units for longer than the block takes: say `expires_in`"
        return error

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} of {dict(self._charges)} until {self.expires_at}>"
