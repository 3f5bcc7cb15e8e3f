"""What every store must do; each implementation runs all of it (a `StoreSuite` with two fixtures)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from market.cid import CHUNK_BYTES, cid_of
from market.errors import FairtrainError, UnavailableError, UpdateError
from market.ports import Store

ROOT = Path(__file__).resolve().parent.parent.parent

# A child process: opens the store of its argument and runs its program with `store` and `piece` in hand.
CHILD = """
import os, sys
sys.path.insert(0, {root!r})
from market.store import open_store
store, piece = open_store(sys.argv[1]), b"seven b" * 10000
{program}
"""


def child(url: str, program: str) -> subprocess.Popen[str]:
    """Start a process with its own store object."""
    code = CHILD.format(root=str(ROOT), program=program)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, url], stdout=subprocess.PIPE, text=True
    )


def read(store: Store, cid: str, max_bytes: int = 1 << 20, exact: bool = False) -> bytes:
    return b"".join(store.get(cid, max_bytes, exact))


class StoreSuite:
    """Tests of the port; subclasses provide the fixtures `url` and `store`."""

    @pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1])
    def test_put_size_around_one_chunk__get_returns_the_bytes(self, store: Store, size: int) -> None:
        data = os.urandom(size)
        cid = store.put(data)
        assert cid == cid_of(data)
        assert read(store, cid, size, exact=True) == data

    def test_put_stream__same_cid_as_bytes(self, store: Store) -> None:
        data = os.urandom(3 * CHUNK_BYTES)
        assert store.put(iter([data[:5], b"", data[5:700_000], data[700_000:]])) == cid_of(data)

    def test_put_twice__is_harmless(self, store: Store) -> None:
        assert store.put(b"twice") == store.put(b"twice")
        assert read(store, cid_of(b"twice")) == b"twice"

    def test_put_source_fails__keeps_nothing(self, store: Store) -> None:
        data = os.urandom(2 * CHUNK_BYTES)

        def broken() -> Iterator[bytes]:
            yield data[:-1]
            raise UpdateError("E131", "file changed during read")

        with pytest.raises(UpdateError, match="E131"):
            store.put(broken())
        assert not store.has(cid_of(data))
        assert store.put(data) == cid_of(data)

    def test_put_file__same_cid_as_bytes(self, store: Store, tmp_path: Path) -> None:
        data = os.urandom(CHUNK_BYTES + 9)
        (tmp_path / "file").write_bytes(data)
        assert store.put_file(tmp_path / "file") == cid_of(data)
        assert read(store, cid_of(data)) == data

    @pytest.mark.parametrize("kind", ["link", "folder", "fifo", "/dev/zero"])
    def test_put_file_not_a_regular_file__refuses_e130(self, store: Store, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "object"
        if kind == "link":
            (tmp_path / "target").write_bytes(b"secret")
            path.symlink_to(tmp_path / "target")
        elif kind == "folder":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            path = Path(kind)
        with pytest.raises(UpdateError, match="E130 not a regular file"):
            store.put_file(path)

    @pytest.mark.parametrize(("spare", "passes"), [(-1, False), (0, True), (1, True)])
    def test_get_limit_around_length__only_enough_passes(
        self, store: Store, spare: int, passes: bool
    ) -> None:
        data = os.urandom(CHUNK_BYTES + 100)
        cid = store.put(data)
        if passes:
            assert read(store, cid, len(data) + spare) == data
        else:
            with pytest.raises(UpdateError, match=f"E101 length: got more than {len(data) + spare} bytes"):
                read(store, cid, len(data) + spare)

    @pytest.mark.parametrize("spare", [-1, 1])
    def test_get_exact_off_by_one__refuses_e101(self, store: Store, spare: int) -> None:
        cid = store.put(b"exact length")
        with pytest.raises(UpdateError, match="E101 length: got"):
            read(store, cid, 12 + spare, exact=True)

    @pytest.mark.parametrize("size", [5, CHUNK_BYTES + 5])
    def test_get_unknown_object__refuses_e143(self, store: Store, size: int) -> None:
        with pytest.raises(UnavailableError, match="E143 not available from 1 of 1 sources") as caught:
            read(store, cid_of(os.urandom(size)))
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("call", ["get", "has", "pin", "unpin"])
    @pytest.mark.parametrize(
        "text", ["", "Qm" + "a" * 44, "../../etc/passwd", "b" * 10_000, cid_of(b"") + "/x"]
    )
    def test_any_call_bad_cid__refuses_e140(self, store: Store, call: str, text: str) -> None:
        with pytest.raises(UpdateError, match="E140 bad CID"):
            list(store.get(text, 10)) if call == "get" else getattr(store, call)(text)

    def test_has__tells_kept_from_unknown(self, store: Store) -> None:
        data = os.urandom(CHUNK_BYTES + 1)
        assert not store.has(cid_of(data))
        store.put(data)
        assert store.has(cid_of(data))

    def test_pin_kept_object__is_harmless_and_unpin_too(self, store: Store) -> None:
        cid = store.put(os.urandom(100))
        store.pin(cid)
        store.unpin(cid)
        store.unpin(cid)

    def test_pin_unknown_object__refuses_e143(self, store: Store) -> None:
        with pytest.raises(UnavailableError, match="E143"):
            store.pin(cid_of(os.urandom(20)))

    def test_get_two_readers_at_once__do_not_disturb_each_other(self, store: Store) -> None:
        data = os.urandom(3 * CHUNK_BYTES)
        cid = store.put(data)
        first, second = store.get(cid, len(data)), store.get(cid, len(data))
        one, two = bytearray(next(first)), bytearray(next(second))
        one += b"".join(first)
        two += b"".join(second)
        assert one == two == data

    def test_put_same_object_in_threads__all_succeed(self, store: Store) -> None:
        data = os.urandom(2 * CHUNK_BYTES)
        results: list[str] = []
        threads = [threading.Thread(target=lambda: results.append(store.put(data))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [cid_of(data)] * 4
        assert read(store, cid_of(data)) == data

    def test_put_same_object_in_two_processes__both_succeed(self, store: Store, url: str) -> None:
        program = "for _ in range(10): print(store.put(piece * 40))"
        children = [child(url, program) for _ in range(2)]
        printed = [process.communicate(timeout=60)[0].split() for process in children]
        expected = cid_of(repeat(b"seven b" * 10_000, 40))
        assert printed == [[expected] * 10] * 2
        assert len(read(store, expected, 1 << 22)) == 2_800_000

    def test_put_process_killed_half_way__no_object_and_next_put_works(self, store: Store, url: str) -> None:
        program = "def half():\n    for _ in range(20): yield piece\n    os._exit(9)\nstore.put(half())"
        killed = child(url, program)
        killed.communicate(timeout=60)
        assert killed.returncode == 9
        cid = cid_of(repeat(b"seven b" * 10_000, 41))
        assert not store.has(cid)
        with pytest.raises(UnavailableError):
            read(store, cid, 1 << 22)
        assert store.put(repeat(b"seven b" * 10_000, 41)) == cid

    def test_errors__are_one_line_of_the_tree(self, store: Store) -> None:
        with pytest.raises(FairtrainError) as caught:
            store.pin(cid_of(os.urandom(20)))
        assert str(caught.value).startswith(caught.value.code)
        assert "\n" not in str(caught.value)
