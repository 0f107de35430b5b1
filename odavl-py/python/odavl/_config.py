"""A configuration, as the engine takes it: a file, or the text of one."""

from __future__ import annotations

from os import PathLike, fspath

from .errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
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
        return None, json.dumps(dict(config), default=_plain)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"the configuration is wrong: {error}") from error


def _plain(value: Any) -> object:
    from collections.abc import Mapping, Set
    from typing import cast

    if isinstance(value, PathLike):
        return fspath(cast("PathLike[str]", value))
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    if isinstance(value, Set):
        return sorted(cast("Set[str]", value))
    raise TypeError(f"argument 'config': {type(value).__name__!r} object has no place in a configuration")
