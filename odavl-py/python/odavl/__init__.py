"""Sign-in and API keys, exact usage quotas, object storage, and backups: the library in this process, or a service's.

>>> import odavl
>>> db = odavl.Odavl.open("odavl.toml")
>>> person = db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
>>> me = db.system("acme")
>>> me.usage.consume("insight_analyses", 1, idempotency_key="r-17").remaining
9
>>> me.storage.put("insight/report.sarif", b"{}").size
2

`connect` gives the same session over HTTP. `AsyncOdavl` has the same names, awaitable. What is refused or fails is an `OdavlError`.
"""

from ._odavl import __version__
from ._sync import Backups, Download, Gateway, Keys, Odavl, Projects, Reservation, Runs, Session, Storage, Usage
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
    from . import asgi as asgi
    from . import models as models
    from ._async import (
        AsyncBackups,
        AsyncDownload,
        AsyncGateway,
        AsyncKeys,
        AsyncOdavl,
        AsyncProjects,
        AsyncReservation,
        AsyncRuns,
        AsyncSession,
        AsyncStorage,
        AsyncUsage,
    )
    from .models import (
        ApiKey,
        Backup,
        BackupFailure,
        BackupSource,
        BackupTrouble,
        BackupVerdict,
        BackupWork,
        Bucket,
        Consumed,
        DeletedObject,
        Ended,
        Identity,
        KeyLimit,
        LedgerEntry,
        LevelCounts,
        Me,
        NewApiKey,
        ObjectEntry,
        Page,
        Presigned,
        Project,
        Reserved,
        RestorePlan,
        Results,
        ResultsSummary,
        RuleCount,
        Standing,
        StorageStats,
        StoredObject,
        Tool,
        UploadedResults,
        UsageReport,
        Verdict,
    )

__all__ = [
    "AlreadyExistsError",
    "ApiKey",
    "AsyncBackups",
    "AsyncDownload",
    "AsyncGateway",
    "AsyncKeys",
    "AsyncOdavl",
    "AsyncProjects",
    "AsyncReservation",
    "AsyncRuns",
    "AsyncSession",
    "AsyncStorage",
    "AsyncUsage",
    "Backup",
    "BackupFailure",
    "BackupSource",
    "BackupTrouble",
    "BackupVerdict",
    "BackupWork",
    "Backups",
    "Bucket",
    "ConflictError",
    "Consumed",
    "CorruptedError",
    "DeletedObject",
    "Download",
    "Ended",
    "ForbiddenError",
    "Gateway",
    "Identity",
    "InternalError",
    "InvalidInputError",
    "KeyLimit",
    "Keys",
    "LedgerEntry",
    "LevelCounts",
    "Me",
    "NewApiKey",
    "NotFoundError",
    "ObjectEntry",
    "Odavl",
    "OdavlError",
    "Page",
    "PreconditionFailedError",
    "Presigned",
    "Project",
    "Projects",
    "QuotaExceededError",
    "RateLimitedError",
    "Reservation",
    "Reserved",
    "RestorePlan",
    "Results",
    "ResultsSummary",
    "RuleCount",
    "Runs",
    "Session",
    "Standing",
    "Storage",
    "StorageStats",
    "StoredObject",
    "TooLargeError",
    "Tool",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedError",
    "UploadedResults",
    "Usage",
    "UsageReport",
    "Verdict",
    "__version__",
    "connect",
]


connect = Odavl.connect

_MODULES = ("asgi", "models")

def __getattr__(name: str) -> object:
    """What is not needed by everyone is imported when it is asked for, so that ``import odavl`` stays quick."""
    if name in _MODULES:
        from importlib import import_module

        return import_module(f".{name}", __name__)
    if name in __all__:
        from . import _async, models

        module = _async if name.startswith("Async") else models
        value: object = getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
