"""Key, scope, rate and quota before routes of your own: a middleware for FastAPI, Starlette and whatever speaks ASGI.

::

    gateway = odavl.Odavl.open("odavl.toml").system("operator")      # or odavl.connect(url, key=...)
    app = FastAPI()
    app.add_middleware(Protect, gateway=gateway, scope="insight:read", charges={"insight_analyses": 1})

    @app.get("/report")
    async def report(request: Request) -> str:
        return f"the report of {identity(request).organization}"
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, TypeAlias

from . import _odavl
from ._async import AsyncSession
from ._sync import Session
from .errors import InvalidInputError, OdavlError
from .models import Identity

__all__ = ["Protect", "identity"]

_Scope: TypeAlias = MutableMapping[str, Any]
_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_App: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]
_Fields: TypeAlias = list[tuple[bytes, bytes]]

_IDENTITY = "odavl.identity"


def identity(connection: Mapping[str, Any]) -> Identity:
    """Whose request it is: of a request of FastAPI or Starlette, or an ASGI scope, behind a `Protect`."""
    found = connection.get(_IDENTITY)
    if not isinstance(found, Identity):
        raise LookupError("nobody decided about this request: put odavl.asgi.Protect before its route")
    return found


class Protect:
    """What a request or a websocket needs to get through: an API key, and what it must be allowed and can pay.

    Each is one decision, durable before the route is called; a refused one charges nothing and is answered with a problem
    document (RFC 9457). The key goes no further than the decision; the route finds whose request it is by `identity`.
    Every answer says by ``RateLimit-Policy`` and ``RateLimit`` where the limits that were charged stand. Where nothing can
    be decided, as of a gateway that is closed, nothing passes: it is answered with 503, and
    ``logging.getLogger("odavl")`` is told why.

    `gateway` decides: a session with ``gateway:write``, synchronous or not, opened in this process or connected, or a
    function that is asked at each request for the one that is open, where it is opened only when the application starts.
    `scope` is what the key must have, `charges` what a request costs besides what it costs already (at most four meters;
    all of it is charged, or none), `environment` (``"live"`` or ``"test"``) what the key must be of. `key_header` is the
    header that the key is in, as it is; unless it is said, it is the bearer in ``Authorization``. `trusted_proxies` are
    the peers whose ``X-Forwarded-For`` counts, for the allow-lists of keys.
    """

    __slots__ = ("_app", "_gateway", "_guarded", "_key_header", "_made", "_rules")

    def __init__(
        self,
        app: _App,
        gateway: Session | AsyncSession | Callable[[], Session | AsyncSession],
        *,
        scope: str | None = None,
        charges: Mapping[str, int] | None = None,
        environment: str | None = None,
        key_header: str = "Authorization",
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        if not isinstance(key_header, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"argument 'key_header': {type(key_header).__name__!r} object is not the name of a header")
        if not key_header.isascii():
            raise InvalidInputError("`key_header` is not the name of a header")
        self._app = app
        self._gateway = gateway
        self._rules = (scope, charges, environment, key_header, list(trusted_proxies))
        self._key_header = key_header.lower().encode()
        self._guarded: Session | AsyncSession | None = None
        if not callable(gateway):
            self._guard()

    def _guard(self) -> _odavl.Guard:
        session = self._gateway() if callable(self._gateway) else self._gateway
        if not isinstance(session, Session | AsyncSession):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"argument 'gateway': {type(session).__name__!r} object is not a session")
        if session is not self._guarded:
            self._made = session._core.gateway.guard(*self._rules)
            self._guarded = session
        return self._made

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            raise ValueError(f"odavl.asgi.Protect knows no {scope['type']!r}")
        # Any iterables of two will do for ASGI.
        given = [(name, value) for name, value in scope["headers"]]
        client = scope.get("client")
        try:
            decision = await self._guard().decide(given, client[0] if client else None)
        except OdavlError as error:
            # It was closed meanwhile, or opened before this process was forked.
            decision = await _odavl.undecided(given, str(error))
        identity, status, fields, body = decision
        if identity is None:
            await _refuse(scope, receive, send, status, fields, body)
            return
        headers = [(name, value) for name, value in given if name.lower() != self._key_header]
        passed = {**scope, "headers": headers, _IDENTITY: identity}
        await self._app(passed, receive, _telling(send, fields))


def _telling(send: _Send, said: _Fields) -> _Send:
    """Answers that say what is `said`, too."""
    if not said:
        return send
    names = {name for name, _ in said}

    async def telling(message: _Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
            own = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in names]
            message = {**message, "headers": [*own, *said]}
        await send(message)

    return telling


async def _refuse(
    scope: _Scope, receive: _Receive, send: _Send, status: int, fields: _Fields, body: bytes
) -> None:
    """Answers with the problem document; a websocket is closed where the server can answer no other way."""
    answer = "http.response"
    if scope["type"] == "websocket":
        answer = "websocket.http.response"
        await receive()
        if answer not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
    length = (b"content-length", str(len(body)).encode())
    await send({"type": f"{answer}.start", "status": status, "headers": [*fields, length]})
    await send({"type": f"{answer}.body", "body": body})
