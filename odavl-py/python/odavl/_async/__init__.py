"""The asynchronous door. `_sync` is made from this folder by `scripts/python-twin`: change this one."""

from .backups import AsyncBackups
from .gateway import AsyncGateway
from .installation import AsyncOdavl
from .keys import AsyncKeys
from .projects import AsyncProjects
from .runs import AsyncRuns
from .session import AsyncSession
from .storage import AsyncDownload, AsyncStorage
from .usage import AsyncReservation, AsyncUsage

__all__ = [
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
]
