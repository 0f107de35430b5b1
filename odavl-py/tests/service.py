"""A service of the tests' own: ``odavl serve``, by the command that the package brings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

COMMAND = Path(sys.executable).with_name("odavl")


def as_toml(value: Any) -> str:
    """A value as TOML writes it, inline."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {as_toml(of)}" for name, of in value.items()) + "}"
    return json.dumps(value)


class Service:
    """``odavl serve`` on loopback, on the installation in `data`, until it is stopped."""

    def __init__(
        self, data: Path, config: Mapping[str, Any] | Path = MappingProxyType({}), database: str | None = None
    ) -> None:
        file = config if isinstance(config, Path) else data.with_name(f"{data.name}.toml")
        if not isinstance(config, Path):
            file.write_text("".join(f"{name} = {as_toml(value)}\n" for name, value in config.items()))
        place = ["--data", str(data), "--config", str(file)]
        self.process = subprocess.Popen(
            [COMMAND, "serve", *place, "--listen", "127.0.0.1:0"],
            env={**os.environ, **({"ODAVL_DATABASE": database} if database else {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None and self.process.stderr is not None
        self.log = [line for line in [self.process.stderr.readline()] if line]
        """What it said."""
        assert "listening" in "".join(self.log), "".join([*self.log, *self.process.stderr])
        self.port = int(json.loads(self.log[0])["address"].rpartition(":")[2])
        self.url = self.process.stdout.readline().removeprefix("odavl is at ").strip()
        """Where people reach it."""
        self._reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr or []))
        self._reader.start()

    def stop(self) -> int:
        """Ends it as an operator does, unless it has ended; its exit code."""
        self.process.terminate()
        ended = self.process.wait(timeout=30)
        self._reader.join()
        for pipe in [self.process.stdout, self.process.stderr]:
            if pipe is not None:
                pipe.close()
        return ended

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
