"""Functions whose calls are charged."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from contextlib import AbstractAsyncContextManager
    from typing import Any, ParamSpec, TypeVar

    from . import _odavl
    from ._sync import Reservation

    _P = ParamSpec("_P")
    _R = TypeVar("_R")

__all__ = ["Metered"]


class Metered:
    """What `session.metered` makes: it takes a function and gives one that is called the same."""

    __slots__ = ("_core", "_expires_in", "_meter", "_tags", "_units")

    def __init__(
        self,
        core: _odavl.Session,
        meter: str | Mapping[str, int],
        units: int | Callable[..., int],
        expires_in: float,
        tags: Mapping[str, str] | None,
    ) -> None:
        if not isinstance(meter, str) and not hasattr(meter, "items"):
            raise TypeError(f"argument 'meter': {type(meter).__name__!r} object is neither a name nor a mapping")
        if not callable(units) and not hasattr(units, "__index__"):
            raise TypeError(f"argument 'units': {type(units).__name__!r} object is neither a number nor a function")
        self._core = core.usage
        self._meter = meter
        self._units = units
        self._expires_in = expires_in
        self._tags = tags
        # Mistakes are found here, and not at the first call: neither of the two begins anything.
        charges = {meter: 1 if callable(units) else units} if isinstance(meter, str) else meter
        core.gateway.guard(None, charges, None, "authorization", [])
        self._core.reserve(charges, expires_in, None, tags)

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        import functools
        import inspect

        if isinstance(function, staticmethod):
            below: Callable[_P, _R] = function.__func__
            return staticmethod(self(below))
        if isinstance(function, classmethod):
            raise TypeError("argument 'function': a classmethod cannot be called yet; meter what is below @classmethod")
        if not callable(function):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"argument 'function': {type(function).__name__!r} object cannot be called")
        # An object is called by what its class says.
        called: tuple[Any, Any] = (function, getattr(type(function), "__call__", None))
        if any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in called):
            raise TypeError("argument 'function': a generator has no end that is known; meter what it calls")
        is_async = any(inspect.iscoroutinefunction(each) for each in called)
        made = self._of_coroutines(function) if is_async else self._of_calls(function)
        return functools.wraps(function)(made)

    def _charges(self, args: tuple[Any, ...], named: dict[str, Any]) -> Mapping[str, int]:
        if not isinstance(self._meter, str):
            return self._meter
        return {self._meter: self._units(*args, **named) if callable(self._units) else self._units}

    def _of_calls(self, function: Callable[..., Any]) -> Callable[..., Any]:
        from contextlib import ExitStack
        from inspect import isawaitable

        from ._sync import Usage

        usage = Usage(self._core)

        def metered(*args: Any, **named: Any) -> Any:
            charges = self._charges(args, named)
            with ExitStack() as end:
                held = end.enter_context(usage.reserve(charges, expires_in=self._expires_in, tags=self._tags))
                answer = function(*args, **named)
                if isawaitable(answer):
                    end.pop_all()
                    return self._held_on(held, answer)
                return answer

        return metered

    def _held_on(self, held: Reservation, answer: Awaitable[_R]) -> Coroutine[Any, Any, _R]:
        """What was held for the call is held until its answer has run."""
        from weakref import finalize

        from ._async import AsyncReservation

        async def awaited() -> _R:
            unawaited.detach()
            held_on = AsyncReservation(self._core, held._charges, held.id, held.expires_at, held.limits, held.replayed)
            return await _awaited(held_on, answer)

        coming = awaited()
        # Nobody awaits it, or its task is cancelled before it begins.
        unawaited = finalize(coming, held.__exit__, None, GeneratorExit(), None)
        return coming

    def _of_coroutines(self, function: Callable[..., Any]) -> Callable[..., Any]:
        from ._async import AsyncUsage

        usage = AsyncUsage(self._core)

        async def metered(*args: Any, **named: Any) -> Any:
            charges = self._charges(args, named)
            answer = function(*args, **named)
            return await _awaited(usage.reserve(charges, expires_in=self._expires_in, tags=self._tags), answer)

        return metered


async def _awaited(held: AbstractAsyncContextManager[Any], answer: Awaitable[_R]) -> _R:
    from inspect import iscoroutine

    try:
        async with held:
            return await answer
    finally:
        # It has not begun where the units were refused.
        if iscoroutine(answer):
            answer.close()
