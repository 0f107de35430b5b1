"""A configuration, as the engine takes it: a file, or the text of one."""

from __future__ import annotations

from os import PathLike, fspath

from .errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from typing import Any


def described(config: str | PathLike[str] | Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """The path of the file that `config` is, or its content as JSON."""
    if config is None:
        return None, None
    if isinstance(config, str | PathLike):
        return fspath(config), None
    if not hasattr(config, "items"):
        raise TypeError(f"argument 'config': {type(config).__name__!r} object is neither a path nor a mapping")
    import json

    try:
        return None, json.dumps(_plain(config, ""))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the configuration is wrong: {error}") from error


def _plain(value: Any, place: str) -> object:
    """`value` as JSON has it; what has none is named by the keys that lead to it, its `place`."""
    from collections.abc import Mapping, Set
    from typing import cast

    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, PathLike):
        return fspath(cast("PathLike[str]", value))
    if isinstance(value, Mapping):
        fields = cast("Mapping[object, Any]", value)
        return {_key(key, place): _plain(each, f"{place}.{key}") for key, each in fields.items()}
    if isinstance(value, Set):
        value = _sorted(cast("Set[str]", value), place)
    if isinstance(value, list | tuple):
        several = cast("list[Any]", value)
        return [_plain(each, f"{place}[{number}]") for number, each in enumerate(several)]
    raise TypeError(f"argument 'config': {type(value).__name__!r} object has no place in a configuration: {place[1:]}")


def _sorted(value: Set[str], place: str) -> list[str]:
    try:
        return sorted(value)
    except TypeError as error:
        raise TypeError(f"argument 'config': {place[1:]} is a set of different things: {error}") from error


def _key(key: object, place: str) -> str:
    if isinstance(key, str):
        return key
    raise TypeError(f"argument 'config': {key!r} is not the name of a field{place and f' of {place[1:]}'}")
