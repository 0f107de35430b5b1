"""What the Python package costs, beside the library in a Rust program: `scripts/bench python` runs it.

Rust and Python take turns, round by round, on the same disk; figures are medians of the rounds, and so are ratios.

    figures.py ODAVL-BENCH WHEEL
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

import odavl

RUST, WHEEL = sys.argv[1:]
SECONDS = float(os.environ.get("ODAVL_BENCH_MILLISECONDS", "3000")) / 1000
ROUNDS, CALLERS, MEBIBYTES = 5, 64, 100
CONFIG = {
    "resources": ["work"],
    "meters": {"calls": {"kind": "sum"}},
    "plans": {
        "Bench": {"default": True, "limits": {"calls": [{"max": 9 * 10**12}, {"max": 10**8, "per": "1s"}]}},
    },
}


@contextmanager
def installation() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("ODAVL_BENCH_DIR", ".")) as folder:
        with odavl.Odavl.open(CONFIG, data=folder) as db:
            db.set_up(email="bench@example.com", password="correct horse battery", org="acme")
        yield Path(folder)


def rust(*args: object) -> list[list[float]]:
    environment = {**os.environ, "ODAVL_BENCH_MILLISECONDS": str(int(SECONDS * 1000))}
    said = subprocess.run([RUST, *map(str, args)], env=environment, capture_output=True, text=True, check=True)
    return [[float(number) for number in line.split()] for line in said.stdout.splitlines()]


def threads() -> float:
    def work() -> None:
        start.wait()
        count = 0
        while time.perf_counter() < until:
            me.usage.consume("calls")
            count += 1
        counts.append(count)

    with installation() as folder, odavl.Odavl.open(CONFIG, data=folder) as db:
        me = db.system("acme")
        start, counts, until = threading.Barrier(CALLERS + 1), list[int](), 0.0
        working = [threading.Thread(target=work) for _ in range(CALLERS)]
        for thread in working:
            thread.start()
        began = time.perf_counter()
        until = began + SECONDS
        start.wait()
        for thread in working:
            thread.join()
        return sum(counts) / (time.perf_counter() - began)


def tasks() -> float:
    async def main(folder: Path) -> float:
        async with odavl.AsyncOdavl.open(CONFIG, data=folder) as db:
            me = await db.system("acme")

            async def work(until: float) -> int:
                count = 0
                while time.perf_counter() < until:
                    await me.usage.consume("calls")
                    count += 1
                return count

            await asyncio.gather(*(work(time.perf_counter() + 0.5) for _ in range(CALLERS)))
            began = time.perf_counter()
            counts = await asyncio.gather(*(work(began + SECONDS) for _ in range(CALLERS)))
            return sum(counts) / (time.perf_counter() - began)

    with installation() as folder:
        return asyncio.run(main(folder))


def transfer() -> list[tuple[float, float]]:
    data, took = b"\7" * (MEBIBYTES << 20), []
    with installation() as folder, odavl.Odavl.open(CONFIG, data=folder) as db:
        storage = db.system("acme").storage
        for _ in range(5):
            began = time.perf_counter()
            storage.put("object", data)
            put = time.perf_counter()
            read = storage.get("object").read()
            took.append((put - began, time.perf_counter() - put))
            assert len(read) == len(data)
            del read
    return took


def bare_call() -> tuple[float, float, float]:
    """Seconds of a call that has nothing to do, closing what is closed: by a thread, by a task, and by a task without it."""
    times = 20_000
    with installation() as folder, odavl.Odavl.open(CONFIG, data=folder) as db:
        storage = db.system("acme").storage
        storage.put("object", b"1")
        download = storage.get("object")
        download.close()
        began = time.perf_counter()
        for _ in range(times):
            download.close()
        alone = (time.perf_counter() - began) / times

        async def floor() -> None:
            event_loop = asyncio.get_running_loop()
            future = event_loop.create_future()
            event_loop.call_soon(future.set_result, None)
            await future

        async def many(call: Callable[[], Coroutine[None, None, None]]) -> float:
            began = time.perf_counter()
            for _ in range(times // 64):
                await asyncio.gather(*(call() for _ in range(64)))
            return (time.perf_counter() - began) / (times // 64 * 64)

        return alone, asyncio.run(many(odavl.AsyncDownload(download._core).close)), asyncio.run(many(floor))


def importing() -> float:
    def took(program: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", program], check=True)
        return time.perf_counter() - began

    took("import odavl")
    return statistics.median(took("import odavl") - took("") for _ in range(20))


def beside(name: str, one: Callable[[], float], other: Callable[[], float], show: Callable[[float], str]) -> None:
    rounds = [(one(), other()) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
    ratio = statistics.median(python / in_rust for python, in_rust in rounds)
    print(f"| {name} | {show(mine)} | {show(theirs)} | {ratio:.2f} |", flush=True)


def main() -> None:
    print("| | Python | Rust | ratio |\n|---|--:|--:|--:|")

    def charges() -> float:
        return rust("consume", CALLERS)[0][0]

    beside(f"charges of {CALLERS} threads", threads, charges, lambda rate: f"{rate:,.0f}/s")
    beside(f"charges of {CALLERS} tasks", tasks, charges, lambda rate: f"{rate:,.0f}/s")
    for place, name in enumerate(["put", "get"]):

        def here(place: int = place) -> float:
            return statistics.median(each[place] for each in transfer())

        def there(place: int = place) -> float:
            return statistics.median(each[place] for each in rust("transfer", MEBIBYTES))

        beside(f"{name} of {MEBIBYTES} MiB", here, there, lambda seconds: f"{seconds * 1000:,.0f} ms")
    alone, together, floor = map(statistics.median, zip(*(bare_call() for _ in range(ROUNDS)), strict=True))
    print(f"| a call that has nothing to do, by a thread | {alone * 1e6:.1f} µs | | |")
    print(f"| the same by 64 tasks, each | {together * 1e6:.1f} µs | | |")
    print(f"| a future of asyncio's own by 64 tasks, each | {floor * 1e6:.1f} µs | | |")
    print(f"| `import odavl` | {importing() * 1000:.0f} ms | | |")
    print(f"| the wheel | {Path(WHEEL).stat().st_size / 2**20:.1f} MiB | | |")


main()
