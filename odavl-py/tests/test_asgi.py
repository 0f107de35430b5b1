"""The gateway before routes of one's own: FastAPI behind a real server, and ASGI by hand where a server has no say."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from logging.handlers import QueueHandler
from pathlib import Path
from queue import Queue
from typing import Any

import fastapi
import httpx
import odavl
import pytest
import uvicorn
from conftest import CONFIG
from doors import Connected
from odavl.asgi import Protect, identity
from test_upkeep import comes

CHARGES = {"tests": 8}
"""Two requests fit into the 20 of a month, the third does not."""


class Routes:
    """Routes of one's own on loopback, which say whose request they got and count how often they were called."""

    def __init__(self, gateway: Any, **rules: Any) -> None:
        self.calls = 0
        app = fastapi.FastAPI()
        app.add_middleware(Protect, gateway=gateway, **{"scope": "storage:read", "charges": CHARGES, **rules})

        @app.get("/report")
        async def report(request: fastapi.Request) -> dict[str, object]:
            self.calls += 1
            shown = [value for name, value in request.headers.items() if "odavl_live_" in value]
            return {"of": identity(request).key_id, "shown": shown}

        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, proxy_headers=False)
        self._server = uvicorn.Server(config)
        socket = config.bind_socket()
        # Who comes before the server does waits, rather than being refused.
        socket.listen()
        self._thread = threading.Thread(target=self._server.run, args=([socket],))
        self._thread.start()
        self.url = f"http://127.0.0.1:{socket.getsockname()[1]}"

    def ask(self, *headers: tuple[str, str]) -> httpx.Response:
        return httpx.get(f"{self.url}/report", headers=list(headers))

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


def bearer(key: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {key}")


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    told: dict[str, Any] = answer.json()
    assert (told["code"], told["request_id"]) == (code, answer.headers["x-request-id"])
    assert answer.headers["cache-control"] == "no-store"
    return told


@pytest.fixture
def gateway(db: Any) -> Any:
    session = db.system("operator")
    return getattr(session, "_thing", session)


@pytest.fixture
def key(me: Any) -> str:
    return secret(me, ["storage:write"])


def secret(me: Any, scopes: list[str], **more: Any) -> str:
    new = me.keys.create("test", scopes, **more).secret
    assert isinstance(new, str)
    return new


@pytest.fixture
def routes(gateway: Any) -> Iterator[Callable[..., Routes]]:
    made: list[Routes] = []

    def make(**rules: Any) -> Routes:
        made.append(Routes(gateway, **rules))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def used(me: Any) -> int:
    return sum(limit.used for limit in me.usage.read().limits if limit.meter == "tests")


def test_a_request_that_may_and_can_pass_reaches_the_route_and_says_what_is_left(
    routes: Callable[..., Routes], me: Any, key: str
) -> None:
    behind = routes()
    passed = behind.ask(bearer(key))
    assert passed.json() == {"of": "key_" + key.split("_")[2], "shown": []}
    assert passed.headers["ratelimit-policy"].startswith('"tests";q=20;w=')
    assert passed.headers["ratelimit"].startswith('"tests";r=12;t=')
    behind.ask(bearer(key))
    refused = behind.ask(bearer(key))
    told = problem(refused, 429, "quota_exceeded")
    assert told["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert (told["meter"], told["used"], told["limit"]) == ("tests", 16, 20)
    assert told["detail"] == "tests: 16 of 20 are used, 8 more do not fit"
    assert told["violated-policies"] == ["tests"] and "resets_at" in told
    assert refused.headers["ratelimit"].startswith('"tests";r=4;t=')
    assert (behind.calls, used(me)) == (2, 16)


def test_who_may_not_pass_reaches_no_route_and_is_charged_nothing(
    routes: Callable[..., Routes], me: Any, key: str
) -> None:
    behind = routes()
    missing = behind.ask(("x-request-id", "request-1"))
    assert problem(missing, 401, "unauthenticated")["request_id"] == "request-1"
    assert missing.headers["www-authenticate"] == 'Bearer realm="odavl"'
    for wrong in [f"Bearer {key[1:]}", f"Basic {key}", key, "Bearer"]:
        assert problem(behind.ask(("authorization", wrong)), 401, "unauthenticated")["reason"] == "malformed"
    problem(behind.ask(bearer(key), bearer(key)), 401, "unauthenticated")
    other = secret(me, ["usage:read"])
    told = problem(behind.ask(bearer(other)), 403, "forbidden")
    assert told["reason"] == "insufficient_scope" and told["hint"]
    me.keys.revoke("key_" + key.split("_")[2])
    assert problem(behind.ask(bearer(key)), 401, "unauthenticated")["reason"] == "revoked"
    assert (behind.calls, used(me)) == (0, 0)


def test_a_rate_says_when_to_come_again(routes: Callable[..., Routes], key: str) -> None:
    behind = routes(charges={"pages": 2})
    assert behind.ask(bearer(key)).status_code == 200
    refused = behind.ask(bearer(key))
    problem(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"pages/60s";q=2;w=60'


def test_a_key_with_an_allow_list_passes_from_there_alone(routes: Callable[..., Routes], me: Any) -> None:
    here = secret(me, ["storage:read"], allowed_ips=["127.0.0.1/32"])
    there = secret(me, ["storage:read"], allowed_ips=["203.0.113.0/24"])
    forged = ("x-forwarded-for", "203.0.113.5")
    behind, trusting = routes(charges=None), routes(charges=None, trusted_proxies=["127.0.0.1"])
    assert behind.ask(bearer(here), forged).status_code == 200
    assert problem(behind.ask(bearer(there), forged), 403, "forbidden")["reason"] == "address_denied"
    assert trusting.ask(bearer(there), forged).status_code == 200
    problem(trusting.ask(bearer(here), forged), 403, "forbidden")


def test_a_key_may_be_in_a_header_of_its_own_and_of_one_environment(
    routes: Callable[..., Routes], me: Any, key: str
) -> None:
    behind = routes(key_header="X-Api-Key", environment="live")
    passed = behind.ask(("x-api-key", key), ("authorization", "Basic x"))
    assert passed.json()["shown"] == []
    problem(behind.ask(bearer(key)), 401, "unauthenticated")
    test = secret(me, ["storage:read"], environment="test")
    assert problem(behind.ask(("x-api-key", test)), 401, "unauthenticated")["reason"] == "wrong_environment"


def test_exactly_as_many_pass_at_once_as_there_are(routes: Callable[..., Routes], me: Any, key: str) -> None:
    behind = routes(charges={"tests": 1})

    async def ask() -> list[int]:
        async with httpx.AsyncClient(base_url=behind.url, headers=dict([bearer(key)])) as client:
            answers = await asyncio.gather(*(client.get("/report") for _ in range(40)))
            return sorted(answer.status_code for answer in answers)

    assert asyncio.run(ask()) == [200] * 20 + [429] * 20
    assert (behind.calls, used(me)) == (20, 20)


@pytest.mark.embedded("a session that is connected cannot know what the service has, before it asks")
@pytest.mark.parametrize("charges", [{"nothing": 1}, {"bytes": 1}, {"tests": 2**60}, dict.fromkeys("abcde", 1)])
def test_what_no_request_could_ever_pass_is_found_when_the_routes_are_made(
    gateway: Any, charges: dict[str, int]
) -> None:
    with pytest.raises(odavl.InvalidInputError):
        Protect(nowhere, gateway, charges=charges)


def test_what_makes_no_sense_is_refused_when_the_routes_are_made(gateway: Any) -> None:
    wrongs: list[dict[str, Any]] = [
        {"key_header": "a b"},
        {"key_header": "ключ"},
        {"trusted_proxies": ["nowhere"]},
        {"environment": "moon"},
        {"scope": "?"},
    ]
    for wrong in wrongs:
        with pytest.raises(odavl.InvalidInputError):
            Protect(nowhere, gateway, **wrong)
    types: list[dict[str, Any]] = [{"charges": 1}, {"key_header": 7}, {"gateway": None}, {"gateway": gateway._core}]
    for wrong in types:
        with pytest.raises(TypeError, match=f"argument '{next(iter(wrong))}'"):
            Protect(nowhere, **{"gateway": gateway, **wrong})
    with pytest.raises(TypeError, match="argument 'gateway'"):
        played(Protect(nowhere, lambda: None), {"type": "http"})  # type: ignore[arg-type, return-value]


def test_what_the_service_lacks_is_no_fault_of_the_caller(
    db: Any, me: Any, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    session = db.authenticate(key)
    behind = Routes(getattr(session, "_thing", session), charges=None)
    try:
        told = problem(behind.ask(bearer(key)), 500, "internal")
        assert "gateway:write" not in str(told) and behind.calls == 0
        (said,) = failures(caplog, 1)
        assert "gateway:write" in said and told["request_id"] in said
    finally:
        behind.stop()


def test_a_gateway_that_is_gone_lets_nothing_pass(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    db = Connected(CONFIG, data=tmp_path / "data")
    db.here.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    key = secret(db.here.system("acme"), ["storage:read"])
    behind = Routes(db.system("operator"))
    db.close()
    try:
        refused = behind.ask(bearer(key))
        told = problem(refused, 503, "unavailable")
        assert told["detail"] == "the gateway does not answer" and refused.headers["retry-after"] == "1"
        assert behind.calls == 0 and told["request_id"] in failures(caplog, 1)[0]
    finally:
        behind.stop()


def test_a_gateway_that_was_closed_lets_nothing_pass(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    db = odavl.Odavl.open(CONFIG, data=tmp_path)
    db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    session = db.system("operator")
    before = Routes(session)
    assert before.ask().status_code == 401
    db.close()
    after, lazy, reopening = Routes(session), Routes(lambda: session), Routes(lambda: db.system("operator"))
    made = [before, after, lazy, reopening]
    try:
        for behind in made:
            refused = behind.ask(("x-request-id", "request-1"))
            told = problem(refused, 503, "unavailable")
            assert (told["detail"], told["request_id"]) == ("the gateway does not answer", "request-1")
            assert refused.headers["retry-after"] == "1" and behind.calls == 0
            assert len(problem(behind.ask(("x-request-id", "?")), 503, "unavailable")["request_id"]) == 32
    finally:
        for behind in made:
            behind.stop()
    said = failures(caplog, 8)
    assert len(said) == 8 and all("it is closed" in each for each in said)
    assert sum("request-1" in each for each in said) == 4


def failures(caplog: pytest.LogCaptureFixture, count: int) -> list[str]:
    """What is logged of requests that nobody decided about, once so many are told of."""

    def said() -> list[str]:
        return [f"{each.name}: {each.getMessage()}" for each in caplog.records if each.levelno == logging.ERROR]

    assert comes(lambda: len(said()) >= count)
    assert all(each.startswith("odavl: failed") for each in said())
    return said()


Message = MutableMapping[str, Any]


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nobody was to come here")


def played(app: Callable[..., Awaitable[None]], scope: dict[str, Any], **more: Any) -> list[Message]:
    """What an application says to a scope."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{scope['type']}.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app({"headers": [], "client": None, **scope, **more}, receive, send))  # type: ignore[arg-type]
    return sent


@pytest.fixture
def here(tmp_path: Path) -> Iterator[odavl.Odavl]:
    with odavl.Odavl.open(CONFIG, data=tmp_path / "here") as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        yield db


def test_a_websocket_needs_the_same(here: odavl.Odavl) -> None:
    key = secret(here.system("acme"), ["storage:read"])

    async def greeting(scope: Any, receive: Any, send: Any) -> None:
        assert scope["headers"] == [] and identity(scope).environment == "live"
        await send({"type": "websocket.accept", "headers": [(b"RateLimit", b"own"), (b"x", b"y")]})

    protected = Protect(greeting, here.system("operator"), charges=CHARGES)
    socket = {"type": "websocket", "headers": [(b"authorization", f"Bearer {key}".encode())]}
    accepted = dict(played(protected, socket)[0]["headers"])
    assert accepted[b"ratelimit"].startswith(b'"tests";r=12;') and accepted[b"x"] == b"y"

    async def denying(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 403})

    denied = dict(played(Protect(denying, here.system("operator"), charges=CHARGES), socket)[0]["headers"])
    assert denied[b"ratelimit"].startswith(b'"tests";r=4;')
    closed = played(Protect(nowhere, here.system("operator")), {"type": "websocket"})
    assert [message["type"] for message in closed] == ["websocket.close"]
    extensions: dict[str, dict[str, str]] = {"websocket.http.response": {}}
    start, body = played(Protect(nowhere, here.system("operator")), {"type": "websocket"}, extensions=extensions)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert b'"code":"unauthenticated"' in body["body"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_s_gateway_is_one_of_its_own(here: odavl.Odavl) -> None:
    protected = Protect(nowhere, here.system("operator"))
    reads, writes = os.pipe()
    if (child := os.fork()) == 0:
        try:
            said: Queue[logging.LogRecord] = Queue()
            logging.getLogger("odavl").addHandler(QueueHandler(said))
            status = played(protected, {"type": "http"})[0]["status"]
            told = "before this process was forked" in said.get(timeout=30).getMessage()
            os.write(writes, bytes([status == 503, told]))
        finally:
            os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)
    with os.fdopen(reads, "rb") as answer:
        assert answer.read() == b"\1\1"


def test_headers_are_any_iterables_of_two(here: odavl.Odavl) -> None:
    async def route(scope: Any, receive: Any, send: Any) -> None:
        assert scope["headers"] == [(b"x", b"y")]
        own = [[b"RateLimit", b"own"], iter((b"x", b"y"))]
        await send({"type": "http.response.start", "status": 200, "headers": own})

    key = secret(here.system("acme"), ["storage:read"])
    protected = Protect(route, here.system("operator"), charges=CHARGES)
    headers = [[b"authorization", f"Bearer {key}".encode()], iter((b"x", b"y"))]
    start = played(protected, {"type": "http"}, headers=headers)[0]
    assert start["headers"][0] == (b"x", b"y") and b"own" not in dict(start["headers"]).values()


def test_headers_are_read_once(here: odavl.Odavl) -> None:
    async def route(scope: Any, receive: Any, send: Any) -> None:
        assert scope["headers"] == [(b"x", b"y")]
        await send({"type": "http.response.start", "status": 200})

    key = secret(here.system("acme"), ["storage:read"])
    headers = iter([(b"authorization", f"Bearer {key}".encode()), (b"x", b"y")])
    assert played(Protect(route, here.system("operator")), {"type": "http"}, headers=headers)[0]["status"] == 200


def test_only_what_is_known_passes_undecided(here: odavl.Odavl) -> None:
    async def started(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})

    gateway = here.system("operator")
    assert len(played(Protect(started, gateway), {"type": "lifespan"})) == 1
    with pytest.raises(ValueError, match="'telepathy'"):
        played(Protect(nowhere, gateway), {"type": "telepathy"})
    with pytest.raises(LookupError, match="Protect"):
        identity({"type": "http"})


def test_a_gateway_may_be_opened_when_the_application_starts_and_anew(tmp_path: Path) -> None:
    opened: list[odavl.AsyncSession] = []
    protected = Protect(nowhere, lambda: opened[-1], charges=CHARGES)

    async def once() -> None:
        async with odavl.AsyncOdavl.open(CONFIG, data=tmp_path / "lazy") as db:
            if not opened:
                await db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
            opened.append(await db.system("operator"))
            sent: list[Message] = []

            async def send(message: Message) -> None:
                sent.append(message)

            async def receive() -> Message:
                return {"type": "http.disconnect"}

            await protected({"type": "http", "headers": []}, receive, send)
            assert sent[0]["status"] == 401

    asyncio.run(once())
    asyncio.run(once())


def test_the_log_says_nothing_of_refusals(here: odavl.Odavl, caplog: pytest.LogCaptureFixture) -> None:
    protected = Protect(nowhere, here.system("operator"))
    with caplog.at_level(logging.DEBUG, "odavl"):
        assert played(protected, {"type": "http"})[0]["status"] == 401
        here.close()
        assert played(protected, {"type": "http"})[0]["status"] == 503
        # What would be said of the first is said before.
        assert "it is closed" in failures(caplog, 1)[0]
    assert len([record for record in caplog.records if record.name.startswith("odavl")]) == 1
