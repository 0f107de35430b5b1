"""The ``odavl`` command that the package brings."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import odavl
import pytest
from proxy import Proxy
from service import COMMAND, Service


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, env=environment, timeout=60)


def test_the_command_is_the_same_version_and_ends_as_the_binary_does(tmp_path: Path) -> None:
    assert run("--version").stdout == f"odavl {odavl.__version__}\n"
    wrong = run("nothing")
    assert wrong.returncode == 2 and "Usage: odavl" in wrong.stderr and wrong.stdout == ""
    home = {"HOME": str(tmp_path), "ODAVL_SERVER": "http://127.0.0.1:1"}
    assert run("whoami", **home).returncode == 4
    away = run("whoami", **home, ODAVL_API_KEY="odavl_live_nothing")
    assert away.returncode == 7 and "cannot be reached" in away.stderr


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_service_ends_when_it_is_told_to(tmp_path: Path, kind: signal.Signals) -> None:
    with Service(tmp_path / "data") as service:
        service.process.send_signal(kind)
        assert service.process.wait(timeout=30) == 0
    assert "stopping" in service.log[-1]


def test_ctrl_c_ends_a_command_that_waits(tmp_path: Path) -> None:
    with Proxy() as proxy, Service(tmp_path / "data") as service:
        proxy.port = service.port
        proxy.passes.clear()
        environment = {"HOME": str(tmp_path), "ODAVL_SERVER": proxy.url, "ODAVL_API_KEY": "odavl_live_nothing"}
        with subprocess.Popen([COMMAND, "whoami"], env=environment) as waiting:
            assert proxy.waits.wait(30)
            waiting.send_signal(signal.SIGINT)
            assert waiting.wait(timeout=30) == -signal.SIGINT
