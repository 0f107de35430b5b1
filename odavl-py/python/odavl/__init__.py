"""Sign-in and API keys, exact usage quotas, and object storage: the library in this process.

>>> import odavl
>>> db = odavl.Odavl.open("odavl.toml")
>>> me = db.authenticate("odavl_live_...")
>>> me.usage.consume("api_calls", 1, idempotency_key="r-17")
"""

from ._odavl import __version__
from ._sync import Odavl, Reservation, Session, Usage
from .errors import (
    AlreadyExistsError,
    ConflictError,
    CorruptedError,
    ForbiddenError,
    InternalError,
    InvalidInputError,
    NotFoundError,
    OdavlError,
    PreconditionFailedError,
    QuotaExceededError,
    RateLimitedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._async import AsyncOdavl, AsyncReservation, AsyncSession, AsyncUsage
    from .models import Bucket, Consumed, Ended, LedgerEntry, Me, Page, Reserved, Standing, UsageReport

__all__ = [
    "AlreadyExistsError",
    "AsyncOdavl",
    "AsyncReservation",
    "AsyncSession",
    "AsyncUsage",
    "Bucket",
    "ConflictError",
    "Consumed",
    "CorruptedError",
    "Ended",
    "ForbiddenError",
    "InternalError",
    "InvalidInputError",
    "LedgerEntry",
    "Me",
    "NotFoundError",
    "Odavl",
    "OdavlError",
    "Page",
    "PreconditionFailedError",
    "QuotaExceededError",
    "RateLimitedError",
    "Reservation",
    "Reserved",
    "Session",
    "Standing",
    "TooLargeError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedError",
    "Usage",
    "UsageReport",
    "__version__",
]


def __getattr__(name: str) -> object:
    """What is not needed by everyone is imported when it is asked for, so that ``import odavl`` stays quick."""
    if name in __all__:
        from . import _async, models

        module = _async if name.startswith("Async") else models
        value: object = getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
