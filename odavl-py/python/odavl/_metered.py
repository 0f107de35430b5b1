"""Functions whose calls are charged."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any, ParamSpec, TypeVar

    from . import _odavl

    _P = ParamSpec("_P")
    _R = TypeVar("_R")

__all__ = ["Metered"]


class Metered:
    """What `session.metered` makes: it takes a function and gives one that is called the same."""

    __slots__ = ("_core", "_expires_in", "_meter", "_tags", "_units")

    def __init__(
        self,
        core: _odavl.Usage,
        meter: str | Mapping[str, int],
        units: int | Callable[..., int],
        expires_in: float,
        tags: Mapping[str, str] | None,
    ) -> None:
        self._core = core
        self._meter = meter
        self._units = units
        self._expires_in = expires_in
        self._tags = tags

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        import functools
        import inspect

        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("argument 'function': a generator has no end that is known; meter what it calls")
        if inspect.iscoroutinefunction(function):
            wrapped: Any = self._of_coroutines(function)
        else:
            wrapped = self._of_calls(function)
        made: Callable[_P, _R] = functools.wraps(function)(wrapped)
        return made

    def _charges(self, args: tuple[Any, ...], named: dict[str, Any]) -> Mapping[str, int]:
        if not isinstance(self._meter, str):
            return self._meter
        return {self._meter: self._units(*args, **named) if callable(self._units) else self._units}

    def _of_calls(self, function: Callable[..., _R]) -> Callable[..., _R]:
        from ._sync import Usage

        usage = Usage(self._core)

        def metered(*args: Any, **named: Any) -> _R:
            with usage.reserve(self._charges(args, named), expires_in=self._expires_in, tags=self._tags):
                return function(*args, **named)

        return metered

    def _of_coroutines(
        self, function: Callable[..., Coroutine[Any, Any, _R]]
    ) -> Callable[..., Coroutine[Any, Any, _R]]:
        from ._async import AsyncUsage

        usage = AsyncUsage(self._core)

        async def metered(*args: Any, **named: Any) -> _R:
            charges = self._charges(args, named)
            async with usage.reserve(charges, expires_in=self._expires_in, tags=self._tags):
                return await function(*args, **named)

        return metered
