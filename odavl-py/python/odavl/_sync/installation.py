# Made from `_async/installation.py` by `scripts/python-twin`: change that one.
"""An installation, opened in this process."""

from __future__ import annotations

from .. import _odavl
from .._config import described
from ..errors import InvalidInputError
from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from types import TracebackType
    from typing import Any

__all__ = ["Odavl"]


class Odavl:
    """An installation of odavl, opened in this process: one folder, or any number of nodes on one database.

    >>> with Odavl.open({"key_prefix": "acme"}, data=folder) as db:
    ...     db.ready()
    """

    __slots__ = ("_core",)

    def __init__(self, core: _odavl.Installation) -> None:
        self._core = core

    @classmethod
    def open(
        cls,
        config: str | PathLike[str] | Mapping[str, Any] | None = None,
        *,
        database: str | None = None,
        storage: str | None = None,
        data: str | PathLike[str] | None = None,
        upkeep: bool = True,
    ) -> Odavl:
        """Opens the installation that `config` describes: the path of an ``odavl.toml``, or the same as a mapping.

        `database` is the URL of a PostgreSQL database (``postgres://...``), `storage` that of a bucket
        (``s3://bucket``), `data` the folder of everything that is not there; ``./odavl-data`` unless it is said. Each
        goes before the ``ODAVL_DATABASE``, ``ODAVL_STORAGE`` and ``ODAVL_DATA`` variables, and those before `config`.

        While it is open it does what ``odavl serve`` does beside serving, in threads of its own: every few seconds it gives
        back what expired, removes garbage and sends webhooks, one process at a time where several are open. `upkeep`
        ``False`` leaves it to others.

        Raises ``InvalidInputError`` for a configuration with a mistake, ``UnavailableError`` where the database does
        not answer.
        """
        return cls._open(config, database, storage, data, upkeep)

    @classmethod
    def _open(
        cls,
        config: str | PathLike[str] | Mapping[str, Any] | None,
        database: str | None,
        storage: str | None,
        data: str | PathLike[str] | None,
        upkeep: bool,
    ) -> Odavl:
        if "\0" in str(data):
            raise InvalidInputError("`data` is not the path of a folder: it holds a `\\0`")
        file, json = described(config)
        return cls(_odavl.open(file, json, database, storage, data, upkeep).wait())

    @classmethod
    def connect(
        cls, url: str, *, key: str, organization: str | None = None, allow_http: bool = False
    ) -> Session:
        """The session of whoever holds `key`, an API key or an access token, with the service at `url`.

        It has the same names, answers and errors as one that is opened in this process, and asks the service over HTTP: no
        database is needed here. `organization` (an id, a slug or ``external:<external_id>``) is another one to act on.
        What can be is tried again for two seconds. Bytes go to the store and come from it by themselves; what comes in
        pieces is kept in a temporary file first. `allow_http` lets the key go to another machine in the clear.

        >>> with Odavl.connect(url, key=key) as me:
        ...     me.usage.consume("insight_analyses").remaining
        9

        Raises ``UnauthenticatedError`` for a key that does not hold, ``UnavailableError`` where nobody answers.
        """
        return cls._connect(url, key, organization, allow_http)

    @classmethod
    def _connect(cls, url: str, key: str, organization: str | None, allow_http: bool) -> Session:
        return Session(_odavl.connect(url, key, organization, allow_http).wait())

    def authenticate(self, credential: str, *, organization: str | None = None) -> Session:
        """The session of whoever holds `credential`: an API key or an access token.

        `organization` (an id, a slug or ``external:<external_id>``) is another one to act on. Raises
        ``UnauthenticatedError`` for a credential that does not hold.
        """
        return Session(self._core.authenticate(credential, organization).wait())

    def system(self, org: str) -> Session:
        """A session with every right on the organisation `org`: its id, its slug or ``external:<external_id>``.

        Raises ``NotFoundError`` where there is none.
        """
        return Session(self._core.system(org).wait())

    def set_up(self, *, email: str, password: str, org: str, name: str | None = None) -> str:
        """Makes the first person, the operator's organisation, and `org` to work in; the person's id.

        Raises ``ConflictError`` where there is a person already.
        """
        return self._core.set_up(email, password, org, name or email).wait()

    def ready(self) -> None:
        """Whether database and store answer, and the clock is right; raises ``UnavailableError`` where not."""
        self._core.ready().wait()

    def sweep(self) -> None:
        """Ends uploads that expired and gives back what nobody settled in time.

        An installation that is open does it every few seconds, unless it was opened without `upkeep`; so does
        ``odavl serve``.
        """
        self._core.sweep().wait()

    def close(self) -> None:
        """Closes it, and every session that came from it; again it does nothing.

        Calls under way are finished first, and nothing of it is left: no thread is at work, no file of the database is
        open. A ``put`` whose pieces are still to come is not waited for.
        """
        self._core.close().wait()

    def __enter__(self) -> Odavl:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._core.close().wait()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self._core.closed else 'open'}>"
