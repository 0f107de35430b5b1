"""The exceptions of odavl: one class for each code, the same through every door.

A wrong *type* of an argument is a ``TypeError``, as everywhere in Python; everything else is an ``OdavlError``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import ClassVar

__all__ = [
    "AlreadyExistsError",
    "ConflictError",
    "CorruptedError",
    "ForbiddenError",
    "InternalError",
    "InvalidInputError",
    "NotFoundError",
    "OdavlError",
    "PreconditionFailedError",
    "QuotaExceededError",
    "RateLimitedError",
    "TooLargeError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedError",
]


class OdavlError(Exception):
    """Every way in which odavl says no, or fails.

    ``str(error)`` says what failed.
    """

    code: ClassVar[str] = "internal"
    """The code, the same on every door."""
    hint: str | None = None
    """The way out, where there is one."""
    retry_after: float | None = None
    """In how many seconds a retry can help; ``None`` where it cannot, or where nobody knows."""
    request_id: str | None = None
    """The request's id in the log of the service that refused it; ``None`` in this process."""


class InvalidInputError(OdavlError, ValueError):
    """The input cannot be accepted as it is."""

    code = "invalid_input"


class UnauthenticatedError(OdavlError, PermissionError):
    """No credential, or one that does not hold."""

    code = "unauthenticated"
    reason: str | None = None
    """Why: ``malformed``, ``unknown``, ``expired``, ``revoked``, ``disabled`` or ``wrong_environment``."""


class ForbiddenError(OdavlError, PermissionError):
    """The credential holds but does not allow this."""

    code = "forbidden"
    reason: str | None = None
    """Why: ``insufficient_scope`` or ``address_denied``."""


class NotFoundError(OdavlError, LookupError):
    """There is no such thing, or it is another organisation's."""

    code = "not_found"


class AlreadyExistsError(OdavlError):
    """Something of that name exists."""

    code = "already_exists"


class ConflictError(OdavlError):
    """The request contradicts what is there."""

    code = "conflict"


class PreconditionFailedError(OdavlError):
    """A condition that the caller set does not hold."""

    code = "precondition_failed"


class TooLargeError(OdavlError, ValueError):
    """More bytes than are accepted here."""

    code = "too_large"


class _LimitError(OdavlError):
    """A limit refused. Nothing was charged."""

    meter: str = ""
    """The meter."""
    units: int = 0
    """How many units were asked for."""
    limit: int | None = None
    """The limit."""
    used: int = 0
    """What is used of it, open reservations included."""
    resets_at: datetime | None = None
    """When the period ends (UTC); ``None`` for what is held."""


class QuotaExceededError(_LimitError):
    """A quota over a period, or of what is held, is used up. Nothing was charged."""

    code = "quota_exceeded"


class RateLimitedError(_LimitError):
    """A rate over a short window is used up. Nothing was charged."""

    code = "rate_limited"


class UnavailableError(OdavlError, ConnectionError):
    """Something that odavl needs does not answer now; nothing was counted."""

    code = "unavailable"


class UnsupportedError(OdavlError, NotImplementedError):
    """This build, this door or this process cannot do that."""

    code = "unsupported"


class CorruptedError(OdavlError):
    """Stored data that makes no sense."""

    code = "corrupted"


class InternalError(OdavlError):
    """A fault of odavl itself."""

    code = "internal"
