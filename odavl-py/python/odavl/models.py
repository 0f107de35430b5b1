"""What use cases answer: frozen dataclasses, so that ``==``, ``hash``, ``repr``, ``dataclasses.asdict``, pattern
matching and ``pandas.DataFrame(records)`` work.

Times are ``datetime`` in UTC, sizes are bytes, ``None`` of a limit is unlimited.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Generic, TypeVar, cast

__all__ = [
    "ApiKey",
    "Backup",
    "BackupFailure",
    "BackupSource",
    "BackupTrouble",
    "BackupVerdict",
    "BackupWork",
    "Bucket",
    "Consumed",
    "DeletedObject",
    "Ended",
    "Identity",
    "KeyLimit",
    "LedgerEntry",
    "LevelCounts",
    "Me",
    "NewApiKey",
    "ObjectEntry",
    "Page",
    "Presigned",
    "Project",
    "Reserved",
    "RestorePlan",
    "Results",
    "ResultsSummary",
    "RuleCount",
    "Standing",
    "StorageStats",
    "StoredObject",
    "Tool",
    "UploadedResults",
    "UsageReport",
    "Verdict",
]

T = TypeVar("T")


def _table(names: tuple[str, ...], rows: list[list[object]]) -> str:
    from html import escape

    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    from html import escape

    text = "" if value is None else escape(str(value))
    items = cast("tuple[object, ...]", value) if isinstance(value, tuple) else ()
    return _rows(items) if items and isinstance(items[0], Value) else text


def _shown(value: object) -> tuple[str, ...]:
    return tuple(each.name for each in fields(value) if each.repr) if is_dataclass(value) else ()


def _rows(items: tuple[object, ...]) -> str:
    names = _shown(items[0])
    return _table(names, [[getattr(item, name) for name in names] for item in items])


class Value:
    """What every value is: shown as a table in a notebook."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return _table(("field", "value"), [[name, getattr(self, name)] for name in _shown(self)])


@dataclass(frozen=True, slots=True)
class Standing(Value):
    """Where a meter stands against one of its limits."""

    meter: str
    """The meter."""
    units: int
    """What this call charged."""
    used: int
    """What is used in the period, open reservations included."""
    limit: int | None
    """The limit; ``None`` is unlimited."""
    remaining: int | None
    """What is left; ``None`` is unlimited."""
    resets_at: datetime | None
    """When the period ends; ``None`` for what is held."""
    warning: int | None
    """The highest threshold reached: 80, 90 or 100."""
    period: str
    """Over what time the limit counts: ``month``, ``month:15``, ``day``, ``60s``, or ``held``."""
    key_id: str | None
    """The key whose own limit this is; ``None`` for the organisation's."""


@dataclass(frozen=True, slots=True)
class Consumed(Value):
    """A charge that was granted, and is durable."""

    meter: str
    """The meter."""
    units: int
    """What was charged."""
    used: int
    """What is used in the period, open reservations included."""
    limit: int | None
    """The limit; ``None`` is unlimited."""
    remaining: int | None
    """What is left; ``None`` is unlimited."""
    resets_at: datetime | None
    """When the period ends; ``None`` for what is held."""
    warning: int | None
    """The highest threshold reached: 80, 90 or 100."""
    replayed: bool
    """Whether this is an earlier answer given again; then nothing was charged."""


@dataclass(frozen=True, slots=True)
class UsageReport(Value):
    """What an organisation used, and may use."""

    plan: str
    """Its plan."""
    limits: tuple[Standing, ...]
    """Every meter against every limit of the organisation."""
    api_keys: int
    """How many API keys are active."""
    api_keys_limit: int | None
    """How many may be; ``None`` is unlimited."""


@dataclass(frozen=True, slots=True)
class Reserved(Value):
    """Units that are held."""

    id: str
    """What to settle or release."""
    expires_at: datetime
    """When they are given back by themselves."""
    limits: tuple[Standing, ...]
    """Where each meter stands, with what is held."""
    replayed: bool
    """Whether this is an earlier answer given again."""


@dataclass(frozen=True, slots=True)
class Ended(Value):
    """A reservation that has ended."""

    id: str
    """The reservation."""
    limits: tuple[Standing, ...]
    """Where each meter stands; ``units`` is what was charged."""
    replayed: bool
    """Whether it had ended before, and this is the first answer given again."""


@dataclass(frozen=True, slots=True)
class Bucket(Value):
    """One window of history (UTC)."""

    start: datetime
    """When the window began."""
    subject: str
    """The key or person that caused it; empty for the total."""
    units: int
    """Units charged, less those given back; for a gauge the change in the window."""
    count: int
    """How many charges."""
    closing: int | None
    """For a gauge, what was held when the window closed."""


@dataclass(frozen=True, slots=True)
class LedgerEntry(Value):
    """A line of the ledger: what one call charged or gave back."""

    seq: int
    """Its place in the organisation's ledger, from 1, without gaps."""
    at: datetime
    """When it was decided."""
    counted_at: datetime
    """The instant whose period it counts in."""
    subject: str
    """The key or person that caused it."""
    charges: Mapping[str, int] = field(hash=False)
    """Units by meter; negative where they were given back."""
    reservation: str | None
    """The reservation that it settles."""
    tags: Mapping[str, str] = field(hash=False)
    """The caller's labels."""


@dataclass(frozen=True, slots=True)
class Me(Value):
    """The caller, as they stand now."""

    user_id: str | None
    """The person; ``None`` for a key that the installation made."""
    email: str | None
    """The person's e-mail address."""
    key_id: str | None
    """The key, where one is used."""
    key_name: str | None
    """The key's name."""
    organization: str
    """The id of the organisation that is acted on."""
    organization_slug: str
    """Its name in addresses."""
    plan: str
    """Its plan."""
    scopes: tuple[str, ...]
    """What the caller may do now."""


@dataclass(frozen=True, slots=True)
class StoredObject(Value):
    """A stored object."""

    id: str
    """Its id: another one whenever the name gets other bytes."""
    name: str
    """Its name."""
    size: int
    """How many bytes."""
    checksum: str
    """``sha256:`` and their digest; ``sha256-<parts>:`` and the digest of the parts' digests."""
    content_type: str
    """What they are."""
    created_at: datetime
    """When they were complete."""
    created_by: str
    """The person or the key that stored them."""


@dataclass(frozen=True, slots=True)
class ObjectEntry(Value):
    """An entry of a list."""

    name: str
    """The object's name, or the folder's with its last ``/``."""
    object: StoredObject | None
    """The object; ``None`` for a folder."""


@dataclass(frozen=True, slots=True)
class DeletedObject(Value):
    """What deleting did."""

    object: StoredObject
    """The object that was there."""
    freed_at: datetime
    """When its bytes are removed and count no longer: now, or once the last URL for them has expired."""


@dataclass(frozen=True, slots=True)
class StorageStats(Value):
    """What an organisation has stored, exactly."""

    objects: int
    """How many objects."""
    bytes: int
    """Their bytes."""
    garbage_bytes: int
    """Bytes of objects that are gone and wait for their last URL to expire."""


@dataclass(frozen=True, slots=True)
class Presigned(Value):
    """A request that whoever holds it can send, without another credential, until it expires."""

    method: str
    """``GET`` or ``PUT``."""
    url: str = field(repr=False)
    """Where to. It is a credential, and not shown: keep it out of logs."""
    headers: Mapping[str, str] = field(hash=False)
    """The headers that must be sent as they are."""
    expires_at: datetime
    """When it stops working."""


@dataclass(frozen=True, slots=True)
class KeyLimit(Value):
    """A limit of a key's own, a child of the organisation's."""

    meter: str
    """The meter."""
    max: int
    """The most units."""
    per: str | None = None
    """Over what time: ``month``, ``month:15``, ``day``, or seconds such as ``60s``; a gauge's is what is held."""


@dataclass(frozen=True, slots=True)
class ApiKey(Value):
    """A key, without its secret."""

    id: str
    """Its id."""
    name: str
    """What it is called."""
    scopes: tuple[str, ...]
    """What it may do, before it is cut by its owner's role."""
    environment: str
    """What it is for: ``live`` or ``test``."""
    owner: str | None
    """The person whose key it is; ``None`` for one that the installation made."""
    metadata: Mapping[str, str] = field(hash=False)
    """The team's own notes."""
    limits: tuple[KeyLimit, ...]
    """Limits of its own."""
    allowed_ips: tuple[str, ...]
    """The addresses it may be used from (CIDR); empty: any."""
    disabled: bool
    """Whether it is switched off."""
    created_at: datetime
    """When it was made."""
    expires_at: datetime | None
    """When it ends."""
    revoked_at: datetime | None
    """When it was revoked, for ever."""
    last_used_at: datetime | None
    """When it was last used, about."""


@dataclass(frozen=True, slots=True)
class NewApiKey(Value):
    """A key with its secret, which is kept nowhere else."""

    secret: str | None = field(repr=False)
    """The key itself, not shown; ``None`` where a retry found the key made."""
    key: ApiKey
    """Its row."""


@dataclass(frozen=True, slots=True)
class Project(Value):
    """A project."""

    id: str
    """Its id."""
    slug: str
    """Its name in addresses."""
    created_at: datetime
    """When it was made."""


@dataclass(frozen=True, slots=True)
class LevelCounts(Value):
    """Results by level."""

    error: int
    """Serious problems."""
    warning: int
    """Problems."""
    note: int
    """Minor problems."""
    none: int
    """Results without a severity."""


@dataclass(frozen=True, slots=True)
class Tool(Value):
    """A tool that took part."""

    name: str
    """Its name."""
    version: str | None
    """Its version."""


@dataclass(frozen=True, slots=True)
class RuleCount(Value):
    """The results of one rule."""

    rule: str | None
    """The rule; ``None`` for results that name none."""
    results: int
    """How many results."""


@dataclass(frozen=True, slots=True)
class ResultsSummary(Value):
    """Results in figures."""

    tools: tuple[Tool, ...]
    """The tools that took part."""
    results: int
    """How many results."""
    levels: LevelCounts
    """By level."""
    rules: tuple[RuleCount, ...]
    """The rules with the most results, at most 100."""
    other_rules: int
    """How many rules there are beyond those."""
    files: int | None
    """How many files have results; ``None`` where they are too many to tell apart."""
    commit: str | None
    """The commit that was analysed."""
    started_at: datetime | None
    """When the run began."""
    ended_at: datetime | None
    """When it ended."""


@dataclass(frozen=True, slots=True)
class Results(Value):
    """An upload of results."""

    id: str
    """Its id; the same run has the same."""
    product: str
    """The product, such as ``insight``."""
    project: str
    """The project's slug."""
    run_id: str
    """The run, as the client named it."""
    sha256: str
    """The SHA-256 of the unpacked document."""
    encoding: str
    """How it is packed: ``zstd``, ``gzip`` or ``identity``."""
    size: int
    """How many bytes are stored, which are what counts."""
    unpacked_size: int
    """How many there are unpacked."""
    created_at: datetime
    """When it was stored."""
    created_by: str
    """The person or the key that sent it."""
    summary: ResultsSummary
    """What it says."""


@dataclass(frozen=True, slots=True)
class UploadedResults(Value):
    """Results that were taken."""

    upload: Results
    """The upload."""
    replayed: bool
    """Whether it was there before: this is a retry, and charged nothing."""


@dataclass(frozen=True, slots=True)
class BackupVerdict(Value):
    """What was found out about a backup."""

    tier: str
    """How thoroughly it was looked at: ``bytes``, all of which were read, or ``restore``, and compared."""
    passed: bool
    """Whether it is good."""
    at: datetime
    """When that was begun."""
    seconds: float
    """How many seconds it took."""
    by: str
    """What found it out."""


@dataclass(frozen=True, slots=True)
class Backup(Value):
    """A complete backup."""

    id: str
    """Its id."""
    source: str
    """The source that it is of."""
    environment: str
    """The source's environment."""
    started_at: datetime
    """When it was begun."""
    finished_at: datetime
    """When it was complete."""
    bytes: int
    """How many bytes the dump has."""
    stored_bytes: int
    """How many bytes are stored."""
    proof: str
    """Whether it can be restored, as far as is known: ``verified``, ``unproved`` or ``failed``."""
    pinned: bool
    """Whether it stays, whatever the rules say."""
    tool: str
    """What made the dump."""
    recipients: tuple[str, ...]
    """For whom it is encrypted; nobody, where it is not."""
    verdicts: tuple[BackupVerdict, ...]
    """What was found out about it, the oldest first."""


@dataclass(frozen=True, slots=True)
class BackupWork(Value):
    """What is done with a source."""

    source: str
    """The source."""
    work: str
    """What: ``backup`` or ``verify``."""
    backup_id: str | None
    """Which backup is verified."""
    since: datetime
    """Since when."""
    stage: str | None
    """How far it is: ``dump``, ``fingerprint``, ``download``, ``restore``, ``compare``; ``None`` before the first."""
    bytes: int
    """How many bytes of the stage are done."""
    total_bytes: int | None
    """Of about how many, where that is known."""


@dataclass(frozen=True, slots=True)
class BackupFailure(Value):
    """A work that failed."""

    work: str
    """What: ``backup`` or ``verify``."""
    backup_id: str | None
    """Which backup was to be verified."""
    at: datetime
    """When it began."""
    detail: str
    """How it ended: the log of whoever tried says why."""


@dataclass(frozen=True, slots=True)
class BackupTrouble(Value):
    """Something that somebody should look at."""

    kind: str
    """Of what kind: ``late``, ``failed``, ``unverifiable``, ``unverified``, ``unusual_size``, ``future`` or
    ``unreachable``."""
    detail: str
    """What it is, in a sentence."""


@dataclass(frozen=True, slots=True)
class BackupSource(Value):
    """A database that is backed up, and how its backups stand."""

    name: str
    """Its name in the configuration."""
    environment: str
    """Its environment."""
    schedule: str | None
    """When ``odavl serve`` makes its backups; ``None`` where it does not."""
    backups: int
    """How many complete backups there are, without those that are dated in the future."""
    newest: Backup | None
    """The newest complete backup."""
    newest_verified: Backup | None
    """The newest one that was restored and found good."""
    failed: BackupFailure | None
    """The last work on it that failed, until it was done."""
    running: BackupWork | None
    """What is done with it now: in this process, or by the node of the service that answers."""
    troubles: tuple[BackupTrouble, ...]
    """What is wrong."""


@dataclass(frozen=True, slots=True)
class RestorePlan(Value):
    """What restoring a backup would do."""

    backup_id: str
    """The backup."""
    at: datetime
    """When its snapshot was taken."""
    bytes: int
    """How many bytes its dump has: as many are needed on the disk while it is restored."""
    stored_bytes: int
    """How many bytes are fetched."""
    proof: str
    """Whether it was proved: ``verified``, ``unproved`` or ``failed``."""
    took_seconds: float | None
    """How many seconds restoring and comparing it took last; ``None`` where that was not done."""
    to: str
    """The new database."""


@dataclass(frozen=True, slots=True)
class Verdict(Value):
    """A decision. ``valid`` false is an answer too: ``code`` says why, and nothing was charged."""

    valid: bool
    """Whether the request may pass."""
    code: str | None
    """Why not: a code of the error table."""
    reason: str | None
    """Why the credential was refused."""
    detail: str | None
    """Why not, in words."""
    retry_after: float | None
    """In how many seconds a retry may pass, where waiting at most an hour helps."""
    key_id: str | None
    """The key."""
    organization: str | None
    """Its organisation."""
    external_id: str | None
    """The team's own id for the organisation."""
    plan: str | None
    """The organisation's plan."""
    scopes: tuple[str, ...]
    """What the key may do."""
    environment: str | None
    """What the key is for."""
    metadata: Mapping[str, str] = field(hash=False)
    """The team's notes on the key."""
    limits: tuple[Standing, ...]
    """Where the charged meters stand; of a refused limit, where it stands."""
    replayed: bool
    """Whether this is an earlier decision given again."""


@dataclass(frozen=True, slots=True)
class Identity(Value):
    """Whose request it is that passed an ``odavl.asgi.Protect``."""

    key_id: str
    """The key."""
    organization: str
    """Its organisation."""
    external_id: str | None
    """The team's own id for the organisation."""
    plan: str
    """The organisation's plan."""
    scopes: tuple[str, ...]
    """What the key may do."""
    environment: str
    """What the key is for: ``live`` or ``test``."""
    metadata: Mapping[str, str] = field(hash=False)
    """The team's notes on the key."""
    limits: tuple[Standing, ...]
    """Where each charged meter stands against each of its limits."""


@dataclass(frozen=True, slots=True)
class Page(Value, Generic[T]):
    """A page of a list: iterates over its items."""

    items: tuple[T, ...]
    """The items, in the list's order."""
    next_cursor: str | None
    """The ``cursor`` of the next page; ``None`` on the last."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def _repr_html_(self) -> str:
        return _rows(self.items) if self.items else _table(("items",), [])
