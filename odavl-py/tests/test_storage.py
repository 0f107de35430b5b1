"""Objects through every door: bytes, paths, files and iterators in; bytes, pieces and files out."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import odavl
import pytest

MIB = 1 << 20


def held(me: Any) -> int:
    """What counts as stored now."""
    used: int = {limit.meter: limit.used for limit in me.usage.read().limits}["bytes"]
    return used


def test_bytes_are_stored_and_read_back(me: Any) -> None:
    put = me.storage.put("reports/a.txt", b"all is well", content_type="text/plain")
    assert (put.name, put.size, put.content_type) == ("reports/a.txt", 11, "text/plain")
    assert put.checksum == f"sha256:{hashlib.sha256(b'all is well').hexdigest()}"
    with me.storage.get("reports/a.txt") as download:
        assert download.object == put and download.size == 11
        assert download.read(3) == b"all"
        assert download.read() == b" is well"
        assert download.read() == b"" and download.read(5) == b""
    assert held(me) == 11


@pytest.mark.embedded("bytes that were sent by a URL count until it has expired")
def test_everything_that_gives_bytes_is_taken(db: Any, me: Any, tmp_path: Path) -> None:
    content = bytes(range(256)) * 8000
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("rb") as file:
        for data in [
            content,
            bytearray(content),
            memoryview(content),
            path,
            file,
            io.BytesIO(content),
            [content[:1000], b"", content[1000:]],
            (content[at : at + 4096] for at in range(0, len(content), 4096)),
            iter([memoryview(content)]),
        ]:
            assert me.storage.put("x", data).size == len(content)
            assert me.storage.get("x").read() == content
    db.sweep()
    assert held(me) == len(content) and me.storage.stats().objects == 1


def test_nothing_is_an_object_too(me: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for data in [b"", tmp_path / "empty", io.BytesIO(), []]:
        assert me.storage.put("nothing", data).size == 0
        assert me.storage.get("nothing").read() == b""
    assert list(me.storage.get("nothing")) == []


def test_pieces_come_as_they_are_read_and_go_to_a_file(me: Any, tmp_path: Path) -> None:
    content = b"0123456789abcdef" * (3 * MIB // 16)
    me.storage.put("big", content)
    pieces = list(me.storage.get("big"))
    assert len(pieces) > 2 and b"".join(pieces) == content
    to = tmp_path / "to"
    to.write_bytes(b"before")
    download = me.storage.get("big")
    assert download.read(5) == b"01234"
    assert download.save(to) == len(content) - 5 and to.read_bytes() == content[5:]
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []
    for nowhere in [tmp_path / "no" / "such" / "folder", to / "below", tmp_path, tmp_path / ("n" * 300), ""]:
        with pytest.raises(odavl.InvalidInputError, match="cannot be written"):
            me.storage.get("big").save(nowhere)


@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 7])
def test_a_large_object_is_read_whole(me: Any, size: int) -> None:
    content = (b"0123456789abcde" * (size // 15 + 1))[:size]
    me.storage.put("large", content)
    assert me.storage.get("large").read() == content
    download = me.storage.get("large")
    assert download.read(11) == content[:11]
    assert download.read() == content[11:]
    assert download.read() == b""


def test_a_large_object_is_in_memory_once(me: Any) -> None:
    me.storage.put("large", bytes(32 * MIB))
    tracemalloc.start()
    try:
        read = me.storage.get("large").read()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(read) == 32 * MIB and most < 48 * MIB


def test_a_range_is_what_a_slice_takes(me: Any) -> None:
    me.storage.put("x", b"0123456789")
    for start, end, taken in [(2, 5, b"234"), (7, None, b"789"), (-3, None, b"789"), (None, 2, b"01"), (0, 99, None)]:
        download = me.storage.get("x", start=start, end=end)
        assert download.read() == (b"0123456789" if taken is None else taken)
    for start, end in [(5, 5), (5, 2), (99, None), (-3, -1), (0, -1), (0, 0)]:
        with pytest.raises(odavl.InvalidInputError):
            me.storage.get("x", start=start, end=end)


def test_create_refuses_to_replace(me: Any) -> None:
    me.storage.put("x", b"one", mode="create")
    for data in [b"two", [b"two"]]:
        with pytest.raises(odavl.PreconditionFailedError):
            me.storage.put("x", data, mode="create")
    assert me.storage.get("x").read() == b"one" and held(me) == 3


def test_lists_go_into_folders_or_not(me: Any) -> None:
    for name in ["a/1", "a/2", "b", "ä/文件"]:
        me.storage.put(name, b"x")
    assert [entry.name for entry in me.storage.list()] == ["a/1", "a/2", "b", "ä/文件"]
    folders = me.storage.list(delimiter="/", limit=2)
    assert [(entry.name, entry.object is None) for entry in folders] == [("a/", True), ("b", False)]
    rest = me.storage.list(delimiter="/", cursor=folders.next_cursor)
    assert [entry.name for entry in rest] == ["ä/"]
    assert [entry.object.size for entry in me.storage.list("a/")] == [1, 1]


@pytest.mark.embedded("bytes that were sent by a URL count until it has expired")
def test_what_is_deleted_counts_no_longer(me: Any) -> None:
    me.storage.put("x", b"12345")
    assert me.storage.delete("x").object.size == 5
    assert held(me) == 0 and me.storage.stats() == odavl.StorageStats(0, 0, 0)
    for act in [me.storage.delete, me.storage.get, me.storage.download_url]:
        with pytest.raises(odavl.NotFoundError):
            act("x")


def test_a_url_is_not_shown(me: Any) -> None:
    me.storage.put("x", b"12345")
    url = me.storage.download_url("x")
    assert url.method == "GET" and url.url.startswith("http")
    assert url.url not in repr(url) and url.url not in url._repr_html_()


@pytest.mark.embedded("a service is asked when all of the data is there")
def test_a_full_organisation_is_refused_before_and_while_bytes_come(me: Any) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += MIB
            yield bytes(MIB)

    with pytest.raises(odavl.QuotaExceededError):
        me.storage.put("x", endless(), size=65_000_000)
    assert read <= 4 * MIB
    read = 0
    with pytest.raises(odavl.QuotaExceededError) as refused:
        me.storage.put("x", endless())
    assert refused.value.meter == "bytes" and read < 80 * MIB
    assert held(me) == 0 and me.storage.stats().objects == 0


class Failing:
    """A file that breaks in its middle."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.reads = 0

    def read(self, _: int) -> bytes:
        self.reads += 1
        if self.reads > 2:
            raise self.error
        return bytes(MIB)


def test_data_that_raises_leaves_nothing_and_is_named_as_the_cause(me: Any) -> None:
    def gives() -> Iterator[bytes]:
        yield bytes(MIB)
        raise LookupError("gone")

    def turns() -> Iterator[Any]:
        yield bytes(MIB)
        yield "text"

    me.storage.put("x", b"before")
    for data, cause in [(Failing(OSError("disk")), OSError), (gives(), LookupError)]:
        with pytest.raises(odavl.InvalidInputError) as refused:
            me.storage.put("x", data)
        assert isinstance(refused.value.__cause__, cause) and "broke off" in str(refused.value)
    with pytest.raises(TypeError, match="argument 'data'"):
        me.storage.put("x", turns())
    with pytest.raises(KeyboardInterrupt):
        me.storage.put("x", iter_raising(KeyboardInterrupt()))
    assert me.storage.get("x").read() == b"before" and held(me) == 6


def iter_raising(error: BaseException) -> Iterator[bytes]:
    yield bytes(MIB)
    raise error


@pytest.mark.embedded("bytes that were sent by a URL count until it has expired")
def test_data_that_lies_about_itself_is_refused(me: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    wrong = hashlib.sha256(b"other").hexdigest()
    right = hashlib.sha256(b"12345").hexdigest()
    lies: list[dict[str, Any]] = [
        {"size": 4},
        {"size": 6},
        {"size": 0},
        {"sha256": wrong},
        {"size": 5, "sha256": wrong},
    ]
    sources: list[Callable[[], Any]] = [
        lambda: b"12345",
        lambda: path,
        lambda: io.BytesIO(b"12345"),
        lambda: iter([b"123", b"45"]),
    ]
    for source in sources:
        for said in lies:
            with pytest.raises(odavl.InvalidInputError):
                me.storage.put("x", source(), **said)
        assert me.storage.put("right", source(), size=5, sha256=right, mode="create").size == 5
        me.storage.delete("right")
    assert held(me) == 0


class Reads:
    """A file whose reads give these."""

    def __init__(self, *answers: object) -> None:
        self._answers = iter(answers)

    def read(self, _: int) -> object:
        return next(self._answers)


def test_a_file_that_does_not_wait_for_its_bytes_is_not_taken_for_a_shorter_one(me: Any) -> None:
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    os.write(writes, b"first half")
    with os.fdopen(writes, "wb"), os.fdopen(reads, "rb", buffering=0) as pipe:
        for file in [pipe, Reads(b"first half", None, b"second half", b"")]:
            with pytest.raises(odavl.InvalidInputError, match="no bytes now") as refused:
                me.storage.put("x", file)
            assert refused.value.hint is not None and "set_blocking" in refused.value.hint
    assert me.storage.list().items == ()
    assert me.storage.put("x", Reads(b"first half", bytearray(b", second half"), bytearray())).size == 23


def test_a_pipe_and_a_file_of_the_kernel_s_are_stored_whole(me: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=lambda: pipe.write_bytes(b"12345"))
    writing.start()
    assert me.storage.put("pipe", pipe, size=5).size == 5
    writing.join()
    shown = Path("/proc/version")
    if shown.exists():
        me.storage.put("shown", shown)
        assert me.storage.get("shown").read() == shown.read_bytes()


def test_a_generator_of_which_no_more_is_wanted_is_closed_at_once(me: Any) -> None:
    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield bytes(1000)
        finally:
            closed.append("endless")

    closed: list[str] = []
    # It is kept, so that nothing but the put can have closed it.
    source = endless()
    with pytest.raises(odavl.InvalidInputError):
        me.storage.put("x", source, size=5)
    assert closed == ["endless"]


def test_what_cannot_be_stored_is_said(me: Any, tmp_path: Path) -> None:
    for data in ["text", 7, None, object(), io.StringIO("text"), io.StringIO(""), Reads(0), Reads(b"1", ""), [b"", None]]:
        with pytest.raises(TypeError, match="argument 'data'"):
            me.storage.put("x", data)
    for path in [tmp_path, tmp_path / "nothing"]:
        with pytest.raises(odavl.InvalidInputError):
            me.storage.put("x", path)
    for name in ["", "a//b", "../a", "a\ud800", "a\0", ".odavl/x", "e\u0301"]:
        with pytest.raises(odavl.InvalidInputError):
            me.storage.put(name, b"")
        with pytest.raises(odavl.InvalidInputError):
            me.storage.put(name, [])
    wrong: list[dict[str, Any]] = [
        {"mode": "append"},
        {"content_type": "no type"},
        {"sha256": "abc"},
        {"size": -1},
        {"size": 2**70},
    ]
    for named in wrong:
        with pytest.raises(odavl.InvalidInputError):
            me.storage.put("x", b"", **named)
    with pytest.raises(TypeError, match="argument 'mode'"):
        me.storage.put("x", b"", mode=None)
    assert me.storage.list().items == ()


def test_memory_stays_bounded_both_ways(me: Any, tmp_path: Path) -> None:
    pieces = (bytes(MIB) for _ in range(48))
    tracemalloc.start()
    try:
        me.storage.put("big", pieces)
        assert sum(len(piece) for piece in me.storage.get("big")) == 48 * MIB
        me.storage.get("big").save(tmp_path / "big")
        assert tracemalloc.get_traced_memory()[1] < 12 * MIB
    finally:
        tracemalloc.stop()
    assert (tmp_path / "big").stat().st_size == 48 * MIB
