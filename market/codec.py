"""Update and model files: plain big-endian integers, checked leaf by leaf while they stream past.

An update (or delta) is int16, a model int32, both of `d_pad` coefficients: `d` of the project, then zeros up
to a multiple of 1,024. No header. A file is right iff its length, its padding and its Merkle root are.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import numpy as np
from numpy.typing import NDArray

from market.errors import UpdateError
from market.merkle import Hash, TreeBuilder, depth_for, leaf_hash

LEAF: Final = 1024
"""Coefficients in a leaf."""
MAX_COEFFICIENTS: Final = 1 << 30

_BLOCK_LEAVES: Final = 256
"""Leaves read at once (512 KiB of an update): a power of two, so that each block is a subtree."""
_COMPILED_FROM: Final = 512
"""Files of fewer leaves are hashed without numba, whose import costs more than it saves."""

Chunks = Iterable[bytes]
Source = Path | str | Chunks


@dataclass(frozen=True)
class Kind:
    """What a file holds. `dtype` is big-endian."""

    name: Literal["update", "model"]
    dtype: np.dtype[Any]

    def leaf_bytes(self) -> int:
        """Bytes of one leaf of 1,024 coefficients."""
        return LEAF * self.dtype.itemsize

    def file_bytes(self, d: int) -> int:
        """Bytes of the file for `d` coefficients."""
        return padded(d) * self.dtype.itemsize


UPDATE: Final = Kind("update", np.dtype(">i2"))
MODEL: Final = Kind("model", np.dtype(">i4"))


def padded(d: int) -> int:
    """`d` coefficients rounded up to whole leaves."""
    return -(-d // LEAF) * LEAF


def leaves_of(d: int) -> int:
    """Leaves of a file of `d` coefficients."""
    return padded(d) // LEAF


def encode(values: NDArray[np.integer[Any]], kind: Kind) -> bytes:
    """Bytes of a file from `d` integers (one dimension; int16 for an update, int32 for a model).

    Raises UpdateError E121 for another shape and E122 for another dtype: no value is ever changed here.
    """
    if values.ndim != 1 or not 0 < values.size <= MAX_COEFFICIENTS:
        raise UpdateError(
            "E121", f"shape: got {values.shape}, expected (d,) with 1 <= d <= {MAX_COEFFICIENTS}"
        )
    if values.dtype.newbyteorder("=") != kind.dtype.newbyteorder("="):
        raise UpdateError("E122", f"dtype: got {values.dtype}, expected {kind.dtype.newbyteorder('=')}")
    tail = padded(values.size) - values.size
    return values.astype(kind.dtype).tobytes() + bytes(tail * kind.dtype.itemsize)


def decode(data: bytes, d: int, kind: Kind) -> NDArray[np.integer[Any]]:
    """The `d` integers (native byte order) of a file. Raises UpdateError E101, E111."""
    _check_length(len(data), kind.file_bytes(d), data)
    values = np.frombuffer(data, kind.dtype)
    _check_padding(data[d * kind.dtype.itemsize :], d * kind.dtype.itemsize)
    return values[:d].astype(kind.dtype.newbyteorder("="))


def update_root(data: bytes) -> Hash:
    """Merkle root of the bytes of an update (or delta) file."""
    return file_root([data], len(data) // UPDATE.dtype.itemsize, UPDATE)


def model_root(data: bytes) -> Hash:
    """Merkle root of the bytes of a model file."""
    return file_root([data], len(data) // MODEL.dtype.itemsize, MODEL)


def file_root(source: Source, d: int, kind: Kind) -> Hash:
    """Root of a file or a stream of byte chunks; memory is one block, whatever the length.

    Raises UpdateError E101 (length), E111 (padding), E130, E131 (path).
    """
    builder = RootBuilder(d, kind)
    for block in blocks(source, d, kind):
        builder.push(block)
    return builder.root()


def check_update_file(source: Source, d: int, root: Hash) -> None:
    """Refuse an update (or delta) file that is not the one with Merkle root `root`.

    Raises UpdateError E101 (length), E110 (root), E111 (padding), E130, E131 (path).
    """
    _check_file(source, d, root, UPDATE)


def check_model_file(source: Source, d: int, root: Hash) -> None:
    """Refuse a model file that is not the one with Merkle root `root`; errors as for updates."""
    _check_file(source, d, root, MODEL)


def check_root(computed: Hash, expected: Hash) -> None:
    """Raises UpdateError E110 unless both roots are equal."""
    if computed != expected:
        raise UpdateError("E110", f"root mismatch: computed 0x{computed.hex()}, expected 0x{expected.hex()}")


def blocks(source: Source, d: int, kind: Kind, leaves: int = _BLOCK_LEAVES) -> Iterator[bytes]:
    """Blocks of `leaves` whole leaves (the last may be shorter) of a file of exactly the right length.

    Reads at most one byte more than the length. Raises UpdateError E101, E111, E130, E131.
    """
    if isinstance(source, str | Path):
        with open_regular(Path(source)) as file:
            yield from _cut(iter(lambda: file.read(1 << 19), b""), d, kind, leaves)
    else:
        yield from _cut(source, d, kind, leaves)


class RootBuilder:
    """Merkle root of a file whose blocks (as `blocks` gives them) are pushed in order."""

    def __init__(self, d: int, kind: Kind) -> None:
        self._kind = kind
        self._tree = TreeBuilder(depth_for(leaves_of(d)))
        self._compiled = leaves_of(d) >= _COMPILED_FROM
        self._leaves = 0

    def push(self, block: bytes) -> None:
        """Append whole leaves; blocks of 2^k leaves must be aligned, only the last may be any number."""
        size = self._kind.leaf_bytes()
        count = len(block) // size
        if self._compiled and count & (count - 1) == 0 and self._leaves % count == 0:
            # Imported here: numba is slow to load and small projects never need it.
            from market.bulk import leaf_hashes, root_of_rows

            hashes = leaf_hashes(self._leaves, np.frombuffer(block, np.uint8).reshape(count, size))
            level = count.bit_length() - 1
            self._tree.push(root_of_rows(hashes, level), level)
        else:
            for k in range(count):
                self._tree.push(leaf_hash(self._leaves + k, block[k * size : (k + 1) * size]))
        self._leaves += count

    def root(self) -> Hash:
        """The root of what was pushed, absent leaves after it."""
        return self._tree.root()


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a plain file for reading: no link, FIFO or device, and not changed while it is open.

    Raises UpdateError E130 (not a regular file), E131 (changed during the read), E132 (bad path).
    """
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer before it is refused.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (ValueError, UnicodeError) as error:
        raise UpdateError("E132", f"bad path: {error}") from error
    except OSError as error:
        raise UpdateError("E130", f"not a regular file: {path}: {error.strerror}") from error
    before = os.fstat(handle)
    if not stat.S_ISREG(before.st_mode):
        os.close(handle)
        raise UpdateError("E130", f"not a regular file: {path}")
    with os.fdopen(handle, "rb") as file:
        yield file
        after = os.fstat(handle)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise UpdateError("E131", f"file changed during read: {path}")


def _check_file(source: Source, d: int, root: Hash, kind: Kind) -> None:
    check_root(file_root(source, d, kind), root)


def _cut(chunks: Chunks, d: int, kind: Kind, leaves: int) -> Iterator[bytes]:
    """Re-cut chunks of any size into blocks of leaves, checking length and padding on the way."""
    expected, size = kind.file_bytes(d), leaves * kind.leaf_bytes()
    data_bytes = d * kind.dtype.itemsize
    buffer, got, done, start = bytearray(), 0, 0, b""
    for chunk in chunks:
        got += len(chunk)
        start = start or bytes(chunk[:4])
        if got > expected:
            _check_length(got, expected, start)
        buffer += chunk
        while len(buffer) >= size:
            block = bytes(buffer[:size])
            del buffer[:size]
            _check_padding(block[max(0, data_bytes - done) :], max(data_bytes, done))
            done += size
            yield block
    _check_length(got, expected, start)
    if buffer:
        _check_padding(bytes(buffer[max(0, data_bytes - done) :]), max(data_bytes, done))
        yield bytes(buffer)


def _check_length(got: int, expected: int, start: bytes) -> None:
    if got == expected:
        return
    hint = ""
    if start[:2] in (b"PK", b"\x1f\x8b", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        hint = '; looks like a PyTorch, pickle or zip file; use "encode"'
    count = f"more than {expected} bytes" if got > expected else f"{got} bytes, expected {expected}"
    raise UpdateError("E101", f"length: got {count}{hint}")


def _check_padding(tail: bytes, offset: int) -> None:
    rest = tail.lstrip(b"\0")
    if rest:
        raise UpdateError("E111", f"padding: byte {offset + len(tail) - len(rest)} is {rest[0]}, expected 0")
