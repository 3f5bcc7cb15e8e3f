"""The embedded store: the shared suite, and what a disk can do to it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from market.cid import CHUNK_BYTES, cid_of
from market.errors import StoreError, UnavailableError, UpdateError
from market.store import FolderStore
from market.store.folder import STALE_SECONDS

from .suite import StoreSuite, child, read

NAME = cid_of(b"object")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"folder:{tmp_path / 'store'}"


@pytest.fixture
def store(url: str) -> FolderStore:
    return FolderStore(url.removeprefix("folder:"))


def place(store: FolderStore, cid: str) -> Path:
    return store.path / "objects" / cid[-2:] / cid


class TestFolderStore(StoreSuite):
    """The shared suite on a folder."""


@pytest.mark.parametrize("size", [1000, 2 * CHUNK_BYTES])
def test_get_bit_flipped_on_disk__refuses_e110_and_put_repairs(store: FolderStore, size: int) -> None:
    data = os.urandom(size)
    cid = store.put(data)
    place(store, cid).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    got: list[bytes] = []
    with pytest.raises(UpdateError, match=f"E110 CID mismatch: computed ba.*, expected {cid}"):
        got.extend(store.get(cid, size, exact=True))
    assert sum(map(len, got)) < size
    assert store.put(data) == cid
    assert read(store, cid, size) == data


def test_get_truncated_on_disk__refuses(store: FolderStore) -> None:
    cid = store.put(b"whole object")
    place(store, cid).write_bytes(b"whole")
    with pytest.raises(UpdateError, match="E110"):
        read(store, cid, 12)
    with pytest.raises(UpdateError, match="E101 length: got 5 bytes, expected 12"):
        read(store, cid, 12, exact=True)


def test_get_longer_on_disk__stops_at_the_limit(store: FolderStore) -> None:
    cid = store.put(b"object")
    with place(store, cid).open("ab") as file:
        file.truncate(10 << 30)  # ten sparse gigabytes
    began = time.monotonic()
    with pytest.raises(UpdateError, match="E101 length: got more than 6 bytes"):
        read(store, cid, 6)
    assert time.monotonic() - began < 1


def test_get_object_is_a_link_or_folder__refuses_e143(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"object")
    place(store, NAME).parent.mkdir()
    place(store, NAME).symlink_to(tmp_path / "elsewhere")
    assert not store.has(NAME)
    with pytest.raises(UnavailableError, match="not a regular file"):
        read(store, NAME)
    place(store, NAME).unlink()
    place(store, NAME).mkdir()
    assert not store.has(NAME)
    with pytest.raises(UnavailableError, match="not a regular file"):
        read(store, NAME)


def test_put_while_others_read__readers_always_see_the_whole_object(store: FolderStore) -> None:
    data = os.urandom(CHUNK_BYTES + 1)
    cid = store.put(data)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            store.put(data)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert all(read(store, cid, len(data), exact=True) == data for _ in range(50))
    finally:
        stop.set()
        writer.join()


def test_unpin__deletes_and_put_brings_back(store: FolderStore) -> None:
    store.put(b"object")
    store.unpin(NAME)
    assert not store.has(NAME)
    assert store.put(b"object") == NAME
    assert store.has(NAME)


def test_put_after_success_and_failure__leaves_no_temporary_file(store: FolderStore) -> None:
    store.put(b"object")
    with pytest.raises(ZeroDivisionError):
        store.put(bytes([1 // zero]) for zero in (1, 0))
    assert not store.has(cid_of(b"\x01"))
    assert list((store.path / "incoming").iterdir()) == []


@pytest.mark.parametrize(("age", "left"), [(STALE_SECONDS - 60, 1), (STALE_SECONDS + 60, 0)])
def test_open_part_of_killed_writer__is_removed_once_stale(store: FolderStore, age: int, left: int) -> None:
    part = store.path / "incoming" / ".dead.part"
    part.write_bytes(b"half")
    then = time.time() - age
    os.utime(part, (then, then))
    FolderStore(store.path)
    assert len(list((store.path / "incoming").iterdir())) == left


def test_put_file_size_limit_reached__refuses_e150_and_leaves_nothing(store: FolderStore, url: str) -> None:
    program = (
        "import resource\n"
        "from market.errors import StoreError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: store.put([piece, piece])\n"
        "except StoreError as error: print(error)"
    )
    printed = child(url, program).communicate(timeout=60)[0]
    assert printed.startswith("E150 no space: need more than 70000 bytes, have ")
    assert [path for path in store.path.rglob("*") if path.is_file()] == []


def test_open_path_is_a_file__refuses_e144(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"E144 bad store: folder .*file"):
        FolderStore(tmp_path / "file")


def test_put_folder_removed_meanwhile__refuses_e144(store: FolderStore) -> None:
    (store.path / "incoming").rmdir()
    with pytest.raises(StoreError, match=r"E144 bad store: .*No such file"):
        store.put(b"object")
