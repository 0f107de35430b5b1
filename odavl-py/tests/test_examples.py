"""The examples of the package, run as a reader would."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import odavl
import pytest
from service import Service

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"


def run(example: str, *arguments: Path, folder: Path) -> str:
    command: list[str | Path] = [sys.executable, EXAMPLES / example, *arguments]
    environment = {**os.environ, "MPLBACKEND": "agg", "MPLCONFIGDIR": str(folder)}
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_quickstart_does_all_it_says_and_can_be_run_again(tmp_path: Path) -> None:
    for used in [2, 4]:
        said = run("quickstart.py", tmp_path / "data", folder=tmp_path)
        assert "key_" in said and " may pass" in said and "2 pages are well" in said
        assert "notes/hello.txt: hello" in said and "refused: revoked" in said
        with odavl.Odavl.open(data=tmp_path / "data") as db:
            limits = {limit.meter: limit.used for limit in db.system("acme").usage.read().limits}
            assert limits["guardian_tests"] == used


def test_the_notebook_plots_what_was_used(tmp_path: Path) -> None:
    assert run("notebook.py", folder=tmp_path) == "16 of 20 guardian tests are used, by nightly, on demand\n"
    assert (tmp_path / "usage.png").read_bytes().startswith(b"\x89PNG")


@contextmanager
def serving(**environment: str) -> Iterator[str]:
    """The example behind uvicorn, on a socket that is there already: it serves once it is told of."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        number = bound.fileno()
        uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES)]
        command = [*uvicorn, "fastapi_app:app", "--fd", str(number)]
        process = subprocess.Popen(command, env={**os.environ, **environment}, pass_fds=[number])
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/report"
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.mark.parametrize("where", ["embedded", "connected"])
def test_an_api_of_one_s_own_is_behind_the_limit_of_its_caller(tmp_path: Path, where: str) -> None:
    data = tmp_path / "data"
    with odavl.Odavl.open(data=data) as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        key = db.system("acme").keys.create("customer", ["insight:read"]).secret
        own = db.system("operator").keys.create("reports", ["gateway:write"]).secret
        assert key is not None and own is not None
    with Service(data) as service:
        asked = {"ODAVL_SERVER": service.url, "ODAVL_API_KEY": own}
        with serving(**(asked if where == "connected" else {"ODAVL_DATA": str(data)})) as url:
            assert httpx.get(url, timeout=60).status_code == 401
            answers = [httpx.get(url, headers={"authorization": f"Bearer {key}"}) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    assert answers[0].json()["report"].startswith("all is well at org_")
    assert answers[-1].json()["code"] == "quota_exceeded"
    assert all("ratelimit" in answer.headers for answer in answers)
