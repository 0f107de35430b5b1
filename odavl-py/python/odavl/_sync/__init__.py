# Made from `_async/__init__.py` by `scripts/python-twin`: change that one.
"""The synchronous door."""

from .backups import Backups
from .gateway import Gateway
from .installation import Odavl
from .keys import Keys
from .projects import Projects
from .runs import Runs
from .session import Session
from .storage import Download, Storage
from .usage import Reservation, Usage

__all__ = [
    "Backups",
    "Download",
    "Gateway",
    "Keys",
    "Odavl",
    "Projects",
    "Reservation",
    "Runs",
    "Session",
    "Storage",
    "Usage",
]
