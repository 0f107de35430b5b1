from asyncio import Future
from collections.abc import Generator, Iterable, Mapping
from datetime import datetime
from os import PathLike
from typing import Any, Generic, TypeAlias, TypeVar, final

from .models import (
    ApiKey,
    Backup,
    BackupSource,
    BackupWork,
    Bucket,
    Consumed,
    DeletedObject,
    Ended,
    Identity,
    KeyLimit,
    LedgerEntry,
    Me,
    NewApiKey,
    ObjectEntry,
    Page,
    Presigned,
    Project,
    Reserved,
    RestorePlan,
    Results,
    StorageStats,
    StoredObject,
    UploadedResults,
    UsageReport,
    Verdict,
)

__all__ = [
    "Backups",
    "Call",
    "Download",
    "Gateway",
    "Guard",
    "Held",
    "Installation",
    "Keys",
    "Projects",
    "Runs",
    "Session",
    "Sink",
    "Storage",
    "Usage",
    "__version__",
    "command",
    "connect",
    "open",
    "undecided",
]

__version__: str

_T = TypeVar("_T")

@final
class Call(Generic[_T]):
    def wait(self) -> _T: ...
    def whole(self) -> Future[_T]: ...
    def __await__(self) -> Generator[Any, Any, _T]: ...

@final
class Held:
    def take(self) -> Reserved: ...

@final
class Installation:
    @property
    def closed(self) -> bool: ...
    def authenticate(self, credential: str, organization: str | None) -> Call[Session]: ...
    def system(self, org: str) -> Call[Session]: ...
    def set_up(self, email: str, password: str, org: str, name: str) -> Call[str]: ...
    def ready(self) -> Call[None]: ...
    def sweep(self) -> Call[None]: ...
    def close(self) -> Call[None]: ...

@final
class Session:
    @property
    def backups(self) -> Backups: ...
    @property
    def gateway(self) -> Gateway: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def projects(self) -> Projects: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def usage(self) -> Usage: ...
    def me(self) -> Call[Me]: ...
    def acting_on(self, organization: str) -> Session: ...
    def close(self) -> Call[None]: ...

@final
class Usage:
    def read(self) -> Call[UsageReport]: ...
    def consume(
        self, meter: str, units: int, idempotency_key: str | None, tags: Mapping[str, str] | None
    ) -> Call[Consumed]: ...
    def reserve(
        self,
        charges: Mapping[str, int],
        expires_in: float,
        idempotency_key: str | None,
        tags: Mapping[str, str] | None,
    ) -> Call[Held]: ...
    def settle(self, reservation: str, charges: Mapping[str, int]) -> Call[Ended]: ...
    def release(self, reservation: str) -> Call[Ended]: ...
    def history(
        self, meter: str, from_: datetime | str, to: datetime | str, window: str, group_by: str | None
    ) -> Call[tuple[Bucket, ...]]: ...
    def ledger(self, limit: int | None, cursor: str | None) -> Call[Page[LedgerEntry]]: ...

@final
class Storage:
    def put(
        self,
        name: str,
        data: bytes | bytearray,
        content_type: str | None,
        mode: str,
        size: int | None,
        sha256: str | None,
    ) -> Call[StoredObject]: ...
    def put_file(
        self,
        name: str,
        data: str | PathLike[str],
        content_type: str | None,
        mode: str,
        size: int | None,
        sha256: str | None,
    ) -> Call[StoredObject]: ...
    def begin(
        self, name: str, content_type: str | None, mode: str, size: int | None, sha256: str | None
    ) -> Sink: ...
    def get(self, name: str, start: int | None, end: int | None) -> Call[Download]: ...
    def list(
        self, prefix: str, delimiter: str | None, limit: int | None, cursor: str | None
    ) -> Call[Page[ObjectEntry]]: ...
    def delete(self, name: str) -> Call[DeletedObject]: ...
    def stats(self) -> Call[StorageStats]: ...
    def download_url(self, name: str) -> Call[Presigned]: ...

@final
class Sink:
    def send(self, data: bytes | bytearray) -> Call[bool]: ...
    def finish(self) -> Call[StoredObject]: ...
    def abort(self) -> Call[None]: ...

@final
class Download:
    @property
    def object(self) -> StoredObject: ...
    @property
    def size(self) -> int: ...
    def next(self) -> Call[bytes]: ...
    def part(self, is_first: bool) -> Call[tuple[bytes, bool]]: ...
    def read(self, size: int) -> Call[bytes]: ...
    def save(self, path: str | PathLike[str]) -> Call[int]: ...
    def close(self) -> Call[None]: ...

@final
class Keys:
    def create(
        self,
        name: str,
        scopes: Iterable[str],
        environment: str,
        metadata: Mapping[str, str] | None,
        limits: Iterable[KeyLimit],
        allowed_ips: Iterable[str],
        expires_at: datetime | str | None,
        idempotency_key: str | None,
    ) -> Call[NewApiKey]: ...
    def list(self, limit: int | None, cursor: str | None) -> Call[Page[ApiKey]]: ...
    def read(self, id: str) -> Call[ApiKey]: ...
    def update(
        self,
        id: str,
        name: str | None,
        disabled: bool | None,
        metadata: Mapping[str, str] | None,
        limits: Iterable[KeyLimit] | None,
        allowed_ips: Iterable[str] | None,
        adopt: bool,
    ) -> Call[ApiKey]: ...
    def rotate(self, id: str, grace: float) -> Call[NewApiKey]: ...
    def revoke(self, id: str) -> Call[ApiKey]: ...

@final
class Projects:
    def create(self, slug: str, idempotency_key: str | None) -> Call[Project]: ...
    def list(self, limit: int | None, cursor: str | None) -> Call[Page[Project]]: ...

@final
class Runs:
    def create(
        self,
        product: str,
        project: str,
        data: bytes | bytearray,
        run_id: str,
        encoding: str,
        sha256: str | None,
    ) -> Call[UploadedResults]: ...
    def list(
        self, product: str | None, project: str | None, limit: int | None, cursor: str | None
    ) -> Call[Page[Results]]: ...
    def read(self, id: str) -> Call[Results]: ...
    def content(self, id: str) -> Call[bytes]: ...
    def delete(self, id: str) -> Call[Results]: ...

@final
class Backups:
    def sources(self) -> Call[tuple[BackupSource, ...]]: ...
    def list(self, source: str, limit: int | None, cursor: str | None) -> Call[Page[Backup]]: ...
    def get(self, source: str, id: str) -> Call[Backup]: ...
    def create(self, source: str) -> Call[BackupWork]: ...
    def verify(self, source: str, id: str) -> Call[BackupWork]: ...
    def restore_plan(self, source: str, id: str, to: str) -> Call[RestorePlan]: ...

@final
class Gateway:
    def verify(
        self,
        key: str,
        scope: str | None,
        charges: Mapping[str, int] | None,
        environment: str | None,
        ip: str | None,
        idempotency_key: str | None,
        tags: Mapping[str, str] | None,
    ) -> Call[Verdict]: ...
    def guard(
        self,
        scope: str | None,
        charges: Mapping[str, int] | None,
        environment: str | None,
        key_header: str,
        trusted_proxies: list[str],
    ) -> Guard: ...

_Decision: TypeAlias = tuple[Identity | None, int, list[tuple[bytes, bytes]], bytes]

@final
class Guard:
    def decide(self, headers: Iterable[tuple[bytes, bytes]], host: str | None) -> Call[_Decision]: ...

def command(arguments: list[str]) -> int: ...
def connect(url: str, key: str, organization: str | None, allow_http: bool) -> Call[Session]: ...
def open(
    file: str | None,
    json: str | None,
    database: str | None,
    storage: str | None,
    data: str | PathLike[str] | None,
    upkeep: bool,
) -> Call[Installation]: ...
def undecided(headers: Iterable[tuple[bytes, bytes]], why: str) -> Call[_Decision]: ...
