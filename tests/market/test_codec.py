"""Update files: exact round trips, and the bad-input table (rows B01 to B22 that concern files)."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import codec
from market.codec import (
    MODEL,
    UPDATE,
    blocks,
    check_model_file,
    check_update_file,
    decode,
    encode,
    file_root,
    leaves_of,
    model_root,
    padded,
    update_root,
)
from market.errors import UpdateError
from market.merkle import depth_for, leaf_hash, root_of

D = 2500
VALUES = (np.arange(D) * 7919 % 65536 - 32768).astype(np.int16)
DATA = encode(VALUES, UPDATE)
ROOT = update_root(DATA)


def refused(code: str, text: str = "") -> pytest.RaisesExc[UpdateError]:
    return pytest.RaisesExc(UpdateError, match=f"^{code} .*{text}", check=lambda error: error.exit_code == 2)


@pytest.mark.parametrize(("d", "leaves"), [(1, 1), (1023, 1), (1024, 1), (1025, 2), (4810, 5)])
def test_padded__rounds_up_to_whole_leaves(d: int, leaves: int) -> None:
    assert (leaves_of(d), padded(d), UPDATE.file_bytes(d), MODEL.file_bytes(d)) == (
        leaves,
        1024 * leaves,
        2048 * leaves,
        4096 * leaves,
    )


def test_encode_every_int16__round_trips_exactly() -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    data = encode(every, UPDATE)

    assert data[:4] == b"\x80\x00\x80\x01"
    assert (decode(data, 65536, UPDATE) == every).all()


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=50))
def test_encode_a_model__round_trips_and_pads_with_zeros(values: list[int]) -> None:
    data = encode(np.array(values, np.int32), MODEL)

    assert decode(data, len(values), MODEL).tolist() == values
    assert len(data) == 4096
    assert not any(data[4 * len(values) :])


@pytest.mark.parametrize("values", [np.zeros((2, 2), np.int16), np.zeros(0, np.int16)])
def test_encode_another_shape__is_refused(values: np.ndarray) -> None:
    with refused("E121", "shape"):
        encode(values, UPDATE)


@pytest.mark.parametrize("dtype", [np.int32, np.uint16, np.int64, np.float32])
def test_encode_another_dtype__is_refused(dtype: type) -> None:
    with refused("E122", "expected int16"):
        encode(np.zeros(4, dtype), UPDATE)  # type: ignore[arg-type]


def test_file_root__is_that_of_the_leaves() -> None:
    leaves = [leaf_hash(k, DATA[2048 * k : 2048 * (k + 1)]) for k in range(3)]

    assert root_of(leaves, depth_for(3)) == ROOT


@pytest.mark.parametrize("d", [1024 * 600 - 3, 1024 * 512, 1024 * 511])
def test_file_root_compiled__equals_plain(d: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode((np.arange(d) % 251).astype(np.int16), UPDATE)
    expected = update_root(data)
    monkeypatch.setattr(codec, "_COMPILED_FROM", 1 << 40)

    assert update_root(data) == expected


@settings(max_examples=20)
@given(st.integers(1, 7000), st.integers(1, 8))
def test_blocks_of_any_chunks__are_the_file_again(chunk: int, leaves: int) -> None:
    chunks = (DATA[at : at + chunk] for at in range(0, len(DATA), chunk))
    parts = list(blocks(chunks, D, UPDATE, leaves))

    assert b"".join(parts) == DATA
    assert all(len(part) == 2048 * leaves for part in parts[:-1])


def test_check_update_file_right__passes_from_path_and_stream(tmp_path: Path) -> None:
    path = tmp_path / "update"
    path.write_bytes(DATA)

    check_update_file(path, D, ROOT)
    check_update_file([DATA[:5], DATA[5:]], D, ROOT)


def test_check_model_file__tells_models_apart() -> None:
    data = encode(np.arange(3, dtype=np.int32), MODEL)

    check_model_file([data], 3, model_root(data))
    with refused("E101"):
        check_update_file([data], 3, model_root(data))


@pytest.mark.parametrize("got", [0, 1, len(DATA) - 1])
def test_check_update_file_short__is_refused(got: int) -> None:
    with refused("E101", f"length: got {got} bytes, expected {len(DATA)}"):
        check_update_file([DATA[:got]], D, ROOT)


def test_check_update_file_one_byte_long__is_refused() -> None:
    with refused("E101", f"length: got more than {len(DATA)} bytes"):
        check_update_file([DATA, b"\0"], D, ROOT)


def test_check_update_file_endless__stops_reading_past_the_length() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1000
            yield bytes(1000)

    with refused("E101", "more than"):
        check_update_file(endless(), D, ROOT)
    assert taken <= len(DATA) + 1000


@pytest.mark.parametrize("magic", [b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\x80\x04\x95\x00"])
def test_check_update_file_of_an_archive__says_so_and_opens_nothing(magic: bytes) -> None:
    with refused("E101", "looks like a PyTorch, pickle or zip file"):
        check_update_file([magic + bytes(100)], D, ROOT)


@settings(max_examples=30)
@given(st.integers(0, 8 * 2 * D - 1))
def test_check_update_file_with_one_bit_flipped__is_refused(bit: int) -> None:
    data = bytearray(DATA)
    data[bit // 8] ^= 1 << bit % 8

    with refused("E110", f"root mismatch: computed 0x[0-9a-f]{{64}}, expected 0x{ROOT.hex()}"):
        check_update_file([bytes(data)], D, ROOT)


def test_check_update_file_with_leaves_swapped__is_refused() -> None:
    with refused("E110"):
        check_update_file([DATA[2048:4096] + DATA[:2048] + DATA[4096:]], D, ROOT)


@pytest.mark.parametrize("at", [2 * D, 2 * D + 1, len(DATA) - 1])
def test_check_update_file_with_padding__is_refused_even_under_its_own_root(at: int) -> None:
    data = bytearray(DATA)
    data[at] = 17
    own = update_root(bytes(data))

    with refused("E111", f"padding: byte {at} is 17, expected 0"):
        check_update_file([bytes(data)], D, own)
    with refused("E111"):
        decode(bytes(data), D, UPDATE)


def test_check_update_file_last_coefficient__is_no_padding() -> None:
    data = bytearray(DATA)
    data[2 * D - 1] = 17

    check_update_file([bytes(data)], D, update_root(bytes(data)))


@pytest.mark.parametrize("kind", ["missing", "folder", "link", "fifo", "device"])
def test_check_update_file_not_a_plain_file__is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "update"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        (tmp_path / "real").write_bytes(DATA)
        path.symlink_to(tmp_path / "real")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")

    with refused("E130", "not a regular file"):
        check_update_file(path, D, ROOT)


def test_check_update_file_with_a_bad_path__is_refused() -> None:
    with refused("E132", "bad path"):
        check_update_file(Path("a\0b"), D, ROOT)


def test_blocks_of_a_file_changed_meanwhile__are_refused(tmp_path: Path) -> None:
    path = tmp_path / "update"
    path.write_bytes(DATA)
    reading = blocks(path, D, UPDATE, 1)
    next(reading)
    path.write_bytes(DATA)
    os.utime(path, ns=(1, 1))

    with refused("E131", "changed"):
        list(reading)


@settings(max_examples=60)
@given(st.data())
def test_check_update_file_mutated__is_accepted_iff_equal(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["flip", "cut", "extend", "splice"]))
    at, size = data.draw(st.integers(0, len(DATA))), data.draw(st.integers(0, 3000))
    mutated = {
        "flip": DATA[:at] + bytes(255 - b for b in DATA[at : at + size]) + DATA[at + size :],
        "cut": DATA[:at],
        "extend": DATA + bytes(size),
        "splice": (DATA[:at] + DATA[at - size if at > size else 0 :])[: len(DATA)],
    }[kind]

    try:
        check_update_file([mutated], D, ROOT)
        accepted = True
    except UpdateError:
        accepted = False
    assert accepted == (mutated == DATA)


def test_file_root_of_an_empty_stream__is_refused() -> None:
    with refused("E101", "got 0 bytes"):
        file_root([], D, UPDATE)
