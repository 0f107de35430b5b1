"""The exceptions are those of the table."""

from __future__ import annotations

import pickle

import odavl
import pytest
from odavl import errors

TABLE: dict[str, tuple[str, type[BaseException]]] = {
    "invalid_input": ("InvalidInputError", ValueError),
    "unauthenticated": ("UnauthenticatedError", PermissionError),
    "forbidden": ("ForbiddenError", PermissionError),
    "not_found": ("NotFoundError", LookupError),
    "already_exists": ("AlreadyExistsError", Exception),
    "conflict": ("ConflictError", Exception),
    "precondition_failed": ("PreconditionFailedError", Exception),
    "too_large": ("TooLargeError", ValueError),
    "quota_exceeded": ("QuotaExceededError", Exception),
    "rate_limited": ("RateLimitedError", Exception),
    "unavailable": ("UnavailableError", ConnectionError),
    "unsupported": ("UnsupportedError", NotImplementedError),
    "corrupted": ("CorruptedError", Exception),
    "internal": ("InternalError", Exception),
}


@pytest.mark.parametrize("code", TABLE)
def test_each_code_has_its_class(code: str) -> None:
    name, base = TABLE[code]
    kind = getattr(errors, name)
    assert issubclass(kind, odavl.OdavlError) and issubclass(kind, base) and kind.code == code


def test_an_error_goes_to_another_process_whole() -> None:
    error = odavl.QuotaExceededError("tests: 20 of 20 are used")
    error.meter, error.limit, error.hint = "tests", 20, "a larger plan has more"
    there = pickle.loads(pickle.dumps(error))
    assert (str(there), there.meter, there.limit, there.hint) == (str(error), "tests", 20, error.hint)


def test_everything_that_is_said_to_be_there_is() -> None:
    assert all(getattr(odavl, name) is not None for name in odavl.__all__)
    assert set(odavl.__all__) <= set(dir(odavl))
    with pytest.raises(AttributeError):
        _ = odavl.nothing
