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
    "Bucket",
    "Consumed",
    "Ended",
    "LedgerEntry",
    "Me",
    "Page",
    "Reserved",
    "Standing",
    "UsageReport",
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
