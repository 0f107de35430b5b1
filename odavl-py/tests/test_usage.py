"""Usage through every door: charged, held, read back."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict
from datetime import datetime, timedelta, timezone
from typing import Any

import odavl
import pytest


def lately() -> tuple[datetime, datetime]:
    now = datetime.now(timezone.utc)
    return now - timedelta(hours=2), now + timedelta(hours=1)


def test_a_charge_says_what_is_left(me: Any) -> None:
    assert me.usage.consume("tests", 3).remaining == 17
    done = me.usage.consume("tests")
    assert (done.meter, done.units, done.used, done.limit, done.replayed) == ("tests", 1, 4, 20, False)
    assert done.resets_at.tzinfo is timezone.utc and done.resets_at.day == 1
    assert me.usage.consume("calls").limit is None


def test_a_quota_refuses_with_where_it_stands_and_charges_nothing(me: Any) -> None:
    me.usage.consume("tests", 19)
    with pytest.raises(odavl.QuotaExceededError) as refused:
        me.usage.consume("tests", 2)
    error = refused.value
    assert (error.code, error.meter, error.units, error.limit, error.used) == ("quota_exceeded", "tests", 2, 20, 19)
    assert error.resets_at is not None and error.hint is not None
    assert me.usage.consume("tests").used == 20


def test_a_rate_refuses_and_says_when_to_come_again(me: Any) -> None:
    me.usage.consume("pages", 2)
    with pytest.raises(odavl.RateLimitedError) as refused:
        me.usage.consume("pages")
    assert refused.value.retry_after is not None and 0 < refused.value.retry_after <= 60


def test_a_retry_gets_the_same_decision_and_another_request_is_a_conflict(me: Any) -> None:
    first = me.usage.consume("tests", 2, idempotency_key="r-17", tags={"run": "17"})
    again = me.usage.consume("tests", 2, idempotency_key="r-17", tags={"run": "17"})
    assert not first.replayed and again.replayed and again.used == first.used == 2
    with pytest.raises(odavl.ConflictError):
        me.usage.consume("tests", 3, idempotency_key="r-17")


def test_a_reservation_is_settled_at_the_end_of_its_block(me: Any) -> None:
    with me.usage.reserve("tests", 5) as held:
        assert held.limits[0].used == 5 and held.expires_at > datetime.now(timezone.utc)
        ended = held.settle(3)
        assert ended.limits[0].units == 3
    assert me.usage.consume("tests", 0).used == 3
    with me.usage.reserve({"tests": 2, "calls": 7}):
        pass
    assert me.usage.consume("tests", 0).used == 5
    assert me.usage.consume("calls", 0).used == 7


def test_a_block_that_raises_gives_back_what_it_held(me: Any) -> None:
    with pytest.raises(ZeroDivisionError), me.usage.reserve("tests", 5):
        _ = 1 / 0
    assert me.usage.consume("tests", 0).used == 0


def test_a_reservation_is_ended_by_its_id_and_answers_the_same_again(me: Any) -> None:
    held = me.usage.reserve("tests", 5, expires_in=60)
    assert not me.usage.settle(held.id, {"tests": 2}).replayed
    assert me.usage.settle(held.id, {"tests": 2}).replayed
    released = me.usage.reserve("tests", 5)
    assert released.release().limits[0].used == 2
    with pytest.raises(odavl.NotFoundError):
        me.usage.settle(released.id, {"tests": 1})


def test_what_is_used_of_several_meters_is_said_of_each(me: Any) -> None:
    held = me.usage.reserve({"tests": 2, "calls": 7})
    with pytest.raises(TypeError, match="'used'"):
        held.settle(1)
    assert {limit.meter: limit.units for limit in held.settle({"tests": 1}).limits}["tests"] == 1


def test_the_report_has_every_meter(me: Any) -> None:
    me.usage.consume("tests", 18)
    report = me.usage.read()
    assert (report.plan, report.api_keys, report.api_keys_limit) == ("Basic", len(me.keys.list()), 5)
    tests = {limit.meter: limit for limit in report.limits}["tests"]
    assert (tests.used, tests.limit, tests.warning, tests.period) == (18, 20, 90, "month")


def test_history_is_records_for_a_data_frame(me: Any) -> None:
    me.usage.consume("calls", 3)
    me.usage.consume("calls", 4)
    from_, to = lately()
    history = me.usage.history("calls", from_, to, window="hour")
    assert sum(bucket.units for bucket in history) == 7
    assert sum(bucket.count for bucket in history) == 2
    assert set(asdict(history[0])) == {"start", "subject", "units", "count", "closing"}
    by = me.usage.history("calls", from_.isoformat(), "2100-01-01T00:00:00Z", window="month", group_by="subject")
    assert [(bucket.subject, bucket.units) for bucket in by] == [(me.whoami().key_id or "system", 7)]


@pytest.mark.embedded("a service does not show the ledger")
def test_the_ledger_comes_in_pages(me: Any) -> None:
    for run in range(3):
        me.usage.consume("calls", run + 1, tags={"run": str(run)})
    first = me.usage.ledger(limit=2)
    rest = me.usage.ledger(limit=2, cursor=first.next_cursor)
    assert [entry.charges for entry in [*first, *rest]] == [{"calls": 1}, {"calls": 2}, {"calls": 3}]
    assert len(first) == 2 and rest.next_cursor is None and rest.items[0].tags == {"run": "2"}


def test_values_are_frozen_equal_hashable_and_shown(me: Any) -> None:
    one, other = me.usage.consume("tests", 0), me.usage.consume("tests", 0)
    assert one == other and hash(one) == hash(other) and one in {other}
    with pytest.raises(FrozenInstanceError):
        one.used = 7
    assert repr(one).startswith("Consumed(meter='tests', units=0")
    assert "<td>tests</td>" in one._repr_html_()
    me.projects.create("app")
    page = me.projects.list()
    assert hash(page.items[0]) is not None and "<td>app</td>" in page._repr_html_()
    key = me.keys.create("<b>", ["usage:read"], metadata={"a": "b"}).key
    assert hash(key) is not None and "&lt;b&gt;" in key._repr_html_()


@pytest.mark.embedded("a service knows whoever asks it by a key")
def test_a_session_says_who_it_is(me: Any) -> None:
    who = me.whoami()
    assert (who.organization_slug, who.plan, who.key_id) == ("acme", "Basic", None)
    assert "usage:admin" in who.scopes


def test_a_block_that_takes_longer_than_its_units_are_held_says_so(me: Any) -> None:
    held = me.usage.reserve("tests", 5, expires_in=1)
    with pytest.raises(odavl.NotFoundError, match=f"{held.id} expired at 20") as late, held:
        me.usage.release(held.id)
    assert late.value.hint is not None and "expires_in" in late.value.hint
    assert isinstance(late.value.__cause__, odavl.NotFoundError)
    assert me.usage.consume("tests", 0).used == 0
