"""Checked fetch into files, from several sources, and of files that users hand in (rows B01-B04, B18-B22)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from market.cid import CHUNK_BYTES, cid_of
from market.errors import UnavailableError, UpdateError
from market.fetch import exact_pieces, fetch_bytes, fetch_to_file, read_exact_file
from market.store import FolderStore

from .suite import child

DATA = b"fairtrain" * 100_000
CID = cid_of(DATA)


@pytest.fixture
def stores(tmp_path: Path) -> list[FolderStore]:
    """Three sources: an empty one, one with wrong bytes, one with the object."""
    empty, wrong, good = (FolderStore(tmp_path / name) for name in ("empty", "wrong", "good"))
    wrong.put(DATA)
    damage(wrong, DATA[:-1] + b"X")
    good.put(DATA)
    return [empty, wrong, good]


def damage(store: FolderStore, data: bytes) -> None:
    (store.path / "objects" / CID[-2:] / CID).write_bytes(data)


def test_fetch_to_file_third_source_has_it__file_is_whole(stores: list[FolderStore], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    fetch_to_file(stores, CID, len(DATA), out / "update")
    assert (out / "update").read_bytes() == DATA
    assert [path.name for path in out.iterdir()] == ["update"]


def test_fetch_to_file_older_file__is_replaced_only_by_a_whole_one(
    stores: list[FolderStore], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"older")
    with pytest.raises(UpdateError, match="E110"):
        fetch_to_file(stores[1], CID, len(DATA), out)
    assert out.read_bytes() == b"older"
    fetch_to_file(stores[2], CID, len(DATA), out)
    assert out.read_bytes() == DATA


@pytest.mark.parametrize(
    ("bytes_served", "expected"),
    [
        (b"", f"E101 length: got 0 bytes, expected {len(DATA)}"),
        (DATA[:-1], f"E101 length: got {len(DATA) - 1} bytes, expected {len(DATA)}"),
        (DATA + b"\0", f"E101 length: got more than {len(DATA)} bytes"),
        (b"\x01" + DATA[1:], "E110 CID mismatch: computed bafy"),
        (DATA[CHUNK_BYTES:] + DATA[:CHUNK_BYTES], "E110 CID mismatch: computed bafy"),
    ],
)
def test_fetch_to_file_wrong_object__refuses_and_leaves_nothing(
    stores: list[FolderStore], tmp_path: Path, bytes_served: bytes, expected: str
) -> None:
    damage(stores[1], bytes_served)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(UpdateError) as caught:
        fetch_to_file(stores[1], CID, len(DATA), out / "update")
    assert str(caught.value).startswith(expected)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("extra", [-1, 1])
def test_fetch_to_file_chain_names_another_length__refuses_e101(
    stores: list[FolderStore], tmp_path: Path, extra: int
) -> None:
    with pytest.raises(UpdateError, match="E101 length: got"):
        fetch_to_file(stores[2], CID, len(DATA) + extra, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_fetch_to_file_bad_cid__refuses_e140_before_any_source(tmp_path: Path) -> None:
    with pytest.raises(UpdateError, match="E140 bad CID"):
        fetch_to_file([], CID.upper(), 1, tmp_path / "out")


def test_fetch_to_file_folder_missing__is_an_error_of_the_caller(
    stores: list[FolderStore], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        fetch_to_file(stores[2], CID, len(DATA), tmp_path / "missing" / "out")


def test_fetch_bytes_nobody_has_it__names_each_source(stores: list[FolderStore]) -> None:
    with pytest.raises(UnavailableError) as caught:
        fetch_bytes(stores, cid_of(b"unknown"), 10)
    reasons = ", ".join(f"folder {store.path}: not here" for store in stores)
    assert str(caught.value) == f"E143 not available from 3 of 3 sources ({reasons})"


def test_fetch_bytes_absent_or_wrong__refuses_e143_with_both_reasons(stores: list[FolderStore]) -> None:
    with pytest.raises(
        UnavailableError, match=r"E143 .* 2 of 2 sources \(folder .*: not here, E110 CID mismatch"
    ):
        fetch_bytes(stores[:2], CID, len(DATA))


def test_fetch_bytes_all_wrong__refuses_e110(stores: list[FolderStore]) -> None:
    with pytest.raises(UpdateError, match="E110"):
        fetch_bytes([stores[1], stores[1]], CID, len(DATA))


@pytest.mark.parametrize(("spare", "passes"), [(-1, False), (0, True), (1, True)])
def test_fetch_bytes_limit_around_length__only_enough_passes(
    stores: list[FolderStore], spare: int, passes: bool
) -> None:
    if passes:
        assert fetch_bytes(stores[2], CID, len(DATA) + spare) == DATA
    else:
        with pytest.raises(UpdateError, match="E101 length: got more than"):
            fetch_bytes(stores[2], CID, len(DATA) + spare)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_read_exact_file_right_length__gives_the_bytes(tmp_path: Path, size: int) -> None:
    path = tmp_path / "update.bin"
    path.write_bytes(DATA[:size])
    assert read_exact_file(path, size) == DATA[:size]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "E101 length: got 0 bytes, expected 2048"),
        (2047, "E101 length: got 2047 bytes, expected 2048"),
        (2049, "E101 length: got more than 2048 bytes"),
        (10 << 30, "E101 length: got more than 2048 bytes"),
    ],
)
def test_read_exact_file_wrong_length__refuses_e101(tmp_path: Path, size: int, text: str) -> None:
    path = tmp_path / "update.bin"
    with path.open("wb") as file:
        file.truncate(size)
    with pytest.raises(UpdateError) as caught:
        read_exact_file(path, 2048)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("magic", "kind"),
    [
        (b"PK\x03\x04", "a PyTorch/zip file"),
        (b"\x80\x02}q", "a pickle"),
        (b"\x80\x05\x95", "a pickle"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"\x93NUMPY\x01", "a NumPy .npy file"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    ],
)
@pytest.mark.parametrize("size", [1000, 5000])
def test_read_exact_file_known_kind_of_file__refuses_e101_with_hint(
    tmp_path: Path, magic: bytes, kind: str, size: int
) -> None:
    path = tmp_path / "update.bin"
    path.write_bytes(magic + bytes(size - len(magic)))
    with pytest.raises(UpdateError, match=f"E101 length: got .*; looks like {kind}, but"):
        read_exact_file(path, 2048)


@pytest.mark.parametrize("kind", ["symbolic link", "dangling link", "directory", "FIFO", "socket", "device"])
def test_read_exact_file_not_a_regular_file__refuses_e130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    path = Path("/dev/zero") if kind == "device" else Path("object")
    if kind.endswith("link"):
        path.symlink_to("target" if kind == "dangling link" else "/dev/null")
    elif kind == "directory":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    with pytest.raises(UpdateError, match=rf"E130 not a regular file: '.*' is a .*{kind.split()[-1]}"):
        read_exact_file(path, 2048)


@pytest.mark.parametrize("change", ["append", "truncate", "rewrite"])
def test_exact_pieces_file_changes_while_read__refuses_e131_before_the_end(
    tmp_path: Path, change: str
) -> None:
    path = tmp_path / "update.bin"
    path.write_bytes(DATA)
    os.utime(path, (1, 1))  # so that a change of the same size shows whatever the clock's grain
    reader = exact_pieces(path, len(DATA))
    got = [next(reader)]
    with path.open("r+b") as file:
        if change == "truncate":
            file.truncate(CHUNK_BYTES + 1)
        else:
            file.seek(len(DATA) if change == "append" else 0)
            file.write(b"changed")
    with pytest.raises(UpdateError, match=r"E131 file changed during read: .*update.bin"):
        got.extend(reader)
    assert sum(map(len, got)) < len(DATA)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("update\0.bin", "NUL"),
        ("../update.bin", "goes through"),
        ("/tmp/../update.bin", "goes through"),
        ("u" * 5000, "name too long"),
        ("/u" * 2500, "name too long"),
        ("update\udcff.bin", "UTF-8"),
        ("missing.bin", "no such file"),
        ("missing/update.bin", "no such file"),
    ],
)
def test_read_exact_file_bad_path__refuses_e132(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UpdateError, match=f"E132 bad path: .*{reason}") as caught:
        read_exact_file(path, 2048)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


def test_read_exact_file_may_not_be_read__refuses_e132(tmp_path: Path) -> None:
    path = tmp_path / "update.bin"
    path.write_bytes(b"")
    path.chmod(0)
    if os.access(path, os.R_OK):
        path = tmp_path / "update.bin" / "below-a-file"  # root may read everything
    with pytest.raises(UpdateError, match=r"E132 bad path: .*(permission denied|not a directory)"):
        read_exact_file(path, 0)


def test_fetch_to_file_disk_full__refuses_e150_without_trying_others(tmp_path: Path) -> None:
    folder = FolderStore(tmp_path / "store")
    folder.put(DATA)
    program = (
        "import resource\n"
        "from market.errors import StoreError\n"
        "from market.fetch import fetch_to_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        f"try: fetch_to_file([store, store], {CID!r}, {len(DATA)}, {str(tmp_path / 'out')!r})\n"
        "except StoreError as error: print(error)"
    )
    printed = child(f"folder:{tmp_path / 'store'}", program).communicate(timeout=60)[0]
    assert printed.startswith(f"E150 no space: need {len(DATA)} bytes, have ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]
