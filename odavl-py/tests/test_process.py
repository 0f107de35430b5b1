"""What happens to the process: Ctrl-C, cancelled tasks, forks, the interpreter's end, several threads and loops."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import odavl
import pytest
from conftest import CONFIG


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a database that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgres://odavl:odavl@127.0.0.1:{server.getsockname()[1]}/odavl"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[odavl.Odavl]:
    with odavl.Odavl.open(CONFIG, data=tmp_path / "here") as db:
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        yield db


def run(program: str, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_ctrl_c_stops_a_long_call_at_once(silent: str, tmp_path: Path) -> None:
    program = """if True:
        import sys, odavl
        print("waiting", flush=True)
        odavl.Odavl.open(database=sys.argv[1], data=sys.argv[2])
    """
    command = [sys.executable, "-c", program, silent, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "waiting\n"
        time.sleep(0.2)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        assert "KeyboardInterrupt" in said and child.returncode in (-signal.SIGINT, 130)
        assert time.monotonic() - began < 2


def test_a_signal_s_handler_that_raises_ends_the_call(silent: str, tmp_path: Path) -> None:
    def ring(*_: object) -> None:
        raise TimeoutError("it rang")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(TimeoutError, match="it rang"):
            odavl.Odavl.open(database=silent, data=tmp_path)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_signal_s_handler_can_wait_for_what_the_call_holds(tmp_path: Path) -> None:
    program = """if True:
        import signal, sys, odavl
        db = odavl.Odavl.open(data=sys.argv[1])
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        me = db.system("acme")
        def ring(*_):
            me.usage.consume("autopilot_runs")
            db.close()
            sys.exit(7)
        me.usage.consume("autopilot_runs")
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        while True:
            me.storage.put("large", bytes(32 << 20))
    """
    ended = run(program, str(tmp_path / "data"))
    assert ended.returncode == 7, ended.stderr


def test_a_task_that_is_cancelled_ends_its_call(silent: str, tmp_path: Path) -> None:
    async def main() -> None:
        opening = asyncio.ensure_future(_open(silent, tmp_path))
        await asyncio.sleep(0.05)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 2


async def _open(database: str, data: Path) -> odavl.AsyncOdavl:
    return await odavl.AsyncOdavl.open(database=database, data=data)


def test_a_call_is_made_once(here: odavl.Odavl) -> None:
    call = here.system("acme").usage._core.read()
    call.wait()
    with pytest.raises(odavl.InvalidInputError):
        call.wait()


def test_the_interpreter_runs_while_a_call_waits(silent: str, tmp_path: Path) -> None:
    ticks = 0

    def wait() -> None:
        with pytest.raises(TimeoutError):
            odavl.Odavl.open(database=silent, data=tmp_path)

    def ring(*_: object) -> None:
        raise TimeoutError

    def tick() -> None:
        nonlocal ticks
        while not done.wait(0.001):
            ticks += 1

    done = threading.Event()
    ticking = threading.Thread(target=tick)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        ticking.start()
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        wait()
    finally:
        signal.signal(signal.SIGALRM, before)
        done.set()
        ticking.join()
    assert ticks > 20


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_is_refused_what_its_parent_opened_and_can_open_its_own(here: odavl.Odavl, tmp_path: Path) -> None:
    me = here.system("acme")
    me.usage.consume("tests")
    context = multiprocessing.get_context("fork")
    says, tells = context.Pipe()

    def child() -> None:
        nonlocal me
        said: list[bool] = []
        acts: list[Callable[[], object]] = [
            lambda: me.usage.consume("tests"),
            lambda: here.system("acme"),
            lambda: asyncio.run(_system(here)),
        ]
        for act in acts:
            try:
                act()
            except odavl.UnsupportedError as error:
                said.append("fork" in str(error))
        del me
        with odavl.Odavl.open(CONFIG, data=tmp_path / "here") as own:
            own.system("acme").usage.consume("tests")
            asyncio.run(_consume(tmp_path / "here"))
        tells.send(said)

    process = context.Process(target=child)
    process.start()
    assert says.poll(30) and says.recv() == [True, True, True]
    process.join(30)
    assert process.exitcode == 0
    assert me.usage.consume("tests").used == 4


async def _system(db: odavl.Odavl) -> object:
    return await db._core.system("acme")


async def _consume(data: Path) -> None:
    async with odavl.AsyncOdavl.open(CONFIG, data=data) as db:
        await (await db.system("acme")).usage.consume("tests")


def test_a_process_that_imported_it_again_forks() -> None:
    program = """if True:
        import odavl, os, sys
        for name in [name for name in sys.modules if name.split(".")[0] == "odavl"]:
            del sys.modules[name]
        import odavl
        child = os.fork()
        if child == 0:
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run(program).stdout == "7\n"


def test_a_child_that_ends_without_a_word_leaves_the_parent_s_database_alone(here: odavl.Odavl) -> None:
    me = here.system("acme")
    me.usage.consume("tests")
    for _ in range(5):
        child = subprocess.run([sys.executable, "-c", ""], check=True)
        assert child.returncode == 0
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    assert me.usage.consume("tests").used == 2


END = """if True:
    import asyncio, sys, threading, odavl
    db = odavl.Odavl.open(data=sys.argv[1])
    db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
    me = db.system("acme")
    async def consume():
        async with odavl.AsyncOdavl.open(data=sys.argv[1]) as there:
            session = await there.system("acme")
            while True:
                await session.usage.consume("autopilot_runs", 0)
                began.set()
    def work():
        while True:
            me.usage.consume("autopilot_runs", 0)
            began.set()
"""


@pytest.mark.parametrize("target", ["work", "lambda: asyncio.run(consume())"])
@pytest.mark.parametrize("closes", ["", "db.close()"])
def test_the_interpreter_ends_in_the_middle_of_calls(tmp_path: Path, target: str, closes: str) -> None:
    program = END + f"""
    threading.excepthook = lambda args: None
    began = threading.Event()
    for _ in range(4):
        threading.Thread(target={target}, daemon=True).start()
    began.wait()
    {closes}
    """
    ended = run(program, str(tmp_path / "data"))
    assert ended.returncode == 0, ended.stderr


def test_what_is_awaited_when_the_interpreter_ends_is_refused(tmp_path: Path) -> None:
    program = """if True:
        import atexit, sys
        def late():
            try:
                asyncio.run(consume())
            except odavl.UnsupportedError as error:
                print(error)
        # They are called the last one first.
        atexit.register(late)
        import asyncio, odavl
        db = odavl.Odavl.open(data=sys.argv[1])
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        me = odavl.AsyncSession(db.system("acme")._core)
        async def consume():
            await me.usage.consume("autopilot_runs")
        asyncio.run(consume())
    """
    ended = run(program, str(tmp_path / "data"))
    assert (ended.returncode, ended.stdout) == (0, "the interpreter is about to end\n"), ended.stderr


def test_what_is_settled_when_the_interpreter_ends_is_settled(tmp_path: Path) -> None:
    program = """if True:
        import asyncio, sys, odavl
        db = odavl.Odavl.open(data=sys.argv[1])
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        me = odavl.AsyncSession(db.system("acme")._core)
        async def main():
            async with me.usage.reserve("autopilot_runs"):
                asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            pass
    """
    ended = run(program, str(tmp_path / "data"))
    assert ended.returncode == 0, ended.stderr
    with odavl.Odavl.open(data=tmp_path / "data") as db:
        assert [dict(entry.charges) for entry in db.system("acme").usage.ledger()] == [{"autopilot_runs": 1}]


def test_a_session_is_used_by_several_threads_and_loops_at_once(tmp_path: Path) -> None:
    async def some(session: odavl.AsyncSession) -> None:
        await asyncio.gather(*(session.usage.consume("calls") for _ in range(25)))

    async def main() -> tuple[odavl.AsyncOdavl, odavl.AsyncSession]:
        db = await odavl.AsyncOdavl.open(CONFIG, data=tmp_path)
        await db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        return db, await db.system("acme")

    db, session = asyncio.run(main())
    threads = [threading.Thread(target=lambda: asyncio.run(some(session))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asyncio.run(session.usage.consume("calls", 0)).used == 200
    asyncio.run(db.close())


def test_what_was_answered_before_the_process_was_killed_is_there(tmp_path: Path) -> None:
    program = """if True:
        import os, signal, sys, odavl
        db = odavl.Odavl.open(data=sys.argv[1])
        db.set_up(email="ada@example.com", password="correct horse battery", org="acme")
        print(db.system("acme").usage.consume("autopilot_runs").used, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = run(program, str(tmp_path / "data"))
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "1\n")
    with odavl.Odavl.open(data=tmp_path / "data") as db:
        assert db.system("acme").usage.consume("autopilot_runs", 0).used == 1
