"""The ``odavl`` command."""

from __future__ import annotations

import signal
import sys

from ._odavl import command

__all__ = ["main"]


def main() -> int:
    """Runs the command line; its exit code."""
    # The interpreter's handler would wait for the interpreter. What was ignored when the command began stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return command(["odavl", *sys.argv[1:]])
